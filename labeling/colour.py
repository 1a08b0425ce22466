"""The dominant colours inside a mask, with their shares and the nearest basic colour's name.

In: an RGB photo and an (H, W) bool mask. Out: `Colour`s, largest share first. Names are the basic ones only (a shop's
'petrol'
is blue here): finer names disagree between people. Never looks at pixels outside the mask.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

MAX_PIXELS = 20_000  # sampled evenly from the mask: more changes no share by a percent
SAME = 14.0  # CIELAB distance under which two clusters are one colour in other light
SWATCHES: dict[str, tuple[str, ...]] = {
    "black": ("000000", "18181a", "2b2b2e", "1c1f26"),
    "white": ("ffffff", "f2f2f0", "e6e6e8"),
    "grey": ("bcbcbc", "9a9a9a", "787878", "555555", "6b7076", "424448"),
    "red": ("d01020", "a81020", "ff2030", "701020", "c83c3c"),
    "orange": ("ff8000", "e86a10", "f59a40", "d95b20"),
    "yellow": ("ffe000", "f5d040", "fff080", "d8b020"),
    "green": ("00a040", "206030", "70b050", "a0d8a0", "556b2f", "1a3a28", "60c0a0", "808040"),
    "blue": ("1040c0", "203060", "4080e0", "90c0f0", "141c40", "506a90", "20a0c0", "7890b0"),
    "purple": ("7020a0", "50205a", "a070d0", "c0a0e0", "8a3a80"),
    "pink": ("ff80b0", "f0b0c0", "e03090", "f8d0d8", "d87890"),
    "brown": ("704020", "4a2c1a", "8a5a34", "a06a40", "3a2820"),
    "beige": ("e8d8b8", "d8c0a0", "c8b090", "f0e4d0", "b8a080"),
}


@dataclass(frozen=True)
class Colour:
    """`share` of the mask in [0, 1]; `rgb` as six hex digits; `name` one of `SWATCHES`."""

    name: str
    share: float
    rgb: str


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 sRGB to (N, 3) float32 CIELAB (D65): L in 0..100, a and b about -128..127."""
    return cv2.cvtColor(rgb.reshape(-1, 1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)


def name_of(rgb: np.ndarray) -> str:
    """The basic colour whose nearest swatch is nearest in CIELAB to one (3,) uint8 colour."""
    names = [name for name, codes in SWATCHES.items() for _ in codes]
    swatches = np.array([list(bytes.fromhex(code)) for codes in SWATCHES.values() for code in codes], np.uint8)
    return names[int(np.linalg.norm(to_lab(swatches) - to_lab(rgb), axis=1).argmin())]


def dominant_colours(rgb: np.ndarray, mask: np.ndarray, *, clusters: int = 5, seed: int = 0) -> list[Colour]:
    """Up to `clusters` colours of rgb[mask], largest first; shares of one name are added up; [] for no mask."""
    pixels = rgb[mask]
    if not len(pixels):
        return []
    pixels = pixels[:: max(1, len(pixels) // MAX_PIXELS)]
    groups = _group(to_lab(pixels), min(clusters, len(pixels)), seed)
    found: dict[str, tuple[float, str]] = {}
    for share, members in sorted(((float(g.mean()), g) for g in groups), key=lambda pair: -pair[0]):
        middle = np.median(pixels[members], axis=0).astype(np.uint8)
        name = name_of(middle)
        before, shown = found.get(name, (0.0, bytes(middle).hex()))
        found[name] = (before + share, shown)
    colours = [Colour(name, round(share, 4), shown) for name, (share, shown) in found.items()]
    return sorted(colours, key=lambda colour: -colour.share)


def _group(lab: np.ndarray, clusters: int, seed: int) -> list[np.ndarray]:
    """(N,) bool members of each cluster: k-means, then clusters nearer than `SAME` joined, lightness counting less."""
    cv2.setRNGSeed(seed)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, labels, centres = cv2.kmeans(
        np.ascontiguousarray(lab), clusters, np.zeros((len(lab), 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS
    )
    owner = list(range(clusters))
    for later in range(clusters):
        for earlier in range(later):
            if np.linalg.norm((centres[later] - centres[earlier]) * (0.6, 1.0, 1.0)) < SAME:
                owner[later] = owner[earlier]
                break
    merged = np.array(owner)[labels[:, 0]]
    return [merged == group for group in np.unique(merged)]
