"""A garment's cutout bent to fill the place where a person wears one.

In: a cutout (RGBA) and the garment region of a person's photo. Out: the cutout's own pixels, moved: (H, W, 4) of the
photo's size. The outlines are paired, a thin-plate spline carries the inside, and the spline is made stiffer until it
folds nowhere. Never invents a pixel beyond a narrow rim; what it could not reach stays transparent. No chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.errors import MaskError
from train.garment_outline import outline, paired

STIFFNESS = (
    0.0,
    1e-3,
    1e-2,
    0.1,
    1.0,
    10.0,
    1e3,
)  # scipy's `smoothing` over outlines in a box of 1; the last is nearly affine
EVERY_PX = 4  # the spline is evaluated at every fourth pixel; between them it is all but straight
RIM = 0.02  # of the garment's box diagonal: how far its edge's colours may be drawn out


@dataclass(frozen=True)
class Warp:
    """`rgba`: (H, W, 4) uint8. `came_from`: (H, W, 2) float32, x and y in the garment's picture, NaN off the target.

    `least_jacobian`: the smallest ratio of areas inside the target, as a share of its median (> 0: no fold).
    `roughness`: mean squared second difference of the map (units of its box, over EVERY_PX), 0 for an affine map.
    `filled`: share of the target that got a garment's pixel. `stiffness`: which spline was taken.
    """

    rgba: np.ndarray
    came_from: np.ndarray
    least_jacobian: float
    roughness: float
    filled: float
    stiffness: float


def warped(garment_rgba: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8: the (h, w, 4) cutout bent into the (H, W) bool `target`, alpha 0 off it. Raises MaskError."""
    return warp(garment_rgba, target).rgba


def warp(garment_rgba: np.ndarray, target: np.ndarray) -> Warp:
    """With the map and what was measured of it. Raises MaskError for an empty cutout or target, or no RGBA."""
    if garment_rgba.ndim != 3 or garment_rgba.shape[2] != 4 or garment_rgba.dtype != np.uint8:
        raise MaskError(f"a cutout of {garment_rgba.shape} {garment_rgba.dtype}", expected="(h, w, 4) uint8")
    target = target.astype(bool)
    here, there = outline(target), outline(garment_rgba[..., 3] > 127)
    places, stiffness, least = _unfolded(here, paired(here, there), target)
    rgba = _sampled(garment_rgba, places, target)
    came_from = np.where(target[..., None], places, np.float32(np.nan))
    filled = float((rgba[..., 3] > 0).sum() / target.sum())
    return Warp(rgba, came_from, least, _roughness(places, target, there), filled, stiffness)


def _unfolded(here: np.ndarray, there: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The first spline, from the softest on, that folds nowhere in the target; else the affine one, which can't."""
    for stiffness in STIFFNESS:
        places = _spline(here, there, target.shape, stiffness)
        least = _least_jacobian(places, target)
        if least > 0.02:
            return places, stiffness, least
    places = _affine(here, there, target.shape)
    return places, float("inf"), _least_jacobian(places, target)


def _spline(here: np.ndarray, there: np.ndarray, shape: tuple[int, ...], stiffness: float) -> np.ndarray:
    """(H, W, 2) float32: x, y in the garment for each pixel of the photo (thin-plate spline, Bookstein 1989)."""
    from scipy.interpolate import RBFInterpolator

    low, high = here.min(axis=0), here.max(axis=0)
    size = np.maximum(high - low, 1.0)
    spline = RBFInterpolator((here - low) / size, there, kernel="thin_plate_spline", smoothing=stiffness)
    rows, columns = (np.arange(0, length + EVERY_PX, EVERY_PX) for length in shape)
    knots = np.stack(np.meshgrid(columns, rows), axis=2).reshape(-1, 2)
    coarse = spline((knots - low) / size).reshape(len(rows), len(columns), 2).astype(np.float32)
    y, x = np.indices(shape, dtype=np.float32) / EVERY_PX
    return cv2.remap(coarse, x, y, cv2.INTER_LINEAR)


def _affine(here: np.ndarray, there: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Box onto box: nothing turns, nothing folds."""
    size = np.maximum(np.ptp(here, axis=0), 1.0)
    gain = np.maximum(np.ptp(there, axis=0), 1.0) / size
    y, x = np.indices(shape, dtype=np.float32)
    return ((np.dstack([x, y]) - here.min(axis=0)) * gain + there.min(axis=0)).astype(np.float32)


def _least_jacobian(places: np.ndarray, target: np.ndarray) -> float:
    """Smallest determinant of the map's Jacobian inside the target over its median; central differences."""
    along_y, along_x = np.gradient(places[..., 0]), np.gradient(places[..., 1])
    areas = (along_y[1] * along_x[0] - along_y[0] * along_x[1])[target]
    middle = float(np.median(areas))
    return float(areas.min()) / middle if middle > 0 else -1.0


def _roughness(places: np.ndarray, target: np.ndarray, there: np.ndarray) -> float:
    size = np.maximum(np.ptp(there, axis=0), 1.0)
    coarse = (places / size)[::EVERY_PX, ::EVERY_PX]
    inside = target[::EVERY_PX, ::EVERY_PX][1:-1, 1:-1]
    bends = [np.diff(coarse, 2, axis=0)[:, 1:-1], np.diff(coarse, 2, axis=1)[1:-1]]
    found = sum((bend**2).sum(axis=2) for bend in bends)
    return float(np.mean(found[inside])) if inside.any() else 0.0


def _sampled(garment: np.ndarray, places: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The garment's pixels at `places`: alpha-weighted, averaged where it shrinks, its rim drawn out by RIM."""
    small, gain = _at_scale(garment, places, target)
    solid = small[..., 3] > 127
    reach = max(1.0, RIM * float(np.hypot(*np.ptp(np.argwhere(solid), axis=0))))
    away, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((nearest.max() + 1, 3), np.uint8)
    colours[nearest[solid]] = small[solid][:, :3]
    drawn = np.where(solid[..., None], small[..., :3], colours[nearest])
    x, y = (places[..., axis] * gain[axis] + (gain[axis] - 1) / 2 for axis in (0, 1))
    rgb = cv2.remap(drawn, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.remap((away <= reach).astype(np.uint8), x, y, cv2.INTER_NEAREST, borderValue=0) > 0
    shown = target & inside
    return np.dstack([np.where(shown[..., None], rgb, 0), np.where(shown, 255, 0)]).astype(np.uint8)


def _at_scale(garment: np.ndarray, places: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """The cutout shrunk towards the size it will be shown at (premultiplied area mean), and the two gains."""
    step = float(np.median(np.abs(np.gradient(places[..., 0], axis=1)[target])))
    gain = min(1.0, 1 / max(step, 1e-6))
    height, width = garment.shape[:2]
    if gain > 0.75:
        return garment, (1.0, 1.0)
    size = max(8, round(width * gain)), max(8, round(height * gain))
    alpha = garment[..., 3:].astype(np.float32) / 255
    premultiplied = np.dstack([garment[..., :3] * alpha, alpha]).astype(np.float32)
    mean = np.asarray(cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA))
    weight = mean[..., 3:]
    rgb = np.where(weight > 0, mean[..., :3] / np.maximum(weight, 1e-6), 0)
    small = np.dstack([rgb, weight * 255])
    return np.clip(np.rint(small), 0, 255).astype(np.uint8), (size[0] / width, size[1] / height)
