"""How well vectors find similar products: Recall@k and mAP, the query's own group left out of the gallery.

In: vectors, groups (product, variants and near-duplicates are one), what counts as alike. Out: per-query figures and
their means with 95 % intervals from groups drawn anew. A query without anything alike in the gallery is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from train.figure import Figure

Floats = npt.NDArray[np.float32]
KS = (1, 5, 10)
NAMES = (*(f"Recall@{k}" for k in KS), "mAP")
_DRAWS = 1000


@dataclass(frozen=True)
class Asked:
    """`scores` (n, 4): of each query whether one alike is among the first 1, 5, 10, and the average precision over the
    whole gallery. `groups` (n,) of the queries."""

    scores: npt.NDArray[np.float64]
    groups: npt.NDArray[np.str_]

    @property
    def means(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.scores.mean(0) if len(self.scores) else np.zeros(len(NAMES)))


def asked(vectors: Floats, groups: Sequence[str], alike: Sequence[str]) -> Asked:
    """Every image asks all others but those of its own group; `alike` are words, equal ones are relevant, '' never."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    near, group, word = unit @ unit.T, np.array(groups), np.array(alike)
    rows, kept = [], []
    for number in range(len(unit)):
        others = group != group[number]
        right = (word[others] == word[number])[np.argsort(-near[number][others], kind="stable")]
        if word[number] and right.any():
            rows.append([*(float(right[:k].any()) for k in KS), average_precision(right)])
            kept.append(group[number])
    return Asked(np.array(rows).reshape(-1, len(NAMES)), np.array(kept, dtype=str))


def average_precision(right: npt.NDArray[np.bool_]) -> float:
    """Mean, over the relevant ones, of the precision down to each; `right` in the order of the ranking."""
    places = np.flatnonzero(right)
    return float((np.arange(1, len(places) + 1) / (places + 1)).mean()) if len(places) else 0.0


def intervals(found: Asked, seed: int = 0) -> npt.NDArray[np.float64]:
    """(2, 4) 2.5 and 97.5 percentiles of the means, 1,000 draws of whole groups."""
    if not len(found.scores):
        return np.zeros((2, len(NAMES)))
    _, place = np.unique(found.groups, return_inverse=True)
    count = place.max() + 1
    sums = np.stack([np.bincount(place, column, count) for column in found.scores.T], 1)
    sizes = np.bincount(place, minlength=count)
    draws = np.random.default_rng(seed).integers(0, count, (_DRAWS, count))
    means = sums[draws].sum(1) / sizes[draws].sum(1)[:, None]
    return np.asarray(np.percentile(means, [2.5, 97.5], axis=0))


def figures(found: Asked, part: str, baseline_name: str, baseline: Asked) -> list[Figure]:
    """A figure a measure, the baseline's beside."""
    low, high = intervals(found)
    n = len(found.scores)
    return [
        Figure(name, float(mean), float(a), float(b), n, part, baseline_name, float(base))
        for name, mean, a, b, base in zip(NAMES, found.means, low, high, baseline.means, strict=True)
    ]
