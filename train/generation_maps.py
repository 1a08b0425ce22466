"""How alike two maps of regions are: mean IoU over the classes that occur in either, at a quarter of the size.

In: maps (N, H, W), 255 outside. Out: one-hot planes, shares, the place of the map that is most alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from train.generation_data import Pictures


def coarse(maps: npt.NDArray[Any], classes: int, step: int = 4) -> npt.NDArray[np.float32]:
    """(N, K, h * w) one-hot of every `step`th pixel; the outside is no class."""
    small = np.asarray(maps)[:, ::step, ::step].reshape(len(maps), -1)
    return (small[:, None] == np.arange(classes)[None, :, None]).astype(np.float32)


def shares(mine: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(N,) of one map's planes (K, P) with each of (N, K, P)."""
    both = np.einsum("kp,nkp->nk", mine, theirs, optimize=True)
    either = mine.sum(1)[None] + theirs.sum(2) - both
    iou = np.where(either > 0, both / np.maximum(either, 1), np.nan)
    return np.asarray(np.nanmean(iou, axis=1), np.float64)


def lenders(maps: npt.NDArray[Any], learned: Pictures) -> npt.NDArray[np.intp]:
    """Of each map (N, H, W) the place of the training photo whose map is most like it, by mean IoU over the classes
    that occur in either. The nearest-neighbour baseline, and whose colours a translator borrows."""
    classes = int(max(each[each < 255].max(initial=0) for each in (np.asarray(maps), np.asarray(learned.targets)))) + 1
    theirs = coarse(learned.targets, classes)
    return np.array([int(shares(mine, theirs).argmax()) for mine in coarse(maps, classes)])
