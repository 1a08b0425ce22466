"""Slices: kinds of photo on which a segmenter may be worse, told from the photo and its true mask alone.

In: an RGB photo, its class map, the roles of its classes, and where there is one its map of words. Out: for each slice
whether the photo is in it, or None where that can't be told (no skin labelled). Thresholds are stated here once; what
a model says of the photo never counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from dataset.masks import GARMENT

BAGS = ("bag", "purse", "backpack", "handbag")
LEAST_SHARE = 0.02  # of the person's pixels: a bag smaller than that hides nothing
DARK_LIGHTNESS = 35.0  # mean L* of the photo, 0 to 100
LIGHT_LIGHTNESS, PALE_CHROMA = 75.0, 14.0  # a garment or backdrop that reads as white
LEAST_SKIN_PX = 200
# Individual typology angle, degrees, and the names of its groups (Chardon et al. 1991; Del Bino & Bernerd 2013).
ITA_GROUPS = (
    (55.0, "very light"),
    (41.0, "light"),
    (28.0, "intermediate"),
    (10.0, "tan"),
    (-30.0, "brown"),
    (-90.0, "dark"),
)

NAMES = ("cut by the picture's edge", "a bag over the clothes", "dark photo", "white garment on light")


def slices_of(
    rgb: np.ndarray, truth: np.ndarray, roles: Sequence[int], words: Mapping[str, np.ndarray]
) -> dict[str, bool | None]:
    """{slice: in it?}; rgb (H, W, 3) uint8, truth (H, W) class map (255 not counted), words {word: (H, W) bool}."""
    lab = lab_of(rgb)
    role = np.append(np.array(roles, np.uint8), np.zeros(256 - len(roles), np.uint8))[truth]
    person, garment = role > 0, role == GARMENT
    answers = (
        _cut(person),
        _bag(person, words),
        bool(lab[..., 0].mean() < DARK_LIGHTNESS),
        _white(lab, person, garment),
    )
    tone = skin_tone(lab, words.get("skin"))
    tones = {f"skin {name}": None if tone is None else name == tone for _, name in ITA_GROUPS}
    return dict(zip(NAMES, answers, strict=True)) | tones


def lab_of(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 sRGB -> (H, W, 3) float32 CIELAB (D65), L* in [0, 100]."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def skin_tone(lab: np.ndarray, skin: np.ndarray | None) -> str | None:
    """The ITA group of the labelled skin; None below 200 px of it. ITA = atan((L* - 50) / b*), from the medians.

    A photo's light moves L* and b*, so the group is of the skin as photographed, not of the person.
    """
    if skin is None or np.count_nonzero(skin) < LEAST_SKIN_PX:
        return None
    lightness, _, yellow = np.median(lab[skin], axis=0)
    angle = np.degrees(np.arctan2(lightness - 50, max(float(yellow), 1e-3)))
    return next(name for least, name in ITA_GROUPS if angle > least or name == "dark")


def _cut(person: np.ndarray) -> bool:
    """The person touches the picture's top or bottom edge along over a hundredth of its width."""
    return bool(max(person[0].mean(), person[-1].mean()) > 0.01)


def _bag(person: np.ndarray, words: Mapping[str, np.ndarray]) -> bool | None:
    if not words:
        return None
    bags = sum(int(np.count_nonzero(words[word])) for word in BAGS if word in words)
    return bags > LEAST_SHARE * max(int(np.count_nonzero(person)), 1)


def _white(lab: np.ndarray, person: np.ndarray, garment: np.ndarray) -> bool:
    """Garment and the 15 px around the person are both light and of little chroma, by their medians."""
    ring = cv2.dilate(person.astype(np.uint8), np.ones((31, 31), np.uint8)).astype(bool) & ~person
    return _pale(lab, garment) and _pale(lab, ring)


def _pale(lab: np.ndarray, where: np.ndarray) -> bool:
    if not where.any():
        return False
    lightness, a, b = np.median(lab[where], axis=0)
    return bool(lightness > LIGHT_LIGHTNESS and np.hypot(a, b) < PALE_CHROMA)
