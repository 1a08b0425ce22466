"""How likely lettering or a watermark lies over a picture.

In: (H, W) uint8 luma. Out: a score in [0, 1]; 1 shows none. Looks for what letters are: thin strokes, lighter or
darker than both sides, of one height, many to a row, with gaps. A print on a garment is lettering too: the score is a
hint for sorting, not a verdict. Never reads a word.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.quality_copies import working_copy

_STROKE = 35  # grey levels a stroke stands out by
_LETTERS = 5  # in a row: fewer are buttons, stripes and eyes
_LOWEST, _HIGHEST = 4, 60  # px, of a letter
_FOOT = 2  # px that feet of one line may differ by


def overlay(grey: NDArray[np.uint8]) -> float:
    """1 minus how much of the picture's width its longest line of letter-like marks takes, on its working copy."""
    small = working_copy(grey)
    if min(small.shape) < 32:
        return 1.0
    kernel = np.ones((5, 5), np.uint8)
    longest = max(_longest_line(_marks(small, how, kernel)) for how in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT))
    return float(1.0 - min(1.0, longest / (0.35 * small.shape[1])))


def _marks(grey: NDArray[np.uint8], how: int, kernel: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(k, 4) x, y, width, height of the marks that could be letters of a line."""
    found = cv2.threshold(cv2.morphologyEx(grey, how, kernel), _STROKE - 1, 1, cv2.THRESH_BINARY)[1]
    strokes = np.asarray(found, dtype=np.uint8)
    rows = _rows_with_letters(strokes)
    if rows is None:
        return np.zeros((0, 4), np.int32)
    _, _, stats, _ = cv2.connectedComponentsWithStats(strokes[rows], connectivity=8, ltype=cv2.CV_16U)
    x, y, width, height, area = stats[1:].T
    fill = area / np.maximum(width * height, 1)
    tall = (height >= _LOWEST) & (height <= _HIGHEST)
    letter = tall & (width <= 2 * height) & (area >= 6) & (fill > 0.15) & (fill < 0.9)
    return np.asarray(np.stack([x, y + rows.start, width, height], axis=1)[letter], dtype=np.int32)


def _rows_with_letters(strokes: NDArray[np.uint8]) -> slice | None:
    """Rows outside which no line of letters can stand, so that connected parts are sought in few, or in none.

    A connected mark is in each row from its head to its foot. Five letters, each 4 px high or more and with feet
    within 2 px of one place, thus start at least 20 runs of pixels within 8 rows. One letter's height is kept around.
    """
    starts = cv2.reduce(cv2.subtract(strokes[:, 1:], strokes[:, :-1]), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    starts = starts + strokes[:, 0]
    window = _LOWEST + 2 * _FOOT
    full = np.flatnonzero(np.convolve(starts, np.ones(window, np.int64)) >= _LETTERS * _LOWEST)
    if not len(full):
        return None
    return slice(max(0, int(full[0]) - window - _HIGHEST), int(full[-1]) + 1 + _HIGHEST)


def _longest_line(marks: NDArray[np.int32]) -> float:
    """Widest run of at least `_LETTERS` marks of like height and foot, each close behind the one before."""
    feet = marks[:, 1] + marks[:, 3]
    many = np.convolve(np.bincount(feet), np.ones(5, np.int64), mode="same") if len(feet) else np.zeros(0)
    order = np.argsort(marks[:, 0])
    marks, feet = marks[order], feet[order]
    best = 0.0
    for foot in np.flatnonzero(many >= _LETTERS)[::3]:
        line = marks[np.abs(feet - foot) <= _FOOT]
        if len(line) >= _LETTERS and line[-1, 0] + _HIGHEST * 2 - line[0, 0] > best:
            best = max(best, _run(line))
    return best


def _run(line: NDArray[np.int32]) -> float:
    height = float(np.median(line[:, 3]))
    line = line[np.abs(line[:, 3] - height) <= 0.4 * height]
    if len(line) < _LETTERS:
        return 0.0
    gaps = line[1:, 0] - (line[:-1, 0] + line[:-1, 2])
    runs = np.split(line, np.flatnonzero(gaps > 1.5 * height) + 1)
    return max((float(run[-1, 0] + run[-1, 2] - run[0, 0]) for run in runs if len(run) >= _LETTERS), default=0.0)
