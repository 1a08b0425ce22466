"""Which place on one shape's outline is which on another's: the shoulder to the shoulder, the hem to the hem.

In: two masks. Out: as many points on each outline, in pairs, in order around it. A shape in several pieces (cut by a
bag's strap) is taken as one, its gaps closed. Never looks at colours, never draws a random number.
"""

from __future__ import annotations

import cv2
import numpy as np

from dataset.errors import MaskError

POINTS = 96
STEPS = ((1, 1), (1, 2), (2, 1))  # no stretch beyond twice of one outline's neighbours: nothing collapses to a point
TURN = 0.35  # weight of directions beside places; 0.1 to 1 fill the same 96 % of 40 street training pairs


def outline(mask: np.ndarray, points: int = POINTS) -> np.ndarray:
    """(points, 2) float64 of x, y in pixels, evenly along the outer outline, clockwise on the screen.

    Raises MaskError for a mask with no shape in it (fewer than 16 pixels).
    """
    if mask.ndim != 2 or int(mask.sum()) < 16:
        raise MaskError(f"a shape of {int(mask.sum())} pixels", expected="a 2-d mask of at least 16 pixels")
    contours, _ = cv2.findContours(whole(mask), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(contours, key=cv2.contourArea)[:, 0].astype(np.float64)
    if cv2.contourArea(longest.astype(np.float32), oriented=True) < 0:
        longest = longest[::-1]
    closed = np.vstack([longest, longest[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], points, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def whole(mask: np.ndarray) -> np.ndarray:
    """(H, W) uint8 0 or 1 in one piece: crumbs dropped, gaps between the rest closed, no wider than it takes."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sizes = facts[:, cv2.CC_STAT_AREA].astype(float)
    sizes[0] = 0
    kept = np.isin(labels, np.flatnonzero(sizes >= 0.05 * sizes.sum())).astype(np.uint8)
    reach = 2
    while cv2.connectedComponents(kept)[0] > 2:
        grown = cv2.copyMakeBorder(kept, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        closed = cv2.morphologyEx(grown, cv2.MORPH_CLOSE, kernel)
        kept = np.asarray(closed[reach:-reach, reach:-reach], np.uint8)
        reach *= 2
    return kept


def paired(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(N, 2): for each point of outline `here` its place on outline `there`, both (N, 2) and clockwise.

    Each is laid in its own box of 1 x 1; places and directions are compared, and of all ways around that never turn
    back the cheapest is taken (dynamic time warping, Sakoe & Chiba 1978, slope between 1/2 and 2).
    """
    cost = _cost(_boxed(here), _boxed(there))
    best: tuple[float, list[tuple[int, int]]] = (np.inf, [])
    for start in _starts(cost):
        total, path = _way_round(np.roll(cost, -start, axis=1))
        if total < best[0]:
            best = total, [(i, j + start) for i, j in path]
    first, second = np.array(best[1]).T
    at = np.interp(np.arange(len(here)), first, second) % len(there)
    lower = np.floor(at).astype(int)
    share = (at - lower)[:, None]
    return there[lower % len(there)] * (1 - share) + there[(lower + 1) % len(there)] * share


def _boxed(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - low) / np.maximum(high - low, 1e-9)


def _cost(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(N, N) of squared distance plus how far the outlines' directions differ."""
    far = ((here[:, None] - there[None]) ** 2).sum(axis=2)
    return far + TURN * (1 - _directions(here) @ _directions(there).T) / 2


def _directions(points: np.ndarray) -> np.ndarray:
    along = np.roll(points, -2, axis=0) - np.roll(points, 2, axis=0)
    return along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)


def _starts(cost: np.ndarray, tried: int = 6) -> list[int]:
    """Where on `there` the first point of `here` may lie: the cheapest rotations as a whole, not of one point."""
    size = len(cost)
    rows = np.arange(size)
    turned = np.array([cost[rows, (rows + shift) % size].sum() for shift in range(size)])
    return [int(each) for each in np.argsort(turned, kind="stable")[:tried]]


def _way_round(cost: np.ndarray) -> tuple[float, list[tuple[int, int]]]:
    """The cheapest order-keeping path from (0, 0) to (N, N), which is (0, 0) again."""
    size = len(cost)
    cost = np.pad(cost, ((0, 1), (0, 1)), mode="wrap").tolist()
    total = [[np.inf] * (size + 1) for _ in range(size + 1)]
    came = [[0] * (size + 1) for _ in range(size + 1)]
    total[0][0] = 0.0
    for i in range(1, size + 1):
        for j in range(max(1, i // 2), min(size, 2 * i) + 1):
            for step, (down, right) in enumerate(STEPS):
                if i >= down and j >= right:
                    new = total[i - down][j - right] + cost[i][j] * (down + right)
                    if new < total[i][j]:
                        total[i][j], came[i][j] = new, step
    path, here = [(size, size)], (size, size)
    while here != (0, 0):
        down, right = STEPS[came[here[0]][here[1]]]
        here = (here[0] - down, here[1] - right)
        path.append(here)
    return total[size][size], path[::-1]
