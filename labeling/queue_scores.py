"""What a person's label of an image would be worth, as scores in [0, 1]: one function a reason, 1 is most worth asking.

In: probabilities (N, K), votes of a committee (B, N, K), unit vectors (N, d), class counts. Out: (N,) float64. The only
inputs refused are probabilities that are none. Pure numpy (scikit-learn for clusters); never reads a table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.errors import DataError

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NEIGHBOURS = 20  # Hacohen et al. 2022 take 20
REFERENCES = 20_000  # images that typicality compares with, at most
_AT_ONCE = 2048
_SUM_WITHIN = 1e-3  # what float16 and rounding to four digits leave


def check_probabilities(p: Floats, where: str = "probabilities") -> Floats:
    """`p` (N, K) as float64, rows summing to exactly 1. Raises DataError for another shape, a value that is no
    probability, or a row whose sum is off by more than 0.001, naming the first such row."""
    p = np.asarray(p, np.float64)
    if p.ndim != 2 or p.shape[1] < 2:
        raise DataError(f"have shape {p.shape}", where=where, expected="(images, two or more values)")
    odd = ~np.isfinite(p).all(1) | (p < -_SUM_WITHIN).any(1)
    if odd.any():
        raise DataError(
            f"row {int(odd.argmax())} holds {p[odd.argmax()].tolist()}", where=where, expected="0 to 1 each"
        )
    sums = p.sum(1)
    off = abs(sums - 1) > _SUM_WITHIN
    if off.any():
        first = int(off.argmax())
        cure = "Give softmax outputs, not logits or scores of independent labels"
        raise DataError(f"row {first} sums to {sums[first]:.4g}", where=where, expected="1", cure=cure)
    p = np.clip(p, 0, 1)
    return p / p.sum(1, keepdims=True)


def margin(p: Floats) -> Floats:
    """1 minus the gap between the two likeliest values (Scheffer, Decomain & Wrobel, 2001): 1 is a tie."""
    two = np.partition(p, -2, axis=1)[:, -2:]
    return np.asarray(1 - (two[:, 1] - two[:, 0]))


def entropy(p: Floats) -> Floats:
    """Shannon entropy over log K (Settles, 2009, section 3.1): 1 is 'any value alike'."""
    return np.asarray(_entropy(p) / np.log(p.shape[1]))


def disagreement(votes: Floats, seen: Bools | None = None) -> Floats:
    """Jensen-Shannon distance between a committee's members, over its largest possible value.

    Query by committee (Seung, Opper & Sompolinsky, 1992) with the 'KL to the mean' measure of McCallum & Nigam (1998),
    its root taken, which makes it a distance (Endres & Schindelin, 2003) and spreads the small values; with members
    from bootstraps, query by bagging (Abe & Mamitsuka, 1998). `votes` (B, N, K); `seen` (B, N) are the
    members whose word counts for an image: fewer than two of them disagree by 0.
    """
    seen = np.ones(votes.shape[:2], bool) if seen is None else seen
    members = seen.sum(0)
    weight = seen / np.maximum(members, 1)
    mean = np.einsum("bn,bnk->nk", weight, votes)
    gap = _entropy(mean) - (weight * _entropy(votes)).sum(0)
    most = np.log(np.minimum(np.maximum(members, 2), votes.shape[2]))
    return np.where(members > 1, np.sqrt(np.clip(gap / most, 0, 1)), 0.0)


def doubt(p: Floats, given: Ints, confidence: Floats, related: Bools | None = None) -> Floats:
    """How far a model contradicts the value another source gave: that source's confidence x (1 - p[value]).

    1 - p[given] is the label-quality score of confident learning (Northcutt, Jiang & Chuang, 2021). `given` (N,) is a
    place in K, -1 where nothing was given (then 0). `related` (K, K): values that don't contradict each other, such as
    a blazer and outerwear, count together.
    """
    together = p if related is None else p @ related.astype(np.float64)
    said = together[np.arange(len(p)), np.maximum(given, 0)]
    return np.where(given >= 0, np.clip(confidence, 0, 1) * np.clip(1 - said, 0, 1), 0.0)


def split_vote(confidences: list[float]) -> float:
    """How evenly sources stand behind different values: Gini impurity of their confidences over its largest value.

    One confidence a value, the surest source of each; one value, or none, is 0 and two equals are 1.
    """
    shares = np.array([max(0.0, each) for each in confidences])
    if len(shares) < 2 or shares.sum() <= 0:
        return 0.0
    shares /= shares.sum()
    return float((1 - (shares**2).sum()) / (1 - 1 / len(shares)))


def rarity(p: Floats, counts: Floats) -> Floats:
    """Expected inverse frequency of an image's value: sum over k of p_k x (fewest + 1) / (count_k + 1).

    Inverse class frequency as in class-balanced sampling (Aggarwal, Popescu & Hudelot, 2020, 'Active learning for
    imbalanced datasets'), Laplace's one added. `counts` (K,): how often each value was labelled. 1: surely the rarest.
    """
    counts = np.asarray(counts, np.float64)
    return np.asarray(p @ ((counts.min() + 1) / (counts + 1)))


def typicality(vectors: Floats, neighbours: int = NEIGHBOURS, *, seed: int = 0) -> Floats:
    """Closeness to the nearest `neighbours` images (TypiClust: Hacohen, Dekel & Weinshall, 2022), its rank over N.

    The paper's inverse mean distance orders the same; the rank makes it comparable. Above 20,000 images the neighbours
    are sought in a sample. `vectors` (N, d) of unit length.
    """
    n = len(vectors)
    rng = np.random.default_rng(seed)
    others = vectors if n <= REFERENCES else vectors[np.sort(rng.choice(n, REFERENCES, replace=False))]
    take = min(neighbours + 1, len(others))  # the nearest is the image itself
    near = np.empty(n)
    for start in range(0, n, _AT_ONCE):
        cosine = vectors[start : start + _AT_ONCE] @ others.T
        best = np.partition(cosine, -take, axis=1)[:, -take:]
        near[start : start + _AT_ONCE] = -np.sqrt(np.maximum(2 - 2 * best, 0)).mean(1)
    return ranked(near)


def ranked(values: Floats) -> Floats:
    """Ranks over N - 1 in [0, 1], equals sharing their mean rank; a single value is 1."""
    from scipy.stats import rankdata

    if len(values) < 2:
        return np.ones(len(values))
    return np.asarray((rankdata(values) - 1) / (len(values) - 1))


def _entropy(p: Floats) -> Floats:
    return np.asarray(-(p * np.log(np.maximum(p, 1e-12))).sum(-1))
