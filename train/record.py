"""Run folders: `runs/<run id>/` with run.json, metrics.csv, evaluation.json. Imports nothing heavy; `reports` reads it.

In: what a run is made from (recipe, snapshot, seeds) and what came out. Out: files written atomically, 'done' last. A
run whose status is not 'done' was cut off; the same train command finds it (`train.runs`) and goes on. Each key of
run.json has a seal, so that an edit by hand is named; records of format 1 have none and load all the same.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.errors import EmptyError, ModisteError, TrainingError
from dataset.taxonomy import taxonomy_of
from dataset.workspace import Workspace
from train import energy, surroundings
from train.code_state import hash_of

FORMAT = 2
MADE_WITH = "made_with.json"
SEALS = "seals"
NEEDED = {"run.json": {"id", "task", "status", "started_at"}}  # without these a file is no record at all


@dataclass(frozen=True)
class Run:
    """A run folder as it stands. `data` is run.json; `evaluation` is {} before `evaluate`; `joules` is what the cards'
    counter said when this stretch began."""

    folder: Path
    data: dict[str, Any]
    evaluation: dict[str, Any]
    joules: float | None = None

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def task(self) -> str:
        return str(self.data["task"])

    @property
    def done(self) -> bool:
        return bool(self.data["status"] == "done")

    @property
    def edited(self) -> list[str]:
        """Keys of run.json, or 'evaluation.json: key', that were changed by hand."""
        return edited_keys(self.data) + [f"evaluation.json: {key}" for key in edited_keys(self.evaluation)]


def new_run(
    ws: Workspace,
    *,
    task: str,
    recipe: Mapping[str, Any],
    snapshot: str,
    fingerprint: str,
    taxonomy: str,
    seeds: Mapping[str, int],
    counts: Mapping[str, int],
) -> Run:
    """Make `runs/<id>/run.json` with status 'running'. `counts` is n per split; `recipe` is the resolved one."""
    started = datetime.now(UTC)
    word = str(recipe.get("name", "recipe")).split("/")[-1]
    folder = _free_folder(ws.runs, started, f"{task}-{word}", [dict(recipe), fingerprint, started.isoformat()])
    data = {
        "id": folder.name, "format": FORMAT, "task": task, "status": "running", "recipe": dict(recipe),
        "snapshot": snapshot, "fingerprint": fingerprint, "taxonomy": taxonomy, "taxonomy_hash": _taxonomy_hash(ws),
        "seeds": dict(seeds), "counts": dict(counts), **surroundings.surroundings(),
        "started_at": started.isoformat(), "resumed": [], "wall_s": 0.0, "cpu_s": 0.0, "energy_j": None, "results": {},
    }  # fmt: skip
    made_with = surroundings.made_with()
    write_json(folder / MADE_WITH, made_with)
    return _written(Run(folder, data | {"made_with_sha256": hash_of(made_with)}, {}, energy.joules()))


def resume(run: Run) -> Run:
    """Note that another stretch begins, and which of its surroundings are other than at the start."""
    now = surroundings.surroundings()
    moved = [key for key in ("versions", "packages_sha256", "threads", "code_state") if run.data.get(key) != now[key]]
    stretch = {"at": datetime.now(UTC).isoformat(), "other": moved, "code": now["code"], "threads": now["threads"]}
    data = {**run.data, "resumed": [*run.data.get("resumed", []), stretch]}
    return _written(Run(run.folder, data, run.evaluation, energy.joules()))


def compact(run: Run) -> dict[str, Any]:
    """What the weight file says of how it was made."""
    keys = ("code_state", "versions", "packages_sha256", "lock_sha256", "threads", "seeds", "taxonomy_hash", "counts")
    return {key: run.data[key] for key in keys if key in run.data}


def finish(run: Run, *, wall_s: float, cpu_s: float, results: Mapping[str, Any]) -> Run:
    """Add this stretch's seconds to the run's and write 'done', the last thing a run writes."""
    done = {"status": "done", "finished_at": datetime.now(UTC).isoformat(), "results": dict(results)}
    flags = {"determinism": surroundings.determinism(), "hardware": surroundings.hardware()}  # as they were in training
    return _written(Run(run.folder, {**_with_time(run, wall_s, cpu_s), **flags, **done}, run.evaluation))


def add_time(run: Run, *, wall_s: float, cpu_s: float) -> Run:
    """Keep the seconds of a stretch that ended early, so that resuming doesn't hide them."""
    return _written(Run(run.folder, _with_time(run, wall_s, cpu_s), run.evaluation))


def _with_time(run: Run, wall_s: float, cpu_s: float) -> dict[str, Any]:
    spent, known = energy.used(run.joules), run.data.get("energy_j")
    data = {**run.data, "wall_s": round(run.data["wall_s"] + wall_s, 3), "cpu_s": round(run.data["cpu_s"] + cpu_s, 3)}
    return data | {"energy_j": known if spent is None else round((known or 0.0) + spent, 3)}


def _written(run: Run) -> Run:
    data = sealed(run.data)
    write_json(run.folder / "run.json", data)
    return Run(run.folder, data, run.evaluation, run.joules)


def sealed(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with a seal for each key, the first 16 of the sha256 of its canonical JSON."""
    plain = {key: value for key, value in json.loads(json.dumps(data)).items() if key != SEALS}
    return plain | {SEALS: {key: hash_of(value)[:16] for key, value in plain.items()}}


def edited_keys(data: Mapping[str, Any]) -> list[str]:
    """Keys that differ from their seals, are new, or are gone. Nothing where there are no seals (format 1)."""
    seals = data.get(SEALS)
    if not isinstance(seals, dict):
        return [SEALS] if data.get("format", 1) >= FORMAT else []
    plain = {key: hash_of(value)[:16] for key, value in data.items() if key != SEALS}
    return sorted(key for key in plain.keys() | seals.keys() if plain.get(key) != seals.get(key))


def refuse_edited(run: Run) -> Run:
    """The run, if nobody edited its record. Raises TrainingError that names the keys."""
    if found := run.edited:
        raise TrainingError(
            f"its record was edited by hand: {', '.join(found)}",
            where=f"run {run.id}",
            cure="Put the file back from a copy, or train again; notes belong in tags: modiste runs tag",
        )
    return run


def load(ws: Workspace, run: str = "latest", *, task: str | None = None) -> Run:
    """A finished run by id, or 'latest' (of `task`, if given), or 'latest:tagging'. Raises EmptyError where there is
    none, TrainingError for one whose record was edited by hand."""
    if run.startswith("latest:"):
        run, task = "latest", run.removeprefix("latest:")
    if run == "latest":
        found = [each for each in list_runs(ws) if each.done and task in (None, each.task)]
        if not found:
            what = f"no finished {task or ''} run".replace("  ", " ")
            raise EmptyError(what, where=str(ws.runs), cure=f"Train one: modiste train {task or ''}".rstrip())
        return refuse_edited(found[-1])
    if not (ws.runs / run / "run.json").is_file() or Path(run).name != run:
        known = ", ".join(each.id for each in list_runs(ws)[-5:]) or "none yet"
        raise EmptyError(f"there is no run '{run}'", where=str(ws.runs), cure=f"The newest are: {known}")
    return refuse_edited(read_run(ws.runs / run))


def list_runs(ws: Workspace) -> list[Run]:
    """Every run, oldest first, unfinished ones too."""
    runs = [read_run(path.parent) for path in ws.runs.glob("*/run.json")]
    return sorted(runs, key=lambda run: (str(run.data["started_at"]), run.id))


def read_run(folder: Path) -> Run:
    evaluation = folder / "evaluation.json"
    return Run(folder, _read_json(folder / "run.json"), _read_json(evaluation) if evaluation.is_file() else {})


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """True while this process alone may write the run; False if another one is at it. Released even by kill -9."""
    with open(folder / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def at_work(folder: Path) -> bool:
    """True while some process holds the run's lock. Writes nothing, so that a read-only workspace can be listed."""
    try:
        with open(folder / ".lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows at once; a column that a row lacks is empty there."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not NEEDED.get(path.name, set()) <= found.keys():
            raise ValueError("keys are missing")
    except (OSError, ValueError) as error:  # a JSONDecodeError and a UnicodeDecodeError are ValueErrors
        raise TrainingError("can't be read", where=str(path), cure="Delete the run folder and train again") from error
    return found


def _free_folder(runs: Path, started: datetime, words: str, content: list[Any]) -> Path:
    tail = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:6]
    folder = runs / f"{started:%Y%m%d-%H%M}-{words}-{tail}"
    folder.mkdir(parents=True)
    return folder


def _taxonomy_hash(ws: Workspace) -> str | None:
    """Of the workspace's taxonomy now; None where it can't be read, which is no reason not to train."""
    try:
        return taxonomy_of(ws).hash
    except ModisteError:
        return None
