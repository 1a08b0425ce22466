"""The step `style`: the look of a reference picture, its light and colours, kept off the garment unless told otherwise.

In: a `Picture` and the reference's pixels. Out: the same picture, its CIELAB mean and spread moved towards the
reference's by one linear map (optimal transport between two normal distributions), bounded, and eased in beside the
garment. With the garment kept off, not one of its sure pixels changes. Takes over colours alone, never texture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.errors import ImageError, UsageError
from dataset.images import decode
from modiste.edit_background import NOTHING
from modiste.edit_picture import Bool, Picture, UInt8
from modiste.edit_steps import Style

GAINS = (0.7, 1.4)  # of the spread along any direction: beyond it noise shows, or folds go flat
MOST_MOVED = np.array([18.0, 12.0, 12.0])  # L*, a*, b* of the mean
SAMPLED = 60_000  # pixels a statistic is worked out from
EASED = 0.012  # of the longer side: how far from the garment the look reaches its full strength
LEAST_SPREAD = 2.0  # CIELAB units; a plain wall's covariance says nothing about a look


@dataclass(frozen=True)
class Look:
    """lab -> (lab - `own`) @ `turn` + `own` + `moved`."""

    own: np.ndarray  # (3,) CIELAB mean of the source
    turn: np.ndarray  # (3, 3)
    moved: np.ndarray  # (3,)


def style(
    picture: Picture, settings: Style, given: Mapping[str, bytes] = NOTHING
) -> tuple[Picture, dict[str, Any]]:  # fmt: skip
    """The picture, and the map that was used. Raises UsageError or ImageError for a reference that can't be read."""
    reference, sha256 = read_reference(settings.like, given)
    where = np.ones(picture.size, np.float32) if settings.garment else beside(picture.garment)
    if not where.any():
        return picture, {"reference_sha256": sha256, "moved_lab": [0.0, 0.0, 0.0]}
    look = look_of(picture.rgb[where > 0], reference.reshape(-1, 3))
    strength = settings.strength * where
    after = picture.with_pixels(styled(picture.rgb, look, strength), styled(picture.front, look, strength))
    facts = {
        "reference_sha256": sha256, "moved_lab": np.round(look.moved, 2).tolist(),
        "turn_lab": np.round(look.turn, 4).tolist(),
    }  # fmt: skip
    return after, facts


def read_reference(path: str, given: Mapping[str, bytes] = NOTHING) -> tuple[UInt8, str]:
    """(H, W, 3) uint8 and the sha256 of its file, or of the one `given` by that word. Raises UsageError where there is
    none, ImageError for a bad one."""
    try:
        data = given[path] if path in given else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"no such picture: {path}", expected="style PICTURE, a photo whose look is wanted") from error
    try:
        rgb = decode(data).rgb
    except ImageError as error:
        raise UsageError(f"style {path}: {error.what}", expected="a photo whose look is wanted") from error
    return np.asarray(rgb), hashlib.sha256(data).hexdigest()


def look_of(own: UInt8, reference: UInt8) -> Look:
    """(N, 3), (M, 3) uint8 -> the bounded map (Pitié & Kokaram, CVMP 2007, 'linear Monge-Kantorovitch')."""
    (mean, spread), (goal, wanted) = _statistics(own), _statistics(reference)
    root = _power(spread, 0.5)
    inverse = _power(spread, -0.5)
    turn = inverse @ _power(root @ wanted @ root, 0.5) @ inverse
    values, vectors = np.linalg.eigh(turn)
    bounded = vectors @ np.diag(np.clip(values, *GAINS)) @ vectors.T
    return Look(mean, bounded, np.clip(goal - mean, -MOST_MOVED, MOST_MOVED))


def styled(rgb: UInt8, look: Look, strength: np.ndarray) -> UInt8:
    """(H, W, 3) uint8 by (H, W) in [0, 1]; where that is 0 the pixels are the same to the bit."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    goal = (lab - look.own) @ look.turn + look.own + look.moved
    mixed = lab + strength[..., None] * (goal - lab)
    mixed[..., 0] = np.clip(mixed[..., 0], 0, 100)
    made = np.clip(cv2.cvtColor(mixed.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1)
    return np.where(strength[..., None] > 0, np.rint(255 * made), rgb).astype(np.uint8)


def beside(garment: Bool) -> np.ndarray:
    """(H, W) float32: 0 on the garment, rising smoothly to 1 a little way off it, so that no seam shows."""
    away = cv2.distanceTransform((~garment).astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(away / max(2.0, EASED * max(garment.shape)), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def _statistics(pixels: UInt8) -> tuple[np.ndarray, np.ndarray]:
    """(3,) mean and (3, 3) covariance in CIELAB."""
    some = pixels[:: max(1, len(pixels) // SAMPLED)].astype(np.float32) / 255
    lab = cv2.cvtColor(some[None], cv2.COLOR_RGB2LAB)[0].astype(np.float64)
    return lab.mean(axis=0), np.cov(lab.T) + LEAST_SPREAD**2 * np.eye(3) if len(lab) > 1 else np.eye(3)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors @ np.diag(np.maximum(values, 1e-9) ** exponent) @ vectors.T)
