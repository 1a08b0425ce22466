"""Which lights a photo may have been taken under, and how likely each is.

In: an RGB photo and the mask of what is not backdrop. Out: a `Belief`, a list of lights with weights. A plain bright
backdrop tells it nearly to the point; where the backdrop is blown out only the channels that are not are read, the
others are known to be 'at least white' (a censored observation), and its soft shadow, which is darker, fills in. Of a
busy place colour_place.py tells a little. Lights lie on the Planckian locus. Never changes a photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from labeling.colour_light import BLOWN, Light, srgb_to_linear, to_linear, to_srgb, white_of
from labeling.colour_place import chromaticity, place_of

CENSORED = 0.90  # of linear light: a channel above may have been cut (JPEG rings around white)
NOISE = 0.035  # of the log of a backdrop's channel: grain, JPEG, not quite neutral
SHADE_NOISE = 0.05  # the same of its shadow, which other surfaces lend colour
UNIFORM = 0.9  # share of the border that must be one colour
NEAR = 12.0  # CIELAB distance that counts as that one colour
DARKEST = 0.32  # luminance below which a backdrop is no white seen in little light
BACKDROP = 0.93  # luminance of a shop's white to light grey backdrop
BACKDROP_SPREAD = 0.07  # of its log
USUAL_MIRED, MIRED_SPREAD = 180.0, 80.0  # of a shop's lights: 3100 K to 12000 K lie within two spreads
STOPS_SPREAD = 0.8  # of exposure
SMALL = 0.105  # of the log of temperature, twice it of exposure: nothing to take out of what is shown
MOST = 80  # lights kept
PLACE_NOISE = 0.16  # of the log of red and blue over green as a place tells them (measured on drawn ones)
PLACE_LIGHTEST = 0.6  # of white: a place's 95th percentile of light
PLACE_STOPS_NOISE = 0.35  # of its log
LIKELY = 4.5  # nats below the likeliest light: further down are not thought of


@dataclass(frozen=True)
class Belief:
    """`rgb` (N, 3) is what white looks like in linear light, exposure included; `kelvin` (N,); `weight` (N,) adds up
    to 1; `backdrop` whether a plain backdrop told it."""

    kelvin: np.ndarray
    rgb: np.ndarray
    weight: np.ndarray
    backdrop: bool

    def middle(self) -> Light | None:
        """The light in the middle of them; None where it is plain daylight at a usual exposure."""
        rgb = np.exp(self.weight @ np.log(self.rgb))
        kelvin = 1e6 / float(self.weight @ (1e6 / self.kelvin))
        if abs(np.log(kelvin / 6500.0)) < SMALL and abs(np.log(rgb[1])) < 2 * SMALL:
            return None
        red, green, blue = (float(channel) for channel in rgb)
        return Light(kelvin, green, (red / green, 1.0, blue / green))

    def relit(self, rgb: np.ndarray) -> np.ndarray:
        """(N, 3) uint8: one (3,) sRGB colour in 0..255 as it would look in daylight if each of the lights was it. A
        blown channel was at least as bright as the others."""
        linear = srgb_to_linear(rgb)
        even = linear / self.rgb
        blown = linear > BLOWN
        others = np.where(blown, 0, even).max(axis=1, keepdims=True)
        return to_srgb(np.where(blown, np.maximum(even, others), even))


def belief_of(rgb: np.ndarray, figure: np.ndarray) -> Belief:
    """What an (H, W, 3) uint8 photo tells of its light; `figure` is (H, W) bool, what lies before the backdrop."""
    border = border_of(rgb, figure)
    if border is None:
        return DAYLIGHT
    colour, plain = border
    if not plain:
        return _by_place(rgb, figure)
    bright = colour @ (0.2126, 0.7152, 0.0722) >= DARKEST
    return (_by_backdrop(colour, _shades(rgb, figure)) if bright else None) or DAYLIGHT


def border_of(rgb: np.ndarray, figure: np.ndarray) -> tuple[np.ndarray, bool] | None:
    """((3,) linear light in the middle of the photo's border, whether it is of one colour); None where too little of
    it is seen."""
    band = max(2, min(rgb.shape[:2]) // 24)
    border = np.ones(figure.shape, bool)
    border[band:-band, band:-band] = False
    pixels = rgb[border & ~figure]
    if len(pixels) < 100:
        return None
    middle = np.median(pixels, axis=0).astype(np.uint8)
    lab = cv2.cvtColor(np.vstack([pixels, middle[None]])[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    plain = (np.linalg.norm(lab[:-1] - lab[-1], axis=1) < NEAR).mean() >= UNIFORM
    return to_linear(middle).astype(float), bool(plain)


def _shades(rgb: np.ndarray, figure: np.ndarray) -> np.ndarray:
    """(M, 3) linear light of the backdrop's darker parts, without noise: at most a few, the darkest first."""
    size = max(5, min(rgb.shape[:2]) // 60) | 1
    outside = ~cv2.dilate(figure.astype(np.uint8), np.ones((2 * size + 1, 2 * size + 1), np.uint8)).astype(bool)
    pixels = cv2.blur(to_linear(rgb), (size, size))[outside]
    if len(pixels) < 200:
        return np.empty((0, 3))
    order = np.argsort(pixels[:, 1])
    parts = [order[: len(order) // 100 + 40], order[: len(order) // 20 + 40]]
    return np.array([np.median(pixels[part], axis=0) for part in parts])


@lru_cache(maxsize=1)
def _grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kelvin (N,), whites (N, 3), log of the prior (N,) of every light thought of."""
    mired, stops = np.linspace(1e6 / 12000, 1e6 / 2500, 96), np.arange(-2.0, 1.6, 0.05)
    whites = np.array([white_of(1e6 / m) / white_of(6500.0) for m in mired])
    whites /= (whites @ (0.2126, 0.7152, 0.0722))[:, None]
    rgb = (whites[:, None] * 2.0 ** stops[None, :, None]).reshape(-1, 3)
    prior = -0.5 * (((mired - USUAL_MIRED) / MIRED_SPREAD)[:, None] ** 2 + (stops / STOPS_SPREAD)[None] ** 2)
    return np.repeat(1e6 / mired, len(stops)), rgb, prior.reshape(-1)


def _by_backdrop(white: np.ndarray, shades: np.ndarray) -> Belief | None:
    kelvin, rgb, prior = _grid()
    seen = np.log(rgb * BACKDROP)
    told = _censored(seen, white, np.hypot(NOISE, 0.01))
    if told.max() < -8:
        return None
    for shade in shades:
        told = told + 0.5 * _shade(seen, shade)
    return _belief(kelvin, rgb, prior + told, True)


def _by_place(rgb: np.ndarray, figure: np.ndarray) -> Belief:
    """An even choice of the likely lights, for here they differ much."""
    told = place_of(rgb, figure)
    if told is None:
        return DAYLIGHT
    tint, lightest = told
    kelvin, lights, prior = _grid()
    seen = np.log(lights)
    apart = ((chromaticity(seen) - tint) ** 2).sum(axis=1) / PLACE_NOISE**2
    apart += ((seen[:, 1] + np.log(PLACE_LIGHTEST) - lightest) / PLACE_STOPS_NOISE) ** 2
    likely = prior - 0.5 * apart
    order = np.argsort(-likely, kind="stable")[: int((likely > likely.max() - LIKELY).sum())]
    order = order[:: max(1, len(order) // MOST)]
    weight = np.exp(likely[order] - likely.max())
    return Belief(kelvin[order], lights[order], weight / weight.sum(), False)


def _censored(seen: np.ndarray, white: np.ndarray, noise: float) -> np.ndarray:
    """(N,) log likelihood of a backdrop: exact channels by their distance, cut ones by how far they fall short."""
    apart = seen - np.log(np.maximum(white, 1e-3))
    cut = white > CENSORED
    return -0.5 * (np.where(cut, np.minimum(apart, 0), apart) ** 2).sum(axis=1) / noise**2


def _shade(seen: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """(N,) log likelihood of the shadow's chromaticity, over channels that were not cut."""
    kept = (shade < CENSORED) & (shade > 0.01)
    if kept.sum() < 2:
        return np.zeros(len(seen))
    apart = seen[:, kept] - np.log(shade[kept])
    return -0.5 * ((apart - apart.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / SHADE_NOISE**2


def _belief(kelvin: np.ndarray, rgb: np.ndarray, log_weight: np.ndarray, backdrop: bool) -> Belief:
    """The likeliest lights. Where exposure is only bounded from below these are the least corrections that explain
    what is seen: a fair sample of all of them greys whites (measured: patterned 0.775 against 0.685)."""
    order = np.argsort(-log_weight, kind="stable")[:MOST]
    weight = np.exp(log_weight[order] - log_weight[order[0]])
    return Belief(kelvin[order], rgb[order], weight / weight.sum(), backdrop)


DAYLIGHT = Belief(np.array([6500.0]), np.ones((1, 3)), np.ones(1), False)
