"""A photo between the steps of an edit: its pixels, its figure, its garment, and what it will be laid on.

In: a decoded photo and what the network saw. Out: a `Picture`, and `flat()`, the picture a viewer would see. The
backdrop is laid last, so a canvas that grows after `background` has the whole of it. Never resizes by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import ImageError
from labeling.clipping import alpha_from
from labeling.refine import refine
from labeling.staging import laid_on, shadow_of
from modiste.cutout_settings import Ground, edges_for
from train.closer import Seen

UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
LEAST_SHARE = 0.001  # of the photo's pixels; less is no garment
KEPT = ("person", "garment")


@dataclass(frozen=True)
class Picture:
    """`rgb` (H, W, 3) the photo as edited so far; `front` (H, W, 3) the figure's own colour, without the old backdrop's
    in its soft rim; `alpha` (H, W) of the figure; `garment` (H, W) bool, the pixels that are surely garment: of alpha
    255; `ground` what the figure is laid on, None while that is the photo's own backdrop."""

    rgb: UInt8
    front: UInt8
    alpha: UInt8
    garment: Bool
    ground: Ground | None = None
    shadow: bool = False
    cut_off: bool = False  # the figure ends where the photo ends, below: it stands on no ground

    @property
    def size(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]

    def flat(self) -> UInt8:
        """(H, W, 3) uint8; where alpha is 255 the pixels of `rgb` to the bit."""
        if self.ground is None:
            return self.rgb
        shadow = shadow_of(self.alpha) if self.shadow and not self.cut_off else None
        return laid_on(np.dstack([self.front, self.alpha]), self.ground.of_size(self.size), shadow)

    def with_pixels(self, rgb: UInt8, front: UInt8) -> Picture:
        """Other colours in the same places; the two agree where nothing of the backdrop shines through."""
        return replace(self, rgb=rgb, front=np.where((self.alpha == 255)[..., None], rgb, front))


def seen(rgb: UInt8, found: Seen, *, keep: str = "person", edges: str = "auto") -> tuple[Picture, list[str]]:
    """(H, W, 3) uint8 and its chances -> the picture, and notes. `keep` is the figure: the person with the garment, or
    the garment alone. Raises ImageError 'no_garment'."""
    garment = found.garment > 0.5
    if np.count_nonzero(garment) < max(1, LEAST_SHARE * garment.size):
        raise ImageError("no_garment", f"less than {LEAST_SHARE} of the photo is garment")
    prior = alpha_from(found.garment if keep == "garment" else found.person).astype(np.float32) / 255
    method, note = edges_for(edges, prior)
    refined = refine(rgb, prior, method=method)
    alpha = _without_pinholes(refined.alpha)
    front = np.where((alpha == 255)[..., None], rgb, refined.foreground)
    sure = garment & (alpha == 255)
    if not sure.any():
        raise ImageError("no_garment", "no pixel is surely garment")
    picture = Picture(rgb, front, alpha, sure, cut_off=bool((alpha[-2:] > 128).mean() > 0.02))
    return picture, [note] if note else []


def _without_pinholes(alpha: UInt8) -> UInt8:
    """Nearly opaque pixels deep inside count as opaque: else the new backdrop would shine through the cloth."""
    inside = cv2.erode((alpha > 200).astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1).astype(bool)
    return np.where(inside, np.uint8(255), alpha)


def steps_of(matrix: Any, size: tuple[int, int], source: tuple[int, int]) -> npt.NDArray[Any]:
    """(2, 3) matrix from result to source px -> (h, w, 2) float32 places, NaN outside the source."""
    x, y = np.meshgrid(np.arange(size[1], dtype=np.float64), np.arange(size[0], dtype=np.float64))
    grid = np.asarray(matrix, np.float64)
    places = np.stack([grid[row, 0] * x + grid[row, 1] * y + grid[row, 2] for row in range(2)], axis=-1)
    outside = (places < -0.51).any(-1) | (places[..., 0] > source[1] - 0.49) | (places[..., 1] > source[0] - 0.49)
    places[outside] = np.nan
    return places.astype(np.float32)
