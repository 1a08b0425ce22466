"""The step `repair`: fills what a damage mask shows from its surroundings, by a learned network or OpenCV's classics.

In: a `Picture` and an (H, W) damage mask of the photo's size. Out: the picture, and which pixels were made. Never looks
for damage by itself: what looks like a scratch may be the garment's seam. Never changes a pixel outside the mask, nor
looks at one inside.
"""

from __future__ import annotations

import cv2
import numpy as np

from dataset.errors import ImageError, MaskError
from modiste.edit_learned import is_learned, repairer, settled
from modiste.edit_picture import Bool, Picture, UInt8
from modiste.edit_steps import Repair
from train.restoration_damage import filled

METHODS = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}
MOST_SHARE = 0.25  # of the photo; more has no surroundings to take from


def repair(picture: Picture, damage: UInt8 | None, settings: Repair) -> tuple[Picture, Bool]:
    """Raises MaskError for a mask of another size, ImageError 'no_damage_mask', 'nothing_damaged', 'too_damaged'."""
    if damage is None:
        raise ImageError("no_damage_mask", "no mask says what is damaged", cure="Give --damage FILE or FOLDER")
    if damage.shape[:2] != picture.size:
        raise MaskError(f"damage mask of {damage.shape[:2]}", expected=f"the photo's {picture.size}")
    broken = (damage if damage.ndim == 2 else damage.max(-1)) > 127
    if not broken.any():
        raise ImageError("nothing_damaged", "the damage mask is black", expected="white where something is damaged")
    if broken.mean() > MOST_SHARE:
        raise ImageError("too_damaged", f"{broken.mean():.0%} of the photo", expected=f"at most {MOST_SHARE:.0%}")
    rgb = np.where(broken[..., None], made(picture.rgb, broken, settings), picture.rgb)
    return picture.with_pixels(rgb, np.where(broken[..., None], rgb, picture.front)), broken


def made(rgb: UInt8, broken: Bool, settings: Repair) -> UInt8:
    """(H, W, 3) with the broken pixels filled by the step's method."""
    step = settled(settings)
    if is_learned(step):
        return repairer().filled(rgb, broken)
    return filled(rgb, broken.astype(np.uint8), settings.radius, METHODS[str(getattr(step, "method", ""))])
