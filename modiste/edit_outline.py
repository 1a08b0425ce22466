"""Is the outline the figure's? What the guard can know about a mask without another mask.

In: a photo and the mask of what an edit keeps or changes. Out: `blind_share` of the outline, on both sides of which the
photo looks the same: there a sleeve may be cut off, or backdrop kept, or the garment has its backdrop's colour. And
`left_behind`: how much beside the figure has its colours and not the backdrop's, such as two sleeves beyond a white
stripe. Never moves the outline.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

REACH = 0.012  # of the figure's longer side, each way from the outline
ALIKE = 6.0  # CIELAB distance of the means on both sides
LOOKED_AT_PX = 800  # long side
POINTS = 2_000
SMALL_PX = 320  # long side at which colours are compared
RING = 0.05  # of the photo's sides: what lies there is backdrop
CELLS = (10, 24, 24)  # of L*, a*, b*: 10 x 11 x 11 units
STRIPE = 0.04  # of the photo's longer side: as far from the figure may lie what was left
TELLS = 2.0  # log of how much oftener a colour is the figure's than the backdrop's


def blind_share(rgb: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]) -> float:
    """(H, W, 3) uint8 and (H, W) bool -> [0, 1]; outline along the photo's own edge doesn't count. 0 for no outline."""
    shrink = min(1.0, LOOKED_AT_PX / max(mask.shape))
    size = max(1, round(mask.shape[1] * shrink)), max(1, round(mask.shape[0] * shrink))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    inside = np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)).astype(bool)
    if not inside.any():
        return 0.0
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    reach = max(2.0, REACH * max(rows[-1] - rows[0], columns[-1] - columns[0]))
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), reach / 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    near, far = _either_side(inside, reach)
    if not len(near):
        return 0.0
    apart = np.linalg.norm(lab[near[:, 0], near[:, 1]] - lab[far[:, 0], far[:, 1]], axis=1)
    return float((apart < ALIKE).mean())


def left_behind(rgb: npt.NDArray[np.uint8], figure: npt.NDArray[np.bool_]) -> float:
    """(H, W, 3) uint8 and (H, W) bool -> area close beside the figure, of colours that are the figure's rather
    than those at the photo's edges, over the figure's area. 0 where the figure fills the photo's edges."""
    shrink = min(1.0, SMALL_PX / max(figure.shape))
    size = max(8, round(figure.shape[1] * shrink)), max(8, round(figure.shape[0] * shrink))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    inside = np.asarray(cv2.resize(figure.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)).astype(bool)
    near = cv2.dilate(inside.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    ring = np.ones_like(inside)
    down, right = (max(2, round(RING * length)) for length in inside.shape)
    ring[down:-down, right:-right] = False
    ring &= ~near
    if ring.sum() < 100 or inside.sum() < 100:
        return 0.0
    cells = _cells(small)
    ours, theirs = (_shares(cells[where]) for where in (inside, ring))
    like = (np.log(ours + 1e-4) - np.log(theirs + 1e-4))[cells] > TELLS
    beside = cv2.morphologyEx((like & ~inside).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(beside, connectivity=8)
    reach = 2 * round(STRIPE * max(inside.shape)) + 1
    by = cv2.dilate(inside.astype(np.uint8), np.ones((reach, reach), np.uint8)).astype(bool)
    touching = np.unique(labels[by & (labels > 0)])
    return float(np.isin(labels, touching[touching > 0]).sum() / inside.sum())


def _cells(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """(H, W) number of each pixel's cell of CIELAB."""
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 1), cv2.COLOR_RGB2LAB).astype(np.int64)
    light, a, b = (lab[..., k] * count // 256 for k, count in enumerate(CELLS))
    return np.asarray((light * CELLS[1] + a) * CELLS[2] + b)


def _shares(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.bincount(cells, minlength=int(np.prod(CELLS))) / len(cells)


def _either_side(inside: npt.NDArray[np.bool_], reach: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(N, 2) rows, columns `reach` px within and beyond the outline, along its normal; both inside the picture."""
    signed = _distance(inside) - _distance(~inside)
    smooth = cv2.GaussianBlur(signed.astype(np.float32), (0, 0), 2)
    down, right = np.gradient(smooth)
    points = np.argwhere(inside & (signed < 2))
    points = points[:: max(1, len(points) // POINTS)]
    normal = np.stack([down[points[:, 0], points[:, 1]], right[points[:, 0], points[:, 1]]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    near, far = (np.rint(points + way * reach * normal).astype(np.int64) for way in (1, -1))
    limit = np.array(inside.shape)
    held = ((near >= 0) & (near < limit) & (far >= 0) & (far < limit)).all(1)
    near, far = near[held], far[held]
    right_way = inside[near[:, 0], near[:, 1]] & ~inside[far[:, 0], far[:, 1]]
    return near[right_way], far[right_way]


def _distance(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3), dtype=np.float32)
