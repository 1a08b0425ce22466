"""White balance and exposure by a plain backdrop, where there is one.

In: an RGB photo and the mask of what is not backdrop. Out: the photo as it would look with the backdrop neutral, and
what was done; None where the backdrop is busy, dark or of a colour that no lamp and no daylight has. A lamp's colour is
looked for on the Planckian locus, so that a channel that is blown out does not mislead. Never changes a photo whose
backdrop is neutral and bright already.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

BLOWN = 0.955  # of linear light: 250 of 255
UNIFORM = 0.75  # share of the border that must be one colour
NEAR = 12.0  # CIELAB distance that counts as that one colour
DARKEST = 0.12  # luminance below which a backdrop is no white seen in little light
BACKDROP = 0.94  # luminance that a shop's white to light grey backdrop has on the whole
OFF_LOCUS = 0.06  # largest residual of the log ratios to the locus
OVER = 1.2  # gain taken where every channel of the backdrop is blown out


@dataclass(frozen=True)
class Light:
    """`temperature_k` of the light, `gain` of its exposure in linear light, `rgb` what white looks like, G = 1."""

    temperature_k: float
    gain: float
    rgb: tuple[float, float, float]


def to_linear(rgb: np.ndarray) -> np.ndarray:
    """uint8 sRGB to float32 linear light in [0, 1] (IEC 61966-2-1)."""
    return _LINEAR[rgb]


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light, cut to [0, 1], to uint8 sRGB."""
    x = np.clip(linear, 0, 1)
    return np.round(255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)).astype(np.uint8)


def white_of(temperature_k: float) -> np.ndarray:
    """(3,) linear sRGB of a black body, luminance 1; chromaticity after Kim et al. (2002), 1667 K to 25000 K."""
    t = temperature_k
    x = (
        -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
        if t <= 4000
        else -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
    )
    y = (
        -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
        if t <= 4000
        else 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    )
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    found = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]) @ xyz
    return np.maximum(found, 1e-3)


def relight(rgb: np.ndarray, light: Light) -> np.ndarray:
    """The photo as under daylight and at the exposure that shows the backdrop as a shop does. (…, 3) uint8 to the
    same. A blown channel was at least as bright as the others: it is not taken below them."""
    linear = to_linear(rgb)
    even = linear / (np.array(light.rgb, np.float32) * light.gain)
    blown = linear > BLOWN
    others = np.where(blown, 0, even).max(axis=-1, keepdims=True)
    return to_srgb(np.where(blown, np.maximum(even, others), even))


def light_of(rgb: np.ndarray, figure: np.ndarray) -> Light | None:
    """The light that the backdrop of an (H, W, 3) uint8 photo tells; `figure` is (H, W) bool, what lies before it."""
    band = max(2, min(rgb.shape[:2]) // 24)
    border = np.ones(figure.shape, bool)
    border[band:-band, band:-band] = False
    pixels = rgb[border & ~figure]
    if len(pixels) < 100:
        return None
    middle = np.median(pixels, axis=0).astype(np.uint8)
    lab = cv2.cvtColor(np.vstack([pixels[None], np.full((1, len(pixels), 3), middle, np.uint8)]), cv2.COLOR_RGB2LAB)
    apart = np.linalg.norm(lab[0].astype(float) * (100 / 255, 1, 1) - lab[1].astype(float) * (100 / 255, 1, 1), axis=1)
    white = to_linear(middle).astype(float)
    if (apart < NEAR).mean() < UNIFORM or white @ (0.2126, 0.7152, 0.0722) < DARKEST:
        return None
    shade = _unblown(rgb, figure) if (white > BLOWN).sum() > 1 else None
    return _fit(white, shade)


def _unblown(rgb: np.ndarray, figure: np.ndarray) -> np.ndarray | None:
    """(3,) linear light of the brightest backdrop that is not blown out: the soft shadow beside the thing."""
    near = cv2.dilate(figure.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    pixels = to_linear(rgb[~near])
    bright = pixels[(pixels.max(axis=1) < BLOWN) & (pixels.max(axis=1) > 0.45)]
    return np.median(bright, axis=0).astype(float) if len(bright) > 40 else None


@lru_cache(maxsize=1)
def _locus() -> tuple[np.ndarray, np.ndarray]:
    """Temperatures in K and (N, 3) whites relative to daylight of 6500 K, G = 1."""
    kelvin = 1e6 / np.linspace(1e6 / 12000, 1e6 / 2500, 160)
    whites = np.array([white_of(t) / white_of(6500.0) for t in kelvin])
    return kelvin, whites / whites[:, 1:2]


def _fit(white: np.ndarray, shade: np.ndarray | None) -> Light | None:
    """The lamp on the locus whose colour the backdrop, or the shade on it, has."""
    kelvin, whites = _locus()
    kept = white <= BLOWN
    if shade is None and not kept.any():
        return None
    # With one channel left green is taken as just blown: the least correction that explains what is seen.
    told = np.ones(3, bool) if shade is not None else kept if kept.sum() > 1 else np.array([False, True, True])
    seen = white if shade is None else shade
    error = np.log(whites[:, told]) - np.log(np.maximum(seen[told], 1e-4))
    residual = np.abs(error - error.mean(axis=1, keepdims=True)).max(axis=1)
    best = int(residual.argmin())
    if residual[best] > OFF_LOCUS:
        return None
    gain = float((white[kept] / whites[best][kept]).mean()) / BACKDROP if kept.any() else OVER
    if abs(np.log(kelvin[best] / 6500.0)) < np.log(7200 / 6500) and 0.8 < gain < 1.25:
        return None
    red, green, blue = (float(channel) for channel in whites[best])
    return Light(float(kelvin[best]), gain, (red, green, blue))


_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4).astype(np.float32)
