"""CIEDE2000: how different two colours look. From Sharma, Wu & Dalal, 'The CIEDE2000 color-difference formula:
implementation notes, supplementary test data, and mathematical observations', Color Research & Application 30 (2005).

In: CIELAB colours. Out: differences; 1 is about what an eye just sees. Never converts between spaces.
"""

from __future__ import annotations

import numpy as np

_C25 = 25.0**7


def delta_e_2000(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(…, 3) CIELAB each, broadcast against each other, to (…) float64; kL = kC = kH = 1."""
    l1, a1, b1 = np.moveaxis(np.asarray(one, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(other, np.float64), -1, 0)
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(mean_c7 / (mean_c7 + _C25)))  # of the red-green axis near grey
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    turn = h2 - h1
    turn = np.where(grey, 0.0, np.where(turn > 180, turn - 360, np.where(turn < -180, turn + 360, turn)))
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    hue = _mean_hue(h1, h2, grey)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c = 1 + 0.045 * chroma
    s_h = 1 + 0.015 * chroma * _hue_weight(hue)
    x, y, z = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    return np.sqrt(np.maximum(0.0, x * x + y * y + z * z + _rotation(hue, chroma) * y * z))


def _mean_hue(h1: np.ndarray, h2: np.ndarray, grey: np.ndarray) -> np.ndarray:
    total, apart = h1 + h2, np.abs(h1 - h2)
    far = np.where(total < 360, (total + 360) / 2, (total - 360) / 2)
    return np.where(grey, total, np.where(apart <= 180, total / 2, far))


def _hue_weight(hue: np.ndarray) -> np.ndarray:
    def wave(times: float, shift: float) -> np.ndarray:
        return np.cos(np.radians(times * hue + shift))

    return 1 - 0.17 * wave(1, -30) + 0.24 * wave(2, 0) + 0.32 * wave(3, 6) - 0.20 * wave(4, -63)


def _rotation(hue: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """What couples chroma and hue in the blues."""
    angle = 30 * np.exp(-(((hue - 275) / 25) ** 2))
    return -np.sin(np.radians(2 * angle)) * 2 * np.sqrt(chroma**7 / (chroma**7 + _C25))
