"""What a damaged pixel sees: along sixteen rays, the first two pixels that are not damaged, and how far they are.

In: a photo, its damage, its first fill, the damaged pixels asked for. Out: one row of numbers a pixel, which the ray
network turns into a colour. Nothing under the damage is looked at. numpy only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from train.letterbox import UInt8

Float32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[Any]
RAYS, REACH_PX, FURTHER_PX = 16, 48, 2
FEATURES = RAYS * 7  # of each ray: colour (3) beside the first fill's, change of colour further out (3), distance (1)
CHUNK = 16_384  # damaged pixels at a time: 30 MB
LEVELS = 64.0  # levels of 255 that one unit of a feature is


def directions() -> Float32:
    """(RAYS, 2) unit vectors (down, right), the k-th opposite to the (k + RAYS / 2)-th."""
    turn = np.arange(RAYS) * (2 * np.pi / RAYS)
    return np.stack([np.sin(turn), np.cos(turn)], 1).astype(np.float32)


def rays(first: UInt8, broken: Bools, places: Ints) -> Float32:
    """(H, W, 3) first fill, (H, W) damage, (N, 2) damaged places -> (N, FEATURES). A ray that meets nothing within
    `REACH_PX` has the first fill's colour and that length."""
    pixels, flat = first.reshape(-1, 3), broken.reshape(-1)
    wide, here = broken.shape[1], places @ np.array([broken.shape[1], 1])
    pixel, ray, spot, length = _met(broken, places)
    away = np.rint((length[:, None] + FURTHER_PX) * directions()[ray]).astype(np.int64)
    beyond = np.clip(places[pixel] + away, 0, np.array(broken.shape) - 1) @ np.array([wide, 1])
    near, around = pixels[spot].astype(np.float32), pixels[here].astype(np.float32)
    out = np.zeros((len(places), RAYS, 7), np.float32)
    out[..., 6] = 1.0
    out[pixel, ray, :3] = (near - around[pixel]) / LEVELS
    out[pixel, ray, 3:6] = np.where(flat[beyond][:, None], 0, pixels[beyond] - near) / LEVELS
    out[pixel, ray, 6] = np.log(length) / np.log(REACH_PX)
    return out.reshape(len(places), FEATURES)


def filled_by_rays(answer: Callable[[Float32], Float32], first: UInt8, broken: Bools) -> UInt8:
    """(H, W, 3) with each damaged pixel moved by what `answer` gives for its rays, (N, FEATURES) -> (N, 3) levels."""
    out, whole = first.copy(), np.argwhere(broken)
    for start in range(0, len(whole), CHUNK):
        places = whole[start : start + CHUNK]
        where = places[:, 0], places[:, 1]
        out[where] = np.rint(np.clip(first[where] + answer(rays(first, broken, places)), 0, 255)).astype(np.uint8)
    return out


def _met(broken: Bools, places: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Of each ray that meets a whole pixel: its damaged pixel's number, its own, where (of H x W), how many px away."""
    flat, (high, wide) = broken.reshape(-1), broken.shape
    pixel, ray = np.repeat(np.arange(len(places)), RAYS), np.tile(np.arange(RAYS), len(places))
    found = []
    for far in range(1, REACH_PX + 1):
        step = np.rint(far * directions()).astype(np.int64)
        down, right = places[pixel, 0] + step[ray, 0], places[pixel, 1] + step[ray, 1]
        inside = (down >= 0) & (down < high) & (right >= 0) & (right < wide)
        pixel, ray, spot = pixel[inside], ray[inside], (down * wide + right)[inside]
        whole = ~flat[spot]
        found.append((pixel[whole], ray[whole], spot[whole], np.full(int(whole.sum()), far)))
        pixel, ray = pixel[~whole], ray[~whole]
        if not len(pixel):
            break
    pixels, numbers, spots, lengths = (np.concatenate(each) for each in zip(*found, strict=True))
    return pixels, numbers, spots, lengths
