"""Runs as a report shows them, read through `train.record`, the one sideways arrow of the house.

In: run folders. Out: metric rows side by side (validation, test, baselines), learning curves,
confusion counts. A folder
that can't be read, or was edited by hand, is named in `broken` instead of ending the report.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset.errors import ModisteError
from dataset.workspace import Workspace
from train.record import Run, read_run

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Score:
    value: float
    low: float | None
    high: float | None
    n: int | None
    baselines: tuple[tuple[str, float], ...]
    note: str = ""


@dataclass(frozen=True)
class RunView:
    """`metrics` is metric -> part -> Score, in the order the evaluation wrote them."""

    run: Run
    metrics: dict[str, dict[str, Score]]
    curves: dict[str, Curve]
    confusions: list[dict[str, Any]] = field(default_factory=list)
    figures: list[Path] = field(default_factory=list)


def read_runs(ws: Workspace) -> tuple[list[RunView], list[str]]:
    """(runs, newest first; names of folders that can't be read)."""
    views, broken = [], []
    for path in sorted(ws.runs.glob("*/run.json")):
        try:
            views.append(view_of(read_run(path.parent)))
        except (ModisteError, KeyError, TypeError, ValueError, AttributeError, OSError):
            broken.append(path.parent.name)
    views.sort(key=lambda view: (str(view.run.data.get("started_at", "")), view.run.id), reverse=True)
    return views, broken


def view_of(run: Run) -> RunView:
    """Raises KeyError, TypeError or ValueError where run.json lacks what no run lacks."""
    _ = (run.task, run.done, dict(run.data["recipe"]))  # what no run lacks; without them the folder is broken
    figures = sorted((run.folder / "figures").glob("*.png"))
    return RunView(
        run, metrics_of(run.evaluation), _curves(run.folder / "metrics.csv"), confusions_of(run.evaluation), figures
    )


def edited_words(view: RunView) -> str:
    """For a run whose record no longer matches its seals."""
    return f"Run {view.run.id} is left out: its record was edited by hand ({', '.join(view.run.edited)})."


def metrics_of(evaluation: dict[str, Any]) -> dict[str, dict[str, Score]]:
    """Rows of one metric and part that differ in their baseline become one Score with several baselines.

    A selection score, 'X, best of 12 tries', stands in X's row with that as its note.
    """
    found: dict[str, dict[str, Score]] = {}
    for row in evaluation.get("rows") or evaluation.get("metrics") or []:
        value = _number(row.get("value"))
        if value is None:
            continue
        metric, _, note = str(row["metric"]).partition(", best of ")
        parts = found.setdefault(metric, {})
        old = parts.get(str(row.get("part") or "all"))
        baseline = _number(row.get("baseline"))
        extra = ((str(row.get("baseline_name") or "baseline"), baseline),) if baseline is not None else ()
        count = _number(row.get("n"))
        parts[str(row.get("part") or "all")] = Score(
            value, _number(row.get("low")), _number(row.get("high")),
            None if count is None else int(count), (old.baselines if old else ()) + extra,
            f"best of {note}" if note else "",
        )  # fmt: skip
    return found


def confusions_of(evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """[{name, classes, matrix}] where a square matrix of counts (rows truth, columns said) comes with as many names."""
    given = evaluation.get("confusion") or evaluation.get("confusions") or []
    entries = (
        given
        if isinstance(given, list)
        else [{"name": k, **v} for k, v in given.items() if isinstance(v, dict)] or [given]
    )
    found = []
    for entry in entries:
        classes = entry.get("classes") or evaluation.get("classes") or []
        matrix = entry.get("matrix") or entry.get("counts") or []
        if matrix and len(matrix) == len(classes) and all(len(row) == len(classes) for row in matrix):
            name = " ".join(str(entry[key]) for key in ("name", "field", "part") if entry.get(key))
            found.append({"name": name, "classes": [str(c) for c in classes], "matrix": matrix})
    return found


def _curves(path: Path) -> dict[str, Curve]:
    """column -> [(epoch, value)] of metrics.csv, columns of numbers only; a search without epochs has no curves."""
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    curves: dict[str, Curve] = {}
    for row in rows:
        at = _number(row.get("epoch"))
        for name, text in row.items():
            value = _number(text) if name not in (None, "epoch", "step") else None
            if value is not None and at is not None:
                curves.setdefault(name, []).append((at, value))
    return curves


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
