"""A job's lock: everything its model follows from, as text in git, so that a change of data or settings is a diff.

In: a job file and a workspace. Out: `FILE.lock` (YAML), and `moved`: which parts are other now, said with row counts
and the first new sha256. Never trains. Taking a lock freezes the rows as a snapshot; comparing writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from dataset.blobs import write_atomically
from dataset.errors import EmptyError, SettingsError, SnapshotError
from dataset.label_space import written_out
from dataset.settings import read_yaml
from dataset.snapshot import create_snapshot, fingerprint, items, list_snapshots, load_snapshot, read_meta
from dataset.taxonomy import taxonomy_of
from dataset.workspace import Workspace
from train import surroundings
from train.code_state import running
from train.job_file import Job, job_recipe, read_job

LOCK_FORMAT = 1
PARTS = ("data", "taxonomy", "recipe", "gate", "dependency", "code")
_HEAD = "# Written by `modiste job lock`; its diff is the change of data or settings. Don't edit.\n"


@dataclass(frozen=True)
class Moved:
    """One part that is other than locked, in words."""

    part: str
    what: str

    def line(self) -> str:
        return f"{self.part}: {self.what}"


@dataclass(frozen=True)
class Locked:
    """`path` is the lock; `changes` is what moved since the lock it replaces, `first` if there was none."""

    path: str
    snapshot: str
    rows: int
    first: bool
    changes: tuple[Moved, ...]

    def line(self) -> str:
        text = f"locked {self.path}: snapshot {self.snapshot}, {self.rows} rows"
        if self.first:
            return text
        return "\n".join([f"{text}; {len(self.changes)} parts moved", *(f"  {each.line()}" for each in self.changes)])


def lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def lock_job(ws: Workspace, path: Path) -> Locked:
    """Freeze the job's rows as a snapshot and write the lock. Raises SettingsError, SnapshotError, EmptyError."""
    job, place = read_job(path), lock_path(path)
    old = read_lock(path) if place.is_file() and not _conflict(place) else None
    now = resolved(ws, job, path)
    changes = tuple(moved(ws, old, now)) if old else ()
    if not job.snapshot.name:
        create_snapshot(ws, now["data"]["snapshot"], where=job.snapshot.where)
    if old != now:
        text = yaml.safe_dump(now, sort_keys=False, allow_unicode=True, width=110)
        write_atomically(place, (_HEAD + text).encode())
    return Locked(str(place), now["data"]["snapshot"], now["data"]["rows"], old is None, changes)


def read_lock(path: Path) -> dict[str, Any]:
    """The lock beside the job file `path`. Raises SettingsError: none, in conflict, or not a lock."""
    place, cure = lock_path(path), f"Take it anew and look at its diff: modiste job lock {path}"
    if not place.is_file():
        raise SettingsError("the job is not locked", where=str(path), cure=cure)
    if _conflict(place):
        raise SettingsError("holds a conflict of two branches", where=str(place), cure=cure)
    found = read_yaml(place)
    if found.get("format") != LOCK_FORMAT or not {*PARTS} <= found.keys():
        raise SettingsError("is no lock of this version of Modiste", where=str(place), cure=cure)
    return found


def resolved(ws: Workspace, job: Job, path: Path) -> dict[str, Any]:
    """What the lock would hold now. Writes nothing."""
    versions = surroundings.versions()
    code = running().summary()
    return {
        "format": LOCK_FORMAT, "job": job.name, "data": _data(ws, job), "taxonomy": _taxonomy(ws),
        "recipe": _recipe(job, path), "gate": {"model": job.model_name, **job.gate.model_dump()},
        "dependency": {"lock_sha256": surroundings.lock_sha256(), "versions": versions},
        "code": {"files_sha256": code["files_sha256"], "revision": code["revision"], "dirty": code["dirty"]},
    }  # fmt: skip


def moved(ws: Workspace, old: dict[str, Any], now: dict[str, Any]) -> list[Moved]:
    """The parts that differ, the data first. A git revision alone, with the same files, is no move."""
    found = [Moved("data", _data_moved(ws, old["data"], now["data"]))] if old["data"] != now["data"] else []
    for part in PARTS[1:]:
        a, b = (dict(each[part]) if isinstance(each[part], dict) else {part: each[part]} for each in (old, now))
        if part == "code":
            if a["files_sha256"] != b["files_sha256"]:
                found.append(Moved(part, _code_words(a, b)))
        elif a != b:
            found.append(Moved(part, _changes(a, b)))
    return found


def _data(ws: Workspace, job: Job) -> dict[str, Any]:
    if job.snapshot.name:
        frozen = load_snapshot(ws, job.snapshot.name)
        rows, name, where = frozen.rows, frozen.name, frozen.meta["where"]
    else:
        where = job.snapshot.where
        every = items(ws, where)
        rows = every.filter(pc.is_valid(every["split"]))
        name = f"{job.name}-{fingerprint(rows)[:8]}"
    if not rows.num_rows:
        raise EmptyError("no rows with a split", where=f"job {job.name}", cure="Next: modiste split, or loosen where")
    parts = {str(entry["values"]): entry["counts"] for entry in rows["split"].value_counts().to_pylist()}
    shas = sorted(rows["sha256"].to_pylist())
    return {
        "snapshot": name, "where": where, "fingerprint": fingerprint(rows), "rows": rows.num_rows,
        "parts": dict(sorted(parts.items())), "first_sha256": shas[0], "last_sha256": shas[-1],
    }  # fmt: skip


def _taxonomy(ws: Workspace) -> dict[str, str]:
    found = taxonomy_of(ws)
    return {"reference": found.reference, "hash": found.hash}


def _recipe(job: Job, path: Path) -> dict[str, Any]:
    recipe = job_recipe(job, path).model_dump()
    if "label_space" in recipe:
        recipe["label_space"] = written_out(recipe["label_space"])
    fields = {"fields": job.train.field.split(",")} if recipe["task"] == "tagging" else {}
    return {**recipe, **fields, "device": job.train.device}


def _data_moved(ws: Workspace, old: dict[str, Any], now: dict[str, Any]) -> str:
    if old["where"] != now["where"]:
        return f"the condition was {old['where']!r}, is {now['where']!r}; {_counts(old, now)}"
    told = [_counts(old, now)]
    before, after = _frozen(ws, old["snapshot"]), _rows_now(ws, now)
    if before is None:
        told.append(f"snapshot {old['snapshot']} is not in this workspace, so the rows can't be told apart")
    else:
        told += _row_words(_by_sha(before), _by_sha(after))
    return "; ".join(told)


def _counts(old: dict[str, Any], now: dict[str, Any]) -> str:
    names = sorted({*old["parts"], *now["parts"]})
    parts = [f"{name} {old['parts'].get(name, 0)} -> {now['parts'].get(name, 0)}" for name in names]
    return f"{old['rows']} rows locked, {now['rows']} now ({', '.join(parts)})"


def _row_words(old: dict[str, Any], now: dict[str, Any]) -> list[str]:
    new, gone = sorted(now.keys() - old.keys()), sorted(old.keys() - now.keys())
    other = sorted(sha for sha in now.keys() & old.keys() if now[sha] != old[sha])
    kinds = (("new", new), ("gone", gone), ("with another label, mask or part", other))
    return [f"{len(shas)} {word}, the first {shas[0]}" for word, shas in kinds if shas]


def _frozen(ws: Workspace, name: str) -> pa.Table | None:
    try:
        return load_snapshot(ws, name, rest=True).rows
    except SnapshotError:
        return None


def _rows_now(ws: Workspace, now: dict[str, Any]) -> pa.Table:
    if now["snapshot"] in list_snapshots(ws) and read_meta(ws, now["snapshot"])["fingerprint"] == now["fingerprint"]:
        return load_snapshot(ws, now["snapshot"], rest=True).rows
    every = items(ws, now["where"])
    return every.filter(pc.is_valid(every["split"]))


def _by_sha(rows: pa.Table) -> dict[str, dict[str, Any]]:
    columns = [
        name for name in ("sha256", "labels", "mask_sha256", "split", "words_sha256") if name in rows.schema.names
    ]
    return {row["sha256"]: row for row in rows.select(columns).to_pylist()}


def _code_words(old: dict[str, Any], now: dict[str, Any]) -> str:
    def said(each: dict[str, Any]) -> str:
        revision = (each["revision"] or "no git")[:12] + ("+" if each["dirty"] else "")
        return f"{each['files_sha256'][:12]} ({revision})"

    return f"train/ and dataset/ were {said(old)}, are {said(now)}; git diff {(old['revision'] or '')[:12]} shows it"


def _changes(old: dict[str, Any], now: dict[str, Any], before: str = "") -> str:
    """'epochs 3 -> 4; …' of every key that differs, nested ones by dots."""
    told = []
    for key in dict.fromkeys([*old, *now]):
        a, b = old.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            told.append(_changes(a, b, f"{before}{key}."))
        elif a != b:
            told.append(f"{before}{key} {a!r} -> {b!r}")
    return "; ".join(each for each in told if each)


def _conflict(place: Path) -> bool:
    return any(line.startswith(("<<<<<<<", ">>>>>>>")) for line in place.read_text(encoding="utf-8").splitlines())
