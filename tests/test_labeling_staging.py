from __future__ import annotations

import numpy as np
import pytest

from dataset.errors import UsageError
from labeling.staging import (
    Template,
    coloured,
    covering,
    cropped,
    laid_on,
    object_box,
    on_template,
    parse_colour,
    parse_template,
    shadow_of,
    with_shadow,
)

RED, BLUE = (200, 20, 30), (10, 20, 200)


def cutout(height: int = 100, width: int = 80) -> np.ndarray:
    """RGBA: a red block of 40 x 20 px at row 30, column 10; nothing around it."""
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[30:70, 10:30] = (*RED, 255)
    return rgba


def test_a_tight_crop_keeps_its_margin_even_beyond_the_photo() -> None:
    found = cropped(cutout(), 0.5)
    assert found.shape == (80, 60, 4)
    assert object_box(found[:, :, 3]) == (20, 20, 60, 40)


def test_a_template_centres_the_object_and_enlarges_it_at_most_twice() -> None:
    found, scale = on_template(cutout(), Template(200, 200, 0.05))
    top, left, bottom, right = object_box(found[:, :, 3])
    assert (scale, bottom - top, right - left) == (2.0, 80, 40)
    assert (top, left) == (60, 80)


def test_a_template_that_shrinks_fills_its_margins_and_bleeds_no_hidden_colour() -> None:
    rgba = cutout()
    rgba[rgba[:, :, 3] == 0, :3] = (0, 255, 0)
    rgba[30, 10:30, 3] = 100
    found, scale = on_template(rgba, Template(50, 25, 0.1))
    assert scale == pytest.approx(0.5)
    assert found[found[:, :, 3] > 20, 1].max() <= 25


@pytest.mark.parametrize(
    ("text", "template"),
    [("square-2000", Template(2000, 2000, 0.05)), ("1600x2000:0.08", Template(1600, 2000, 0.08))],
)
def test_templates_are_read_as_they_are_written(text: str, template: Template) -> None:
    assert parse_template(text) == template


@pytest.mark.parametrize("text", ["square", "0x5", "square-99999", "20x20:0.6", "20x20:x"])
def test_a_template_that_makes_no_sense_is_misuse(text: str) -> None:
    with pytest.raises(UsageError, match=r"template|bounds"):
        parse_template(text)


def test_the_shadow_lies_under_the_object_and_nowhere_near_its_top() -> None:
    shadow = shadow_of(cutout()[:, :, 3])
    assert shadow[70, 20] > 40
    assert shadow[30:60].max() == 0
    assert shadow[70, 70] == 0


def test_an_empty_cutout_casts_no_shadow() -> None:
    assert shadow_of(np.zeros((9, 9), np.uint8)).max() == 0


def test_the_shadow_darkens_the_ground_alone() -> None:
    rgba = cutout()
    shown = laid_on(rgba, coloured((100, 80), (255, 255, 255)), shadow_of(rgba[:, :, 3]))
    assert (shown[30:70, 10:30] == RED).all()
    assert shown[71, 20, 0] < 235
    assert shown[5, 5].tolist() == [255, 255, 255]


def test_a_transparent_cutout_with_shadow_is_the_same_on_white_as_a_white_one() -> None:
    rgba = cutout()
    rgba[29, 10:30] = (*RED, 128)
    shadow, white = shadow_of(rgba[:, :, 3]), coloured((100, 80), (255, 255, 255))
    later, now = laid_on(with_shadow(rgba, shadow), white), laid_on(rgba, white, shadow)
    assert np.abs(later.astype(int) - now).max() <= 3
    assert (with_shadow(rgba, shadow)[30:70, 10:30] == (*RED, 255)).all()


def test_a_background_picture_covers_without_being_stretched() -> None:
    picture = np.zeros((10, 40, 3), np.uint8)
    picture[:, 15:25] = BLUE
    found = covering(picture, (20, 20))
    assert found.shape == (20, 20, 3)
    assert found[10, 10].tolist() == list(BLUE)


def test_colours_are_read_by_name_and_by_number() -> None:
    assert parse_colour("#0a14C8") == BLUE
    assert parse_colour("white") == (255, 255, 255)
    assert parse_colour("photo.jpg") is None


def test_specks_move_no_crop_and_no_template_but_small_parts_do() -> None:
    rgba = np.zeros((300, 300, 4), np.uint8)
    rgba[100:200, 100:200] = (*RED, 255)
    rgba[5, 5] = rgba[290:292, 290:293] = (*RED, 255)  # 1 and 6 px beside 10,000
    assert object_box(rgba[:, :, 3]) == (100, 100, 200, 200)
    assert cropped(rgba, 0.1).shape == (120, 120, 4)
    assert on_template(rgba, Template(100, 100, 0))[1] == pytest.approx(1.0)
    rgba[50:55, 50:55] = (*RED, 255)  # a button: 25 px, over one in a thousand
    assert object_box(rgba[:, :, 3]) == (50, 50, 200, 200)


def two_feet() -> np.ndarray:
    """(200, 120) alpha of a body on two legs; the left foot ends 8 px above the right one, as a step behind it."""
    alpha = np.zeros((200, 120), np.uint8)
    alpha[10:120, 35:85] = alpha[120:172, 35:50] = alpha[120:180, 70:85] = 255
    return alpha


def test_each_foot_stands_on_its_own_shadow_though_one_ends_higher() -> None:
    shadow = shadow_of(two_feet())
    assert shadow[173, 42] > 60
    assert shadow[181, 77] > 60
    assert shadow[173, 60] < shadow[173, 42] / 2  # between the legs nothing touches the ground
    assert shadow[100:120, :30].max() == 0


def test_what_hangs_over_the_ground_casts_nothing_close() -> None:
    alpha = two_feet()
    alpha[120:140, 90:110] = 255  # a bag
    shadow = shadow_of(alpha)
    assert shadow[141, 100] < 12
