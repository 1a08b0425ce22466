"""What a place without a plain backdrop tells of its light: grey edges, its lighter parts, how light it is.

In: an RGB photo and the mask of what is not the place. Out: logs of linear light. Edges of many things are grey on
average (grey-edge; van de Weijer, Gevers & Gijsenij, IEEE Transactions on Image Processing 16, 2007), and so are light
parts (shades of grey; Finlayson & Trezzi, Color Imaging Conference 2004): the mean of both. Never says how sure.
"""

from __future__ import annotations

import cv2
import numpy as np

from labeling.colour_light import to_linear

NOT_CUT = 250  # of 255: above it a channel says nothing
LEAST_PIXELS = 500
SMOOTH_PX = 1.5  # sigma before edges are taken: grain has edges too
SHADES_NORM = 8  # Minkowski's norm over the place's pixels
LIGHTEST = 0.95  # quantile


def place_of(rgb: np.ndarray, figure: np.ndarray) -> tuple[np.ndarray, float] | None:
    """((2,) `chromaticity` of white, log of green at the `LIGHTEST` quantile) of an (H, W, 3) uint8 photo outside the
    (H, W) bool figure; None where too little of the place is seen and not cut at white."""
    linear = to_linear(rgb)
    place = ~cv2.dilate(figure.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool) & (rgb < NOT_CUT).all(axis=2)
    if place.sum() < LEAST_PIXELS:
        return None
    shades = (linear[place].astype(float) ** SHADES_NORM).mean(axis=0) ** (1 / SHADES_NORM)
    voices = [chromaticity(np.log(voice + 1e-6)) for voice in (_edges(linear)[place].mean(axis=0), shades)]
    lightest = np.quantile(linear[~figure][:, 1], LIGHTEST)
    return np.mean(voices, axis=0), float(np.log(lightest + 1e-6))


def chromaticity(log_rgb: np.ndarray) -> np.ndarray:
    """(…, 3) logs of linear light to (…, 2): red and blue over green."""
    return np.asarray(log_rgb[..., [0, 2]] - log_rgb[..., 1:2])


def _edges(linear: np.ndarray) -> np.ndarray:
    """(H, W, 3) strength of the gradient of each channel."""
    smooth = cv2.GaussianBlur(linear, (0, 0), SMOOTH_PX)
    return np.asarray(np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)))
