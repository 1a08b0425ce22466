"""The step `recolour`: the garment's dominant colour becomes a named one, folds kept.

In: a `Picture` and a target. Out: the same picture with the garment's own colour moved in CIELAB: lightness along one
rising curve, so folds keep their order; hue and chroma the target's, less in the lights and shadows. Prints of a colour
clearly other than the dominant one stay. Never touches a pixel outside the garment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from labeling.colour_difference import delta_e_2000
from labeling.colour_names import to_lab
from modiste.edit_colours import named
from modiste.edit_picture import Picture, UInt8
from modiste.edit_steps import Recolour

SLOPES = (0.45, 1.0)  # of lightness about the garment's own: less hides folds, more shows noise
SAME_CHROMA, OTHER_CHROMA = 14.0, 34.0  # distance in a*b* from the dominant colour: all of it, none of it
SAME_LIGHT, OTHER_LIGHT = 38.0, 62.0  # in L*; folds vary that much
LIGHT_COUNTS = (0.5, 1.0, 1.0)  # lightness tells two cloths apart less than hue does
NEAR, BETWEEN = 18.0, 6.0  # of one colour; the width of the seam between two
RIVAL = 0.05  # of the garments' pixels
AROUND = 0.06  # of the garment's longer side: a window in which the colour must be at home
FEW, ENOUGH = 0.2, 0.4  # of that window: less is a stray shade of another piece, such as a grey fold in blue jeans


def recolour(picture: Picture, settings: Recolour) -> tuple[Picture, dict[str, Any]]:
    """The picture, and the colours it went from and to. Raises UsageError for a colour nobody knows."""
    target = to_lab(np.array([named(settings.to)], np.uint8))[0]
    lab = to_lab(_some(picture.rgb[picture.garment]))
    own = _dominant(lab)
    where, rivals = _near(picture), _rivals(lab, own)
    rgb = recoloured(picture.rgb, own, target, where, rivals)
    front = recoloured(picture.front, own, target, where, rivals)
    reached = _dominant(to_lab(_some(rgb[picture.garment])))
    facts = {
        "from_lab": np.round(own, 2).tolist(), "to_lab": np.round(target, 2).tolist(),
        "reached_lab": np.round(reached, 2).tolist(), "off_by": round(float(delta_e_2000(reached, target)), 2),
    }  # fmt: skip
    return picture.with_pixels(rgb, front), facts


def recoloured(
    rgb: UInt8, own: np.ndarray, target: np.ndarray, where: np.ndarray, rivals: Sequence[np.ndarray] = ()
) -> UInt8:
    """(H, W, 3) uint8 with the colour `own` (CIELAB) moved to `target`, by (H, W) float weights in [0, 1]; what is
    nearer to one of `rivals` stays."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if not len(rows):
        return rgb
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    out, part = rgb.copy(), rgb[box]
    lab = cv2.cvtColor(part.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    weight = _at_home(where[box] * _alike(lab, own) * _ours(lab, own, rivals), where[box])[..., None]
    made = cv2.cvtColor(_moved(lab, own, target), cv2.COLOR_LAB2RGB)
    mixed = part * (1 - weight) + 255 * np.clip(made, 0, 1) * weight
    out[box] = np.where(weight > 0, np.rint(mixed), part).astype(np.uint8)
    return out


def _moved(lab: np.ndarray, own: np.ndarray, target: np.ndarray) -> np.ndarray:
    light, goal = max(float(own[0]), 4.0), float(np.clip(target[0], 8.0, 91.0))
    power = float(np.clip(goal / light, *SLOPES)) * light / goal
    new = np.minimum(goal * (np.maximum(lab[..., 0], 0) / light) ** power, 100)
    bright = np.clip((100 - new) / (100 - goal), 0, 1)  # a highlight is the lamp's colour
    dark = np.clip(new / goal, 0, 1)
    share = np.where(new > goal, bright, dark)[..., None]
    variety = 0.35 * (lab[..., 1:] - own[1:])  # of weave and dye; all of the old hue's would tint the new one
    return np.dstack([new, target[1:] * share + np.clip(variety, -6, 6)]).astype(np.float32)


def _alike(lab: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(H, W) in [0, 1]: how surely a pixel is of the dominant colour, in whatever light."""
    chroma = np.linalg.norm(lab[..., 1:] - own[1:] * np.clip(lab[..., :1] / max(float(own[0]), 4), 0.2, 1.2), axis=-1)
    by_chroma = np.clip((OTHER_CHROMA - chroma) / (OTHER_CHROMA - SAME_CHROMA), 0, 1)
    by_light = np.clip((OTHER_LIGHT - np.abs(lab[..., 0] - own[0])) / (OTHER_LIGHT - SAME_LIGHT), 0, 1)
    return np.asarray(by_chroma * by_light, dtype=np.float32)


def _ours(lab: np.ndarray, own: np.ndarray, rivals: Sequence[np.ndarray]) -> np.ndarray:
    """(H, W) in [0, 1]: 0 where another colour of the clothes is nearer, such as jeans in shade beside a black coat."""
    far = _apart(lab, own)
    nearest = np.min([_apart(lab, each) for each in rivals], axis=0) if rivals else far + BETWEEN
    return np.asarray(np.clip(0.5 + (nearest - far) / BETWEEN, 0, 1), dtype=np.float32)


def _apart(lab: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm((lab - colour) * LIGHT_COUNTS, axis=-1))


def _rivals(lab: np.ndarray, own: np.ndarray) -> list[np.ndarray]:
    """The other colours that at least RIVAL of the garments' pixels have, the commonest first; at most three."""
    rest, found = lab[_alike(lab[None], own)[0] < 0.5], list[np.ndarray]()
    while len(found) < 3 and len(rest) >= RIVAL * len(lab):
        found.append(_dominant(rest))
        rest = rest[_apart(rest, found[-1]) >= NEAR]
    return found


def _at_home(weight: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(H, W) weights, less where the colour is rare around: what is alike only here and there is something else."""
    side = max(3, round(AROUND * max(weight.shape)))
    share = cv2.blur(weight, (side, side)) / np.maximum(cv2.blur(where.astype(np.float32), (side, side)), 1e-3)
    return np.asarray(weight * np.clip((share - FEW) / (ENOUGH - FEW), 0, 1), dtype=np.float32)


def _near(picture: Picture) -> np.ndarray:
    """(H, W) float: 1 on the sure garment, the alpha on its rim, 0 elsewhere."""
    rim = cv2.dilate(picture.garment.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & ~picture.garment
    soft = np.where(rim & (picture.alpha < 255), picture.alpha.astype(np.float32) / 255, 0)
    return np.where(picture.garment, np.float32(1), soft)


def _some(pixels: UInt8) -> UInt8:
    """At most some 40,000 of (N, 3) pixels, evenly taken."""
    return pixels[:: max(1, len(pixels) // 40_000)]


def _dominant(lab: np.ndarray) -> np.ndarray:
    """(N, 3) CIELAB -> (3,): the middle of the fullest part of a coarse histogram."""
    cells = np.floor(lab / (24, 12, 12)).astype(int)
    _, owner, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    centre = np.median(lab[owner.ravel() == counts.argmax()], axis=0)
    return np.asarray(np.median(lab[_apart(lab, centre) < NEAR], axis=0))
