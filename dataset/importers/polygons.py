"""Polygons to masks and back. Two conventions, each exact for those who write it.

`fill` is COCO's rule (common/maskApi.c, rleFrPoly: the outline drawn five times as fine, then even-odd along columns),
for corners in continuous pixel coordinates. `fill_centres` is OpenCV's, for corners that are pixel centres, as YOLO's
tools fill them; `outlines` writes such polygons: one a part, its holes joined to it by cuts.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.spatial import cKDTree

from dataset.errors import MaskError
from dataset.importers.layout import Size

_FINE = 5
_MAX_CORNERS = 1_000_000
_FARTHEST = 1e6  # px; a corner beyond it is no picture's


def points_of(flat: Sequence[float]) -> np.ndarray:
    """(n, 2) x, y of a flat list. Raises MaskError for anything but at least three finite corners."""
    try:
        points = np.asarray(flat, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MaskError("a polygon holds more than numbers") from error
    if points.ndim != 1 or points.size % 2 or not 6 <= points.size <= 2 * _MAX_CORNERS:
        raise MaskError(f"a polygon of {points.size} numbers", expected="x, y of at least three corners")
    if not (np.abs(points) < _FARTHEST).all():
        raise MaskError("a polygon's corner lies nowhere near the image")
    return points.reshape(-1, 2)


def fill(points: np.ndarray, size: Size) -> np.ndarray:
    """(H, W) bool of one polygon by COCO's rule. An outline that turns into itself cancels: even-odd."""
    height, width = size
    fine = (np.concatenate([points, points[:1]]) * _FINE + 0.5).astype(np.int64)
    u, v = _outline(fine)
    moved = np.flatnonzero(u[1:] != u[:-1]) + 1
    column = (np.where(u[moved] < u[moved - 1], u[moved], u[moved] - 1) + 0.5) / _FINE - 0.5
    row = np.ceil(np.clip((np.minimum(v[moved], v[moved - 1]) + 0.5) / _FINE - 0.5, 0, height)).astype(np.int64)
    kept = (column == np.floor(column)) & (column >= 0) & (column <= width - 1)
    starts = column[kept].astype(np.int64) * height + row[kept]
    toggles = np.bincount(starts, minlength=height * width + 1)[: height * width]
    return (np.cumsum(toggles) % 2 == 1).reshape(width, height).T


def fill_all(polygons: Sequence[Sequence[float]], size: Size) -> np.ndarray:
    """Union of several polygons of one object."""
    mask = np.zeros(size, bool)
    for flat in polygons:
        mask |= fill(points_of(flat), size)
    return mask


def fill_centres(points: np.ndarray, size: Size) -> np.ndarray:
    """(H, W) bool of one polygon whose corners are pixels, by cv2.fillPoly: even-odd, the outline included."""
    canvas = np.zeros(size, np.uint8)
    cv2.fillPoly(canvas, [np.floor(points).astype(np.int32)], (1,))
    return canvas > 0


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Each part of a mask as one closed (n, 2) polygon of pixel places; a hole is joined by a cut there and back.

    `fill_centres` gives the same pixels again, but where a cut passes a gap narrower than a pixel: measured, not
    promised. Parts are 8-connected.
    """
    found, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts: dict[int, list[np.ndarray]] = {k: [found[k][:, 0]] for k in range(len(found)) if tree[0, k, 3] < 0}
    for k in range(len(found)):
        if tree[0, k, 3] >= 0:
            parts[int(tree[0, k, 3])].append(found[k][:, 0])
    return [_joined(rings) for rings in parts.values()]


def _joined(rings: list[np.ndarray]) -> np.ndarray:
    """The outer ring with every hole spliced in where the two come nearest, nearest hole first."""
    outer, holes = rings[0], rings[1:]
    while holes:
        tree = cKDTree(outer)
        reach = [tree.query(hole) for hole in holes]
        k = min(range(len(holes)), key=lambda k: reach[k][0].min())
        start = int(reach[k][0].argmin())
        place = int(reach[k][1][start])
        hole = np.roll(holes.pop(k), -start, axis=0)
        outer = np.concatenate([outer[: place + 1], hole, hole[:1], outer[place:]])
    return outer


def _outline(fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every point of the fine outline, edge by edge, both ends included, as COCO draws it."""
    us, vs = [], []
    length = 0
    for (xs, ys), (xe, ye) in zip(fine[:-1].tolist(), fine[1:].tolist(), strict=True):
        dx, dy = abs(xe - xs), abs(ye - ys)
        length += max(dx, dy)
        if length > 100 * _MAX_CORNERS:
            raise MaskError("a polygon's outline is too long")
        flip = (dx >= dy and xs > xe) or (dx < dy and ys > ye)
        if flip:
            xs, ys, xe, ye = xe, ye, xs, ys
        steps = np.arange(max(dx, dy) + 1)
        steps = steps[::-1] if flip else steps
        slope = 0.0 if not max(dx, dy) else (ye - ys) / dx if dx >= dy else (xe - xs) / dy
        along, across = (xs, ys) if dx >= dy else (ys, xs)
        drawn = np.trunc(across + slope * steps + 0.5).astype(np.int64)
        us.append(steps + along if dx >= dy else drawn)
        vs.append(drawn if dx >= dy else steps + along)
    return np.concatenate(us), np.concatenate(vs)


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(x, y, width, height) px of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
