"""How one picture lies on another: matched local features and the turn, scale and shift that most of them share.

In: the `Points` of two pictures. Out: an `Alignment`, or None where too few points agree on one. Lowe's ratio test on
mutual nearest neighbours, then RANSAC for a similarity (OpenCV). Of two pictures of different things some 3 points
agree by chance, of a copy 40 and more (benchmarks/duplicates.py). Looks at no pixel: a shared backdrop aligns too.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.copies_points import Points

RATIO = 0.8
TOLERANCE_PX = 4.0
_ROUNDS = 1000
_CELL_PX = 4  # inliers nearer than that are one place: SIFT gives a strong corner two directions or more
_SCALES = (0.2, 5.0)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """`matrix` (2, 3) takes places of the first picture (mirrored first, where so) to the second's, both in px of
    their working copies; `places` is how many places agree on it."""

    matrix: Matrix
    mirrored: bool
    places: int


def align(a: Points, b: Points, *, least: int, flips: tuple[bool, ...] = (False, True)) -> Alignment | None:
    """The better of straight and mirrored, or of what `flips` names; None under `least` agreeing places."""
    found = [_of(a.mirrored() if flip else a, b, flip, least) for flip in flips]
    return max((one for one in found if one), key=lambda one: one.places, default=None)


def _of(a: Points, b: Points, flip: bool, least: int) -> Alignment | None:
    i, j = matched(a, b)
    if len(i) < least:
        return None
    cv2.setRNGSeed(0)  # RANSAC draws from OpenCV's global generator
    matrix, inside = cv2.estimateAffinePartial2D(
        a.places[i], b.places[j], method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE_PX, maxIters=_ROUNDS
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None
    if not _SCALES[0] <= float(np.hypot(matrix[0, 0], matrix[0, 1])) <= _SCALES[1]:
        return None
    held = inside.ravel().astype(bool)
    places = min(_distinct(a.places[i][held]), _distinct(b.places[j][held]))
    return Alignment(np.asarray(matrix, np.float64), flip, places) if places >= least else None


def matched(a: Points, b: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(i, j) of points that are each other's nearest, and clearly nearer than i's second nearest."""
    if len(a.places) < 2 or len(b.places) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    x, y = (_unit(side) for side in (a, b))
    alike = x @ y.T
    best = alike.argmax(axis=1)
    rows = np.arange(len(x))
    first = alike[rows, best].copy()
    mutual = alike.argmax(axis=0)[best] == rows
    alike[rows, best] = -1
    near, next_ = (np.sqrt(np.maximum(2 - 2 * value, 0)) for value in (first, alike.max(axis=1)))
    kept = np.flatnonzero(mutual & (near < RATIO * next_))
    return kept, best[kept]


def _unit(points: Points) -> NDArray[np.float32]:
    rows = points.descriptors.astype(np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _distinct(places: NDArray[np.float32]) -> int:
    return len(np.unique(np.rint(places / _CELL_PX), axis=0))
