"""Was the garment's fine detail kept: weave, letters, the edges of a print?

In: the photo before and after a step, the garment, where each result pixel came from. Out: one figure, 0 all detail
kept .. about 1 none of it: in each patch that has detail, the finest band (what a Gaussian of 1.2 px takes away) of the
result is set against the photo's in the patch's own contrast, which the band below tells. Softening, another JPEG and
shrinking to and fro change that band long before SSIM's 7 px window notices. Never edits, never decides.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import MaskError

Plane = npt.NDArray[Any]
FINE_PX, BELOW_PX = 1.2, 3.6  # sigmas: where the finest band ends, and where the one that tells the contrast does
PATCH, LEAST_PX = 0.04, 12  # side of a patch: of the garment's longer side, and at least
DETAIL = 2.5  # levels of 255 (root mean square) of the finest band that make detail; less is grain
GRAIN = 1.5  # levels: as much disagreement is rounding
HELD = 0.6  # of a patch must be garment
NTH = 4  # patch from the worst that is told; neighbours overlap by half, so one odd spot doesn't count
STEADY = 4.0  # levels squared: a patch whose band below has no more takes the whole garment's contrast


def detail_lost(
    source: npt.NDArray[np.uint8], result: npt.NDArray[np.uint8], garment: npt.NDArray[np.bool_],
    came_from: Plane | None, contrast: tuple[float, float] = (1.0, 1.0),
) -> float:  # fmt: skip
    """(H, W, 3), (h, w, 3), (H, W) of the source, (h, w, 2) x, y in source px or NaN (None: the same places). 0 where
    no patch has detail. `contrast`: by how much a patch's contrast may have changed.

    Read on the result's grid and, where that is a whole multiple of the source's, on the source's too; the better
    counts: an honest resampling agrees on one of them, a softened one on neither. Raises MaskError for odd sizes."""
    expected = source.shape[:2] if came_from is None else came_from.shape[:2]
    if garment.shape != source.shape[:2] or result.shape[:2] != expected:
        raise MaskError(f"{garment.shape} garment, {result.shape[:2]} result", expected=f"{expected}")
    before, after = _light(source), _light(result)
    inside = cv2.erode(garment.astype(np.float32), np.ones((3, 3), np.uint8), borderValue=0)  # the rim is mixed anew
    if came_from is None:
        return _lost(before, after, inside, contrast)
    there, seen = _on_result(before, inside, came_from)
    found = _lost(there, after, seen, contrast)
    if found > 0 and _is_multiple(source.shape, result.shape):
        back = np.asarray(cv2.resize(after, garment.shape[::-1], interpolation=cv2.INTER_AREA))
        found = min(found, _lost(before, back, inside, contrast))
    return found


def _light(rgb: npt.NDArray[np.uint8]) -> Plane:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0], dtype=np.float32)


def _is_multiple(source: tuple[int, ...], result: tuple[int, ...]) -> bool:
    times = result[0] // source[0]
    return times > 1 and result[:2] == (source[0] * times, source[1] * times)


def _on_result(before: Plane, inside: Plane, came_from: Plane) -> tuple[Plane, Plane]:
    """The source's lightness and garment where the result's pixels lie: resized as honest steps resize."""
    made = np.isnan(came_from[..., 0])
    if made.all():
        return np.zeros(made.shape, np.float32), np.zeros(made.shape, np.float32)
    matrix = _affine(came_from, made)
    carried = _shifted if max(abs(matrix[0, 1]), abs(matrix[1, 0])) < 1e-4 else _turned
    there, cover = carried(before, matrix, made.shape), carried(inside, matrix, made.shape)
    return there, ((cover > 0.999) & ~made).astype(np.float32)


def _affine(came_from: Plane, made: npt.NDArray[np.bool_]) -> Plane:
    """(2, 3) float64 from result to source px: every step's geometry is one."""
    places = np.argwhere(~made)[:, ::-1]
    places = places[np.random.default_rng(0).integers(0, len(places), 500)]  # even steps might keep to one column
    terms = np.column_stack([places, np.ones(len(places))]).astype(np.float64)
    return np.asarray(np.linalg.lstsq(terms, came_from[places[:, 1], places[:, 0]].astype(np.float64), rcond=None)[0].T)


def _shifted(plane: Plane, matrix: Plane, size: tuple[int, int]) -> Plane:
    """Resized as a whole, then laid at a whole pixel of a canvas of zeros."""
    wide, tall = (max(1, round(plane.shape[1 - k] / matrix[k, k])) for k in (0, 1))
    method = cv2.INTER_AREA if tall < plane.shape[0] else cv2.INTER_CUBIC
    moved = plane if plane.shape == (tall, wide) else cv2.resize(plane, (wide, tall), interpolation=method)
    left, top = (round(0.5 - (matrix[k, 2] + 0.5) / matrix[k, k]) for k in (0, 1))
    shift = np.array([[1.0, 0, left], [0, 1, top]])
    return np.asarray(cv2.warpAffine(moved, shift, size[::-1], flags=cv2.INTER_NEAREST))


def _turned(plane: Plane, matrix: Plane, size: tuple[int, int]) -> Plane:
    """Turned about the source's middle at its own scale, then resized: each of the two costs an honest step detail."""
    height, width = plane.shape
    angle = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    turn = np.vstack([cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1), [0, 0, 1]])
    corners = turn @ np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]])
    low, high = np.floor(corners[:2].min(1)), np.ceil(corners[:2].max(1))
    turn[:2, 2] -= low
    canvas = int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1
    upright = cv2.warpAffine(plane, turn[:2], canvas, flags=cv2.INTER_CUBIC)
    return _shifted(np.asarray(upright), (turn @ np.vstack([matrix, [0, 0, 1]]))[:2], size)


def _lost(before: Plane, after: Plane, inside: Plane, contrast: tuple[float, float]) -> float:
    """Of planes on one grid; the NTH worst patch."""
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return 0.0
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    before, after, inside = before[box], after[box], inside[box]
    if (before == after)[inside > 0].all():
        return 0.0
    patches = _Patches(inside)
    fine, below = zip(*(_bands(plane, inside) for plane in (before, after)), strict=True)
    gain = _gain(patches, below, contrast)
    had = patches.mean(fine[0] * fine[0])
    square = patches.mean(fine[1] * fine[1]) - 2 * gain * patches.mean(fine[0] * fine[1]) + gain**2 * had
    lost = np.sqrt(np.maximum(square, 0) / (gain**2 * had + GRAIN**2))[(had > DETAIL**2) & patches.held]
    return float(min(1.0, np.sort(lost)[-min(NTH, len(lost))])) if len(lost) else 0.0


class _Patches:
    """Means over square patches of the garment, neighbours overlapping by half."""

    def __init__(self, inside: Plane) -> None:
        self.side = max(LEAST_PX, round(PATCH * max(inside.shape)))
        self.cover = np.maximum(self._sums(inside), 1e-3)
        self.held = self.cover > HELD

    def mean(self, plane: Plane) -> Plane:
        return np.asarray(self._sums(plane) / self.cover)

    def _sums(self, plane: Plane) -> Plane:
        sums = cv2.blur(plane, (self.side, self.side), borderType=cv2.BORDER_CONSTANT)
        return np.asarray(sums)[self.side // 2 :: self.side // 2, self.side // 2 :: self.side // 2]


def _bands(plane: Plane, inside: Plane) -> tuple[Plane, Plane]:
    """The finest band and the one below; nothing from outside the garment leaks in."""
    smooth = [
        cv2.GaussianBlur(plane * inside, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-3)
        for sigma in (FINE_PX, BELOW_PX)
    ]
    return (plane - smooth[0]) * inside, (smooth[0] - smooth[1]) * inside


def _gain(patches: _Patches, below: tuple[Plane, ...], contrast: tuple[float, float]) -> Plane:
    """How much each patch's contrast rose, within bounds: a light curve changes it, softening hardly does there."""
    whole = float((below[0] * below[1]).sum() / max(float((below[0] ** 2).sum()), 1e-6))
    both, own = patches.mean(below[0] * below[1]), patches.mean(below[0] ** 2)
    return np.clip((both + STEADY * np.clip(whole, *contrast)) / (own + STEADY), *contrast)
