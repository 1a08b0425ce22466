"""Did a new colour leave the garment its pattern? Stripes that vanish, prints swallowed by the ground, folds blown out.

In: the photo before and after, the garment. Out: one figure, the share of the recoloured part where local contrast in
lightness was lost or made up, or where it went white. A fold made softer or a pattern made tone-on-tone doesn't count.
Never edits, never decides.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

WINDOW = 0.006  # half a window, of the garment's longer side
PATTERNED, KEPT = 8.0, 0.4  # L* (standard deviation in a window) that is a pattern; the part of it that must stay
MADE_UP, FORMER = 10.0, 0.33  # L* that is a pattern where less than this part of it was there before
WHITE, NOT_WHITE = 98.5, 97.0  # L*


def pattern_lost(
    before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8], garment: npt.NDArray[np.bool_]
) -> float:  # fmt: skip
    """(H, W, 3) twice and (H, W) -> [0, 1]; 0 where nothing changed."""
    rows, columns = np.flatnonzero(garment.any(1)), np.flatnonzero(garment.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    before, after, inside = before[box], after[box], garment[box].astype(np.uint8)
    window = max(5, 2 * round(WINDOW * max(inside.shape)) + 1)
    changed = (before != after).any(-1).astype(np.uint8)
    near = cv2.dilate(changed, np.ones((2 * window + 1,) * 2, np.uint8))
    where = near.astype(bool) & cv2.erode(inside, np.ones((5, 5), np.uint8), borderValue=0).astype(bool)
    if not changed.any() or not where.any():
        return 0.0
    (light, was), (new, now) = (_contrast(each, inside, window) for each in (before, after))
    lost = (was > PATTERNED) & (now < KEPT * was)
    made = (now > MADE_UP) & (was < FORMER * now)
    blown = (new > WHITE) & (light < NOT_WHITE)
    return float((lost | made | blown)[where].mean())


def _contrast(rgb: npt.NDArray[np.uint8], inside: npt.NDArray[np.uint8], window: int) -> tuple[Any, Any]:
    """(H, W) L* and its standard deviation in the garment's part of a window."""
    light = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
    held, size = inside.astype(np.float32), (window, window)
    share = np.maximum(cv2.blur(held, size), 1e-3)
    mean = cv2.blur(light * held, size) / share
    return light, np.sqrt(np.maximum(cv2.blur(light * light * held, size) / share - mean * mean, 0))
