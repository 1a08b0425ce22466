"""The step `recolour`: one piece of the clothes becomes a named colour, its folds and its pattern kept.

In: a `Picture` and a target. Out: the same picture with the piece (edit_cloths.py) moved whole in CIELAB: lightness
along one rising curve, so folds and pattern keep their order; hue and chroma the target's, less in the lights and
shadows. What has another colour of its own stays: prints, belts, the other clothes. Never touches a pixel outside the
garment, and says how patterned the piece is.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from labeling.colour_difference import delta_e_2000
from labeling.colour_names import to_lab
from modiste.edit_cloths import GREY, SHADES, cloths_of, dominant, piece_of
from modiste.edit_colours import named
from modiste.edit_picture import Bool, Picture, UInt8
from modiste.edit_steps import Recolour

SLOPES = (0.45, 1.0)  # of lightness about the cloth's own: less hides folds, more shows noise
VARIETY = 0.35  # of what weave and dye vary beside the shade is kept; all of the old hue's would tint the new one
MOST_VARIETY = 6.0  # units of a*, b*
CLOTH, PRINT = 16.0, 26.0  # units of a*, b* beside the cloth's hue: still the cloth, surely another colour
WHITEST = 99.5  # L*
SEAM_PX = 1.0  # sigma: how softly a piece ends beside another


def recolour(picture: Picture, settings: Recolour) -> tuple[Picture, dict[str, Any]]:
    """The picture, the colours it went from and to, and what was taken as the piece. Raises UsageError for a colour
    nobody knows, ImageError 'no_such_piece'."""
    target = to_lab(np.array([named(settings.to)], np.uint8))[0]
    cloths = cloths_of(picture.rgb, picture.garment)
    piece, _ = piece_of(cloths, settings.of, settings.place(picture.size))
    own = dominant(to_lab(_some(picture.rgb[piece])))
    weight = weights(piece, picture) * (1 - printed(picture.rgb, own))
    rgb = recoloured(picture.rgb, own, target, weight)
    front = recoloured(picture.front, own, target, weight)
    reached = dominant(to_lab(_some(rgb[piece])))
    facts = {
        "from_lab": np.round(own, 2).tolist(), "to_lab": np.round(target, 2).tolist(),
        "reached_lab": np.round(reached, 2).tolist(), "off_by": round(float(delta_e_2000(reached, target)), 2),
        "share": round(float(piece.sum() / picture.garment.sum()), 4),
    }  # fmt: skip
    return picture.with_pixels(rgb, front), facts


def recoloured(rgb: UInt8, own: np.ndarray, target: np.ndarray, weight: np.ndarray) -> UInt8:
    """(H, W, 3) uint8 with the colour `own` (CIELAB) moved to `target`, by (H, W) weights in [0, 1]; where that is 0
    the pixels are the same to the bit."""
    rows, columns = np.flatnonzero(weight.any(1)), np.flatnonzero(weight.any(0))
    if not len(rows):
        return rgb
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    out, part, share = rgb.copy(), rgb[box], weight[box][..., None]
    lab = cv2.cvtColor(part.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    made = cv2.cvtColor(_moved(lab, own, target), cv2.COLOR_LAB2RGB)
    mixed = part * (1 - share) + 255 * np.clip(made, 0, 1) * share
    out[box] = np.where(share > 0, np.rint(mixed), part).astype(np.uint8)
    return out


def _moved(lab: np.ndarray, own: np.ndarray, target: np.ndarray) -> np.ndarray:
    light, goal = max(float(own[0]), 4.0), float(np.clip(target[0], 8.0, 91.0))
    power = float(np.clip(goal / light, *SLOPES)) * light / goal
    new = goal * (np.maximum(lab[..., 0], 0) / light) ** power
    above = np.maximum(new - goal, 0) / (WHITEST - goal)  # bends towards white and never reaches it: folds stay apart
    new = np.where(above > 0, goal + (WHITEST - goal) * above / (1 + above), new)
    bright = np.clip((100 - new) / (100 - goal), 0, 1)  # a highlight is the lamp's colour
    dark = np.clip(new / goal, 0, 1)
    share = np.where(new > goal, bright, dark)[..., None]
    shade = np.clip(lab[..., :1] / light, *SHADES)  # what a fold of the old colour looks like
    variety = VARIETY * (lab[..., 1:] - shade * own[1:])
    return np.dstack([new, target[1:] * share + np.clip(variety, -MOST_VARIETY, MOST_VARIETY)]).astype(np.float32)


def weights(piece: Bool, picture: Picture) -> np.ndarray:
    """(H, W) float32: 1 on the piece, ending softly beside other clothes, the alpha on the figure's own rim."""
    rest = picture.garment & ~piece
    both = [cv2.GaussianBlur(each.astype(np.float32), (0, 0), SEAM_PX) for each in (piece, rest)]
    seam = both[0] / np.maximum(both[0] + both[1], 1e-3)
    rim = cv2.dilate(piece.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & (picture.alpha < 255)
    inside = np.where(picture.garment, seam, np.where(rim, seam * picture.alpha / 255, 0))
    return np.where(inside > 0.02, inside, 0).astype(np.float32)


def printed(rgb: UInt8, own: np.ndarray) -> np.ndarray:
    """(H, W) in [0, 1]: how surely a pixel is print and no shade of `own`: its colour lies beside that hue, or against
    it. A pale or a dark place of the cloth's own hue never does."""
    smooth = cv2.cvtColor(cv2.bilateralFilter(rgb, 7, 25, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 1:]
    whole, chroma = np.linalg.norm(smooth, axis=-1), float(np.hypot(own[1], own[2]))
    if chroma >= GREY:
        along = smooth @ (own[1:] / chroma).astype(np.float32)
        whole = np.where(along > 0, np.sqrt(np.maximum(whole**2 - along**2, 0)), whole)
    return np.asarray(np.clip((whole - CLOTH) / (PRINT - CLOTH), 0, 1), dtype=np.float32)


def _some(pixels: UInt8) -> UInt8:
    """At most some 40,000 of (N, 3) pixels, evenly taken."""
    return pixels[:: max(1, len(pixels) // 40_000)]
