"""Which listed picture a fetched image is, whatever its size, compression, or cut to another shape about its middle.

Both are compared as 12 x 12 RGB, the listed one cut to the fetched one's shape first. Two renditions of one picture
differ by a few steps of 255, two of the drawn pictures by tens. Images that can't be read are None.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SIDE, KEPT, SAME_BELOW = 12, 96, 14.0


@dataclass(frozen=True)
class Seen:
    """An image as it was fetched or listed: at most 96 px of it, and its real size in px."""

    small: Image.Image
    width: int
    height: int


def look(body: bytes) -> Seen | None:
    try:
        with Image.open(io.BytesIO(body)) as image:
            small = image.convert("RGB")
            small.thumbnail((KEPT, KEPT), Image.Resampling.BOX)
            return Seen(small, image.width, image.height)
    except OSError:
        return None


def which(image: Seen, among: list[Seen]) -> int | None:
    """Place of the nearest of `among`, if it is the same picture (mean absolute difference, 0 to 255)."""
    if not among:
        return None
    apart = [min(_apart(image.small, cut) for cut in (other.small, _cut(other, image))) for other in among]
    nearest = int(np.argmin(apart))
    return nearest if apart[nearest] < SAME_BELOW else None


def _cut(listed: Seen, image: Seen) -> Image.Image:
    """The middle of the listed picture, in the shape of the other."""
    scale = KEPT / max(image.width, image.height)
    shape = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return ImageOps.fit(listed.small, shape, Image.Resampling.BILINEAR)


def _apart(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(_patch(one) - _patch(other)).mean())


def _patch(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
