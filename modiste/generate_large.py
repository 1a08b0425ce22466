"""A dressed person at the size of the person's photo: what was drawn is enlarged, garments come at full resolution.

In: what a generator drew at its own size, the photo's row, a cutout at its own size. Out: a picture of the photo's
size. Canvases of training photos are laid again at those photos' resolution, the network's part is enlarged by the
learned upscale that ships (Lanczos without it). Garments are bent at the photo's resolution and laid over it to the
bit; a soft edge lies outside them alone.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.label_space import load_space
from dataset.workspace import Workspace
from modiste.edit_learned import is_learned, settled, upscaler
from modiste.edit_steps import Upscale
from modiste.edit_upscale import enlarged, learned
from train.data import Row, photo, truth
from train.generation_canvas import Canvas, kept_shares
from train.generation_data import Pictures
from train.generation_samples import Maker
from train.letterbox import UInt8, letterbox, place

Size = tuple[int, ...]  # (h, w) px
SIZES = ("network", "photo")
MOST_TIMES = 8  # a canvas is at most so many times as large as the network's picture
RIM_PX = 3  # outside a garment, how far its edge's colours fade into what was drawn


def person_of(ws: Workspace, row: Row, maker: Maker) -> tuple[UInt8, UInt8]:
    """(h, w, 3) photo and (h, w) map of its regions, 255 for none, both at the photo's size."""
    rgb = photo(ws, row)
    index = truth(ws, row, load_space(maker.recipe.label_space))
    if index.shape != rgb.shape[:2]:
        index = np.asarray(cv2.resize(index, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    return rgb, index


def canvas_at_photo_size(ws: Workspace, learned: Pictures, canvas: Canvas, mended: UInt8, size: Size) -> UInt8:
    """(h, w, 3): the canvas's photos bent at their own resolution; elsewhere `mended` (H, W, 3) enlarged."""
    height, width = mended.shape[:2]
    times = max(1, min(MOST_TIMES, -(-size[0] // place(size[0], size[1], into=(height, width)).height)))
    frame = height * times, width * times
    out: npt.NDArray[Any] = grown(mended, frame).astype(np.float32)
    for layer in canvas.layers:
        moved = layer.moved(letterbox(photo(ws, learned.rows[layer.place]), frame), times)
        share = cv2.resize(kept_shares(layer.where), frame[::-1], interpolation=cv2.INTER_LINEAR)
        weight = share[..., None].astype(np.float32) / 255
        out = moved * weight + out * (1 - weight)
    return without_padding(np.rint(out).astype(np.uint8), size)


def worn_part(rgb: UInt8, mask: npt.NDArray[np.bool_]) -> UInt8:
    """(h, w, 4): the photo's own pixels where the mask is, alpha 0 elsewhere."""
    return np.dstack([rgb, np.where(mask, 255, 0).astype(np.uint8)])


def without_padding(drawn: UInt8, size: Size) -> UInt8:
    """(h, w, 3): the part of a letterboxed (H, W, 3) that a photo of `size` fills, at that size."""
    spot = place(size[0], size[1], into=(drawn.shape[0], drawn.shape[1]))
    return grown(
        np.ascontiguousarray(drawn[spot.top : spot.top + spot.height, spot.left : spot.left + spot.width]), size
    )


def grown(part: UInt8, size: Size) -> UInt8:
    """(h, w, 3) of a smaller picture, or of a larger one."""
    times = max(1, min(4, round(size[0] / part.shape[0])))
    if times > 1:
        part = _larger(part, times)
    method = cv2.INTER_AREA if part.shape[0] > size[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size[::-1], interpolation=method))


def _larger(part: UInt8, times: int) -> UInt8:
    step = settled(Upscale.model_validate({"times": times}))
    return learned(part, times, upscaler()) if is_learned(step) else enlarged(part, times)


def laid_on(under: UInt8, clothes: UInt8, rim_px: int) -> UInt8:
    """(h, w, 3): the clothes' pixels to the bit where their alpha is over 127; outside, within `rim_px` of them, the
    nearest one's colour fades into what lies under."""
    solid = clothes[..., 3] > 127
    if not solid.any():
        return under.copy()
    away, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), np.float32)
    colours[nearest[solid]] = clothes[solid][:, :3]
    share = np.clip(1 - away / (rim_px + 1), 0, 1)[..., None].astype(np.float32)
    mixed = np.rint(colours[nearest] * share + under * (1 - share)).astype(np.uint8)
    return np.where(solid[..., None], clothes[..., :3], mixed)
