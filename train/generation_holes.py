"""Holes to learn filling by: boxes, strokes, halves of pictures, and everything.

In: a generator, how many, a size. Out: (N, H, W) bool, True where nothing is known. Same generator state, same holes.
Never looks at a picture. `everything` keeps the network able to draw from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from train.letterbox import UInt8

Bool = npt.NDArray[np.bool_]
EVERYTHING = "everything"
SHARES = {EVERYTHING: 0.25, "box": 0.3, "strokes": 0.25, "half": 0.2}  # of training pictures
MOST = 0.75  # of the pixels in all but `everything`; more is drawn again


def holes(draw: np.random.Generator, n: int, size: tuple[int, int]) -> Bool:
    """(n, H, W), of kinds by their `SHARES`."""
    kinds = draw.choice(list(SHARES), n, p=list(SHARES.values()))
    return np.stack([hole(draw, str(kind), size) for kind in kinds])


def hole(draw: np.random.Generator, kind: str, size: tuple[int, int]) -> Bool:
    """(H, W), somewhere True; False somewhere too, but for 'everything'. Raises KeyError for an unknown kind."""
    if kind == EVERYTHING:
        return np.ones(size, bool)
    while True:
        mask: UInt8 = np.zeros(size, np.uint8)
        KINDS[kind](draw, mask)
        if 0 < np.count_nonzero(mask) <= MOST * mask.size:
            return mask > 0


def _box(draw: np.random.Generator, mask: UInt8) -> None:
    """15 to 70 % of each side, anywhere inside."""
    high, wide = (max(1, round(float(share) * side)) for share, side in zip(_shares(draw), mask.shape, strict=True))
    top, left = int(draw.integers(mask.shape[0] - high + 1)), int(draw.integers(mask.shape[1] - wide + 1))
    mask[top : top + high, left : left + wide] = 1


def _shares(draw: np.random.Generator) -> Sequence[float]:
    return [float(each) for each in draw.uniform(0.15, 0.7, 2)]


def _strokes(draw: np.random.Generator, mask: UInt8) -> None:
    """One to four bent strokes, 5 to 20 % of the side thick."""
    side = min(mask.shape)
    for _ in range(draw.integers(1, 5)):
        start, angle = draw.uniform(0, mask.shape[::-1], 2), draw.uniform(0, 2 * np.pi)
        along = np.linspace(0, draw.uniform(0.3, 1.0) * side, 6)
        bend = np.cumsum(draw.normal(0, 0.05 * side, (6, 2)), axis=0)
        path = start + along[:, None] * np.array([np.cos(angle), np.sin(angle)]) + bend
        thick = max(1, round(float(draw.uniform(0.05, 0.2)) * side))
        cv2.polylines(mask, [np.rint(path).astype(np.int32)], False, 1, thick)


def _half(draw: np.random.Generator, mask: UInt8) -> None:
    """All of one side, 30 to 70 % of the way."""
    axis = int(draw.integers(2))
    upright = mask if axis else mask.T
    edge = round(float(draw.uniform(0.3, 0.7)) * upright.shape[1])
    if draw.random() < 0.5:
        upright[:, :edge] = 1
    else:
        upright[:, edge:] = 1


KINDS: dict[str, Callable[[np.random.Generator, UInt8], None]] = {"box": _box, "strokes": _strokes, "half": _half}
