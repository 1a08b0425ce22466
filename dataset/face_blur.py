"""Faces made unrecognisable in a photo, for good: few coarse cells in place of each, smoothed, with a soft edge.

In: (H, W, 3) uint8 RGB and boxes. Out: a new array of the same size, the same for the same input. Never touches a mask,
and never a pixel that is farther than OUTER box sides from a box's middle.

Why not a plain blur: a Gaussian is a convolution and can be undone in part, and mosaics of many cells are still told
apart by a network that was trained on mosaics (McPherson, Shokri & Shmatikov, arXiv 1609.00408). Here all pixels inside
the box are thrown away: what is drawn depends on the means of CELLS x CELLS cells alone, each rounded to LEVELS values
a channel. An eye or a mouth is smaller than a cell, so no feature has a place to survive in; what is left is light and
tone. The smoothing that follows is for the eye. The soft edge lies outside the box, where no face is.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from dataset.face_boxes import Box

UInt8 = npt.NDArray[np.uint8]
CELLS, LEVELS = 4, 16
INNER = 0.72  # half axis in box sides of the ellipse that is replaced whole; sqrt(1/2) would just hold the box
OUTER = 0.85  # where the soft edge ends


def blur_faces(rgb: UInt8, boxes: Iterable[Box]) -> UInt8:
    """(H, W, 3) uint8 with every box replaced, in the order given; a copy, even where there is no box."""
    out = rgb.copy()
    for box in boxes:
        _replace(out, box)
    return out


def _replace(rgb: UInt8, box: Box) -> None:
    """Write over one face, and over a margin around it, in place."""
    height, width = rgb.shape[:2]
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    reach_x, reach_y = (max(2.0, OUTER * side) for side in (box.x1 - box.x0, box.y1 - box.y0))
    left, right = max(0, int(x - reach_x)), min(width, int(np.ceil(x + reach_x)))
    top, bottom = max(0, int(y - reach_y)), min(height, int(np.ceil(y + reach_y)))
    if left >= right or top >= bottom:
        return
    part = rgb[top:bottom, left:right]
    across, down = (np.arange(left, right) + 0.5 - x) / reach_x, (np.arange(top, bottom) + 0.5 - y) / reach_y
    share = _share(np.hypot(across[None], down[:, None]))[..., None]
    part[:] = np.rint(_smear(part) * share + part * (1 - share)).astype(np.uint8)


def _share(far: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How much of the new colour a place gets: 1 up to INNER, 0 from OUTER on (`far` 1), smooth between."""
    fade = np.clip((1 - far) / (1 - INNER / OUTER), 0, 1)
    return fade * fade * (3 - 2 * fade)


def _smear(part: UInt8) -> npt.NDArray[np.float32]:
    """The part as CELLS x CELLS rounded means, enlarged without steps; nothing else of it is kept."""
    means = cv2.resize(part, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)
    step = 256 / LEVELS
    coarse = np.floor(means / step) * step + step / 2
    found: npt.NDArray[np.float32] = cv2.resize(coarse, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return found
