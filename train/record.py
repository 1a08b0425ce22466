"""Run folders: `runs/<run id>/` with run.json, metrics.csv, evaluation.json. Imports nothing heavy; `reports` reads it.

In: what a run is made from (recipe, snapshot, seeds) and what came out. Out: files written atomically, 'done' last. A
run whose status is not 'done' was cut off; the same train command finds it by `unfinished` and goes on.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import io
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.errors import EmptyError, TrainingError
from dataset.workspace import Workspace

PACKAGES = (
    "torch", "lightning", "timm", "segmentation-models-pytorch", "albumentations",
    "scikit-learn", "numpy", "opencv-python-headless", "safetensors",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A run folder as it stands. `data` is run.json; `evaluation` is {} before `evaluate`."""

    folder: Path
    data: dict[str, Any]
    evaluation: dict[str, Any]

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def task(self) -> str:
        return str(self.data["task"])

    @property
    def done(self) -> bool:
        return bool(self.data["status"] == "done")


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
        "id": folder.name, "task": task, "status": "running", "recipe": dict(recipe),
        "snapshot": snapshot, "fingerprint": fingerprint, "taxonomy": taxonomy, "seeds": dict(seeds),
        "counts": dict(counts), "versions": _versions(), "hardware": _hardware(), "code": _code_revision(),
        "started_at": started.isoformat(), "wall_s": 0.0, "cpu_s": 0.0, "results": {},
    }  # fmt: skip
    write_json(folder / "run.json", data)
    return Run(folder, data, {})


def finish(run: Run, *, wall_s: float, cpu_s: float, results: Mapping[str, Any]) -> Run:
    """Add this stretch's seconds to the run's and write 'done', the last thing a run writes."""
    data = {
        **run.data, "status": "done", "finished_at": datetime.now(UTC).isoformat(), "results": dict(results),
        "wall_s": round(run.data["wall_s"] + wall_s, 3), "cpu_s": round(run.data["cpu_s"] + cpu_s, 3),
    }  # fmt: skip
    write_json(run.folder / "run.json", data)
    return Run(run.folder, data, run.evaluation)


def add_time(run: Run, *, wall_s: float, cpu_s: float) -> Run:
    """Keep the seconds of a stretch that ended early, so that resuming doesn't hide them."""
    data = {**run.data, "wall_s": round(run.data["wall_s"] + wall_s, 3), "cpu_s": round(run.data["cpu_s"] + cpu_s, 3)}
    write_json(run.folder / "run.json", data)
    return Run(run.folder, data, run.evaluation)


def load(ws: Workspace, run: str = "latest", *, task: str | None = None) -> Run:
    """A finished run by id, or 'latest' (of `task`, if given). Raises EmptyError where there is none."""
    if run == "latest":
        found = [each for each in list_runs(ws) if each.done and task in (None, each.task)]
        if not found:
            raise EmptyError(
                f"no finished {task or ''} run".replace("  ", " "), where=str(ws.runs), cure="Train one: modiste train"
            )
        return found[-1]
    if not (ws.runs / run / "run.json").is_file() or Path(run).name != run:
        known = ", ".join(each.id for each in list_runs(ws)[-5:]) or "none yet"
        raise EmptyError(f"there is no run '{run}'", where=str(ws.runs), cure=f"The newest are: {known}")
    return read_run(ws.runs / run)


def list_runs(ws: Workspace) -> list[Run]:
    """Every run, oldest first, unfinished ones too."""
    runs = [read_run(path.parent) for path in ws.runs.glob("*/run.json")]
    return sorted(runs, key=lambda run: (str(run.data["started_at"]), run.id))


def unfinished(ws: Workspace, recipe: Mapping[str, Any], fingerprint: str) -> list[Run]:
    """Runs of exactly this recipe and data that were cut off, newest first."""
    same = (
        run for run in list_runs(ws) if run.data["recipe"] == dict(recipe) and run.data["fingerprint"] == fingerprint
    )
    return [run for run in same if not run.done][::-1]


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
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise TrainingError("can't be read", where=str(path), cure="Delete the run folder and train again") from error
    return dict(found)


def _free_folder(runs: Path, started: datetime, words: str, content: list[Any]) -> Path:
    tail = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:6]
    folder = runs / f"{started:%Y%m%d-%H%M}-{words}-{tail}"
    folder.mkdir(parents=True)
    return folder


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return {"python": platform.python_version(), **found}


def _hardware() -> dict[str, Any]:
    return {"machine": platform.machine(), "system": platform.system(), "cpus": os.cpu_count() or 0}


def _code_revision() -> str | None:
    """The commit this code runs from, '+' where the tree has changes; None outside git."""
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10)
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "."], cwd=here, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "") if head.returncode == 0 else None
