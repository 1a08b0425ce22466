"""The dress article's GrabCut front: the person by a rectangle in the middle. numpy and cv2 only.

In: RGB photos. Out: bool masks, or the photo on white. `cv2.grabCut` draws from a global generator, hence the seeds.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 224


def grabcut_person(rgb: npt.NDArray[np.uint8], seed: int, iterations: int = 5) -> npt.NDArray[np.bool_]:
    """(H, W, 3) uint8 RGB -> (H, W) bool: what GrabCut keeps of the article's centre rectangle.

    The photo is seen at 224 x 224, the rectangle is the article's (50, 10, 124, 204), the mask is enlarged by nearest.
    `cv2.grabCut` draws from a global generator, hence `seed`. A photo of one flat colour keeps nothing.
    """
    small = cv2.cvtColor(cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(seed % 2**31)
    try:
        cv2.grabCut(small, mask, (50, 10, SIDE - 100, SIDE - 20), *models, iterations, cv2.GC_INIT_WITH_RECT)
    except cv2.error:
        mask[:] = cv2.GC_BGD
    kept = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.resize(kept, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST), dtype=bool)


def grabcut_front(rgb: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    """The photo with all that GrabCut takes for background painted white, as the article feeds its network."""
    return np.where(grabcut_person(rgb, seed)[..., None], rgb, np.uint8(255)).astype(np.uint8)
