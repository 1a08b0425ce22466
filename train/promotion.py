"""Which model is in use: `models/<name>.json` points at one run. Promotion is one renamed file.

In: a workspace, a name, a finished run. Out: a pointer {name, run, weights, task, promoted_at, previous, gate}. Never
copies weights, never decides: the gate does.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.errors import DataError, EmptyError, TrainingError
from dataset.workspace import Workspace
from train import record

WEIGHT_FILE = "model.safetensors"


def pointer_path(ws: Workspace, name: str) -> Path:
    return ws.root / "models" / f"{name}.json"


def read_pointer(ws: Workspace, name: str) -> dict[str, Any] | None:
    """The pointer, None where nothing was promoted by that name. Raises DataError for one that can't be read."""
    path = pointer_path(ws, name)
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
        _ = (found["run"], found["weights"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"is no pointer: {error}", where=str(path), cure="Delete it, then run the job again") from error
    return found


def pointers(ws: Workspace) -> dict[str, dict[str, Any]]:
    """{name: pointer} of every promoted model. Raises DataError where one can't be read."""
    names = sorted(path.stem for path in (ws.root / "models").glob("*.json") if not path.name.startswith("."))
    return {name: found for name in names if (found := read_pointer(ws, name))}


def promoted_run(ws: Workspace, name: str) -> record.Run | None:
    """The run that `name` points at, its weights those that were promoted. Raises EmptyError, TrainingError."""
    found = read_pointer(ws, name)
    if found is None:
        return None
    run = record.load(ws, str(found["run"]))
    if not (run.folder / WEIGHT_FILE).is_file():
        raise EmptyError(
            "its promoted weights are gone", where=f"run {run.id}", cure=f"Delete {pointer_path(ws, name)}"
        )
    if run.data["results"].get("weights") != found["weights"]:
        raise TrainingError("is not what was promoted: its weights differ", where=f"run {run.id}")
    return run


def promote(ws: Workspace, name: str, run: record.Run, gate: dict[str, Any]) -> dict[str, Any]:
    """Point `name` at `run`, atomically. The caller has asked the gate."""
    before = read_pointer(ws, name)
    pointer = {
        "name": name, "run": run.id, "weights": run.data["results"]["weights"], "task": run.task,
        "promoted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "previous": before["run"] if before else None, "gate": gate,
    }  # fmt: skip
    record.write_json(pointer_path(ws, name), pointer)
    return pointer
