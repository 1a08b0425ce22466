"""Measures against numbers worked out by hand, or by another library."""

from __future__ import annotations

import numpy as np
import pytest

from train import metrics

COUNTS = np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])


def test_confusion_counts_truth_by_row_and_leaves_255_out() -> None:
    truth, said = np.array([0, 0, 1, 255]), np.array([0, 1, 1, 2])
    assert metrics.confusion(truth, said, 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_a_class_that_never_occurs_is_left_out_of_the_mean() -> None:
    assert metrics.mean_iou(COUNTS) == pytest.approx((6 / 9 + 3 / 6) / 2)
    assert metrics.mean_iou(COUNTS, first=1) == pytest.approx(0.5)
    assert np.isnan(metrics.iou_per_class(COUNTS)[2])


def test_pixel_accuracy_and_macro_f1_by_hand() -> None:
    assert metrics.pixel_accuracy(COUNTS) == pytest.approx(9 / 12)
    assert metrics.macro_f1(COUNTS) == pytest.approx((12 / 15 + 6 / 9) / 2)


def test_measures_agree_with_torchmetrics_and_scikit_learn() -> None:
    from sklearn.metrics import f1_score, jaccard_score

    draw = np.random.default_rng(1)
    truth, said = draw.integers(0, 3, 500), draw.integers(0, 3, 500)
    counts = metrics.confusion(truth, said, 3)
    assert metrics.mean_iou(counts) == pytest.approx(jaccard_score(truth, said, average="macro"))
    assert metrics.macro_f1(counts) == pytest.approx(f1_score(truth, said, average="macro"))


def test_wilson_of_nine_in_ten() -> None:
    assert metrics.wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert metrics.wilson(0, 0) == (0.0, 1.0)


def test_a_bootstrap_over_equal_photos_has_no_width() -> None:
    low, high = metrics.bootstrap(np.stack([COUNTS] * 5), metrics.mean_iou)
    assert low == pytest.approx(high)


def test_a_bootstrap_holds_the_data_sets_own_value() -> None:
    photos = np.random.default_rng(0).integers(1, 50, (40, 3, 3)) + 60 * np.eye(3, dtype=int)
    low, high = metrics.bootstrap(photos, metrics.mean_iou)
    assert low < float(metrics.mean_iou(photos.sum(0))) < high


def test_a_band_is_as_wide_as_asked() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    assert metrics.band(mask, 2).sum() == 100 - 36


def test_boundary_iou_sees_a_shift_that_plain_iou_hardly_sees() -> None:
    truth, said = np.zeros((200, 200), np.uint8), np.zeros((200, 200), np.uint8)
    truth[20:180, 20:180], said[23:183, 20:180] = 1, 1
    plain = float(metrics.iou_per_class(metrics.confusion(truth, said, 2))[1])
    edge = metrics.boundary_counts(truth, said, 2)
    assert plain > 0.95
    assert edge[1, 0] / edge[1, 1] < 0.7


def test_calibration_error_of_a_model_that_is_too_sure() -> None:
    right = np.array([True] * 6 + [False] * 4)
    assert metrics.expected_calibration_error(np.full(10, 0.9), right) == pytest.approx(0.3)
