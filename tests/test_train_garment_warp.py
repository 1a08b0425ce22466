from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset.errors import MaskError
from train.garment_outline import outline, paired, whole
from train.garment_warp import warp, warped


def shirt(size: int = 200, sleeves: bool = True) -> np.ndarray:
    """(size, size, 4): a striped shirt, red on its left half and blue on its right."""
    corners = [
        (70, 40),
        (130, 40),
        (185, 90),
        (165, 110),
        (135, 85),
        (135, 170),
        (65, 170),
        (65, 85),
        (35, 110),
        (15, 90),
    ]
    body = [(65, 40), (135, 40), (135, 170), (65, 170)]
    alpha = np.zeros((200, 200), np.uint8)
    cv2.fillPoly(alpha, [np.array(corners if sleeves else body)], 255)
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[:, :100], rgb[:, 100:] = (200, 30, 40), (30, 40, 200)
    return np.asarray(cv2.resize(np.dstack([rgb, alpha]), (size, size), interpolation=cv2.INTER_NEAREST))


def body() -> np.ndarray:
    """(260, 180) bool: a shirt worn by someone who leans, arms down."""
    mask = np.zeros((260, 180), np.uint8)
    right = [(75, 60), (120, 62), (150, 120), (146, 190), (132, 190), (125, 130), (118, 210)]
    left = [(62, 205), (60, 130), (48, 185), (32, 183), (45, 110)]
    cv2.fillPoly(mask, [np.array(right + left)], 1)
    return mask.astype(bool)


def test_a_shirt_fills_the_body_and_nothing_else() -> None:
    made = warped(shirt(), body())
    assert made.shape == (260, 180, 4)
    assert made.dtype == np.uint8
    assert not made[..., 3][~body()].any()
    assert (made[..., 3][body()] == 255).mean() > 0.95


def test_its_colours_are_the_garments_own_and_left_stays_left() -> None:
    made = warped(shirt(), body())
    shown = made[made[..., 3] > 0][:, :3].astype(int)
    own = np.minimum(*(np.abs(shown - each).max(1) for each in ((200, 30, 40), (30, 40, 200))))
    assert (own == 0).mean() > 0.97  # the rest is where red meets blue
    assert tuple(made[130, 70, :3]) == (200, 30, 40)
    assert tuple(made[130, 110, :3]) == (30, 40, 200)


def test_the_map_folds_nowhere_and_its_figures_say_so() -> None:
    found = warp(shirt(), body())
    assert found.least_jacobian > 0
    assert found.filled > 0.95
    assert found.roughness > 0
    assert np.isnan(found.came_from[~body()]).all()


def test_its_own_place_gives_the_cutout_back() -> None:
    cutout = shirt()
    found = warp(cutout, cutout[..., 3] > 127)
    there = found.rgba[..., 3] > 0
    assert there.sum() == (cutout[..., 3] > 127).sum()
    assert (found.rgba[there] == cutout[there]).all(axis=1).mean() > 0.99
    assert found.roughness < 1e-9


def test_a_tangled_target_makes_the_spline_stiffer_rather_than_folded() -> None:
    spiral = np.zeros((200, 200), np.uint8)
    turns = np.linspace(0, 4 * np.pi, 200)
    points = np.stack([100 + (10 + 6 * turns) * np.cos(turns), 100 + (10 + 6 * turns) * np.sin(turns)], 1)
    cv2.polylines(spiral, [points.astype(np.int32)], False, 1, 9)
    found = warp(shirt(), spiral.astype(bool))
    assert found.least_jacobian > 0
    assert found.stiffness > 0


def test_a_large_cutout_is_averaged_down_not_skipped_over() -> None:
    fine = shirt(800)
    fine[::2, :, :3], fine[1::2, :, :3] = 0, 255
    made = warped(fine, cv2.resize((shirt()[..., 3] > 127).astype(np.uint8), (100, 100)).astype(bool))
    inner = made[..., 3][30:80, 40:60] > 0
    assert abs(made[30:80, 40:60, :3][inner].mean() - 127.5) < 12


def test_pieces_become_one_shape_and_crumbs_none() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:50, 10:80], mask[54:90, 10:80], mask[95:97, 95:97] = True, True, True
    made = whole(mask)
    assert cv2.connectedComponents(made)[0] == 2
    assert not made[95:97, 95:97].any()


def test_outlines_pair_corner_with_corner_whatever_the_size() -> None:
    small, large = np.zeros((60, 60), bool), np.zeros((300, 200), bool)
    small[10:40, 5:50] = True
    large[50:260, 20:190] = True
    here, there = outline(small), outline(large)
    found = paired(here, there)
    corner = np.argmin(np.linalg.norm(here - [5, 10], axis=1))
    assert np.linalg.norm(found[corner] - [20, 50]) < 12


@pytest.mark.parametrize("wrong", [np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9, 4), np.float32)])
def test_what_is_no_cutout_is_an_error(wrong: np.ndarray) -> None:
    with pytest.raises(MaskError, match="a cutout of"):
        warped(wrong, body())


def test_an_empty_cutout_or_target_is_an_error() -> None:
    with pytest.raises(MaskError, match="0 pixels"):
        warped(np.zeros((50, 50, 4), np.uint8), body())
    with pytest.raises(MaskError, match="0 pixels"):
        warped(shirt(), np.zeros((50, 50), bool))
