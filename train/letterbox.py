"""Fitting photos into a network's input: scaled and padded, never stretched. numpy and cv2 only.

In: RGB photos or class maps of any size. Out: arrays of the asked size, and where in them the photo lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
PAD = 124  # near ImageNet's mean: a border the network has little to say about


@dataclass(frozen=True)
class Placement:
    """Where a photo lies inside its padded canvas, px."""

    top: int
    left: int
    height: int
    width: int

    def crop(self, array: Any) -> Any:
        """The photo's part of the last two axes of a tensor (..., H, W)."""
        return array[..., self.top : self.top + self.height, self.left : self.left + self.width]


def place(height: int, width: int, into: tuple[int, int]) -> Placement:
    """The largest centred fit of height x width inside `into` = (H, W)."""
    scale = min(into[0] / height, into[1] / width)
    h, w = (max(1, min(limit, round(side * scale))) for side, limit in zip((height, width), into, strict=True))
    return Placement((into[0] - h) // 2, (into[1] - w) // 2, h, w)


def letterbox(array: UInt8, into: tuple[int, int], fill: int = PAD) -> UInt8:
    """Fit an RGB photo (area / linear) or a class map (nearest; 2 axes) into (H, W), padded with `fill`."""
    spot = place(array.shape[0], array.shape[1], into)
    shrinks = spot.height < array.shape[0]
    method = cv2.INTER_NEAREST if array.ndim == 2 else cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    out = np.full((*into, *array.shape[2:]), fill, np.uint8)
    out[spot.top : spot.top + spot.height, spot.left : spot.left + spot.width] = cv2.resize(
        array, (spot.width, spot.height), interpolation=method
    )
    return out
