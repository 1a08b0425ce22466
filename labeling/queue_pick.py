"""Which images to put in a queue, given what each is worth: chosen one by one, so that each adds to those before it.

In: scores in [0, 1] by name, weights, unit vectors where there are any, the places already labelled, and which images
are copies of one another. Out: places in the order chosen, each with its score, its distance and its leading reason.
Randomness comes in as a generator. Pure numpy (scikit-learn for clusters); never reads a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from labeling.queue_scores import Bools, Floats, Ints, ranked, typicality

SAME = 0.97  # cosine of a copy: leaving out one picture too many costs nothing, asking twice costs a person's time
_CLUSTERED = 20_000  # images clustered at a cold start, at most


class Mix(BaseModel):
    """How much each reason counts. The worth of an image is the weighted mean of its scores; what its distance to
    everything labelled or queued counts beside that is `diversity`. The defaults were chosen among seven mixes on the
    validation part of `wardrobe` (benchmarks/active_learning.py --choose)."""

    model_config = ConfigDict(extra="forbid")
    uncertainty: float = Field(1.0, ge=0, le=100, description="margin of the calibrated probabilities")
    disagreement: float = Field(
        2.0, ge=0, le=100, description="a committee's members, or sources, contradict each other"
    )
    rarity: float = Field(0.6, ge=0, le=100, description="expected inverse frequency of its value")
    quality: float = Field(0.0, ge=0, le=100, description="sharp and well lit; for queues without embeddings")
    diversity: float = Field(1.0, ge=0, le=100, description="exponent of the distance beside the worth's")


@dataclass(frozen=True)
class Pick:
    """`score` in [0, 1]: worth x distance when it was chosen; `distance` in [0, 1] of the farthest then possible."""

    place: int
    score: float
    distance: float
    reason: str


def worth(scores: Mapping[str, Floats], mix: Mix) -> Floats:
    """(N,) weighted mean of the scores that are there and have a weight; 1 for all where none has."""
    weights = {name: getattr(mix, name) for name in scores if name != "diversity" and getattr(mix, name) > 0}
    if not weights:
        return np.ones(len(next(iter(scores.values()))) if scores else 0)
    return np.asarray(sum(weights[name] * scores[name] for name in weights) / sum(weights.values()))


def pick(
    value: Floats, n: int, *, free: Bools, rng: np.random.Generator | None, vectors: Floats | None = None,
    known: Ints | None = None, copies: npt.NDArray[Any] | None = None, diversity: float = 1.0,
) -> list[Pick]:  # fmt: skip
    """At most `n` of the `free` places, drawn with chance (value x distance^diversity)^2; without `rng`, the largest.

    k-means++ seeding (Arthur & Vassilvitskii, 2007) as BADGE uses it (Ash et al., 2020), with the image's worth in the
    place of the gradient's length. Distance is Euclidean to the nearest of `known` and of those chosen, over the
    farthest still possible. Drawn, since the largest would be the outliers first. No copy of a labelled or chosen image
    (cosine over 0.97, or the same mark in `copies`) is taken; without `vectors` all distances are 1.
    """
    free, known = free.copy(), np.zeros(0, np.int64) if known is None else known
    near = _nearest(vectors, known) if vectors is not None else np.full(len(value), -1.0)
    _leave_out_copies(free, near, copies, known)
    found: list[Pick] = []
    while len(found) < n and free.any():
        distance = _distance(near, free) if vectors is not None else np.ones(len(value))
        score = np.where(free, value * distance**diversity, 0.0)
        place = _draw(score, free, rng)
        found.append(Pick(place, float(score[place]), float(distance[place]), ""))
        free[place] = False
        if vectors is not None:
            near = np.maximum(near, vectors @ vectors[place])
        _leave_out_copies(free, near, copies, np.array([place]))
    return found


def _nearest(vectors: Floats, known: Ints) -> Floats:
    """(N,) largest cosine with a known image; -1 where there is none."""
    near = np.full(len(vectors), -1.0)
    for start in range(0, len(known), 512):
        near = np.maximum(near, (vectors @ vectors[known[start : start + 512]].T).max(1))
    return near


def _distance(near: Floats, free: Bools) -> Floats:
    gap = np.sqrt(np.maximum(2 - 2 * near, 0))
    return np.asarray(np.minimum(gap / max(float(gap[free].max()), 1e-9), 1))


def _leave_out_copies(free: Bools, near: Floats, copies: npt.NDArray[Any] | None, of: Ints) -> None:
    free &= near < SAME
    if copies is not None and len(of):
        free &= ~np.isin(copies, copies[of])


def _draw(score: Floats, free: Bools, rng: np.random.Generator | None) -> int:
    if rng is None:
        return int(np.where(free, score, -1.0).argmax())
    chance = score**2
    if chance.sum() <= 0:  # every score is 0: any free one
        chance = free.astype(np.float64)
    return int(rng.choice(len(score), p=chance / chance.sum()))


def pick_typical(
    vectors: Floats, n: int, *, free: Bools, known: Ints | None = None, copies: npt.NDArray[Any] | None = None,
    seed: int = 0,
) -> list[Pick]:  # fmt: skip
    """The cold start: at most `n` images that stand for the largest clusters nobody labelled anything of.

    TypiClust (Hacohen, Dekel & Weinshall, 2022): as many clusters as labels there will be; in each without a label, the
    largest first, the image nearest to its 20 neighbours. `score` is typicality's rank, `distance` the cluster's share
    of the largest.
    """
    known = np.zeros(0, np.int64) if known is None else known
    typical, free = typicality(vectors, seed=seed), free.copy()
    _leave_out_copies(free, _nearest(vectors, known), copies, known)
    cluster = _clusters(vectors, min(len(known) + n, int(free.sum()) + len(known)), seed)
    sizes = np.bincount(cluster)
    covered = set(cluster[known].tolist())
    order = sorted(range(len(sizes)), key=lambda each: (each in covered, -sizes[each], each))
    found: list[Pick] = []
    while len(found) < n and free.any():
        before = len(found)
        for each in order:
            inside = np.flatnonzero(free & (cluster == each))
            if not len(inside) or len(found) == n:
                continue
            place = int(inside[typical[inside].argmax()])
            found.append(Pick(place, float(typical[place]), float(sizes[each] / sizes.max()), "typicality"))
            free[place] = False
            _leave_out_copies(free, vectors @ vectors[place], copies, np.array([place]))
        if len(found) == before:
            break
    return found


def _clusters(vectors: Floats, count: int, seed: int) -> Ints:
    from sklearn.cluster import MiniBatchKMeans

    if count < 2:
        return np.zeros(len(vectors), np.int64)
    rng = np.random.default_rng(seed)
    sample = vectors
    if len(vectors) > _CLUSTERED:
        sample = vectors[rng.choice(len(vectors), _CLUSTERED, replace=False)]
    model = MiniBatchKMeans(min(count, len(sample)), n_init=3, batch_size=4096, random_state=seed).fit(sample)
    return np.asarray(model.predict(vectors), np.int64)


def leading(scores: Mapping[str, Floats], mix: Mix, picks: list[Pick], free: Bools, spread: bool = True) -> list[str]:
    """Why each was chosen: the score that stands highest among the free images, times its weight; with `spread` also
    diversity, by the distance it had when it was chosen."""
    ranks = {name: _ranks(scores[name], free) * getattr(mix, name) for name in scores if getattr(mix, name) > 0}

    def reason(each: Pick) -> str:
        found = {name: float(values[each.place]) for name, values in ranks.items()}
        found |= {"diversity": each.distance * mix.diversity} if spread or not found else {}
        return max(found, key=lambda name: found[name])

    return [reason(each) for each in picks]


def _ranks(values: Floats, free: Bools) -> Floats:
    """Ranks among the free; a score that is 0 is no reason, however many are."""
    out = np.zeros(len(values))
    out[free] = ranked(values[free])
    return np.asarray(np.where(values > 0, out, 0.0))
