"""The mask contract: (H, W, 3) uint8, channels background / skin / garment, one-hot in {0, 255}, the image's own size.

In and out: arrays and lossless PNG bytes. Skin is the person without the garment, by set difference on booleans: the
uint8 subtraction of the dress article wraps wherever the garment exceeds the person. Never resizes with anything but
nearest.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from dataset.errors import MaskError
from dataset.images import decode

CLASSES = ("background", "skin", "garment")
BACKGROUND, SKIN, GARMENT = range(3)
IGNORE = 255  # in a class map: a pixel that counts neither in training nor in judging


def compose(person: np.ndarray, garment: np.ndarray) -> np.ndarray:
    """(H, W) bool twice -> composite. Where they contradict, the garment wins: it belongs to the person."""
    if person.shape != garment.shape or person.ndim != 2:
        raise MaskError(f"person {person.shape} and garment {garment.shape}", expected="two (H, W) masks of one size")
    if person.dtype != bool or garment.dtype != bool:
        raise MaskError(f"person {person.dtype} and garment {garment.dtype}", expected="bool masks")
    return from_index(np.where(garment, GARMENT, np.where(person, SKIN, BACKGROUND)).astype(np.uint8))


def from_index(index: np.ndarray) -> np.ndarray:
    """(H, W) class map of 0, 1, 2 -> composite."""
    if index.ndim != 2 or (index.size and int(index.max()) >= len(CLASSES)):
        raise MaskError(f"class map {index.shape} up to {index.max(initial=0)}", expected="(H, W) of 0, 1, 2")
    planes = [(index == number).view(np.uint8) * np.uint8(255) for number in range(len(CLASSES))]
    return np.stack(planes, axis=2)


def to_index(composite: np.ndarray) -> np.ndarray:
    """Composite -> (H, W) uint8 class map of 0 background, 1 skin, 2 garment. Validates."""
    validate(composite)
    return composite.argmax(axis=2).astype(np.uint8)


def validate(composite: np.ndarray) -> None:
    """Raise MaskError naming the first bad pixel unless `composite` keeps the contract."""
    if composite.ndim != 3 or composite.shape[2] != len(CLASSES) or composite.dtype != np.uint8:
        raise MaskError(f"mask is {composite.shape} {composite.dtype}", expected="(H, W, 3) uint8")
    # plane by plane: NumPy's reductions take ten times as long over an axis of three
    planes = [np.ascontiguousarray(composite[..., channel]) for channel in range(len(CLASSES))]
    one = sum((plane == 255).view(np.uint8) for plane in planes)
    none = sum((plane == 0).view(np.uint8) for plane in planes)
    bad = np.argwhere((one != 1) | (none != len(CLASSES) - 1))
    if bad.size:
        row, column = map(int, bad[0])
        raise MaskError(
            f"{len(bad)} bad pixels, the first at row {row}, column {column}: {composite[row, column].tolist()}",
            expected="one channel 255, the others 0",
        )


def resize(composite: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """To (height, width) by nearest: any smoother way would invent a class nobody labelled."""
    height, width = size
    index = Image.fromarray(to_index(composite)).resize((width, height), Image.Resampling.NEAREST)
    return from_index(np.asarray(index))


def to_png(composite: np.ndarray) -> bytes:
    """Validated, lossless."""
    validate(composite)
    return _png(Image.fromarray(composite))


def from_png(data: bytes) -> np.ndarray:
    """The composite in PNG bytes, validated."""
    composite = decode(data).rgb
    validate(composite)
    return composite


def binary_png(mask: np.ndarray) -> bytes:
    """(H, W) bool -> PNG bytes with 255 where true."""
    if mask.dtype != bool or mask.ndim != 2:
        raise MaskError(f"mask is {mask.shape} {mask.dtype}", expected="(H, W) bool")
    return _png(Image.fromarray(mask.astype(np.uint8) * 255))


def binary_from_png(data: bytes) -> np.ndarray:
    """PNG bytes of 0 and 255 -> (H, W) bool; any other value is an error."""
    values = decode(data).rgb[:, :, 0]
    foreign = np.setdiff1d(np.unique(values), [0, 255])
    if foreign.size:
        raise MaskError(f"values {foreign[:5].tolist()}", expected="0 and 255 only")
    return values == 255


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=False, compress_level=6)
    return buffer.getvalue()
