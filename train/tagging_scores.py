"""Scores of multi fields, and the floor under which a tagger doesn't commit itself. numpy only.

In: logits or chances (N, K) and truth (N, K) of ones and zeros, below 0 where a row has no label. Out: mean average
precision, F1, thresholds with the counts they were chosen by. Formulas: average precision as scikit-learn defines it,
sum over ranks of (recall step x precision); micro F1 from summed counts, macro F1 the mean over values that occur.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from train.metrics import wilson

Array = npt.NDArray[Any]
HALF = 0.5
SMALL = 1000  # answers; under so many Wilson's bound at 0.97 throws away most of what is right


@dataclass(frozen=True)
class Floor:
    """The least chance at which answers are kept. On validation `kept` of `n` answers were at or over it, `right` of
    these were right; `rule` says by what the wanted share was held: 'wilson' (lower 95 % bound) or 'plain'. `reached`
    is False where no threshold gave the share: then nothing but certainty is kept."""

    floor: float
    wanted: float
    rule: str
    n: int
    kept: int
    right: int
    reached: bool

    def as_facts(self) -> dict[str, Any]:
        return asdict(self)


def floor_of(chances: Array, right: Array, wanted: float, least: float = 0.0) -> Floor:
    """`chances` (N,) of the answers a tagger would give, `right` (N,) bool. The lowest threshold whose answers reach
    `wanted`, as the share itself under 1,000 answers, else as its lower bound; `least` where all answers do."""
    order = np.argsort(-chances, kind="stable")
    sure, hits = chances[order], np.cumsum(right[order])
    rule = "wilson" if len(sure) >= SMALL else "plain"
    for kept in range(len(sure), 0, -1):
        tied = kept < len(sure) and sure[kept] == sure[kept - 1]  # equals are kept or left together
        got = int(hits[kept - 1])
        share = wilson(got, kept)[0] if rule == "wilson" else got / kept
        if share >= wanted and not tied:
            floor = least if kept == len(sure) else float(sure[kept - 1])
            return Floor(floor, wanted, rule, len(sure), kept, got, True)
    return Floor(1.0, wanted, rule, len(sure), 0, 0, False)


def least_floor(truth: Array) -> float:
    """Under a half a multi field's value (`truth` (N, K)) is no answer, and nothing was tried there."""
    return HALF if truth.ndim == 2 else 0.0


def answers_of(chances: Array, truth: Array) -> tuple[Array, Array]:
    """What a floor is chosen by, (M,) chances and (M,) whether right: the surest value of each labelled row, or, where
    `truth` is (N, K), every value of every labelled row with a chance of a half or more."""
    if truth.ndim == 1:
        seen = truth != -1
        return chances[seen].max(1), chances[seen].argmax(1) == truth[seen]
    said = (truth >= 0) & (chances >= HALF)
    return chances[said], truth[said] == 1


def average_precision(scores: Array, truth: Array) -> float:
    """(N,) scores, (N,) ones and zeros -> area under precision-recall by steps; nan where nothing is true."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], np.cumsum(truth[order] == 1)
    if not len(hits) or not hits[-1]:
        return float("nan")
    ends = np.flatnonzero(np.append(np.diff(sorted_scores) != 0, True))  # ties count as one step
    precision, recall = hits[ends] / (ends + 1), hits[ends] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def mean_average_precision(scores: Array, truth: Array) -> float:
    """Over the values that occur in `truth` (N, K), rows without a label left out; 0 where none does."""
    seen = (truth >= 0).all(1)
    found = [average_precision(scores[seen, k], truth[seen, k]) for k in range(truth.shape[1])]
    known = [value for value in found if not np.isnan(value)]
    return float(np.mean(known)) if known else 0.0


def f1_counts(said: Array, truth: Array) -> npt.NDArray[np.int64]:
    """(N, K) bool each -> (N, K, 3): true positives, false positives, false negatives."""
    return np.stack([said & truth, said & ~truth, ~said & truth], axis=-1).astype(np.int64)


def micro_f1(counts: Array) -> npt.NDArray[np.float64]:
    """Summed `f1_counts` (..., K, 3) -> (...); 0 where nothing is said or true."""
    return _f1(counts.sum(-2))


def macro_f1_of_values(counts: Array) -> npt.NDArray[np.float64]:
    """Summed `f1_counts` (..., K, 3) -> (...), the mean over values that occur in the truth."""
    occurs = counts[..., 0] + counts[..., 2] > 0
    return np.asarray((_f1(counts) * occurs).sum(-1) / np.maximum(occurs.sum(-1), 1))


def _f1(counts: Array) -> npt.NDArray[np.float64]:
    hit, wrong, missed = (counts[..., place] for place in range(3))
    return np.asarray(2 * hit / np.maximum(2 * hit + wrong + missed, 1), dtype=float)
