"""Light: sRGB and linear light, the colour of a lamp or of daylight, and a photo taken out of one.

In: pixels, temperatures. Out: pixels under daylight. What light a photo was taken under is colour_belief.py's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOWN = 0.955  # of linear light: 250 of 255


@dataclass(frozen=True)
class Light:
    """`temperature_k` of the light, `gain` of its exposure in linear light, `rgb` what white looks like, G = 1."""

    temperature_k: float
    gain: float
    rgb: tuple[float, float, float]


def to_linear(rgb: np.ndarray) -> np.ndarray:
    """uint8 sRGB to float32 linear light in [0, 1] (IEC 61966-2-1)."""
    return _LINEAR[rgb]


def srgb_to_linear(rgb: np.ndarray) -> np.ndarray:
    """sRGB of any float in 0..255 to linear light in [0, 1] (IEC 61966-2-1)."""
    x = np.asarray(rgb, float) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


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


_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4).astype(np.float32)
