"""Boxes of faces: from a network's maps to boxes, from boxes to the text that a table keeps, and back.

In: CenterFace's output maps, or text. Out: `Box`es in the pixels of the oriented photo, surest first. Never runs a
network and never opens a photo.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import DataError

Floats = npt.NDArray[np.float32]
STRIDE = 4  # px of the network's input to a cell of its maps
OVERLAP = 0.3  # IoU from which two boxes are one face
WITHIN = 0.7


class Box(NamedTuple):
    """Left, top, right, bottom in px of the oriented photo (x to the right, y down); `score` in [0, 1]."""

    x0: float
    y0: float
    x1: float
    y1: float
    score: float


def decode(heat: Floats, scale: Floats, offset: Floats, threshold: float) -> Floats:
    """Maps of one photo, heat (h, w), scale and offset (2, h, w) with y first, to (N, 5) x0, y0, x1, y1, score.

    Boxes are in px of the network's input and may reach over its edges. A cell's centre is moved by its offset, and a
    side is STRIDE * exp(scale): Xu et al., CenterFace (arXiv 1911.03599), section 3.
    """
    rows, columns = np.nonzero(heat >= threshold)
    high, wide = STRIDE * np.exp(scale[:, rows, columns])
    y, x = STRIDE * (np.stack([rows, columns]) + offset[:, rows, columns] + 0.5)
    found = np.stack([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2, heat[rows, columns]], axis=1)
    return found.astype(np.float32)


def merged(boxes: Floats, overlap: float = OVERLAP) -> Floats:
    """(N, 5), surest first, without those that cover a surer one by IoU `overlap` or more, and without those that lie
    inside a larger one by WITHIN of their own area: a part of a face, seen where the whole was seen too."""
    sides = [(float(x0), float(y0), float(x1 - x0), float(y1 - y0)) for x0, y0, x1, y1, _ in boxes]
    kept = cv2.dnn.NMSBoxes(sides, boxes[:, 4].tolist(), 0.0, overlap)
    found: Floats = boxes[np.asarray(kept, np.int64)]
    found = found[~_parts(found)]
    return found[np.argsort(-found[:, 4], kind="stable")]


def _parts(boxes: Floats) -> npt.NDArray[np.bool_]:
    """(N,) whether a box lies inside a larger one."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    start = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    sides = np.clip(np.minimum(boxes[:, None, 2:4], boxes[None, :, 2:4]) - start, 0, None)
    inner = sides.prod(2) >= WITHIN * area[:, None]
    found: npt.NDArray[np.bool_] = (inner & (area[None] > area[:, None])).any(1)
    return found


def inside(boxes: Floats, height: int, width: int) -> list[Box]:
    """Cut at the photo's edges; a box that has nothing left is dropped."""
    cut = boxes.copy()
    cut[:, [0, 2]] = cut[:, [0, 2]].clip(0, width)
    cut[:, [1, 3]] = cut[:, [1, 3]].clip(0, height)
    some = (cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])
    return [Box(*(float(value) for value in row)) for row in cut[some]]


def scaled(boxes: Sequence[Box], across: float, down: float) -> list[Box]:
    """The same boxes in a photo `across` times as wide and `down` times as high."""
    return [Box(x0 * across, y0 * down, x1 * across, y1 * down, score) for x0, y0, x1, y1, score in boxes]


def as_text(boxes: Sequence[Box]) -> str:
    """JSON [[x0, y0, x1, y1, score], …], to a tenth of a px and a thousandth of a score."""
    return json.dumps([[*(round(side, 1) for side in box[:4]), round(box.score, 3)] for box in boxes])


def from_text(text: str) -> list[Box]:
    """What `as_text` wrote. Raises DataError for anything else."""
    try:
        return [Box(*(float(value) for value in row)) for row in json.loads(text)]
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{text[:60]!r} are no boxes of faces", expected="[[x0, y0, x1, y1, score], …]",
            cure="Count them again: modiste faces --again",
        ) from error  # fmt: skip
