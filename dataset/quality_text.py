"""How likely lettering or a watermark lies over a picture.

In: (H, W) uint8 luma. Out: a score in [0, 1]; 1 shows none. Looks for what letters are: thin strokes, lighter or
darker than both sides, of one height, many to a row, with gaps. A print on a garment is lettering too: the score is a
hint for sorting, not a verdict. Never reads a word.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 448
_STROKE = 35  # grey levels a stroke stands out by
_LETTERS = 5  # in a row: fewer are buttons, stripes and eyes


def overlay(grey: NDArray[np.uint8]) -> float:
    """1 minus how much of the picture's width its longest line of letter-like marks takes."""
    scale = max(grey.shape) / _SIDE
    size = (max(1, round(grey.shape[1] / scale)), max(1, round(grey.shape[0] / scale)))
    how = cv2.INTER_AREA if scale > 2 else cv2.INTER_LINEAR  # area means cost five times as much, and need less here
    small = np.asarray(cv2.resize(grey, size, interpolation=how), dtype=np.uint8) if scale > 1 else grey
    if min(small.shape) < 32:
        return 1.0
    kernel = np.ones((5, 5), np.uint8)
    longest = max(_longest_line(_marks(small, how, kernel)) for how in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT))
    return float(1.0 - min(1.0, longest / (0.35 * small.shape[1])))


def _marks(grey: NDArray[np.uint8], how: int, kernel: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(k, 4) x, y, width, height of the marks that could be letters."""
    strokes = (cv2.morphologyEx(grey, how, kernel) >= _STROKE).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8, ltype=cv2.CV_16U)
    x, y, width, height, area = stats[1:].T
    fill = area / np.maximum(width * height, 1)
    letter = (height >= 4) & (height <= 60) & (width <= 2 * height) & (area >= 6) & (fill > 0.15) & (fill < 0.9)
    return np.asarray(np.stack([x, y, width, height], axis=1)[letter], dtype=np.int32)


def _longest_line(marks: NDArray[np.int32]) -> float:
    """Widest run of at least `_LETTERS` marks of like height and foot, each close behind the one before."""
    feet = marks[:, 1] + marks[:, 3]
    many = np.convolve(np.bincount(feet), np.ones(5, np.int64), mode="same") if len(feet) else np.zeros(0)
    best = 0.0
    for foot in np.flatnonzero(many >= _LETTERS)[::3]:
        line = marks[np.abs(feet - foot) <= 2]
        if len(line) >= _LETTERS:
            best = max(best, _run(line[np.argsort(line[:, 0])]))
    return best


def _run(line: NDArray[np.int32]) -> float:
    height = float(np.median(line[:, 3]))
    line = line[np.abs(line[:, 3] - height) <= 0.4 * height]
    if len(line) < _LETTERS:
        return 0.0
    gaps = line[1:, 0] - (line[:-1, 0] + line[:-1, 2])
    runs = np.split(line, np.flatnonzero(gaps > 1.5 * height) + 1)
    return max((float(run[-1, 0] + run[-1, 2] - run[0, 0]) for run in runs if len(run) >= _LETTERS), default=0.0)
