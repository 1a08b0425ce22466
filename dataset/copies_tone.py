"""Whether one shop's tone curve turns the colours of a picture into another's: what no such curve explains is counted.

In: mean colours of places that lie on one another, (k, 3) float in [0, 1] RGB each. Out: the share of places that stay
apart after the best curve: a gain a channel, one gamma, one black level, one saturation, all within what a shop does
to its pictures. A garment in another hue or shade beside skin or ground that stayed is beyond any such curve.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

APART = 0.05  # largest difference of a channel that noise and a rough curve leave, of 1
_LUMA = np.array([0.299, 0.587, 0.114])
_START = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0])  # gains of R, G, B; gamma; saturation; black level
_LEAST = np.array([0.7, 0.7, 0.7, 0.6, 0.45, -0.12])
_MOST = np.array([1.4, 1.4, 1.4, 1.7, 2.2, 0.12])

Colours = NDArray[np.float32]
Values = NDArray[np.float64]


def beyond_tone(a: Colours, b: Colours) -> float:
    """Share of places apart after the best curve from `a` to `b` or from `b` to `a`, the smaller: what was clipped to
    white in one can't be had back from it."""
    if not len(a):
        return 0.0
    return min(_apart(x.astype(np.float64), y.astype(np.float64)) for x, y in ((a, b), (b, a)))


def _apart(x: Values, y: Values) -> float:
    from scipy.optimize import least_squares

    x = np.clip(x, 1 / 255, 1)
    found = least_squares(
        lambda curve: (_toned(x, curve) - y).ravel(),
        _START,
        bounds=(_LEAST, _MOST),
        loss="soft_l1",  # a few places far off must not bend the curve
        f_scale=0.03,
        max_nfev=30,
    )
    return float((np.abs(_toned(x, found.x) - y).max(axis=1) > APART).mean())


def _toned(x: Values, curve: Values) -> Values:
    y = np.clip(curve[:3] * x ** curve[3] + curve[5], 0, 1)
    grey = (y @ _LUMA)[:, None]
    return np.asarray(np.clip(grey + curve[4] * (y - grey), 0, 1))
