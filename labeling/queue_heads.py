"""A committee of logistic heads on frozen features: what the labels so far say about every other image.

In: unit vectors (N, d), the labelled places with their values, weights and groups. Out: each member's probabilities and
which members never saw an image, and the committee's calibrated mean. A member learns from a bootstrap of *groups*, so
an image's near-duplicate doesn't answer for it either. Kept small and quick (a few hundred labels, 128 directions): it
orders a queue and is no model to ship.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labeling.queue_scores import Bools, Floats, Ints

DIRECTIONS = 128
MEMBERS = 8
STRENGTH = 10.0  # C of scikit-learn is this over the number of directions, as in train/tagging.py
_SAMPLE = 10_000  # images the directions are found on, at most
_FLOOR = 1e-3  # a value that no bag held is unlikely, not impossible


@dataclass(frozen=True)
class Opinion:
    """`votes` (B, N, K) of each member; `fair` (B, N) False where the member learned from the image's own group;
    `mean` (N, K) over the fair members, calibrated by `temperature`."""

    votes: Floats
    fair: Bools
    mean: Floats
    temperature: float


def directions(vectors: Floats, most: int = DIRECTIONS, *, seed: int = 0) -> Floats:
    """(N, at most `most`) principal components of (N, d), whitened as far as their scale goes: variance sums to d'."""
    rng = np.random.default_rng(seed)
    sample = vectors if len(vectors) <= _SAMPLE else vectors[rng.choice(len(vectors), _SAMPLE, replace=False)]
    middle = sample.mean(0)
    covariance = np.cov(sample - middle, rowvar=False, dtype=np.float64)
    values, axes = np.linalg.eigh(np.atleast_2d(covariance))
    keep = min(most, len(values))
    found = (vectors - middle) @ axes[:, -keep:].astype(vectors.dtype)
    return np.asarray(found / max(float(np.sqrt(values[-keep:].mean())), 1e-9), np.float32)


def committee(
    x: Floats, places: Ints, values: Ints, classes: int, *, groups: npt.NDArray[Any] | None = None,
    weights: Floats | None = None, members: int = MEMBERS, seed: int = 0,
) -> Opinion:  # fmt: skip
    """Fit on x[places] with `values` (L,) in 0 .. classes-1; `groups` (N,) holds together what must not answer for
    itself (each image alone by default), `weights` (L,) says how far a label is trusted."""
    groups = np.arange(len(x)) if groups is None else np.unique(groups, return_inverse=True)[1]
    weights = np.ones(len(places)) if weights is None else weights
    rng = np.random.default_rng(seed)
    votes, fair = np.zeros((members, len(x), classes), np.float32), np.ones((members, len(x)), bool)
    own, size = groups[places], int(groups.max()) + 1
    for member in range(members):
        times = _bootstrap(own, values, size, rng)
        votes[member] = _head(x, places, values, weights * times[own], classes, seed)
        fair[member] = times[groups] == 0
    fair[:, ~fair.any(0)] = True  # in every bag: their word is biased, but there is no other
    share = fair / fair.sum(0)
    mean = np.einsum("bn,bnk->nk", share, votes.astype(np.float64))
    temperature = _temperature(mean[places], values, weights)
    return Opinion(votes, fair, _cooled(mean, temperature), temperature)


def _bootstrap(own: Ints, values: Ints, size: int, rng: np.random.Generator) -> Ints:
    """How often each group was drawn; at least two values are among the drawn ones, or everything is drawn once."""
    distinct = np.unique(own)
    times = np.zeros(size, np.int64)
    np.add.at(times, rng.choice(distinct, len(distinct)), 1)
    if len(np.unique(values[times[own] > 0])) < 2:
        times[distinct] = 1
    return times


def _head(x: Floats, places: Ints, values: Ints, weights: Floats, classes: int, seed: int) -> Floats:
    """(N, classes) probabilities of one logistic head; a value its bag lacks gets 0."""
    from sklearn.linear_model import LogisticRegression

    used = weights > 0
    model = LogisticRegression(C=STRENGTH / x.shape[1], max_iter=200, tol=1e-3, random_state=seed)
    model.fit(x[places[used]], values[used], sample_weight=weights[used])
    out = np.zeros((len(x), classes))
    out[:, model.classes_] = model.predict_proba(x)
    return out


def _temperature(p: Floats, values: Ints, weights: Floats) -> float:
    """T in [0.2, 5] with the least weighted log loss of softmax(log p / T) on images the members did not learn from
    (Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        right = _cooled(p, float(np.exp(log_t)))[np.arange(len(p)), values]
        return float(-(weights * np.log(np.maximum(right, 1e-9))).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-1.6, 1.6), method="bounded").x))


def _cooled(p: Floats, temperature: float) -> Floats:
    logits = np.log(np.maximum(p, _FLOOR)) / temperature
    logits -= logits.max(1, keepdims=True)
    out = np.exp(logits)
    return np.asarray(out / out.sum(1, keepdims=True))
