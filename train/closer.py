"""A closer look: who and what is in a photo at its own size, in one pass or in two, in bounded memory.

In: a `train.segmenter.Segmenter`, (H, W, 3) uint8 RGB. Out: a `Seen`, two (H, W) float32 planes. The network's logits
are folded into two planes of log-odds before anything is enlarged, so memory doesn't grow with the classes. The second
pass shows the network the person alone, cropped with a margin: small people in large photos gain resolution. numpy and
cv2 only. Never trains, never writes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.masks import BACKGROUND, GARMENT
from train.letterbox import PAD, UInt8, letterbox, place
from train.models.rectangle import grabcut_front
from train.segmenter import Float32, Segmenter, seed_of

MARGIN = 0.08  # of the person's box, each side
LARGE_PX = 3_000_000  # pixels; from here on a second look is taken wherever it can gain anything
LEAST_GAIN = 1.03  # in scale; the crop of a person who fills the photo shows the network nothing new
LEAST_SHARE = 0.001  # of the first look's pixels; less is no person
STRIP = 1_024  # rows
SECOND_SHARE = 0.5  # of the second look where both were taken

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Seen:
    """(H, W) float32 in [0, 1] each: the chance of being anything but background, and of being garment."""

    person: Float32
    garment: Float32


def look(segmenter: Segmenter, rgb: UInt8, *, twice: bool | None = None) -> Seen:
    """`twice` None takes the second look at photos over 3 megapixels only, True wherever it gains scale."""
    height, width = rgb.shape[:2]
    first = log_odds(segmenter, rgb)
    wanted = height * width > LARGE_PX if twice is None else twice
    box = person_box(first[0], (height, width)) if wanted else None
    if box is None or gain(segmenter, (height, width), box) < LEAST_GAIN:
        return _seen(first, (height, width), None, None)
    top, left, bottom, right = box
    return _seen(first, (height, width), log_odds(segmenter, rgb[top:bottom, left:right]), box)


def log_odds(segmenter: Segmenter, rgb: UInt8) -> Float32:
    """(H, W, 3) uint8 -> (2, h, w) float32 at the network's scale: log-odds of person and of garment."""
    recipe = segmenter.recipe
    if recipe.grabcut_front:
        rgb = grabcut_front(rgb, seed_of(rgb))
    size = (recipe.height, recipe.width)
    spot = place(rgb.shape[0], rgb.shape[1], size)
    logits = spot.crop(segmenter.backend.logits(letterbox(rgb, size, PAD), recipe.flips))
    roles = np.array(segmenter.roles)
    return np.stack([_against(logits, roles != BACKGROUND), _against(logits, roles == GARMENT)]).astype(np.float32)


def person_box(person: Float32, size: tuple[int, int]) -> Box | None:
    """(h, w) log-odds -> (top, left, bottom, right) in px of a photo of `size`, with the margin; None for nobody."""
    inside = person > 0
    if np.count_nonzero(inside) < max(1, LEAST_SHARE * inside.size):
        return None
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    ends: list[int] = []
    for found, small, large in ((rows, inside.shape[0], size[0]), (columns, inside.shape[1], size[1])):
        scale, room = large / small, MARGIN * (found[-1] + 1 - found[0])
        low, high = (found[0] - room) * scale, (found[-1] + 1 + room) * scale
        ends += [max(0, int(low)), min(large, int(np.ceil(high)))]
    return ends[0], ends[2], ends[1], ends[3]


def gain(segmenter: Segmenter, size: tuple[int, int], box: Box) -> float:
    """How many times larger the network sees what is in `box` when it is shown alone."""
    into = (segmenter.recipe.height, segmenter.recipe.width)
    inner = (box[2] - box[0], box[3] - box[1])
    return (place(*inner, into).height / inner[0]) / (place(*size, into).height / size[0])


def _against(logits: Float32, wanted: np.ndarray) -> Float32:
    """log(sum exp wanted / sum exp others) over axis 0; a side without classes counts as impossible."""
    peak = logits.max(0)
    grown = np.exp(logits - peak)
    tiny = np.float32(1e-12)
    return np.asarray(np.log(grown[wanted].sum(0) + tiny) - np.log(grown[~wanted].sum(0) + tiny), dtype=np.float32)


def _seen(first: Float32, size: tuple[int, int], second: Float32 | None, box: Box | None) -> Seen:
    planes = []
    for number in range(2):
        plane = _enlarged(first[number], size)
        if second is not None and box is not None:
            _blend(plane, second[number], box)
        planes.append(_chance(plane))
    return Seen(*planes)


def _enlarged(plane: Float32, size: tuple[int, int]) -> Float32:
    return np.asarray(cv2.resize(np.ascontiguousarray(plane), size[::-1], interpolation=cv2.INTER_LINEAR))


def _blend(plane: Float32, second: Float32, box: Box) -> None:
    """Mean of both looks inside the box, in place, fading to the first along those sides that cut through the photo."""
    top, left, bottom, right = box
    part, fine = plane[top:bottom, left:right], _enlarged(second, (bottom - top, right - left))
    down = _ramp(bottom - top, top > 0, bottom < plane.shape[0])
    across = _ramp(right - left, left > 0, right < plane.shape[1])
    for start in range(0, part.shape[0], STRIP):
        rows = slice(start, start + STRIP)
        weight = np.float32(SECOND_SHARE) * down[rows, None] * across[None]
        part[rows] += weight * (fine[rows] - part[rows])


def _ramp(length: int, fades_in: bool, fades_out: bool) -> Float32:
    """(length,) float32: 1, falling to 0 at the ends that fade, over half the margin."""
    width = max(1, round(length * MARGIN / (1 + 2 * MARGIN) / 2))
    position = np.arange(length, dtype=np.float32)
    rising = np.minimum(1, (position + 1) / width) if fades_in else np.ones(length, np.float32)
    falling = np.minimum(1, (length - position) / width) if fades_out else np.ones(length, np.float32)
    return np.asarray(np.minimum(rising, falling), dtype=np.float32)


def _chance(log_odds: Float32) -> Float32:
    """Sigmoid, in place."""
    np.clip(log_odds, -30, 30, out=log_odds)
    np.negative(log_odds, out=log_odds)
    np.exp(log_odds, out=log_odds)
    log_odds += 1
    np.reciprocal(log_odds, out=log_odds)
    return log_odds
