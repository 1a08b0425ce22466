"""Bars of one colour at the edges of a picture: letterboxing, frames, a screenshot's margins.

In: (H, W, 3) uint8 RGB. Out: the share of the picture that is not inside such bars, in [0, 1]; 1 has none. A bar ends
at a straight step over most of its length; a packshot's white backdrop ends where the garment begins, and is no bar.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 192
_DEEPEST = 0.35  # of the side: a bar beyond that is more likely the picture
_SAME = 14  # grey levels, any channel: what re-encoding does to one colour
_LEVELS_OF_STEP = 24
_PLAIN = 0.98  # share of a line that must be its one colour
_STRAIGHT = 0.75  # share of the line that must change at once


def frame(rgb: NDArray[np.uint8]) -> float:
    """1 minus the share of the picture's area inside bars."""
    height, width = rgb.shape[:2]
    if min(height, width) < 16:
        return 1.0
    # sampled, not averaged: a bar's edge must stay one step wide
    size = (min(width, _SIDE), min(height, _SIDE))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    if not any(_may_be_plain(line) for line in (small[0], small[-1], small[:, 0], small[:, -1])):
        return 1.0  # most photographs end here
    top, bottom = _depth(small), _depth(small[::-1])
    turned = np.ascontiguousarray(small.transpose(1, 0, 2))
    left, right = _depth(turned), _depth(turned[::-1])
    inside = (1 - (top + bottom) / len(small)) * (1 - (left + right) / len(turned))
    return float(max(0.0, inside))


def _may_be_plain(line: NDArray[np.uint8]) -> bool:
    """Whether enough pixels of a line (n, 3) are of one colour, by one channel and cheaply."""
    green = np.sort(line[:, 1])
    aside = int((1 - _PLAIN) * len(green)) + 1
    return int(green[-1 - aside]) - int(green[aside]) <= 2 * _SAME


def _depth(lines: NDArray[np.uint8]) -> int:
    """How many first lines are one colour, 0 unless a straight step follows them."""
    colour = np.median(lines[0], axis=0)
    if not _alike(lines[0], colour, _SAME).mean() >= _PLAIN:
        return 0
    deepest = round(_DEEPEST * len(lines)) + 1
    plain = np.array([_alike(line, colour, _SAME).mean() >= _PLAIN for line in lines[:deepest]])
    depth = len(plain) if plain.all() else int(np.argmin(plain))
    if not 0 < depth <= _DEEPEST * len(lines):
        return 0
    after = lines[depth + 1]  # one line on: the first may be mixed by scaling
    return depth if 1 - _alike(after, colour, _LEVELS_OF_STEP).mean() >= _STRAIGHT else 0


def _alike(line: NDArray[np.uint8], colour: NDArray[np.float64], limit: int) -> NDArray[np.bool_]:
    """(n,) whether each pixel of a line (n, 3) is within `limit` of a colour in every channel."""
    return np.asarray((np.abs(line - colour) <= limit).all(axis=1))
