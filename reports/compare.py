"""Runs side by side: ranked where they were judged on the same test data, shown apart where they were not.

In: run folders, read through `train.record`. Out: `reports/compare.html`. Two runs are comparable where task, metric,
classes, n and the fingerprint of the judged rows are the same. Where the intervals of two runs overlap neither is
called better. Never ranks across fingerprints, never ranks by validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.errors import EmptyError
from dataset.workspace import Workspace
from reports.runs import RunView, Score, edited_words, read_runs
from reports.written import Written, made_at, place, write

FALLING = ("ece", "error", "loss")


@dataclass(frozen=True)
class Bench:
    """Runs of one task judged on the same rows in the same classes. `tables`: metric -> rows, the best first."""

    task: str
    fingerprint: str
    classes: int  # of a segmentation; 0 elsewhere
    views: list[RunView]
    tables: dict[str, list[dict[str, Any]]]


def compare_runs(ws: Workspace, runs: Sequence[str] = (), *, out: Path | None = None) -> Written:
    """Write the comparison of `runs` (ids), or of every judged run. Raises EmptyError for an id that is not there."""
    views, broken = read_runs(ws)
    if missing := sorted(set(runs) - {view.run.id for view in views}):
        known = ", ".join(view.run.id for view in views[:6]) or "none yet"
        raise EmptyError(f"there is no readable run '{missing[0]}'", where=str(ws.runs), cure=f"There are: {known}")
    asked = [view for view in views if (view.run.id in runs if runs else view.metrics)]
    chosen = [view for view in asked if not view.run.edited]
    found = benches(chosen)
    warnings = [f"Run {name} can't be read and is left out." for name in broken]
    warnings += [edited_words(view) for view in asked if view.run.edited]
    if len({bench.task for bench in found}) < len(found):
        told = "runs of other test data or classes are shown apart and never ranked together."
        warnings.append(f"{len(found)} different tests: {told}")
    values = {
        "title": ws.settings.name, "kind": "runs side by side", "warnings": warnings, "benches": found,
        "facts": [("runs", str(len(chosen))), ("made", made_at())],
        "contents": [(f"b{k}", f"{b.task} {b.fingerprint[:6]}") for k, b in enumerate(found)],
        "empty": "" if chosen else "No run was judged yet: modiste train segmentation, then modiste evaluate",
    }  # fmt: skip
    said = {"runs": len(chosen), "tests": len(found)} if chosen else {}
    return write(place(ws, out, "compare"), "compare.html.j2", values, said)


def benches(views: Sequence[RunView]) -> list[Bench]:
    """One a task, fingerprint of the judged rows, and list of classes: nothing else may be ranked together."""
    sets: dict[tuple[str, str, tuple[str, ...]], list[RunView]] = {}
    for view in views:
        sets.setdefault(_test_of(view), []).append(view)
    found = []
    for (task, fingerprint, classes), mine in sorted(sets.items()):
        metrics = dict.fromkeys(metric for view in mine for metric in view.metrics)
        tables = {metric: rows for metric in metrics if (rows := _ranked(mine, metric))}
        found.append(Bench(task, fingerprint, len(classes), mine, tables))
    return found


def _test_of(view: RunView) -> tuple[str, str, tuple[str, ...]]:
    """What a run was judged on. An evaluation of an older Modiste does not say: its snapshot's rows decide then, which
    hold the test part; a run that names none is compared with nothing."""
    judged = view.run.evaluation.get("judged_on")
    said = judged.get("fingerprint") if isinstance(judged, dict) else None
    fingerprint = str(said or view.run.data.get("fingerprint") or view.run.id)
    classes = view.confusions[0]["classes"] if view.run.task == "segmentation" and view.confusions else []
    return view.run.task, fingerprint, tuple(classes)


def _ranked(views: Sequence[RunView], metric: str) -> list[dict[str, Any]]:
    """Rows of the test part, the best first; `place` is empty where n differs between the runs."""
    scored = [(view, score) for view in views if (score := view.metrics.get(metric, {}).get("test")) is not None]
    falling = any(word in metric.lower() for word in FALLING)
    scored.sort(key=lambda pair: (pair[1].value if falling else -pair[1].value, pair[0].run.id))
    same = len({score.n for _, score in scored}) == 1
    best = scored[0][1] if scored else None
    return [
        {"run": view.run, "score": score, "place": str(k + 1) if same and len(scored) > 1 else "",
         "tied": bool(k and best and same and _overlap(best, score))}
        for k, (view, score) in enumerate(scored)
    ]  # fmt: skip


def _overlap(one: Score, other: Score) -> bool:
    if None in (one.low, one.high, other.low, other.high):
        return True
    return float(one.low or 0) <= float(other.high or 0) and float(other.low or 0) <= float(one.high or 0)
