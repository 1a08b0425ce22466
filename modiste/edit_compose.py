"""The step `compose`: the figure centred in a frame, straight, with a margin, on a marketplace's template.

In: a `Picture`, the frame wanted. Out: the picture in that frame, and where each pixel came from. Without a new
background the photo's own backdrop is carried on where the frame is larger, if it is plain; else it is refused. Only a
template with a size scales, at most to twice; 'square' moves whole pixels, so nothing in the garment changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from dataset.errors import ImageError
from labeling.staging import MOST_ENLARGED, Template, object_box, parse_template, resized
from modiste.edit_picture import Bool, Picture, UInt8, steps_of
from modiste.edit_steps import Compose

MOST_TURNED = 12.0  # degrees; what leans further leans on purpose
LEAST_TURNED = 1.0
LEAST_GAIN = 0.02  # in the overlap with its own mirror image; less is no evidence of leaning
PLAIN = 10.0  # levels of 255 the 90th percentile of a backdrop may be off a smooth one
LOOKED_AT_PX = 256  # long side at which leaning is looked for


def compose(picture: Picture, settings: Compose) -> tuple[Picture, np.ndarray, dict[str, Any]]:
    """The picture in its frame, (h, w, 2) where from, and what was done. Raises ImageError 'backdrop_not_plain'."""
    source = picture.size
    angle = leaning(picture.alpha) if settings.straighten else 0.0
    matrix = np.eye(3)
    if angle:
        picture, matrix = _turned(picture, angle)
    frame, box, scale = _frame(picture.alpha, settings)
    placed, move = _placed(picture, frame, box, scale)
    matrix = matrix @ move
    facts = {"angle": angle, "scale": round(scale, 5), "matrix": np.round(matrix, 4).tolist()}
    return placed, steps_of(matrix[:2], placed.size, source), facts


def leaning(alpha: UInt8) -> float:
    """Degrees the figure leans to the right (its own mirror image fits best when turned back by them), 0 where no turn
    within 12 degrees fits clearly better."""
    top, left, bottom, right = object_box(alpha)
    part = alpha[top:bottom, left:right].astype(np.float32) / 255
    shrink = min(1.0, LOOKED_AT_PX / max(part.shape))
    small = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    part = np.pad(np.asarray(small), LOOKED_AT_PX // 4)
    angles = np.arange(-MOST_TURNED, MOST_TURNED + 0.1, 0.5)
    fits = [_mirrored(part, float(angle)) for angle in angles]
    best = int(np.argmax(fits))
    inner = 0 < best < len(angles) - 1  # the best at the limit is no best
    if not inner or fits[best] - _mirrored(part, 0.0) < LEAST_GAIN or abs(angles[best]) < LEAST_TURNED:
        return 0.0
    return float(angles[best])


def _mirrored(part: np.ndarray, angle: float) -> float:
    """Overlap of the figure turned back by `angle` with its mirror image about its own middle column."""
    height, width = part.shape
    turned = cv2.warpAffine(part, cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1), (width, height))
    columns = turned.sum(0)
    middle = float((columns * np.arange(width)).sum() / max(columns.sum(), 1e-6))
    flip = np.array([[-1.0, 0, 2 * middle], [0, 1, 0]])
    other = cv2.warpAffine(turned, flip, (width, height))
    return float(np.minimum(turned, other).sum() / max(np.maximum(turned, other).sum(), 1e-6))


def _turned(picture: Picture, angle: float) -> tuple[Picture, np.ndarray]:
    """Turned about its middle on a canvas that holds it all; (3, 3) from result to source px."""
    height, width = picture.size
    turn = np.vstack([cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1), [0, 0, 1]])
    corners = turn @ np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]])
    low, high = np.floor(corners[:2].min(1)), np.ceil(corners[:2].max(1))
    turn[:2, 2] -= low
    size = int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1

    def warped(plane: np.ndarray, method: int, fill: int = 0) -> np.ndarray:
        border = cv2.BORDER_REPLICATE if fill < 0 else cv2.BORDER_CONSTANT
        return np.asarray(cv2.warpAffine(plane, turn[:2], size, flags=method, borderMode=border))

    alpha = warped(picture.alpha, cv2.INTER_LINEAR)
    covered = warped(np.full(picture.size, 255, np.uint8), cv2.INTER_NEAREST) > 0
    rgb = warped(picture.rgb, cv2.INTER_CUBIC, -1)
    if picture.ground is None and not covered.all():
        rgb = _carried_on(rgb, covered, alpha)
    front = warped(picture.front, cv2.INTER_CUBIC, -1)
    garment = (warped(picture.garment.astype(np.float32), cv2.INTER_LINEAR) > 0.999) & (alpha == 255)
    return replace(picture, rgb=rgb, front=front, alpha=alpha, garment=garment), np.linalg.inv(turn)


def _frame(alpha: UInt8, settings: Compose) -> tuple[tuple[int, int], tuple[int, int, int, int], float]:
    """(height, width) of the frame, the figure's box, its scale."""
    box = object_box(alpha)
    tall, wide = box[2] - box[0], box[3] - box[1]
    if settings.template == "square":
        side = int(np.ceil(max(tall, wide) / (1 - 2 * settings.margin)))
        return (side, side), box, 1.0
    asked: Template = parse_template(settings.template)
    room = settings.margin * min(asked.width, asked.height)
    scale = min((asked.height - 2 * room) / tall, (asked.width - 2 * room) / wide, MOST_ENLARGED)
    return (asked.height, asked.width), box, scale


def _placed(
    picture: Picture, frame: tuple[int, int], box: tuple[int, int, int, int], scale: float
) -> tuple[Picture, np.ndarray]:
    """The figure's box in the middle of the frame; (3, 3) from result to source px."""
    size = tuple(max(1, round(length * scale)) for length in picture.size)
    x_scale, y_scale = picture.size[1] / size[1], picture.size[0] / size[0]
    top = round((frame[0] - (box[2] - box[0]) / y_scale) / 2 - box[0] / y_scale)
    left = round((frame[1] - (box[3] - box[1]) / x_scale) / 2 - box[1] / x_scale)
    rgba = resized(np.dstack([picture.front, picture.alpha]), (size[0], size[1]))
    rgb = _resized(picture.rgb, (size[0], size[1]))
    garment = _resized(picture.garment.astype(np.float32), (size[0], size[1])) > 0.999
    alpha = _pasted(rgba[..., 3], frame, top, left)
    covered = _pasted(np.full(size, 255, np.uint8), frame, top, left) > 0
    whole = _pasted(rgb, frame, top, left)
    if picture.ground is None and not covered.all():
        whole = _carried_on(whole, covered, alpha)
    front = np.where((alpha == 255)[..., None], whole, _pasted(rgba[..., :3], frame, top, left))
    kept = _pasted(garment.astype(np.uint8), frame, top, left).astype(bool) & (alpha == 255)
    back = np.array([[x_scale, 0, (0.5 - left) * x_scale - 0.5], [0, y_scale, (0.5 - top) * y_scale - 0.5], [0, 0, 1]])
    return replace(picture, rgb=whole, front=front, alpha=alpha, garment=kept), back


def _resized(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if plane.shape[:2] == size:
        return plane
    method = cv2.INTER_AREA if size[0] < plane.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(plane, size[::-1], interpolation=method))


def _pasted(plane: np.ndarray, frame: tuple[int, int], top: int, left: int) -> np.ndarray:
    """`plane` on a canvas of zeros, its corner at (top, left), cut at the frame."""
    out = np.zeros((*frame, *plane.shape[2:]), plane.dtype)
    height, width = plane.shape[:2]
    to = slice(max(0, top), min(frame[0], top + height)), slice(max(0, left), min(frame[1], left + width))
    out[to] = plane[to[0].start - top : to[0].stop - top, to[1].start - left : to[1].stop - left]
    return out


def _carried_on(rgb: UInt8, covered: Bool, alpha: UInt8) -> UInt8:
    """The uncovered part filled with the backdrop: a surface of second degree a channel, fitted to what is seen of it.

    Raises ImageError 'backdrop_not_plain' where it is none, for anything made up there would show.
    """
    far = cv2.dilate((alpha > 8).astype(np.uint8), np.ones((15, 15), np.uint8)) == 0
    known = np.argwhere(covered & far)
    plain = "Add a `background` step, or frame the photo tighter"
    if len(known) < 500:
        raise ImageError("backdrop_not_plain", "too little of the backdrop is seen to carry it on", cure=plain)
    known = known[:: max(1, len(known) // 20_000)]
    terms = _terms(known, rgb.shape[:2])
    values = rgb[known[:, 0], known[:, 1]].astype(np.float64)
    surface, *_ = np.linalg.lstsq(terms, values, rcond=None)
    off = float(np.percentile(np.abs(terms @ surface - values).max(1), 90))
    if off > PLAIN:
        raise ImageError("backdrop_not_plain", f"the backdrop is off a smooth one by {off:.0f} levels", cure=plain)
    out = rgb.copy()
    missing = np.argwhere(~covered)
    noise = np.random.default_rng(0).normal(0, min(off, 2.0) / 2, (len(missing), 1))
    filled = _terms(missing, rgb.shape[:2]) @ surface + noise
    out[missing[:, 0], missing[:, 1]] = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
    return out


def _terms(places: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    y, x = (places / np.array(size[:2], float)).T
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
