"""Another backdrop behind the people of training photos: a studio's, or a second photo's far out of focus.

In: a training photo (H, W, 3) uint8 RGB, its class map (H, W), another training photo, a draw. Out: the photo with
everything that is background in the map replaced, and the map with no padding left. A model that has only seen streets
takes a studio's shadow for cloth. Only training photos pass here, never validation or test.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.masks import BACKGROUND, IGNORE
from train.letterbox import UInt8
from train.packshots import soft, studio

STUDIOS = 0.6  # of the new backdrops; the others are blurred photos
FOCUS = (0.03, 0.08)  # sigma of the blur, of the picture's height: no one in it can be told any more
LEAST_SHARE = 0.02  # of the picture that must be somebody


@dataclass(frozen=True)
class Backdrops:
    """Changes the share `share` of the photos; `roles` says of each class what it is in a composite."""

    share: float
    roles: tuple[int, ...]

    def __call__(self, rgb: UInt8, index: UInt8, other: UInt8, draw: np.random.Generator) -> tuple[UInt8, UInt8]:
        """Depends on its arguments alone. Photos with hardly anybody in them stay as they are."""
        if draw.random() >= self.share:
            return rgb, index
        known = np.append(np.array(self.roles), [BACKGROUND] * (IGNORE + 1 - len(self.roles)))
        inside = (known[index] != BACKGROUND).astype(np.uint8)
        if inside.mean() < LEAST_SHARE:
            return rgb, index
        ground = studio(inside, draw) if draw.random() < STUDIOS else _unfocused(other, draw)
        alpha = soft(inside)
        return np.rint(rgb * alpha + ground * (1 - alpha)).astype(np.uint8), np.where(inside, index, BACKGROUND)


def _unfocused(photo: UInt8, draw: np.random.Generator) -> np.ndarray:
    """(H, W, 3) float32: the photo blurred beyond recognition, at an eighth of its size for speed."""
    height, width = photo.shape[:2]
    small = cv2.resize(photo, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small.astype(np.float32), (0, 0), draw.uniform(*FOCUS) * height / 8)
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
