"""The dominant colours inside a garment mask: shares, basic names, finer names.

In: an RGB photo and an (H, W) bool mask. Out: `Colour`s, largest share first, and whether the backdrop's light was
taken out. The basic names are those the tagging article asks for ('predict basic colours only': people disagree about
finer ones); finer names are the xkcd survey's (CC0), by CIEDE2000. Never looks at pixels outside the mask, except at
the backdrop to learn the light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from labeling.colour_difference import delta_e_2000
from labeling.colour_light import Light, light_of, relight

MULTICOLOUR = "multicolour"
MAX_PIXELS = 20_000  # sampled evenly from the mask: more changes no share by a percent
SAME = 14.0  # CIELAB distance under which two clusters are one colour in other light
LIGHTNESS_COUNTS = 0.6  # when clusters are compared: folds differ in lightness first
EDGE = 0.01  # of the mask's short side is taken off its rim, where the colours of two things mix
LEAST_KEPT = 0.3  # of the mask must be left after that, or it stays as it is
EDGE_CONTRAST = 40  # of 255 in lightness, over 3 x 3 px
LEAST_FLAT = 0.25  # of the mask must be flat, or edges count too
SEEN = 0.10  # a colour smaller than this share of a thing does not count among its many colours
SWATCHES: dict[str, tuple[str, ...]] = {
    "black": ("000000", "18181a", "2b2b2e", "1c1f26"),
    "white": ("ffffff", "f2f2f0", "e6e6e8", "fffff0", "f8f2e6", "efe6da"),
    "grey": ("bcbcbc", "9a9a9a", "787878", "555555", "6b7076", "424448"),
    "red": ("d01020", "a81020", "ff2030", "701020", "c83c3c"),
    "orange": ("ff8000", "e86a10", "f59a40", "d95b20", "aa4e2a"),
    "yellow": ("ffe000", "f5d040", "fff080", "d8b020"),
    "green": ("00a040", "206030", "70b050", "a0d8a0", "556b2f", "1a3a28", "60c0a0", "808040", "9aa88c"),
    "blue": ("1040c0", "203060", "4080e0", "90c0f0", "141c40", "506a90", "20a0c0", "7890b0", "247a84"),
    "purple": ("7020a0", "50205a", "a070d0", "c0a0e0", "8a3a80"),
    "pink": ("ff80b0", "f0b0c0", "e03090", "f8d0d8", "d87890", "e8b4ac"),
    "brown": ("704020", "4a2c1a", "8a5a34", "a06a40", "3a2820", "b5804c"),
    "beige": ("e8d8b8", "d8c0a0", "c8b090", "ebdfc4", "b8a080"),
}
_FINER = Path(__file__).with_name("xkcd_colours.txt")


@dataclass(frozen=True)
class Colour:
    """`share` of the mask in [0, 1]; `rgb` as six hex digits; `name` one of `SWATCHES`; `finer` the nearest of the
    survey's names, `delta_e` how far off it is (CIEDE2000)."""

    name: str
    share: float
    rgb: str
    finer: str = ""
    delta_e: float = 0.0


@dataclass(frozen=True)
class Measured:
    """Shares add up to 1. `light` is what was taken out before, None where the photo was left as it is."""

    colours: list[Colour]
    light: Light | None


def measure(
    rgb: np.ndarray,
    mask: np.ndarray,
    *,
    leave_out: np.ndarray | None = None,
    balance: bool = True,
    clusters: int = 6,
    seed: int = 0,
) -> Measured:
    """Colours of (H, W, 3) uint8 `rgb` inside (H, W) bool `mask` without `leave_out` (skin, hair, a bag)."""
    wanted = mask if leave_out is None else mask & ~leave_out
    light = light_of(rgb, mask if leave_out is None else mask | leave_out) if balance and wanted.any() else None
    inner = _inner(wanted)
    flat, every = (_sampled(rgb[where], light) for where in (_flat(rgb, inner), inner))
    return Measured(_named(flat, every, clusters, seed) if len(flat) else [], light)


def dominant_colours(rgb: np.ndarray, mask: np.ndarray, *, clusters: int = 6, seed: int = 0) -> list[Colour]:
    """`measure(...).colours`: largest first; shares of one basic name are added up; [] for no mask."""
    return measure(rgb, mask, clusters=clusters, seed=seed).colours


def is_multicolour(colours: list[Colour]) -> bool:
    """At least three basic colours that count, none of them more than half: such a thing has no colour of its own."""
    counted = [colour for colour in colours if colour.share >= SEEN]
    return len(counted) >= 3 and max(colour.share for colour in counted) <= 0.5


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 sRGB to (N, 3) float32 CIELAB (D65): L in 0..100, a and b about -128..127."""
    return cv2.cvtColor(rgb.reshape(-1, 1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)


def name_of(rgb: np.ndarray) -> str:
    """The basic colour whose nearest swatch is nearest (CIEDE2000) to one (3,) uint8 colour."""
    names, lab = _basic()
    return names[int(delta_e_2000(lab, to_lab(rgb)).argmin())]


def finer_name(rgb: np.ndarray) -> tuple[str, float]:
    """(name of the xkcd survey nearest to one (3,) uint8 colour, how far off it is by CIEDE2000)."""
    names, lab = _survey()
    apart = delta_e_2000(lab, to_lab(rgb))
    return names[int(apart.argmin())], float(apart.min())


def _sampled(pixels: np.ndarray, light: Light | None) -> np.ndarray:
    pixels = pixels[:: max(1, len(pixels) // MAX_PIXELS)]
    return relight(pixels, light) if light is not None and len(pixels) else pixels


def _named(flat: np.ndarray, every: np.ndarray, clusters: int, seed: int) -> list[Colour]:
    """Colours are found among the flat pixels; shares are of every pixel, by the nearest of those colours."""
    lab = to_lab(flat)
    groups = _group(lab, min(clusters, len(flat)), seed)
    middles = [_typical(flat[members], lab[members]) for members in groups]
    centres = np.array([np.median(lab[members], axis=0) for members in groups])
    apart = np.linalg.norm((to_lab(every)[:, None] - centres) * (LIGHTNESS_COUNTS, 1.0, 1.0), axis=2)
    shares = np.bincount(apart.argmin(axis=1), minlength=len(groups)) / len(every)
    found: dict[str, tuple[float, np.ndarray]] = {}
    for share, middle in sorted(zip(shares.tolist(), middles, strict=True), key=lambda pair: -pair[0]):
        name = name_of(middle)
        before, shown = found.get(name, (0.0, middle))
        found[name] = (before + share, shown)
    colours = [Colour(name, share, bytes(rgb).hex(), *finer_name(rgb)) for name, (share, rgb) in found.items()]
    return sorted(colours, key=lambda colour: -colour.share)


def _typical(pixels: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """(3,) uint8: the mean weighted by chroma, without the darkest and lightest: shadow and gloss are pale."""
    low, high = np.quantile(lab[:, 0], (0.2, 0.95))
    kept = (lab[:, 0] >= low) & (lab[:, 0] <= high)
    weights = 4.0 + np.hypot(lab[kept, 1], lab[kept, 2])
    return np.round(np.average(pixels[kept], axis=0, weights=weights)).astype(np.uint8)


def _inner(mask: np.ndarray) -> np.ndarray:
    """The mask without its rim, unless little would be left."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return mask
    short = min(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    radius = max(1, round(EDGE * short))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inner = cv2.erode(mask.astype(np.uint8), kernel, borderValue=0).astype(bool)
    return inner if inner.sum() >= LEAST_KEPT * mask.sum() else mask


def _flat(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mask without pixels on an edge inside it: between two colours of a pattern lie mixtures of both."""
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[:, :, 0]
    kernel = np.ones((3, 3), np.uint8)
    apart = cv2.dilate(light, kernel).astype(int) - cv2.erode(light, kernel)
    flat = mask & (apart <= EDGE_CONTRAST)
    return flat if flat.sum() >= LEAST_FLAT * mask.sum() else mask


def _group(lab: np.ndarray, clusters: int, seed: int) -> list[np.ndarray]:
    """(N,) bool members of each cluster: k-means, then clusters nearer than `SAME` joined, lightness counting less."""
    cv2.setRNGSeed(seed)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, labels, centres = cv2.kmeans(
        np.ascontiguousarray(lab), clusters, np.zeros((len(lab), 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS
    )
    order = np.argsort(-np.bincount(labels[:, 0], minlength=clusters))
    owner = list(range(clusters))
    for place, later in enumerate(order):
        for earlier in order[:place]:
            if np.linalg.norm((centres[later] - centres[earlier]) * (LIGHTNESS_COUNTS, 1.0, 1.0)) < SAME:
                owner[later] = owner[earlier]
                break
    merged = np.array(owner)[labels[:, 0]]
    return [merged == group for group in np.unique(merged)]


@lru_cache(maxsize=1)
def _basic() -> tuple[list[str], np.ndarray]:
    return _table([(name, code) for name, codes in SWATCHES.items() for code in codes])


@lru_cache(maxsize=1)
def _survey() -> tuple[list[str], np.ndarray]:
    lines = [line for line in _FINER.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return _table([(name, code) for name, code in (line.split("\t") for line in lines)])


def _table(pairs: list[tuple[str, str]]) -> tuple[list[str], np.ndarray]:
    rgb = np.array([list(bytes.fromhex(code)) for _, code in pairs], np.uint8)
    return [name for name, _ in pairs], to_lab(rgb)
