"""Whether one picture, laid on another, shows the same shapes in the same colours over most of what it shows.

In: two working copies (H, W, 3) uint8 RGB and their `Alignment`. Out: a `Verdict`. Blocks of 12x12 px that show
anything must agree in it: light and dark by local correlation, then colour after the one tone curve for the whole
picture that explains most. So a shared logo, size chart or backdrop is not enough, and neither is the same photograph
with the garment in another colour. Limits were chosen on the photographs that benchmarks/duplicates.py takes by
--choosing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.copies_align import Alignment, Matrix
from dataset.copies_points import Pixels
from dataset.copies_tone import beyond_tone

BLOCK_PX = 12
SEEN = 3.0  # standard deviation of a block's luma, of 255, from which it shows something
ALIKE = 0.7  # local correlation
LEAST_BLOCKS = 8
AGREE = 0.72  # share of the blocks under the overlap: a badge, a watermark and a margin may differ
COVER_ONE = 0.72  # share of all blocks of the picture that is shown more wholly
COVER_BOTH = 0.3  # and of the other: a crop to half the area still counts
OTHER_COLOUR = 0.07  # share of agreeing blocks whose colour no tone curve explains

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Verdict:
    """`code` is copy, other_shapes, small_overlap or other_colour; `agree`, `cover` (less and more covered) and
    `coloured` (share of agreeing blocks in another colour) are in [0, 1]."""

    code: str
    agree: float = 0.0
    cover: tuple[float, float] = (0.0, 0.0)
    coloured: float = 0.0

    @property
    def score(self) -> float:
        """Share of the blocks under the overlap that agree in shape and colour."""
        return self.agree * (1 - self.coloured)


def compare(a: Pixels, b: Pixels, how: Alignment) -> Verdict:
    """The verdict on `a` laid on `b` as `how` says, and `b` on `a`: the worse of both for shapes."""
    a = np.ascontiguousarray(a[:, ::-1]) if how.mirrored else a
    here, there = _laid(a, b, how.matrix), _laid(b, a, np.asarray(cv2.invertAffineTransform(how.matrix), np.float64))
    agree = min(here.agree, there.agree)
    less, more = sorted((here.cover, there.cover))
    if here.blocks < LEAST_BLOCKS or less < COVER_BOTH or more < COVER_ONE:
        return Verdict("small_overlap", agree, (less, more))
    if agree < AGREE:
        return Verdict("other_shapes", agree, (less, more))
    coloured = beyond_tone(here.colours, here.others)
    return Verdict("copy" if coloured <= OTHER_COLOUR else "other_colour", agree, (less, more), coloured)


@dataclass(frozen=True)
class _Laid:
    """One picture under another: blocks asked, share of them that agree, share of the lower picture's blocks that
    agree, and the mean colours of the agreeing ones, (k, 3) in [0, 1] each."""

    blocks: int
    agree: float
    cover: float
    colours: Floats
    others: Floats


def _laid(a: Pixels, b: Pixels, matrix: Matrix) -> _Laid:
    height, width = b.shape[:2]
    warped = np.asarray(cv2.warpAffine(a, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
    whole = cv2.warpAffine(np.ones(a.shape[:2], np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR)
    over = _blocks(np.asarray(whole, np.float32)).min(axis=-1, initial=1) > 0.5
    x, y = _relief(warped), _relief(b)
    deep_x, deep_y = x.std(axis=-1), y.std(axis=-1)
    asked = (np.maximum(deep_x, deep_y) > SEEN) & over
    alike = asked & ((x * y).mean(axis=-1) > ALIKE * deep_x * deep_y)
    agreeing = int(alike.sum())
    return _Laid(
        int(asked.sum()),
        agreeing / max(int(asked.sum()), 1),
        min(1.0, agreeing / max(int((deep_y > SEEN).sum()), 1)),
        _means(warped, alike),
        _means(b, alike),
    )


def _relief(rgb: Pixels) -> Floats:
    """(rows, columns, 144) smoothed luma of each block about its mean."""
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    cut = _blocks(np.asarray(cv2.GaussianBlur(luma, (0, 0), 2.0), dtype=np.float32))
    return np.asarray(cut - cut.mean(axis=-1, keepdims=True))


def _means(rgb: Pixels, chosen: Flags) -> Floats:
    channels = [_blocks(rgb[..., k].astype(np.float32)).mean(axis=-1)[chosen] for k in range(3)]
    return np.asarray(np.stack(channels, axis=-1) / 255, np.float32)


def _blocks(plane: Floats) -> Floats:
    """(H, W) cut into (H // 12, W // 12, 144); what is left over at the right and bottom goes."""
    rows, columns = plane.shape[0] // BLOCK_PX, plane.shape[1] // BLOCK_PX
    cut = plane[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    return cut.swapaxes(1, 2).reshape(rows, columns, BLOCK_PX * BLOCK_PX)
