"""Who says what an unlabelled image is, and how sure: a run, a committee taught by the labels, or the labels alone.

In: a pool, what has been said about a field, perhaps a run's probabilities. Out: scores in [0, 1] by name.
Labels of the validation and test parts teach nothing here. Never writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset.errors import DataError
from dataset.taxonomy import Taxonomy
from labeling import queue_scores as scores
from labeling.queue_heads import committee, directions
from labeling.queue_labels import Said, related
from labeling.queue_pool import Pool
from labeling.queue_scores import Floats, Ints

LEAST_LABELS = 20  # below, a committee guesses more than it knows: the cold start asks for typical images


@dataclass(frozen=True)
class Probabilities:
    """A run's calibrated word on images: `p` (N, K) for `sha256s` over `values`. Refused where rows don't sum to 1."""

    sha256s: Sequence[str]
    values: Sequence[str]
    p: Floats
    source: str = "run"

    def checked(self) -> Floats:
        found = scores.check_probabilities(self.p, self.source)
        if found.shape != (len(self.sha256s), len(self.values)):
            expected = f"({len(self.sha256s)} images, {len(self.values)} values)"
            raise DataError(f"have shape {found.shape}", where=self.source, expected=expected)
        return found


@dataclass(frozen=True)
class Judged:
    """`scores` by name, and `p` over `values` where something could say."""

    scores: dict[str, Floats]
    method: str
    values: Sequence[str] = ()
    p: Floats | None = None


def judge(
    pool: Pool, said: Said, about: str, words: Taxonomy, probabilities: Probabilities | None, seed: int
) -> Judged:
    """The scores of every image by whatever can judge it: a run, a committee on the labels so far, or neither."""
    taught = _taught(pool, said)
    enough = len(taught) >= LEAST_LABELS and len(np.unique(said.given[taught])) > 1
    disputed, p, values, method = said.contradiction, None, list(said.values), ""
    if pool.vectors is not None and enough:
        opinion = committee(
            directions(pool.vectors, seed=seed), taught, said.given[taught], len(values), seed=seed,
            groups=np.array([item.group for item in pool.items]), weights=said.trust[taught],
        )  # fmt: skip
        disputed = np.maximum(disputed, scores.disagreement(opinion.votes, opinion.fair))
        p, method = opinion.mean, f"committee on {len(taught)} labels"
    if probabilities is not None:
        p, values = _aligned(probabilities, pool), list(probabilities.values)
        method = probabilities.source
    if p is None:
        return _by_labels(pool, said)
    given = _places(said, values)
    disputed = np.maximum(disputed, scores.doubt(p, given, said.confidence, related(values, about, words)))
    by_value = dict(zip(said.values, said.counts(), strict=True))
    counts = np.array([by_value.get(value, 0.0) for value in values])
    found = {"uncertainty": scores.margin(p), "disagreement": disputed, "rarity": scores.rarity(p, counts)}
    return Judged(found, method, values, p)


def _taught(pool: Pool, said: Said) -> Ints:
    """Places that may teach: a value, a vector, and not of the parts that judge."""
    taught = [place for place in said.teaches if (pool.items[place].split or "train") == "train"]
    if pool.vectors is not None:
        taught = [place for place in taught if pool.vectors[place].any()]
    return np.array(taught, np.int64)


def _by_labels(pool: Pool, said: Said) -> Judged:
    """Without vectors or enough labels: what the labels themselves tell, and quality."""
    found = {"disagreement": said.contradiction, "quality": np.array([item.quality for item in pool.items])}
    if np.isfinite(said.unsure).any():
        found["uncertainty"] = np.nan_to_num(said.unsure, nan=1.0)
    if len(said.values) > 1:
        k = len(said.values)
        known = np.where(said.given[:, None] >= 0, np.eye(k)[np.maximum(said.given, 0)], np.full(k, 1 / k))
        found["rarity"] = scores.rarity(known, said.counts())
    return Judged(found, "cold start" if pool.vectors is not None else "rarity and quality")


def _aligned(given: Probabilities, pool: Pool) -> Floats:
    """(N, K) by place; an image the run says nothing of has every value alike."""
    p, place = given.checked(), pool.place
    out = np.full((len(pool.items), p.shape[1]), 1 / p.shape[1])
    for row, sha256 in enumerate(given.sha256s):
        if sha256 in place:
            out[place[sha256]] = p[row]
    return out


def _places(said: Said, values: Sequence[str]) -> Ints:
    """(N,) the number of each given value among `values`, -1 where it is not one of them."""
    number = {value: place for place, value in enumerate(values)}
    table = np.array([*(number.get(value, -1) for value in said.values), -1], np.int64)
    return table[said.given]
