from __future__ import annotations

import numpy as np
import pytest

from dataset.errors import MaskError
from labeling.clipping import alpha_from, clip, on_colour, people_map, without_hidden

RED, GREEN = (200, 20, 30), (10, 180, 20)


def soft_square() -> np.ndarray:
    """(40, 40) probability: 1 in the middle, one px of 0.5 around it, 0 outside."""
    probability = np.zeros((40, 40), np.float32)
    probability[9:31, 9:31] = 0.5
    probability[10:30, 10:30] = 1.0
    return probability


def test_alpha_is_whole_inside_none_outside_and_half_at_the_edge() -> None:
    alpha = alpha_from(soft_square())
    assert (alpha[20, 20], alpha[0, 0]) == (255, 0)
    assert alpha[9, 20] == pytest.approx(128, abs=1)


def test_a_speck_is_dropped_and_a_second_garment_is_kept() -> None:
    probability = np.zeros((200, 200), np.float32)
    probability[20:120, 20:120] = 1
    probability[150:180, 150:180] = 1
    probability[5, 5] = 1
    alpha = alpha_from(probability)
    assert alpha[5, 5] == 0
    assert alpha[160, 160] == 255


def test_no_garment_gives_an_empty_alpha() -> None:
    assert alpha_from(np.zeros((9, 9), np.float32)).max() == 0


def test_the_old_background_leaves_no_fringe_on_a_new_one() -> None:
    rgb = np.full((40, 40, 3), GREEN, np.uint8)
    rgb[10:30, 10:30] = RED
    rgba = clip(rgb, alpha_from(soft_square()))
    assert rgba[9, 20, :3].tolist() == list(RED)
    shown = on_colour(rgba)
    assert shown[9, 20, 1] > 100  # half white, half red: no green
    assert shown[9, 20].tolist() == pytest.approx([(c + 255) / 2 for c in RED], abs=2)


def test_a_whole_garment_pixel_keeps_its_colour_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
    shown = on_colour(clip(rgb, alpha_from(soft_square())))
    assert (shown[10:30, 10:30] == rgb[10:30, 10:30]).all()


def test_photo_and_alpha_of_two_sizes_are_refused() -> None:
    with pytest.raises(MaskError, match="one size"):
        clip(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8))


def test_people_are_numbered_from_the_left_and_a_bag_goes_with_the_nearest() -> None:
    person = np.zeros((100, 200), np.float32)
    person[10:90, 120:160] = 1
    person[10:90, 20:60] = 1
    person[80:90, 170:180] = 1
    whose = people_map(person)
    assert (whose.max(), whose[50, 40], whose[50, 140], whose[85, 175]) == (2, 1, 2, 2)


def test_nobody_gives_an_empty_map_of_people() -> None:
    assert people_map(np.zeros((30, 40), np.float32)).max() == 0


def test_what_was_cut_away_is_not_in_the_file() -> None:
    rgba = np.full((4, 4, 4), 90, np.uint8)
    rgba[0, :, 3] = 0
    assert without_hidden(rgba)[0].max() == 0
    assert (without_hidden(rgba)[1:] == 90).all()
