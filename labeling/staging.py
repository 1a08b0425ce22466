"""Staging: a cutout on what a shop shows it on: tight crop, marketplace template, soft shadow, colour or picture.

In: (H, W, 4) uint8 RGBA cutouts, not premultiplied. Out: RGBA or (H, W, 3) RGB. Order of use: geometry (`cropped`,
`on_template`), then `shadow_of`, then `laid_on` or `with_shadow`. Only a template resizes, and then with premultiplied
alpha, so no colour from under the transparent part bleeds in. Pixels of alpha 255 keep their colour to the bit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import UsageError

UInt8 = npt.NDArray[np.uint8]
MARGIN = 0.05
LONGEST_SIDE_PX = 10_000  # of a template
MOST_ENLARGED = 2.0  # a template never enlarges a photo further: it would only show blur
CONTACT_SHARE = 0.05  # of the object's height: what stands so near its lowest point touches the ground, twice: nothing
DARKEST_CONTACT, DARKEST = 0.65, 0.22  # opacity right under what touches the ground, and of the wide soft shade
FOOT = 0.025  # of the object's height: half the width within which the lowest point is the ground
RISES = 0.03  # of the object's height: what hangs so much over its own ground casts nothing close
THICK = 0.006  # of the object's height
SPECK_SHARE = 0.001  # of all that is seen: a smaller piece by itself is dust, and moves no frame
STRIP = 512  # rows mixed at a time, so that 30 megapixels need no second picture in float


@dataclass(frozen=True)
class Template:
    """A canvas in px and the margin around the cutout, as a share of its shorter side."""

    width: int
    height: int
    margin: float


def parse_template(text: str) -> Template:
    """'square-2000' or '1600x2000', with ':0.08' for the margin. Raises UsageError, naming the forms."""
    found = re.fullmatch(r"(?:square-(\d+)|(\d+)x(\d+))(?::(0?\.\d+|0))?", text.strip().lower())
    expected = f"square-SIDE or WIDTHxHEIGHT, up to {LONGEST_SIDE_PX} px, and :MARGIN below 0.45"
    if not found:
        raise UsageError(f"'{text}' is no template", expected=expected)
    width, height = int(found[1] or found[2]), int(found[1] or found[3])
    margin = MARGIN if found[4] is None else float(found[4])
    if not (min(width, height) >= 16 and max(width, height) <= LONGEST_SIDE_PX and margin < 0.45):
        raise UsageError(f"'{text}' is out of bounds", expected=expected)
    return Template(width, height, margin)


def parse_colour(text: str) -> tuple[int, int, int] | None:
    """'white', 'black' or '#RRGGBB' -> RGB; None for anything else."""
    named = {"white": (255, 255, 255), "black": (0, 0, 0)}
    if text.lower() in named:
        return named[text.lower()]
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return None
    red, green, blue = (int(text[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def object_box(alpha: UInt8) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) px of all but traces and specks; the whole picture where there is nothing."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((alpha > 8).astype(np.uint8), connectivity=8)
    if count < 2:
        return 0, 0, alpha.shape[0], alpha.shape[1]
    pieces = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= SPECK_SHARE * stats[1:, cv2.CC_STAT_AREA].sum()]
    left, top, wide, tall, _ = (pieces if len(pieces) else stats[1:]).T
    return int(top.min()), int(left.min()), int((top + tall).max()), int((left + wide).max())


def cropped(rgba: UInt8, margin: float = MARGIN) -> UInt8:
    """Cut to the object plus `margin` of its longer side all round, transparent where the photo ends sooner."""
    top, left, bottom, right = object_box(rgba[:, :, 3])
    room = round(margin * max(bottom - top, right - left))
    out = np.zeros((bottom - top + 2 * room, right - left + 2 * room, 4), np.uint8)
    above, before = min(room, top), min(room, left)  # what the photo still has there, soft edges included
    part = rgba[top - above : bottom + room, left - before : right + room]
    out[room - above : room - above + part.shape[0], room - before : room - before + part.shape[1]] = part
    return out


def on_template(rgba: UInt8, template: Template) -> tuple[UInt8, float]:
    """The object centred on the template's canvas, as large as its margins allow but enlarged at most twice; and the
    scale it was given."""
    top, left, bottom, right = object_box(rgba[:, :, 3])
    room = template.margin * min(template.width, template.height)
    free = template.height - 2 * room, template.width - 2 * room
    scale = min(free[0] / (bottom - top), free[1] / (right - left), MOST_ENLARGED)
    size = max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale))
    out = np.zeros((template.height, template.width, 4), np.uint8)
    above, before = (template.height - size[0]) // 2, (template.width - size[1]) // 2
    out[above : above + size[0], before : before + size[1]] = resized(rgba[top:bottom, left:right], size)
    return out, scale


def resized(rgba: UInt8, size: tuple[int, int]) -> UInt8:
    """To (height, width) with premultiplied alpha: areas when smaller, cubic when larger."""
    if rgba.shape[:2] == size:
        return rgba
    alpha = rgba[:, :, 3:].astype(np.float32)
    method = cv2.INTER_AREA if size[0] < rgba.shape[0] else cv2.INTER_CUBIC
    colour = cv2.resize(rgba[:, :, :3] * (alpha / 255), size[::-1], interpolation=method)
    cover = np.clip(cv2.resize(alpha, size[::-1], interpolation=method), 0, 255)
    plain = colour / np.maximum(cover[..., None] / 255, 1 / 255)
    return np.rint(np.clip(np.dstack([plain, cover]), 0, 255)).astype(np.uint8)


def shadow_of(alpha: UInt8) -> UInt8:
    """(H, W) uint8 alpha -> (H, W) uint8 opacity of a black shadow where the object meets the ground.

    In each column that reaches down near the ground, the shadow starts at the object's own lowest point there: close
    and dark right under it, wide and faint around, so a shoe stands on it though the other stands nearer. Empty where
    there is no object.
    """
    if not (alpha > 8).any():
        return np.zeros(alpha.shape, np.uint8)
    top, left, bottom, right = object_box(alpha)
    tall = bottom - top
    touching = _contacts(alpha, (left, right), bottom, tall)
    close, wide = 0.004 * tall + 0.5, 0.022 * tall + 1
    dark = DARKEST_CONTACT * _spread(touching, 2 * close, close)
    faint = DARKEST * _spread(touching, 1.6 * wide, 0.5 * wide)
    return np.asarray(np.rint(255 * (1 - (1 - dark) * (1 - faint))), dtype=np.uint8)


def _contacts(alpha: UInt8, columns: tuple[int, int], bottom: int, tall: int) -> npt.NDArray[np.float32]:
    """(H, W) in [0, 1]: a line some px thick under the object, paler the higher it hangs over the lowest point near it:
    a shoe's own lowest point is its ground, though the other shoe stands lower in the picture."""
    solid = alpha > 127
    lowest = np.where(solid.any(0), alpha.shape[0] - 1 - solid[::-1].argmax(0), -1)
    reach = 2 * max(2, round(FOOT * tall)) + 1
    ground = cv2.dilate(lowest.astype(np.float32)[None], np.ones((1, reach)))[0]
    over = (ground - lowest) / max(1.0, RISES * tall)
    hangs = (bottom - 1 - lowest) / max(1.0, CONTACT_SHARE * tall)
    weight = np.where(lowest >= 0, np.clip(1 - over, 0, 1) ** 2 * np.clip(2 - hangs, 0, 1), 0)
    out = np.zeros(alpha.shape, np.float32)
    thick = max(2, round(THICK * tall))
    for x in range(*columns):
        if weight[x] > 0:
            out[max(0, lowest[x] - thick // 2) : lowest[x] + 1 + thick, x] = weight[x]
    return out


def _spread(touching: npt.NDArray[np.float32], across: float, down: float) -> npt.NDArray[np.float32]:
    """Blurred, its darkest place as dark as before."""
    soft = cv2.GaussianBlur(touching, (0, 0), sigmaX=across, sigmaY=down)
    return np.asarray(soft / max(float(soft.max()), 1e-6), dtype=np.float32)


def with_shadow(rgba: UInt8, shadow: UInt8) -> UInt8:
    """RGBA over a black shadow, still transparent elsewhere."""
    out = rgba.copy()
    for rows in _strips(rgba.shape[0]):
        alpha = rgba[rows, :, 3].astype(np.float32) / 255
        cover = alpha + shadow[rows].astype(np.float32) / 255 * (1 - alpha)
        share = np.divide(alpha, cover, out=np.ones_like(alpha), where=cover > 0)
        mixed = np.dstack([rgba[rows, :, :3] * share[..., None], cover * 255])
        out[rows] = np.where((rgba[rows, :, 3] == 255)[..., None], rgba[rows], np.rint(mixed)).astype(np.uint8)
    return out


def laid_on(rgba: UInt8, ground: UInt8, shadow: UInt8 | None = None) -> UInt8:
    """RGBA on (H, W, 3) `ground`, the shadow on the ground alone -> (H, W, 3) uint8."""
    out = ground.copy()
    for rows in _strips(rgba.shape[0]):
        alpha = rgba[rows, :, 3:].astype(np.float32) / 255
        below = ground[rows].astype(np.float32)
        if shadow is not None:
            below *= 1 - shadow[rows, :, None].astype(np.float32) / 255
        out[rows] = np.rint(rgba[rows, :, :3] * alpha + below * (1 - alpha)).astype(np.uint8)
    return out


def coloured(size: tuple[int, int], colour: tuple[int, int, int]) -> UInt8:
    """(height, width) -> (H, W, 3) of one colour."""
    return np.full((*size, 3), colour, np.uint8)


def covering(picture: UInt8, size: tuple[int, int]) -> UInt8:
    """A background picture scaled to cover (height, width), its middle kept -> (H, W, 3) uint8."""
    scale = max(size[0] / picture.shape[0], size[1] / picture.shape[1])
    whole = [max(side, round(length * scale)) for side, length in zip(size, picture.shape[:2], strict=True)]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grown = np.asarray(cv2.resize(picture, (whole[1], whole[0]), interpolation=method), dtype=np.uint8)
    top, left = (whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2
    return grown[top : top + size[0], left : left + size[1]]


def _strips(height: int) -> list[slice]:
    return [slice(start, start + STRIP) for start in range(0, height, STRIP)]
