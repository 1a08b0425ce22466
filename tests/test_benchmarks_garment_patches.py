"""CIEDE2000 with patches that may move: a stripe that moved is kept, a smear is not, for known pictures."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.garment_patches import difference, matched

SIZE = (40, 40)


def stripes() -> np.ndarray:
    return np.where(np.arange(40)[:, None, None] % 8 < 4, 220, 30).repeat(40, 1).repeat(3, 2).astype(np.uint8)


def test_a_print_that_moved_by_two_pixels_is_found_again_and_a_smear_is_not() -> None:
    truth, where = stripes(), np.zeros(SIZE, bool)
    where[8:32, 8:32] = True
    moved, smeared = np.roll(truth, 2, axis=0), cv2.blur(truth, (9, 9))
    plain = difference(moved[where], truth[where]).mean()
    assert plain > 20
    assert matched(moved, truth, where).mean() < 0.01
    assert matched(smeared, truth, where).mean() > 20


def test_without_reach_it_is_the_plain_difference() -> None:
    draw = np.random.default_rng(0)
    one, other = (draw.integers(0, 255, (*SIZE, 3), np.uint8) for _ in range(2))
    where = draw.random(SIZE) < 0.5
    assert np.allclose(matched(one, other, where, reach=0), difference(one[where], other[where]))


def test_a_wrong_colour_is_wrong_wherever_it_is_looked_for() -> None:
    red, green = np.full((*SIZE, 3), (200, 20, 20), np.uint8), np.full((*SIZE, 3), (20, 200, 20), np.uint8)
    where = np.ones(SIZE, bool)
    assert matched(green, red, where).mean() > 50
