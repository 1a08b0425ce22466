"""The two filters an edge needs that are a few box sums each: the colour guided filter and blur-fusion despill.

In: (H, W, 3) float32 RGB in [0, 1] and (H, W) float32 alpha in [0, 1]. Out: the same kinds. cv2.boxFilter alone, since
OpenCV's own guided filter (ximgproc) is not in the headless wheel. Never decides what is unknown.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[Any]  # float32; arithmetic with plain numbers would widen the static type


def guided_filter(guide: Float32, alpha: Float32, radius: int, epsilon: float) -> Float32:
    """(H, W) float32: `alpha` explained by the guide's colours inside each (2 radius + 1)^2 window.

    He, Sun & Tang, Guided Image Filtering, PAMI 2013, equations 19 to 21; `epsilon` is in squared units of the guide.
    """

    def mean(plane: Float32) -> Float32:
        return np.asarray(cv2.blur(plane, (2 * radius + 1, 2 * radius + 1)), np.float32)

    middle, level = mean(guide), mean(alpha)
    together = mean(guide * alpha[..., None]) - middle * level[..., None]
    spread = np.empty((*alpha.shape, 3, 3), np.float32)
    for one in range(3):
        for other in range(one, 3):
            product = mean(guide[..., one] * guide[..., other]) - middle[..., one] * middle[..., other]
            spread[..., one, other] = spread[..., other, one] = product
    spread += epsilon * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(spread, together[..., None])[..., 0]
    offset = level - (slope * middle).sum(-1)
    return np.clip((mean(slope) * guide).sum(-1) + mean(offset), 0, 1).astype(np.float32)


def foreground_colour(rgb: Float32, alpha: Float32, radii: tuple[int, int] = (24, 6)) -> Float32:
    """(H, W, 3) float32 in [0, 1]: the colour of the foreground under each pixel, as if nothing shone through.

    Blur fusion (Forte, Approximate Fast Foreground Colour Estimation, ICIP 2021), a wide pass and then a narrow one.
    """
    front = back = rgb
    for radius in radii:
        front, back = _fused(rgb, front, back, alpha[..., None], radius)
    return front


def _fused(rgb: Float32, front: Float32, back: Float32, alpha: Float32, radius: int) -> tuple[Float32, Float32]:
    size = (2 * radius + 1, 2 * radius + 1)
    weight = cv2.blur(alpha, size)[..., None]
    mean_front = cv2.blur(front * alpha, size) / (weight + 1e-5)
    mean_back = cv2.blur(back * (1 - alpha), size) / (1 - weight + 1e-5)
    unexplained = rgb - alpha * mean_front - (1 - alpha) * mean_back
    return np.clip(mean_front + alpha * unexplained, 0, 1), np.clip(mean_back, 0, 1)
