"""The gate before promotion: is the candidate worse than the promoted model, on the same photos?

In: two `Judged` (counts per photo of the same rows). Out: a `Verdict` with the paired difference, its 95 % interval,
the slices and the reasons against. Never writes; a verdict from other rows or other classes is refused, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from train.job_file import Gate
from train.metrics import Floats, Ints

LEAST_IN_SLICE = 5
DRAWS = 1000


@dataclass(frozen=True)
class Judged:
    """A model's counts on the rows with `fingerprint`: {sha256: (C, 3) true, predicted, both} and {sha256: slices}.

    Tagging stands here as one class with (1, right, right), whose IoU is the share of right answers."""

    run: str
    metric: str
    fingerprint: str
    classes: tuple[str, ...]
    counts: dict[str, Ints]
    slices: dict[str, frozenset[str]]


@dataclass(frozen=True)
class SliceGap:
    """`difference` is candidate minus current on the n photos of the slice."""

    slice: str
    n: int
    candidate: float
    current: float
    difference: float


@dataclass(frozen=True)
class Verdict:
    """`passed` and, where not, every reason. Without a current model `other` is the trivial baseline."""

    passed: bool
    reasons: tuple[str, ...]
    metric: str
    n: int
    candidate: float
    current_run: str | None
    other: float | None
    difference: float | None
    low: float | None
    high: float | None
    left_out: int
    slices: tuple[SliceGap, ...]

    def line(self) -> str:
        word = "passed" if self.passed else "held back"
        beside = self.current_run or "the trivial baseline"
        text = f"{word}: {self.metric} {self.candidate:.4f} (n = {self.n})"
        if self.other is not None and self.difference is not None:
            text += f" beside {self.other:.4f} of {beside}: {self.difference:+.4f}"
        if self.low is not None and self.high is not None:
            text += f" [{self.low:+.4f}, {self.high:+.4f}]"
        return "; ".join([text, *self.reasons])


def judged_of(evaluation: dict[str, Any]) -> Judged | None:
    """The counts that evaluation.json holds; None for one written before it held any."""
    detail, on = evaluation.get("detail", {}), evaluation.get("judged_on")
    if not on:
        return None
    if evaluation["task"] == "segmentation":
        return segmentation_counts(
            evaluation["run"], on["fingerprint"], evaluation["confusions"][0]["classes"], detail["per_photo"]
        )
    field = next((name for name, each in detail.items() if isinstance(each, dict) and each.get("per_photo")), None)
    if field is None:
        return None
    right = {row["sha256"]: int(row["right"]) for row in detail[field]["per_photo"]}
    return tagging_counts(evaluation["run"], on["fingerprint"], field, right)


def segmentation_counts(run: str, fingerprint: str, classes: list[str], rows: list[dict[str, Any]]) -> Judged:
    """From rows {sha256, counts {class: [true, predicted, both]}, slices}."""
    counts, slices = {}, {}
    for row in rows:
        table = np.zeros((len(classes), 3), np.int64)
        for place, three in row["counts"].items():
            table[int(place)] = three
        counts[row["sha256"]], slices[row["sha256"]] = table, frozenset(row["slices"])
    return Judged(run, "mean IoU", fingerprint, tuple(classes), counts, slices)


def tagging_counts(run: str, fingerprint: str, field: str, right: dict[str, int]) -> Judged:
    counts = {sha: np.array([[1, yes, yes]], np.int64) for sha, yes in right.items()}
    return Judged(run, f"{field} accuracy", fingerprint, (field,), counts, dict.fromkeys(counts, frozenset()))


def mean_iou(counts: Ints) -> Floats:
    """(..., C, 3) true, predicted, both -> (...): mean over the classes that the truth has (`metrics.mean_iou`)."""
    true, said, both = (counts[..., k].astype(float) for k in range(3))
    iou = np.where(true > 0, both / np.maximum(true + said - both, 1), np.nan)
    present = (true > 0).sum(-1)
    return np.where(present > 0, np.nansum(iou, axis=-1) / np.maximum(present, 1), np.nan)


def decide(
    candidate: Judged,
    current: Judged | None,
    gate: Gate,
    *,
    baseline: float = 0.0,
    learned: frozenset[str] = frozenset(),
) -> Verdict:
    """`learned` are photos that the current model was trained on: they are left out, for they flatter it."""
    if current is None:
        return _alone(candidate, gate, baseline)
    against = _incomparable(candidate, current)
    if against:
        value = float(mean_iou(sum(candidate.counts.values())))  # type: ignore[arg-type]
        return _verdict([against], candidate, len(candidate.counts), value, current.run)
    names = sorted(candidate.counts.keys() - learned)
    left_out = len(candidate.counts) - len(names)
    if len(names) < gate.least_photos:
        few = f"{len(names)} photos can't tell (least_photos {gate.least_photos})"
        return _verdict([few], candidate, len(names), float("nan"), current.run, left_out=left_out)
    a, b = (np.stack([each.counts[sha] for sha in names]) for each in (candidate, current))
    low, high = paired_interval(a, b)
    mine, theirs = float(mean_iou(a.sum(0))), float(mean_iou(b.sum(0)))
    slices = _slices(candidate, names, a, b)
    reasons = [f"worse beyond the interval: {mine - theirs:+.4f}, at best {high:+.4f}"] if high < 0 else []
    reasons += [
        f"slice '{each.slice}' is worse by {-each.difference:.4f} (n = {each.n}, margin {gate.margin})"
        for each in slices
        if each.difference < -gate.margin
    ]
    return Verdict(
        not reasons, tuple(reasons), candidate.metric, len(names), _r(mine), current.run, _r(theirs),
        _r(mine - theirs), _r(low), _r(high), left_out, tuple(slices),
    )  # fmt: skip


def paired_interval(a: Ints, b: Ints, *, seed: int = 0) -> tuple[float, float]:
    """95 % interval of mean IoU of `a` minus that of `b`, (N, C, 3) each, the same photos drawn for both."""
    n = len(a)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    gaps = mean_iou(np.tensordot(drawn, a, axes=1)) - mean_iou(np.tensordot(drawn, b, axes=1))
    low, high = np.nanpercentile(gaps, [2.5, 97.5])
    return float(low), float(high)


def _alone(candidate: Judged, gate: Gate, baseline: float) -> Verdict:
    n = len(candidate.counts)
    value = float(mean_iou(np.stack([*candidate.counts.values()]).sum(0)))
    reasons = [f"no better than its trivial baseline {baseline:.4f}"] if value <= baseline else []
    reasons += [f"{n} photos can't tell (least_photos {gate.least_photos})"] if n < gate.least_photos else []
    return Verdict(
        not reasons, tuple(reasons), candidate.metric, n, _r(value), None, _r(baseline), _r(value - baseline),
        None, None, 0, (),
    )  # fmt: skip


def _incomparable(candidate: Judged, current: Judged) -> str:
    if candidate.classes != current.classes:
        return f"other classes than {current.run}: give the job another model name"
    if candidate.fingerprint != current.fingerprint or candidate.counts.keys() != current.counts.keys():
        return f"judged on other rows than {current.run}"
    return ""


def _slices(candidate: Judged, names: list[str], a: Ints, b: Ints) -> list[SliceGap]:
    found = []
    for name in sorted({each for sha in names for each in candidate.slices[sha]}):
        inside = np.array([name in candidate.slices[sha] for sha in names])
        if inside.sum() >= LEAST_IN_SLICE:
            mine, theirs = float(mean_iou(a[inside].sum(0))), float(mean_iou(b[inside].sum(0)))
            found.append(SliceGap(name, int(inside.sum()), _r(mine), _r(theirs), _r(mine - theirs)))
    return found


def _verdict(
    reasons: list[str], candidate: Judged, n: int, value: float, current: str, *, left_out: int = 0
) -> Verdict:
    return Verdict(False, tuple(reasons), candidate.metric, n, _r(value), current, None, None, None, None, left_out, ())


def _r(value: float) -> float:
    return round(value, 6)
