"""The step `takedown`: make a domain, address, brand, image or product gone, and everything made from it.

In: a kind and a value with a reason. Out: a `TakedownResult`; by default only the counts (a dry run). Done for good it
goes in this order, each step harmless when done twice: the plan written to `takedowns/<id>.json`, tombstones, marks on
runs and snapshots, rows, history, blobs, other files, and last the report in the plan's place. Killed midway, the same
command reads the plan and goes on. Runs beside no other writer: stop crawls first. Never retrains.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dataset import history
from dataset.blobs import write_atomically
from dataset.errors import ModisteError, UsageError
from dataset.marks import mark
from dataset.progress import Progress, silent
from dataset.retrain import Step, concerned, read_runs, retrain_list
from dataset.schema import SCHEMAS
from dataset.snapshot import (
    drop_strays,
    fingerprint,
    list_snapshots,
    load_snapshot,
    read_meta,
    write_meta,
    write_snapshot,
)
from dataset.takedown_files import (
    Held,
    concerned_exports,
    delete_all,
    loose_files,
    purge_exports,
    queue_rows,
    refuse_beside_app,
)
from dataset.takedown_plan import Plan, concerned_keys, edited_rows, plan
from dataset.tombstones import fold
from dataset.workspace import Workspace

TABLES = tuple(name for name in SCHEMAS if name != "takedowns")


@dataclass(frozen=True)
class TakedownResult:
    """`before` and `after` count the same things; of a dry run `after` is empty. `retrain` is in order of need."""

    takedown: str
    kind: str
    value: str
    reason: str
    done: bool
    resumed: bool
    before: dict[str, int]
    after: dict[str, int] = field(default_factory=dict)
    snapshots: dict[str, int] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    exports: list[Held] = field(default_factory=list)
    also_shown_by: list[str] = field(default_factory=list)
    look_at: dict[str, list[str]] = field(default_factory=dict)
    retrain: list[Step] = field(default_factory=list)

    def line(self) -> str:
        n = self.before
        what = (
            f"{n['images']} images ({n['derived']} of them made from others), {n['products']} products, "
            f"{n['rows']} rows, {n['blobs']} blobs, {n['queue rows']} queue rows, {n['files']} other files; "
            f"{len(self.snapshots)} snapshots, {len(self.runs)} runs, {len(self.exports)} exports concerned"
        )
        left = self.after.get("rows", 0) + self.after.get("blobs", 0) + self.after.get("queue rows", 0)
        head = f"took down {self.kind} {self.value}" if self.done else f"dry run of {self.kind} {self.value}"
        tail = f"; left: {left}" if self.done else "; nothing was changed, --yes does it"
        tail += f"; also shown by {', '.join(self.also_shown_by)}" if self.also_shown_by else ""
        tail += "".join(f"; also look at {len(names)} {what}" for what, names in sorted(self.look_at.items()))
        theirs = [export.folder for export in self.exports if not export.ours]
        tail += f"; yours to delete: {', '.join(theirs)}" if theirs else ""
        order = " -> ".join(f"{step.kind} {step.name}" for step in self.retrain)
        return f"{head}: {what}{tail}" + (f"; make again: {order}" if order else "")


def takedown(
    ws: Workspace,
    kind: str,
    value: str,
    reason: str,
    *,
    yes: bool = False,
    with_duplicates: bool = False,
    exports: Sequence[Path] = (),
    progress: Progress = silent,
) -> TakedownResult:
    """Count what goes or, with `yes`, make it gone. Raises UsageError for what can't be meant, or while a crawl runs;
    StorageError where a disk or another writer stands in the way: the same call goes on from there."""
    if not reason.strip():
        raise UsageError("a take-down needs a reason", cure="Give --reason: who asked, and where it is written down")
    found = plan(ws, kind, value, with_duplicates=with_duplicates, progress=progress)
    if found.images and (ws.root / "fiftyone").exists():
        found.look_at["folder that goes: pull its reviews first (modiste curate pull)"] = ["fiftyone"]
    begun = _unfinished(ws, found.kind, found.value)
    at = begun["at"] if begun else datetime.now(UTC).isoformat(timespec="seconds")
    if begun:
        found.join(Plan.from_json(begun["plan"]))
    work = _Work(ws, found, reason, at, exports)
    return work.do(begun) if yes else work.result(work.counts(), resumed=bool(begun))


@dataclass
class _Work:
    """One take-down at work."""

    ws: Workspace
    plan: Plan
    reason: str
    at: str
    exports_told: Sequence[Path]

    def __post_init__(self) -> None:
        digest = hashlib.sha256(f"{self.plan.kind}|{self.plan.value}".encode()).hexdigest()[:8]
        stamp = datetime.fromisoformat(self.at).strftime("%Y%m%d-%H%M%S")
        self.id = f"{stamp}-{self.plan.kind}-{digest}"
        self.snapshots = self._snapshots()
        self.runs = self._runs()
        self.exports = concerned_exports(self.ws, self.plan.images, self.exports_told)
        self.path = self.ws.root / "takedowns" / f"{self.id}.json"

    def do(self, begun: dict[str, Any] | None) -> TakedownResult:
        before = begun["before"] if begun else self.counts()
        refuse_beside_app(self.ws)
        queue_rows(self.ws, self.plan, delete=True)  # first: it refuses while a crawl is at work
        note = {"takedown": self.id, "kind": self.plan.kind, "at": self.at, "reason": self.reason}
        self.exports += [Held(**each) for each in (begun or {}).get("exports", []) if Held(**each) not in self.exports]
        told = {"value": self.plan.value, "before": before, "exports": [asdict(each) for each in self.exports]}
        self._write({"status": "running", **note, **told, "plan": self.plan.as_json()})
        self._tombstones()
        retrain = retrain_list(self.ws, self.snapshots)
        self._mark(note)
        self._rows()
        self._forget()
        delete_all([*loose_files(self.ws, self.plan, self.runs), *self._cut_off()])
        for sha256 in sorted(self.plan.blobs):  # after the copies, which are found by their size
            self.ws.blobs.delete(sha256)
        purge_exports(self.exports, self.plan.images, note)
        result = self.result(before, done=True, resumed=bool(begun), after=self.counts(), retrain=retrain)
        self._write({"status": "done", **asdict(result), "at": self.at})
        return result

    def _cut_off(self) -> list[Path]:
        """What writers that were killed left half written."""
        places = [self.ws.snapshots, self.path.parent, *(self.ws.root / "exports").glob("*")]
        places += [Path(self.ws.blobs.root)] if self.ws.blobs.is_local else []
        return [path for place in places for path in place.glob(".part-*")]

    def counts(self) -> dict[str, int]:
        """What there is of it now."""
        ws, found = self.ws, self.plan
        rows = {}
        for name in ws.tables.versions():
            if name in TABLES:
                rows[name] = concerned_keys(ws, found, name).num_rows
        edits = sum(len(each) for each in edited_rows(ws, found).values())
        return {
            "images": len(found.images), "derived": len(found.derived), "products": len(found.products),
            "addresses": len(found.urls), **{f"rows of {name}": count for name, count in rows.items()},
            "rows": sum(rows.values()), "rows to clean": edits, "blobs": sum(map(ws.blobs.has, found.blobs)),
            "pages": len(found.pages), "masks": len(found.masks), "queue rows": queue_rows(ws, found),
            "files": len(loose_files(ws, found, self.runs)), "snapshot rows": sum(self._in_snapshots().values()),
        }  # fmt: skip

    def result(self, before: dict[str, int], **more: Any) -> TakedownResult:
        more.setdefault("retrain", retrain_list(self.ws, self.snapshots))
        found = self.plan
        base: dict[str, Any] = {"done": False, "resumed": False, "after": {}} | more
        return TakedownResult(
            takedown=self.id, kind=found.kind, value=found.value, reason=self.reason, before=before,
            snapshots=self.snapshots, runs=sorted(self.runs), exports=self.exports,
            also_shown_by=sorted(found.also_shown_by), look_at=found.look_at, **base,
        )  # fmt: skip

    def _snapshots(self) -> dict[str, int]:
        """{snapshot: how many of its rows go}, those that an earlier try has marked already included."""
        found = self._in_snapshots()
        for name in list_snapshots(self.ws):
            for entry in self._meta(name).get("taken_down", []):
                if entry["takedown"] == self.id:
                    found[name] = found.get(name, 0) + len(entry["sha256"])
        return dict(sorted(found.items()))

    def _in_snapshots(self) -> dict[str, int]:
        found, broken = {}, []
        for name in list_snapshots(self.ws):
            try:
                rows = load_snapshot(self.ws, name, rest=True).rows["sha256"].to_pylist()
            except ModisteError:
                broken.append(name)
                continue
            if count := len(self.plan.images.intersection(rows)):
                found[name] = count
        if broken:
            self.plan.look_at["snapshots that can't be loaded"] = broken
        return found

    def _runs(self) -> dict[str, str]:
        """{run: the snapshot or run that it is concerned through}."""
        runs = read_runs(self.ws)
        names = {name for kind, name in concerned(self.ws, self.snapshots) if kind == "run"}
        return {name: str(runs[name].get("snapshot")) for name in sorted(names)}

    def _tombstones(self) -> None:
        now, kind = datetime.fromisoformat(self.at), self.plan.kind
        rows = [{"kind": kind, "value": self.plan.value, "reason": self.reason, "created_at": now}]
        rows += [
            {"kind": "sha256", "value": sha256, "reason": f"{self.reason} (with its {kind})", "created_at": now}
            for sha256 in sorted(self.plan.images - {self.plan.value})
        ]
        self.ws.tables.upsert("takedowns", rows)

    def _mark(self, note: dict[str, Any]) -> None:
        """Runs before their snapshots: a snapshot that lost its rows can't tell any more that a run is concerned."""
        for run, through in self.runs.items():
            images = self.snapshots.get(through, 0)
            mark(self.ws.runs / run, note | ({"images": images} if images else {"through": through}))
        for name in list_snapshots(self.ws):
            if name not in self.plan.look_at.get("snapshots that can't be loaded", []):
                self._settle(name, note)

    def _settle(self, name: str, note: dict[str, Any]) -> None:
        """Give a snapshot rows of its own, without those that go, before the history they came from is forgotten."""
        found = load_snapshot(self.ws, name, rest=True)
        meta = dict(found.meta)
        gone = sorted(self.plan.images.intersection(found.rows["sha256"].to_pylist()))
        if gone:
            kept = found.rows.filter(pc.invert(pc.is_in(found.rows["sha256"], value_set=pa.array(gone))))
            marks = [*meta.get("taken_down", []), note | {"sha256": gone}]
            meta |= {"taken_down": marks, "rest": kept.num_rows, "rest_fingerprint": fingerprint(kept)}
            write_snapshot(self.ws, meta, kept)
        elif "rows_file" not in meta:
            write_snapshot(self.ws, meta | {"format": 2}, found.rows)
        else:
            drop_strays(self.ws, meta)

    def _rows(self) -> None:
        """Rows to clean first, while the rows that go still say which they are; `fetches` before `products`."""
        for name, rows in edited_rows(self.ws, self.plan).items():
            self.ws.tables.upsert(name, rows)
        for name in dict.fromkeys(("fetches", "pages", *TABLES)):
            if self.ws.tables.version(name) is not None:
                history.remove(self.ws.tables, name, concerned_keys(self.ws, self.plan, name))

    def _forget(self) -> None:
        """Then point the snapshots at versions that still are there, for those who read more than their rows."""
        oldest = {name: history.forget(self.ws.tables, name) for name in TABLES}
        for name in list_snapshots(self.ws):
            meta = self._meta(name)
            frozen = meta.get("tables", {})
            moved = {
                table: version
                for table, version in oldest.items()
                if version is not None and frozen.get(table) is not None and frozen[table] < version
            }
            if moved:
                write_meta(self.ws, {"tables_frozen": frozen} | meta | {"tables": frozen | moved})

    def _meta(self, name: str) -> dict[str, Any]:
        try:
            return read_meta(self.ws, name)
        except ModisteError:
            return {}

    def _write(self, told: dict[str, Any]) -> None:
        write_atomically(self.path, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())


def _unfinished(ws: Workspace, kind: str, value: str) -> dict[str, Any] | None:
    """The plan of the same take-down that was cut off."""
    for path in sorted((ws.root / "takedowns").glob("*.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if told.get("status") == "running" and (told["kind"], fold(kind, told["value"])) == (kind, value):
            return dict(told)
    return None
