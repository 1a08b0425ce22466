"""Measures: counts first, ratios after, since counts add up over photos and ratios don't. numpy only.

In: class maps or labels. Out: confusion matrices (C, C) int64 with rows = truth, columns = prediction, and numbers
from them. A class that occurs nowhere in the truth has IoU nan and is left out of means; it never counts as 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def confusion(truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int) -> Ints:
    """(C, C) counts; truth outside 0 .. classes-1 (255 = ignore) is not counted."""
    t, p = truth.ravel().astype(np.int64), predicted.ravel().astype(np.int64)
    seen = (t >= 0) & (t < classes)
    return np.bincount(t[seen] * classes + p[seen], minlength=classes * classes).reshape(classes, classes)


def iou_per_class(counts: npt.NDArray[np.integer]) -> Floats:
    """Intersection over union of each class; nan where the truth has none. counts (..., C, C) -> (..., C)."""
    hit = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    truth, said = counts.sum(axis=-1), counts.sum(axis=-2)
    return np.where(truth > 0, hit / np.maximum(truth + said - hit, 1), np.nan)


def mean_iou(counts: npt.NDArray[np.integer], *, first: int = 0) -> Floats:
    """Mean IoU over the classes from `first` on that occur (first=1: foreground mean IoU). (..., C, C) -> (...)."""
    iou = iou_per_class(counts)[..., first:]
    present = ~np.isnan(iou)
    return np.where(present.any(-1), np.nansum(iou, axis=-1) / np.maximum(present.sum(-1), 1), np.nan)


def pixel_accuracy(counts: npt.NDArray[np.integer]) -> Floats:
    hits = np.trace(counts, axis1=-2, axis2=-1)
    return np.asarray(hits / np.maximum(counts.sum(axis=(-2, -1)), 1), dtype=float)


def bootstrap(
    per_photo: npt.NDArray[Any],
    measure: Callable[[Any], Floats],
    *,
    seed: int = 0,
    draws: int = 1000,
) -> tuple[float, float]:
    """95 % interval of measure(sum over photos), photos drawn with replacement. per_photo (N, ...) counts."""
    low, high = np.nanpercentile(draws_of(per_photo, measure, seed=seed, draws=draws), [2.5, 97.5])
    return float(low), float(high)


def draws_of(
    per_photo: npt.NDArray[Any], measure: Callable[[Any], Floats], *, seed: int = 0, draws: int = 1000
) -> Floats:
    """(draws,) values of measure(sum over photos), photos drawn with replacement."""
    n = len(per_photo)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    return np.asarray(measure(np.tensordot(drawn, per_photo, axes=1)), dtype=float)


def band(mask: Bools, width_px: int) -> Bools:
    """Pixels of `mask` within `width_px` of its border (4-neighbour erosions; the picture's edge counts as outside)."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(padded, cross, iterations=width_px)[1:-1, 1:-1].astype(bool)
    return mask & ~inner


def boundary_counts(truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int) -> Ints:
    """(classes, 2): intersection and union of the bands of 2 % of the diagonal (Cheng et al., CVPR 2021), per class."""
    width = max(1, round(0.02 * math.hypot(*truth.shape)))
    out = np.zeros((classes, 2), np.int64)
    for each in range(classes):
        a, b = band(truth == each, width), band(predicted == each, width)
        out[each] = (a & b).sum(), (a | b).sum()
    return out


def boundary_iou(counts: npt.NDArray[np.integer]) -> Floats:
    """Mean over classes with any band of intersection / union. (..., C, 2) -> (...)."""
    ratio = np.where(counts[..., 1] > 0, counts[..., 0] / np.maximum(counts[..., 1], 1), np.nan)
    present = ~np.isnan(ratio)
    return np.where(present.any(-1), np.nansum(ratio, axis=-1) / np.maximum(present.sum(-1), 1), np.nan)


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % score interval of right / n; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    share, scale = right / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def macro_f1(counts: npt.NDArray[np.integer]) -> Floats:
    """Mean F1 over classes that occur in the truth. (..., C, C) -> (...)."""
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    truth, said = counts.sum(axis=-1), counts.sum(axis=-2)
    f1 = np.where(truth > 0, 2 * hit / np.maximum(truth + said, 1), 0.0)
    return np.asarray(f1.sum(-1) / np.maximum((truth > 0).sum(-1), 1), dtype=float)


def calibration_counts(confidence: npt.NDArray[np.floating], right: Bools, bins: int = 15) -> Floats:
    """(bins, 3): pixels, sum of confidence, pixels that were right, in equal-width bins of confidence in [0, 1]."""
    place = np.minimum((confidence * bins).astype(int), bins - 1).ravel()
    columns = (None, confidence.ravel(), right.ravel().astype(float))
    return np.stack([np.bincount(place, weights=each, minlength=bins).astype(float) for each in columns], axis=-1)


def calibration_error(counts: Floats) -> Floats:
    """ECE (Guo et al., 2017) of summed `calibration_counts`. (..., bins, 3) -> (...)."""
    n = np.maximum(counts[..., 0].sum(-1), 1)
    return np.asarray(np.abs(counts[..., 1] - counts[..., 2]).sum(-1) / n)


def calibration_table(counts: Floats) -> list[dict[str, float]]:
    """Rows for a reliability diagram: mean confidence and accuracy of each bin that holds pixels."""
    return [
        {"pixels": int(n), "confidence": round(said / n, 4), "accuracy": round(right / n, 4)}
        for n, said, right in counts.tolist()
        if n
    ]


def expected_calibration_error(confidence: Floats, right: Bools, bins: int = 15) -> float:
    """ECE: |accuracy - mean confidence| over equal-width bins, weighted by their counts (Guo et al., 2017)."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(right[place == each].sum() - confidence[place == each].sum()) for each in range(bins)]
    return float(sum(gaps) / max(len(confidence), 1))
