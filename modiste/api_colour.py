"""The colours of a garment in a photo.

In: (H, W, 3) uint8 RGB and the (H, W) chance of garment. Out: `labeling.colour.Colour`s, the largest first; none where
there is no garment. Measured on the photo reduced to a 256 px short side, as `label tags` does.
"""

from __future__ import annotations

import numpy as np

from labeling.colour import Colour, measure
from train.answers import Float32, UInt8

SURE = 0.5
LEAST_SHARE = 0.001
SHORT_SIDE_PX = 256


def colours_of(rgb: UInt8, garment: Float32) -> list[Colour]:
    step = max(1, min(rgb.shape[:2]) // SHORT_SIDE_PX)
    mask = np.ascontiguousarray(garment[::step, ::step] > SURE)
    if np.count_nonzero(mask) < max(16, LEAST_SHARE * mask.size):
        return []
    return measure(np.ascontiguousarray(rgb[::step, ::step]), mask).colours
