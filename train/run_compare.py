"""Runs side by side: ranked only where they were judged on the same rows, with the same classes, on the same part.

In: runs. Out: `Comparison`, a group for each such set, best first, the difference to the best with its paired interval.
Never ranks across groups: figures of different rows are no contest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.errors import UsageError
from train import record
from train.job_gate import Judged, judged_of, paired_interval


@dataclass(frozen=True)
class Standing:
    """`behind` is the difference to the group's best, with its 95 % interval, None for the best and without counts."""

    run: str
    recipe: str
    value: float
    low: float | None
    high: float | None
    n: int
    behind: float | None
    behind_low: float | None
    behind_high: float | None
    wall_s: float


@dataclass(frozen=True)
class Group:
    """Runs that may be ranked: one task, metric, part and fingerprint of the rows ('?' is never shared)."""

    task: str
    metric: str
    part: str
    fingerprint: str
    runs: tuple[Standing, ...]


@dataclass(frozen=True)
class Comparison:
    groups: tuple[Group, ...]
    not_judged: tuple[str, ...]

    def line(self) -> str:
        lines = [f"not ranked together: {len(self.groups)} sets of rows"] if len(self.groups) > 1 else []
        for group in self.groups:
            lines.append(f"{group.task}, {group.metric} on {group.part} {group.fingerprint[:12]}")
            lines += [f"  {_said(each)}" for each in group.runs]
        lines += [f"not judged: {', '.join(self.not_judged)}"] if self.not_judged else []
        return "\n".join(lines)


def compare_runs(runs: list[record.Run]) -> Comparison:
    """Raises UsageError for no runs, TrainingError for one whose record was edited by hand."""
    if not runs:
        raise UsageError("no runs to compare", expected="two or more ids", cure="See them: modiste runs list")
    judged = [record.refuse_edited(run) for run in runs if run.done and run.evaluation.get("rows")]
    groups: dict[tuple[str, ...], list[record.Run]] = {}
    for run in judged:
        groups.setdefault(_key(run), []).append(run)
    made = tuple(_group(key, members) for key, members in sorted(groups.items()))
    return Comparison(made, tuple(run.id for run in runs if run not in judged))


def _key(run: record.Run) -> tuple[str, ...]:
    found, row = run.evaluation, run.evaluation["rows"][0]
    fingerprint = (found.get("judged_on") or {}).get("fingerprint") or f"? ({run.id})"
    classes = found["confusions"][0]["classes"] if run.task == "segmentation" and found.get("confusions") else []
    return run.task, row["metric"], found["part"], fingerprint, ",".join(classes)


def _group(key: tuple[str, ...], runs: list[record.Run]) -> Group:
    ordered = sorted(runs, key=lambda run: (-run.evaluation["rows"][0]["value"], run.id))
    best = judged_of(ordered[0].evaluation)
    task, metric, part, fingerprint, _ = key
    return Group(task, metric, part, fingerprint, tuple(_standing(run, ordered[0], best) for run in ordered))


def _standing(run: record.Run, best: record.Run, counts: Judged | None) -> Standing:
    row: dict[str, Any] = run.evaluation["rows"][0]
    behind = low = high = None
    if run is not best:
        behind = round(row["value"] - best.evaluation["rows"][0]["value"], 6)
        low, high = _paired(judged_of(run.evaluation), counts)
    return Standing(
        run.id, str(run.data["recipe"].get("name", "")), row["value"], row.get("low"), row.get("high"), row["n"],
        behind, low, high, run.data["wall_s"],
    )  # fmt: skip


def _paired(mine: Judged | None, best: Judged | None) -> tuple[float | None, float | None]:
    if mine is None or best is None or mine.counts.keys() != best.counts.keys():
        return None, None
    names = sorted(mine.counts)
    low, high = paired_interval(*(np.stack([each.counts[sha] for sha in names]) for each in (mine, best)))
    return round(low, 6), round(high, 6)


def _said(each: Standing) -> str:
    interval = f" [{each.low:.4f}, {each.high:.4f}]" if each.low is not None and each.high is not None else ""
    text = f"{each.value:.4f}{interval} n = {each.n}  {each.run}  {each.recipe}  {each.wall_s:.0f} s"
    if each.behind is None:
        return text
    if each.behind_low is None or each.behind_high is None:
        return f"{text}  {each.behind:+.4f}"
    tie = " (a tie)" if each.behind_low <= 0 <= each.behind_high else ""
    return f"{text}  {each.behind:+.4f} [{each.behind_low:+.4f}, {each.behind_high:+.4f}]{tie}"
