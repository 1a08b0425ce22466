"""Who used an image: the rows of every snapshot, the runs on them, their metrics, and the run behind a weight file.

In: a workspace. Out: `Uses`. Reads snapshots' row files, run folders as plain JSON and the header of a safetensors
file; imports no training code.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataset.errors import ModisteError
from dataset.marks import marks, said
from dataset.retrain import read_runs
from dataset.snapshot import list_snapshots, load_snapshot, read_meta
from dataset.workspace import Workspace

_WEIGHTS = re.compile(r"[0-9a-f]{8,64}")
_HEADER_BYTES = 100_000_000  # safetensors' own bound


@dataclass(frozen=True)
class Uses:
    """`rows`: {snapshot: its sha256s, those taken down included}; `runs`: {snapshot: runs that learned from it};
    `gone`: sha256s taken down."""

    rows: dict[str, set[str]] = field(default_factory=dict)
    meta: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


def uses_of(ws: Workspace) -> Uses:
    uses = Uses()
    stones = ws.tables.query("SELECT value FROM takedowns WHERE kind = 'sha256'")
    uses.gone.update(stones["value"].to_pylist())
    for name in list_snapshots(ws):
        try:
            uses.meta[name] = read_meta(ws, name)
            gone = {sha256 for entry in uses.meta[name].get("taken_down", []) for sha256 in entry["sha256"]}
            uses.rows[name] = _sha256s(ws, name, uses.meta[name]) | gone
        except ModisteError as error:
            uses.broken[name] = str(error)
    for run, told in read_runs(ws).items():
        found = marks(ws.runs / run)
        facts = {"id": run, "snapshot": told.get("snapshot"), "fingerprint": told.get("fingerprint")}
        facts |= {"marked": said(found)} if found else {}
        uses.runs.setdefault(str(told.get("snapshot")), []).append(facts)
    return uses


def metrics_of(ws: Workspace, run: str) -> dict[str, float]:
    """{dotted path: number} of a run's results and evaluation; nothing where they can't be read."""
    found: dict[str, float] = {}
    for file, key in (("run.json", "results"), ("evaluation.json", None)):
        try:
            told = json.loads((ws.runs / run / file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        _flatten(told.get(key, {}) if key else told, "", found)
    return found


def weight_run(ws: Workspace, thing: str) -> str | None:
    """The run behind a weight file, a run's folder, or the first digits of a weight's fingerprint."""
    path = Path(thing)
    path = path / "model.safetensors" if (path / "run.json").is_file() else path
    if path.suffix == ".safetensors" and path.is_file():
        return str(_facts(path).get("run") or path.parent.name)
    if _WEIGHTS.fullmatch(thing):
        for run, told in read_runs(ws).items():
            if str((told.get("results") or {}).get("weights", "")).startswith(thing):
                return run
    return None


def _sha256s(ws: Workspace, name: str, meta: dict[str, Any]) -> set[str]:
    if "rows_file" not in meta:
        return set(load_snapshot(ws, name, rest=True).rows["sha256"].to_pylist())
    try:
        table = pq.read_table(ws.snapshots / Path(meta["rows_file"]).name, columns=["sha256"])
    except (OSError, pa.ArrowException):
        table = load_snapshot(ws, name, rest=True).rows  # says what is wrong
    return set(table["sha256"].to_pylist())


def _flatten(value: Any, path: str, found: dict[str, float]) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            _flatten(each, f"{path}.{key}" if path else str(key), found)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found[path] = value


def _facts(path: Path) -> dict[str, Any]:
    """What a safetensors file says of itself: eight bytes of length, then JSON."""
    try:
        with open(path, "rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(min(length, _HEADER_BYTES)))
        return dict(json.loads(header["__metadata__"]["modiste"]))
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return {}
