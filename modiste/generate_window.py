"""Where in a photo a small network looks, and how what it draws comes back at the photo's size.

In: a photo (h, w, 3) uint8 and its hole (h, w) bool. Out: a `Window` of the network's shape round the hole, and the
drawn window enlarged, so that it meets the photo at the hole's rim. Pixels under the hole are never looked at, pixels
outside it never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from train.generation_holes import Bool
from train.letterbox import UInt8

CONTEXT = 2.0  # the window's side over the hole's
SHOWN_PX = 160  # a photo's height on a sheet
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """A photo padded to the network's shape, and the part of it that the network sees."""

    canvas: UInt8
    lost: Bool
    top: int
    left: int
    place: tuple[slice, slice]

    def pasted(self, photo: UInt8, made: UInt8) -> UInt8:
        """The photo with the window's lost pixels from `made`, the rest to the bit."""
        whole = self.canvas.copy()
        whole[self.place] = made
        high, wide = photo.shape[:2]
        inside = slice(self.top, self.top + high), slice(self.left, self.left + wide)
        return np.where(self.lost[inside][..., None], whole[inside], photo)


def window_of(rgb: UInt8, lost: Bool, size: tuple[int, int], zoom: int) -> Window:
    """Round the hole, `CONTEXT` times as wide, no less than `zoom` lets a network see, no more than the whole photo."""
    high, wide = rgb.shape[:2]
    share = max(high / size[0], wide / size[1])
    down, right = round(share * size[0]) - high, round(share * size[1]) - wide
    top, left = down // 2, right // 2
    blank = rgb.copy()
    blank[lost] = np.median(rgb[~lost], axis=0).astype(np.uint8)  # nothing under the mask is looked at
    sides = (top, down - top, left, right - left)
    canvas = cv2.copyMakeBorder(blank, *sides, cv2.BORDER_CONSTANT, value=_border(rgb, lost))
    gone = cv2.copyMakeBorder(lost.astype(np.uint8), *sides, cv2.BORDER_CONSTANT, value=0) > 0
    rows, columns = (np.flatnonzero(gone.any(axis)) for axis in (1, 0))
    spans = [int(each[-1]) + 1 - int(each[0]) for each in (rows, columns)]
    part = max(1 / zoom, *(CONTEXT * span / side for span, side in zip(spans, canvas.shape, strict=False)))
    place = [
        _span(int(each[0]), span, round(min(1.0, part) * side), side)
        for each, span, side in zip((rows, columns), spans, canvas.shape, strict=False)
    ]
    return Window(np.asarray(canvas, np.uint8), np.asarray(gone), top, left, (place[0], place[1]))


def _border(rgb: UInt8, lost: Bool) -> tuple[int, ...]:
    """The median colour of the known pixels on the photo's border, as training pads; of all where it has none."""
    rim = np.ones(lost.shape, bool)
    rim[1:-1, 1:-1] = False
    known = rgb[rim & ~lost]
    return tuple(int(each) for each in np.median(known if len(known) else rgb[~lost], axis=0))


def _span(start: int, span: int, length: int, side: int) -> slice:
    """`length` of a side of `side`, the hole from `start` in its middle."""
    length = max(length, 1)
    first = min(max(0, start + span // 2 - length // 2), side - length)
    return slice(first, first + length)


def small(plane: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """(h, w, ...) -> size (H, W), each pixel the mean of what falls into it."""
    return np.asarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA))


def joined(drawn: UInt8, seen: UInt8, gone: Bool) -> UInt8:
    """(h, w, 3): what the network drew, enlarged, and moved so that it meets the photo at the hole's rim."""
    big = cv2.resize(drawn.astype(np.float32), seen.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    error = np.where(gone[..., None], 0, seen.astype(np.float32) - big)
    return np.clip(np.rint(big + spread_in(error.astype(np.float32), (~gone).astype(np.float32))), 0, 255).astype(
        np.uint8
    )


def spread_in(values: Float32, weights: Float32) -> Float32:
    """(h, w, 3) values known where `weights` (h, w) are 1, carried smoothly to where they are 0: pulled down a pyramid
    of weighted means, pushed up again (Gortler et al., 1996)."""
    if min(weights.shape) < 2 or weights.min() >= 1:
        return values
    size = (weights.shape[1] + 1) // 2, (weights.shape[0] + 1) // 2
    share = cv2.resize(weights, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(values * weights[..., None], size, interpolation=cv2.INTER_AREA)
    mean = (total / np.maximum(share, 1e-6)[..., None]).astype(np.float32)
    below = spread_in(mean, (share > 1e-6).astype(np.float32))
    up = cv2.resize(below, weights.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(weights[..., None] > 0, values, up).astype(np.float32)
