"""CIEDE2000 between two pictures of one garment, each small patch compared with its best match a few pixels away.

In: pictures (H, W, 3) uint8 and where the garment is. Out: a difference a pixel. A bend of two pixels puts a stripe on
its neighbour's place, and the plain difference then punishes a stripe that is kept more than one that is smeared; here
patches of PATCH px may move by REACH px, for every picture alike. It asks of each patch of the truth whether it is to
be found in the other picture near its place; a smear is found nowhere.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from labeling.colour_difference import delta_e_2000

PATCH, REACH = 7, 3
Floats = npt.NDArray[np.float32]


def lab(rgb: npt.NDArray[np.uint8]) -> Floats:
    """(..., 3) uint8 -> CIELAB."""
    flat = rgb.reshape(1, -1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2LAB), np.float32).reshape(rgb.shape)


def difference(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """(n,) CIEDE2000 of (n, 3) RGB."""
    return np.asarray(delta_e_2000(lab(one), lab(other)))


def matched(
    made: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_], reach: int = REACH
) -> npt.NDArray[np.float64]:
    """(n,) CIEDE2000 of the truth's pixels `where` from the best of (2 reach + 1)² shifts of `made`, chosen for each
    pixel by the mean squared Lab difference of its patch (garment pixels alone weigh)."""
    weight = where.astype(np.float32)
    size = (PATCH, PATCH)
    share = np.maximum(cv2.blur(weight, size, borderType=cv2.BORDER_CONSTANT), 1e-6)
    goal, found = lab(truth), lab(made)
    padded = cv2.copyMakeBorder(found, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    height, width = where.shape
    least, best = np.full(where.shape, np.inf, np.float32), found.copy()
    for down in range(2 * reach + 1):
        for right in range(2 * reach + 1):
            moved = padded[down : down + height, right : right + width]
            apart = ((moved - goal) ** 2).sum(2) * weight
            cost = cv2.blur(apart, size, borderType=cv2.BORDER_CONSTANT) / share
            better = cost < least
            least[better], best[better] = cost[better], moved[better]
    return np.asarray(delta_e_2000(best[where], goal[where]))
