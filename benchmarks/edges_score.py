"""Scores of an edge against an exact composite, and the ways a true mask is spoilt as a network would spoil it.

In: alphas (H, W) float32 in [0, 1] and colours (H, W, 3) in 0..255. Out: floats. Never refines anything.
"""

from __future__ import annotations

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

COARSE = (288, 192)
FRINGE_PX = 3


def soft(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Down to 288x192, blurred by one pixel there, and up again bilinear: what a small network can say at best."""
    return _up(_down(alpha), alpha.shape)


def moved(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`soft` of a mask that is shifted by 1 to 3 px each way and grown or shrunk by 1 to 3 px."""
    shift = rng.integers(1, 4, 2) * rng.choice((-1, 1), 2)
    away = cv2.warpAffine(alpha, np.float32([[1, 0, shift[0]], [0, 1, shift[1]]]), alpha.shape[::-1])
    side = 2 * int(rng.integers(1, 4)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return soft((cv2.erode if rng.random() < 0.5 else cv2.dilate)(away, kernel), rng)


def hard(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The coarse mask decided at a half before it is enlarged: corners cut, thin parts lost."""
    return _up((_down(alpha) > 0.5).astype(np.float32), alpha.shape)


SPOILT = {"soft": soft, "moved": moved, "hard": hard}


def _down(alpha: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(cv2.resize(alpha, COARSE[::-1], interpolation=cv2.INTER_AREA), (0, 0), 1.0)


def _up(small: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.clip(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), 0, 1)


def boundary_iou(found: np.ndarray, truth: np.ndarray, share: float = 0.02) -> float:
    """IoU of the two masks' inner bands, `share` of the diagonal wide (Cheng et al., CVPR 2021); alphas cut at 1/2."""
    depth = max(1, round(share * float(np.hypot(*truth.shape))))
    one, other = (_inner_band(alpha > 0.5, depth) for alpha in (found, truth))
    return float((one & other).sum() / max(1, (one | other).sum()))


def _inner_band(mask: np.ndarray, depth: int) -> np.ndarray:
    padded = np.pad(mask, 1).astype(np.uint8)
    return mask & (cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1] <= depth)


def fringe(truth: np.ndarray) -> np.ndarray:
    """(H, W) bool: within 3 px of where the true alpha crosses a half."""
    inside = (truth > 0.5).astype(np.uint8)
    near = [cv2.distanceTransform(side, cv2.DIST_L2, 5) <= FRINGE_PX for side in (inside, 1 - inside)]
    return near[0] & near[1]


def delta_e(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """CIEDE2000 between (N, 3) colours in 0..255."""
    return deltaE_ciede2000(rgb2lab(one[None] / 255.0), rgb2lab(other[None] / 255.0))[0]


def scores(alpha: np.ndarray, colour: np.ndarray, truth: np.ndarray, foreground: np.ndarray) -> dict[str, float]:
    """sad (in thousands of px), mse (x 1000), boundary_iou, fringe_de (the colour given to the seen pixels of the 3 px
    band against their true foreground colour) and white_de (the same band laid on white, as a buyer sees it)."""
    error, band = alpha - truth, fringe(truth)
    seen = band & (truth > 0.1)
    white = [c[band] * a[band, None] + 255 * (1 - a[band, None]) for c, a in ((colour, alpha), (foreground, truth))]
    return {
        "sad": float(np.abs(error).sum() / 1000),
        "mse": float((error**2).mean() * 1000),
        "boundary_iou": boundary_iou(alpha, truth),
        "fringe_de": float(delta_e(colour[seen], foreground[seen]).mean()),
        "white_de": float(delta_e(*white).mean()),
    }
