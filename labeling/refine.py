"""Edges: from a coarse probability to a soft alpha at the photo's own size, and the colour the foreground has under it.

In: (H, W, 3) uint8 RGB and (H, W) float32 probabilities in [0, 1] that only know roughly where the outline runs. Out:
a `Refined`. A photo over a megapixel is refined at half its size first, so the band in doubt at full size is a few
pixels wide; only tiles that hold doubt are worked on, so time follows the outline, not the area. Pixels wholly inside
keep the photo's colour to the bit. Never moves an outline further than the band, never resizes the photo it gives back;
imports pymatting only where matting is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import MaskError, UsageError
from labeling.guided import foreground_colour, guided_filter

METHODS = ("none", "guided", "matting")
DEFAULT = "matting"
SURE_OUTSIDE, SURE_INSIDE = 0.05, 0.95
BAND_SHARE = 0.01  # of the long side: how far the coarse outline may be off, each way
COARSEST_PX = 1_000_000  # pixels; larger photos are refined at half size first
TRUST = 0.002  # in the coarse outline, where colours say nothing; see docs/design/labels.md, Edges
HAZE = 0.04
FINE_BAND_PX = 3  # at full size, once the half-size outline is known
TILE, MARGIN = 384, 64

Float32 = npt.NDArray[Any]  # float32; arithmetic with plain numbers would widen the static type
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Refined:
    """`alpha` (H, W) uint8; `foreground` (H, W, 3) uint8, the photo where alpha is 255; `unknown_share` of the pixels
    was in doubt at full size."""

    alpha: npt.NDArray[np.uint8]
    foreground: npt.NDArray[np.uint8]
    method: str
    unknown_share: float

    def rgba(self) -> npt.NDArray[np.uint8]:
        return np.dstack([self.foreground, self.alpha])


def refine(rgb: npt.NDArray[np.uint8], probability: Float32, *, method: str = DEFAULT) -> Refined:
    """Soft alpha and despilled colours. `none` keeps the probability as alpha and despills only.

    Raises MaskError where sizes differ or a probability is outside [0, 1], UsageError for an unknown method.
    """
    _check(rgb, probability, method)
    prior = probability.astype(np.float32)
    alpha, known = (prior, _sure(prior, 0)) if method == "none" else _alpha(rgb, prior, method)
    whole = np.rint((alpha if method == "none" else _without_haze(alpha)) * 255).astype(np.uint8)
    return Refined(whole, despill(rgb, whole), method, float(1 - known.mean()))


def trimap(probability: Float32, band_px: int) -> npt.NDArray[np.uint8]:
    """(H, W) uint8: 255 surely inside, 0 surely outside, 128 unknown: what is in doubt and `band_px` around it."""
    known = _sure(probability, band_px)
    return np.where(known, np.where(probability > 0.5, 255, 0), 128).astype(np.uint8)


def despill(rgb: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8: the photo, with the foreground's own colour where 0 < alpha < 255."""
    edge = (alpha > 0) & (alpha < 255)
    result = rgb.copy()
    for inner, outer, core in _tiles(edge):
        colour = foreground_colour(rgb[outer].astype(np.float32) / 255, alpha[outer].astype(np.float32) / 255)
        mixed = np.rint(colour[core] * 255).astype(np.uint8)
        result[inner] = np.where(edge[inner][..., None], mixed, rgb[inner])
    return result


def check_method(method: str) -> None:
    """Raise UsageError unless `method` is known and what it needs is installed."""
    if method not in METHODS:
        raise UsageError(f"there is no edge method '{method}'", expected="one of " + ", ".join(METHODS))
    if method == "matting" and find_spec("pymatting") is None:
        raise UsageError("matting needs pymatting", cure="pip install pymatting, or take --edges guided")


def _check(rgb: npt.NDArray[np.uint8], probability: Float32, method: str) -> None:
    check_method(method)
    if rgb.shape[:2] != probability.shape:
        raise MaskError(f"photo {rgb.shape[:2]} and probability {probability.shape}", expected="one size",
                        cure="Enlarge the mask to the photo's own size first")  # fmt: skip
    if not (probability.min(initial=0) >= 0 and probability.max(initial=0) <= 1):
        raise MaskError(f"values {probability.min()} to {probability.max()}", expected="probabilities in [0, 1]",
                        cure="Divide a mask of 0 and 255 by 255; a class map is no probability")  # fmt: skip


def _alpha(rgb: npt.NDArray[np.uint8], prior: Float32, method: str) -> tuple[Float32, Bool]:
    """The refined alpha and which pixels were known before it, coarse to fine."""
    band = max(2, round(BAND_SHARE * max(prior.shape)))
    if prior.size > COARSEST_PX:
        size = ((prior.shape[1] + 1) // 2, (prior.shape[0] + 1) // 2)
        half = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (rgb, prior)]
        found = _alpha(half[0].astype(np.uint8), half[1].astype(np.float32), method)[0]
        prior = _without_haze(cv2.resize(found, prior.shape[::-1], interpolation=cv2.INTER_LINEAR))
        band = FINE_BAND_PX
    known = _sure(prior, band)
    result = np.where(known, prior > 0.5, prior).astype(np.float32)
    for inner, outer, core in _tiles(~known):
        tile = _solve(rgb[outer].astype(np.float32) / 255, prior[outer], known[outer], band, method)
        result[inner] = tile[core]
    return result, known


def _without_haze(alpha: Float32) -> Float32:
    """Alpha stretched so that HAZE and 1 - HAZE are 0 and 1: what is left of doubt far from an outline is no hair."""
    return np.clip((alpha - HAZE) / (1 - 2 * HAZE), 0, 1).astype(np.float32)


def _solve(rgb: Float32, prior: Float32, known: Bool, band: int, method: str) -> Float32:
    start = np.where(known, prior > 0.5, prior).astype(np.float32)
    if method == "matting":
        from labeling.matting import closed_form

        return closed_form(rgb, start, known, TRUST)
    for epsilon in (1e-3, 1e-4):
        start = np.where(known, start, guided_filter(rgb, start, band + 4, epsilon)).astype(np.float32)
    return start


def _sure(probability: Float32, band_px: int) -> Bool:
    """(H, W) bool: further than `band_px` from anything in doubt and from the other side of the outline."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band_px + 1, 2 * band_px + 1))
    inside = cv2.erode((probability > SURE_INSIDE).astype(np.uint8), kernel)
    outside = cv2.erode((probability < SURE_OUTSIDE).astype(np.uint8), kernel)
    return (np.asarray(inside) > 0) | (np.asarray(outside) > 0)


Window = tuple[slice, slice]


def _tiles(wanted: Bool) -> Iterator[tuple[Window, Window, Window]]:
    """(inner, outer, core) of tiles with a wanted pixel: `outer` is `inner` with a margin, `core` inner in outer."""
    height, width = wanted.shape
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            inner = np.s_[top : min(top + TILE, height), left : min(left + TILE, width)]
            if not wanted[inner].any():
                continue
            above, before = max(0, top - MARGIN), max(0, left - MARGIN)
            outer = np.s_[above : min(inner[0].stop + MARGIN, height), before : min(inner[1].stop + MARGIN, width)]
            core = np.s_[top - above : inner[0].stop - above, left - before : inner[1].stop - before]
            yield inner, outer, core
