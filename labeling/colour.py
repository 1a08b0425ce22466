"""The dominant colours inside a garment mask: shares, basic names, finer names.

In: an RGB photo and an (H, W) bool mask. Out: `Colour`s, largest share first, and whether the backdrop's light was
taken out. The basic names are those the tagging article asks for ('predict basic colours only': people disagree about
finer ones); finer names are the xkcd survey's (CC0), by CIEDE2000. Never looks at pixels outside the mask, except at
the backdrop to learn the light.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from labeling.colour_belief import DAYLIGHT, Belief, belief_of
from labeling.colour_light import Light, relight
from labeling.colour_names import BASIC, chances, finer_name, to_lab

MULTICOLOUR = "multicolour"
MAX_PIXELS = 20_000  # sampled evenly from the mask: more changes no share by a percent
SAME = 14.0  # CIELAB distance under which two clusters are one colour in other light
LIGHTNESS_COUNTS = 0.6  # when clusters are compared: folds differ in lightness first
EDGE = 0.01  # of the mask's short side is taken off its rim, where the colours of two things mix
LEAST_KEPT = 0.3  # of the mask must be left after that, or it stays as it is
EDGE_CONTRAST = 40  # of 255 in lightness, over 3 x 3 px
LEAST_FLAT = 0.25  # of the mask must be flat, or edges count too
SEEN = 0.10  # a colour smaller than this share of a thing does not count among its many colours


@dataclass(frozen=True)
class Colour:
    """`share` of the mask in [0, 1]; `rgb` as six hex digits; `name` one of `BASIC`; `finer` the nearest of the
    survey's names, `delta_e` how far off it is (CIEDE2000). `confidence` is the chance of `name` over the lights that
    the photo may have been taken under and over where people draw a name's boundary."""

    name: str
    share: float
    rgb: str
    finer: str = ""
    delta_e: float = 0.0
    confidence: float = 1.0


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
    if not wanted.any():
        return Measured([], None)
    belief = belief_of(rgb, mask if leave_out is None else mask | leave_out) if balance else DAYLIGHT
    light = belief.middle()
    inner = _inner(wanted)
    flat, every = (rgb[where] for where in (_flat(rgb, inner), inner))
    flat, every = (pixels[:: max(1, len(pixels) // MAX_PIXELS)] for pixels in (flat, every))
    return Measured(_named(flat, every, belief, clusters, seed), light)


def dominant_colours(rgb: np.ndarray, mask: np.ndarray, *, clusters: int = 6, seed: int = 0) -> list[Colour]:
    """`measure(...).colours`: largest first; shares of one basic name are added up; [] for no mask."""
    return measure(rgb, mask, clusters=clusters, seed=seed).colours


def is_multicolour(colours: list[Colour]) -> bool:
    """At least three basic colours that count, none of them more than half: such a thing has no colour of its own."""
    counted = [colour for colour in colours if colour.share >= SEEN]
    return len(counted) >= 3 and max(colour.share for colour in counted) <= 0.5


def _named(flat: np.ndarray, every: np.ndarray, belief: Belief, clusters: int, seed: int) -> list[Colour]:
    """Colours are found among the flat pixels; shares are of every pixel, by the nearest of those colours."""
    light = belief.middle()
    lit, all_lit = (pixels if light is None else relight(pixels, light) for pixels in (flat, every))
    lab = to_lab(lit)
    groups = _group(lab, min(clusters, len(flat)), seed)
    centres = np.array([np.median(lab[members], axis=0) for members in groups])
    apart = np.linalg.norm((to_lab(all_lit)[:, None] - centres) * (LIGHTNESS_COUNTS, 1.0, 1.0), axis=2)
    shares = np.bincount(apart.argmin(axis=1), minlength=len(groups)) / len(every)
    found: dict[str, Colour] = {}
    largest = centres[shares.argmax(), 0]
    for which in np.argsort(-shares):
        thin = shares[which] < shares.max() and centres[which, 0] > largest
        weights = (_lightest if thin else _typical)(lab[groups[which]])
        seen, shown = (np.average(pixels[groups[which]], axis=0, weights=weights) for pixels in (flat, lit))
        chance = name_chances(seen, belief)
        _add(found, BASIC[int(chance.argmax())], float(shares[which]), np.round(shown).astype(np.uint8), chance.max())
    return sorted(found.values(), key=lambda colour: -colour.share)


def _add(found: dict[str, Colour], name: str, share: float, rgb: np.ndarray, chance: float) -> None:
    """One name's shares are added up; what is shown of it is its largest part, which comes first."""
    known = found.get(name) or Colour(name, 0.0, bytes(rgb).hex(), *finer_name(rgb), float(chance))
    found[name] = replace(known, share=known.share + share)


def name_chances(rgb: np.ndarray, belief: Belief) -> np.ndarray:
    """(12,) chances of the basic names of one (3,) sRGB colour in 0..255, over the lights of `belief`."""
    return np.asarray(belief.weight @ chances(to_lab(belief.relit(rgb))))


def _typical(lab: np.ndarray) -> np.ndarray:
    """(N,) weights: by chroma, without the darkest and lightest, for shadow and gloss are pale."""
    low, high = np.quantile(lab[:, 0], (0.2, 0.95))
    kept = (lab[:, 0] >= low) & (lab[:, 0] <= high)
    return np.where(kept, 4.0 + np.hypot(lab[:, 1], lab[:, 2]), 0.0)


def _lightest(lab: np.ndarray) -> np.ndarray:
    """(N,) weights: the lighter part alone. Of light stripes and dots on darker cloth the rims are mixed with it."""
    low, high = np.quantile(lab[:, 0], (0.6, 0.98))
    return ((lab[:, 0] >= low) & (lab[:, 0] <= high)).astype(float)


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
