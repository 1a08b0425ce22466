"""Local features of a picture: SIFT key points with RootSIFT descriptors, straight or as its mirror image has them.

In: (H, W, 3) uint8 RGB. Out: `Points`, found on a copy of 256 px, so that cost doesn't grow with the picture; a
picture of one colour has none. A mirrored picture's descriptors are a permutation of the picture's own, so mirrored
copies are found without a second look. SIFT: Lowe, IJCV 2004; RootSIFT: Arandjelovic and Zisserman, CVPR 2012.
Never compares anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX = 256  # at 400 px a picture costs twice as much; at 256 none of 50 photographs had fewer than 113 points
MOST = 400
KEPT = 96  # of a picture in the search for candidates: the strongest
SCALE = 512.0  # a RootSIFT value is seldom over 0.5: so it fits a byte
_FAINT = 0.01  # plain garments on plain ground have faint folds only; OpenCV's default is 0.04

Pixels = NDArray[np.uint8]
Descriptors = NDArray[np.uint8]


@dataclass(frozen=True)
class Points:
    """`places` (k, 2) float32, x and y in px of the working copy of `width` x `height`; `descriptors` (k, 128) uint8,
    RootSIFT times 512. The strongest come first."""

    places: NDArray[np.float32]
    descriptors: Descriptors
    width: int
    height: int

    def mirrored(self) -> Points:
        """What the mirror image would have."""
        places = self.places.copy()
        places[:, 0] = self.width - 1 - places[:, 0]
        return Points(places, mirrored(self.descriptors), self.width, self.height)


def working_copy(rgb: Pixels) -> Pixels:
    """The picture with a longest side of 256 px: smaller ones are enlarged, so that all are alike in scale."""
    scale = SIDE_PX / max(rgb.shape[:2])
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), dtype=np.uint8)


def points_of(small: Pixels, most: int = MOST) -> Points:
    """Points of a `working_copy`, the `most` strongest of them."""
    height, width = small.shape[:2]
    found, raw = _detector().detectAndCompute(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), None)
    if not found:
        return Points(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8), width, height)
    order = np.argsort([-point.response for point in found], kind="stable")[:most]
    places = np.array([point.pt for point in found], dtype=np.float32)[order]
    root = np.sqrt(raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9))[order]
    return Points(places, np.clip(np.rint(root * SCALE), 0, 255).astype(np.uint8), width, height)


def mirrored(descriptors: Descriptors) -> Descriptors:
    """(k, 128) descriptors of the mirror image: the 4x4 cells upside down about the point's own direction, the 8
    directions counted the other way round."""
    cells = descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
    return np.ascontiguousarray(cells[..., [0, 7, 6, 5, 4, 3, 2, 1]]).reshape(-1, 128)


@cache
def _detector() -> Any:
    return cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=MOST, contrastThreshold=_FAINT, edgeThreshold=12
    )
