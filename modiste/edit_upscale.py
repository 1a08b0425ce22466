"""The step `upscale`: twice, three or four times as many pixels a side, by a learned network or Lanczos.

In: a `Picture`. Out: the larger one, and where each pixel came from. Both ways end in back-projection: the mean of each
s x s block is the pixel it came from, to one level of 255 (Irani & Peleg, 'Improving resolution by image registration',
CVGIP 53, 1991), so the network may sharpen, never recolour or move. Three times is four times, shrunk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import ImageError
from modiste.edit_learned import fingerprint_of, is_learned, settled, upscaler
from modiste.edit_picture import Picture, UInt8, steps_of
from modiste.edit_steps import Upscale
from train.restoration_onnx import Upscaler

Float32 = npt.NDArray[np.float32]
MOST_PIXELS = 40_000_000
SMOOTH_ROUNDS, PLAIN_ROUNDS = 4, 16
REST = 0.4  # levels left over that rounding swallows


def upscale(picture: Picture, settings: Upscale) -> tuple[Picture, np.ndarray, dict[str, Any]]:
    """Raises ImageError 'too_large' over 40 megapixels, TrainingError where the network's file was changed."""
    times, (height, width) = settings.times, picture.size
    if height * width * times**2 > MOST_PIXELS:
        raise ImageError(
            "too_large", f"{width * times} x {height * times} px",
            expected=f"at most {MOST_PIXELS // 10**6} megapixels",
            cure="Upscale less, or compose into a smaller frame first",
        )  # fmt: skip
    size, step = (height * times, width * times), settled(settings)
    rgb = learned(picture.rgb, times, upscaler()) if is_learned(step) else enlarged(picture.rgb, times)
    front = enlarged(picture.front, times)  # only its soft rim is seen, which has no detail to find
    alpha = np.asarray(cv2.resize(picture.alpha, size[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    front = np.where((alpha == 255)[..., None], rgb, front)
    cover = cv2.resize(picture.garment.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    larger = replace(picture, rgb=rgb, front=front, alpha=alpha, garment=(cover > 0.999) & (alpha == 255))
    off = (1 / times - 1) / 2
    back = np.array([[1 / times, 0, off], [0, 1 / times, off]])
    apart = int(np.abs(shrunk(rgb, times).astype(int) - picture.rgb).max())
    return larger, steps_of(back, size, picture.size), {
        "times": times, "levels_apart": apart, "network": fingerprint_of(step)
    }  # fmt: skip


def enlarged(rgb: UInt8, times: int) -> UInt8:
    """(H, W, 3) uint8 -> (sH, sW, 3) by Lanczos: `shrunk` of it is the input to one level."""
    size = rgb.shape[1] * times, rgb.shape[0] * times
    return agreeing(np.asarray(cv2.resize(rgb.astype(np.float32), size, interpolation=cv2.INTER_LANCZOS4)), rgb)


def learned(rgb: UInt8, times: int, network: Upscaler) -> UInt8:
    """(H, W, 3) uint8 -> (sH, sW, 3) by the network: `shrunk` of it is the input to one level."""
    if times in network.times:
        return agreeing(network.enlarged(rgb, times), rgb)
    size = rgb.shape[1] * times, rgb.shape[0] * times
    larger = network.enlarged(rgb, max(network.times))
    return agreeing(np.asarray(cv2.resize(larger, size, interpolation=cv2.INTER_AREA)), rgb)


def agreeing(guess: Float32, rgb: UInt8) -> UInt8:
    """(sH, sW, 3) float32 -> uint8, changed until shrinking it gives (H, W, 3) `rgb`, to one level."""
    size, goal = (guess.shape[1], guess.shape[0]), rgb.astype(np.float32)
    out = np.clip(guess, 0, 255)
    for number in range(SMOOTH_ROUNDS + PLAIN_ROUNDS):
        missing = goal - cv2.resize(out, goal.shape[1::-1], interpolation=cv2.INTER_AREA)
        if np.abs(missing).max() < REST:
            break
        if number < SMOOTH_ROUNDS:
            out = np.clip(out + cv2.resize(missing, size, interpolation=cv2.INTER_CUBIC), 0, 255)
        else:
            out = np.clip(out + _spread(np.asarray(missing), out), 0, 255)  # leaves no rest
    return np.asarray(np.rint(out), dtype=np.uint8)


def _spread(missing: Float32, out: Float32) -> Float32:
    """What each block's mean lacks, put on those of its pixels that clipping doesn't hold back."""
    size = out.shape[1::-1]
    lack = cv2.resize(missing, size, interpolation=cv2.INTER_NEAREST)
    movable = np.where(lack > 0, out < 255, out > 0).astype(np.float32)
    share = cv2.resize(movable, missing.shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(lack * movable / cv2.resize(np.maximum(share, 1e-3), size, interpolation=cv2.INTER_NEAREST))


def shrunk(rgb: UInt8, times: int) -> UInt8:
    """The mean of each block, rounded."""
    size = rgb.shape[1] // times, rgb.shape[0] // times
    return np.asarray(np.rint(cv2.resize(rgb.astype(np.float32), size, interpolation=cv2.INTER_AREA)), dtype=np.uint8)
