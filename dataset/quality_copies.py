"""The smaller copies of a picture that several measures share, so that each is made once.

In: (H, W) or (H, W, 3) uint8. Out: `sampled` pixels for measures of colour and light, and a `working_copy` for measures
of shape. A copy of a copy is the copy itself. Never enlarges.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
SAMPLE_SIDE_PX = 128
WORKING_COPY_PX = 448


def sampled(pixels: Pixels) -> Pixels:
    """Every n-th pixel both ways, so that the short side has 128 to 255; never an average: it would hide clipping."""
    step = min(pixels.shape[:2]) // SAMPLE_SIDE_PX
    if step < 2:
        return pixels
    size = (pixels.shape[1] // step, pixels.shape[0] // step)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def working_copy(grey: Pixels) -> Pixels:
    """(H, W) luma with a longest side of 448 px at most."""
    return reduced(grey, WORKING_COPY_PX)


def reduced(grey: Pixels, longest: int) -> Pixels:
    """(H, W) luma with a longest side of `longest` px at most: halved by means of 2x2 while that leaves enough, then
    made to fit, by less than two, without means: those of a broken factor cost ten times as much as halving."""
    while max(grey.shape) >= 2 * longest and min(grey.shape) >= 2:
        height, width = grey.shape[0] // 2, grey.shape[1] // 2
        even = grey[: 2 * height, : 2 * width]
        grey = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    scale = max(grey.shape) / longest
    if scale <= 1:
        return grey
    size = (max(1, round(grey.shape[1] / scale)), max(1, round(grey.shape[0] / scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
