"""The gate: a worse model is refused, a tie passes, and other rows or classes are no contest."""

from __future__ import annotations

import numpy as np
import pytest

from train.job_file import Gate
from train.job_gate import Judged, decide, mean_iou
from train.metrics import mean_iou as of_confusion

GATE = Gate(least_photos=10, margin=0.05)


def judged(run: str, hit: float, n: int = 40, dark: float | None = None, fingerprint: str = "f") -> Judged:
    """Two classes of 100 px each; `hit` is the share that is right, `dark` that of the first 8 photos."""
    draw, counts, slices = np.random.default_rng(0), {}, {}
    for number in range(n):
        in_dark = dark is not None and number < 8
        right = int(100 * (dark if in_dark and dark is not None else hit)) + int(draw.integers(-3, 4))
        counts[f"{number:064x}"] = np.array([[100, 100, right], [100, 100, right]])
        slices[f"{number:064x}"] = frozenset({"dark photo"} if number < 8 else set())
    return Judged(run, "mean IoU", fingerprint, ("background", "garment"), counts, slices)


def test_mean_iou_from_three_counts_is_that_of_the_confusion_matrix() -> None:
    matrix = np.array([[50, 5, 0], [7, 30, 0], [0, 0, 0]])
    three = np.stack([matrix.sum(1), matrix.sum(0), np.diagonal(matrix)], axis=1)
    assert float(mean_iou(three)) == pytest.approx(float(of_confusion(matrix)))


def test_a_worse_model_is_refused_with_the_difference() -> None:
    verdict = decide(judged("new", 0.80), judged("old", 0.90), GATE)
    assert not verdict.passed
    assert verdict.difference is not None
    assert verdict.difference < -0.1
    assert verdict.reasons[0].startswith("worse beyond the interval")


def test_the_same_answers_pass() -> None:
    verdict = decide(judged("new", 0.9), judged("old", 0.9), GATE)
    assert (verdict.passed, verdict.difference, verdict.n) == (True, 0.0, 40)


def test_a_model_better_on_the_whole_and_worse_on_a_slice_is_refused_by_the_slice() -> None:
    verdict = decide(judged("new", 0.95, dark=0.6), judged("old", 0.85, dark=0.85), GATE)
    assert not verdict.passed
    assert verdict.reasons[0].startswith("slice 'dark photo' is worse by 0.3")
    assert decide(judged("new", 0.95, dark=0.6), judged("old", 0.85, dark=0.85), Gate(margin=0.5)).passed


def test_too_few_photos_cannot_tell() -> None:
    verdict = decide(judged("new", 0.9, n=9), judged("old", 0.5, n=9), GATE)
    assert (verdict.passed, verdict.reasons) == (False, ("9 photos can't tell (least_photos 10)",))


def test_photos_that_the_current_model_learned_from_are_left_out() -> None:
    learned = frozenset(f"{number:064x}" for number in range(15))
    verdict = decide(judged("new", 0.9), judged("old", 0.9), GATE, learned=learned)
    assert (verdict.n, verdict.left_out) == (25, 15)


@pytest.mark.parametrize("change", [{"fingerprint": "g"}, {"n": 39}])
def test_other_rows_are_no_contest(change: dict[str, object]) -> None:
    verdict = decide(judged("new", 0.9), judged("old", 0.1, **change), GATE)  # type: ignore[arg-type]
    assert (verdict.passed, verdict.reasons) == (False, ("judged on other rows than old",))


def test_the_first_model_must_beat_its_baseline() -> None:
    assert decide(judged("new", 0.9), None, GATE, baseline=0.5).passed
    assert "trivial baseline" in decide(judged("new", 0.3), None, GATE, baseline=0.5).reasons[0]
