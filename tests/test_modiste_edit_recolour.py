"""Recolouring one piece of the clothes, and what the guard says of patterns."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset.errors import ImageError, UsageError
from labeling.colour_names import name_of
from modiste.edit_ask import understood
from modiste.edit_chain import from_words
from modiste.edit_cloths import cloths_of, piece_of
from modiste.edit_guard import guard_rules, judge
from modiste.edit_pattern import pattern_lost
from modiste.edit_picture import Picture
from modiste.edit_recolour import printed, recolour
from modiste.edit_steps import Recolour

YELLOW, BLACK, RED = (225, 190, 60), (32, 30, 34), (190, 40, 45)


def dressed(upper: tuple[int, int, int] = BLACK, lower: tuple[int, int, int] = YELLOW) -> Picture:
    """300 x 200 px: a top and trousers with folds on grey; the top has the fewer pixels."""
    rng = np.random.default_rng(0)
    rgb, garment = np.full((300, 200, 3), 215, np.float64), np.zeros((300, 200), bool)
    garment[20:110, 50:150] = garment[110:280, 45:155] = True
    rgb[20:110, 50:150], rgb[110:280, 45:155] = upper, lower
    light = 1 + 0.25 * np.sin(np.arange(200) / 7)[None, :, None]
    rgb = np.where(garment[..., None], rgb * light, rgb) + rng.integers(-2, 3, (300, 200, 1))
    pixels = np.clip(rgb, 0, 255).astype(np.uint8)
    return Picture(pixels, pixels.copy(), np.where(garment, 255, 0).astype(np.uint8), garment)


def named_at(picture: Picture, row: int, column: int) -> str:
    return name_of(
        np.median(picture.rgb[row - 8 : row + 8, column - 8 : column + 8].reshape(-1, 3), 0).astype(np.uint8)
    )


def changed(before: Picture, after: Picture, row: int, column: int) -> bool:
    part = slice(row - 8, row + 8), slice(column - 8, column + 8)
    return bool((before.rgb[part] != after.rgb[part]).any())


def test_folds_make_no_cloth_of_their_own_and_two_colours_make_two() -> None:
    picture = dressed()
    labels = cloths_of(picture.rgb, picture.garment).labels
    assert len(np.unique(labels[picture.garment])) == 2
    assert len(np.unique(labels[30:100, 60:140])) == len(np.unique(labels[125:270, 55:145])) == 1
    assert (labels[~picture.garment] == -1).all()


def test_only_the_largest_piece_is_recoloured_where_none_is_named() -> None:
    before = dressed()
    after, facts = recolour(before, Recolour(to="navy blue"))
    assert named_at(after, 200, 100) == name_of(np.array((0, 17, 70), np.uint8))
    assert not changed(before, after, 60, 100)
    assert facts["share"] == pytest.approx(170 * 110 / (170 * 110 + 90 * 100), abs=0.02)
    assert facts["off_by"] < 8


@pytest.mark.parametrize(
    "settings", [{"of": "black"}, {"of": "upper"}, {"at": "100 60"}, {"at": "50% 20%"}, {"of": "黑色"}]
)
def test_a_piece_is_named_by_its_colour_its_place_or_a_point(settings: dict[str, str]) -> None:
    before = dressed()
    after, _ = recolour(before, Recolour(to="red", **settings))
    assert named_at(after, 60, 100) == "red"
    assert not changed(before, after, 200, 100)


def test_all_of_one_colour_is_taken_when_asked_and_a_far_piece_left_when_not() -> None:
    before = dressed(upper=RED, lower=RED)
    before.rgb[100:130], before.garment[100:130] = 215, False
    one, both = (recolour(before, Recolour(to="dark green", of=of))[0] for of in ("", "all"))
    assert not changed(before, one, 60, 100)
    assert changed(before, both, 60, 100)
    assert changed(before, both, 200, 100)


@pytest.mark.parametrize("settings", [{"of": "green"}, {"at": "3 3"}, {"at": "900 3"}])
def test_a_piece_that_is_not_there_is_told_with_what_helps(settings: dict[str, str]) -> None:
    with pytest.raises(ImageError) as caught:
        recolour(dressed(), Recolour(to="red", **settings))
    assert caught.value.code == "no_such_piece"


def test_folds_keep_their_order_and_no_blotch_of_the_old_colour_is_left() -> None:
    before = dressed()
    after, _ = recolour(before, Recolour(to="red"))
    part = slice(130, 265), slice(60, 140)
    light = [cv2.cvtColor(each.rgb, cv2.COLOR_RGB2LAB)[part][..., 0].mean(0) for each in (before, after)]
    hue = cv2.cvtColor(after.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[part]
    assert np.corrcoef(*light)[0, 1] > 0.97
    assert (hue[..., 1] > hue[..., 2]).all()  # red everywhere, in every fold; yellow has b* over a*
    assert light[1].max() < 200


def test_a_print_of_another_hue_stays_and_a_fold_of_the_own_hue_is_none() -> None:
    before = dressed(lower=YELLOW)
    before.rgb[180:220, 80:120] = (30, 90, 200)
    own = cv2.cvtColor(np.array([[YELLOW]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    share = printed(before.rgb, own)
    assert share[190:210, 90:110].min() == 1
    assert share[240:270, 60:140].max() == 0
    after, _ = recolour(before, Recolour(to="red"))
    assert np.abs(after.rgb[200, 100].astype(int) - (30, 90, 200)).max() <= 2


def test_a_print_swallowed_by_the_ground_is_a_lost_pattern_and_asks_for_a_look() -> None:
    before = dressed(lower=(235, 235, 232))
    for row in range(120, 270, 36):
        for column in range(52, 140, 34):
            before.rgb[row : row + 20, column : column + 18] = (6, 10, 45)
    dark, fair = (recolour(before, Recolour(to=colour, of="lower"))[0] for colour in ("navy blue", "light blue"))
    lost = [pattern_lost(before.rgb, each.rgb, before.garment) for each in (dark, fair)]
    assert lost[0] > 0.2
    assert lost[1] < 0.05
    rules = guard_rules()["recolour"]
    verdicts = [judge(before.rgb, each.rgb, before.garment, None, rules) for each in (dark, fair)]
    assert [each.verdict for each in verdicts] == ["review", "pass"]
    assert any("a pattern, print or fold was lost" in reason for reason in verdicts[0].reasons)


def test_an_untouched_garment_lost_no_pattern() -> None:
    before = dressed()
    assert pattern_lost(before.rgb, before.rgb, before.garment) == 0.0


@pytest.mark.parametrize(
    ("words", "chain"),
    [
        ("make the yellow trousers navy blue", "recolour navy blue of yellow"),
        ("turn the upper part red", "recolour red of upper"),
        ("把黄色的裤子染成藏青色", "recolour 藏青色 of 黄色"),
        ("上装改成红色", "recolour 红色 of upper"),
        ("dye everything black", "recolour black of all"),
        ("make it navy blue", "recolour navy blue"),
    ],
)
def test_a_piece_is_named_in_a_sentence(words: str, chain: str) -> None:
    assert understood(words).words() == chain
    assert from_words(chain).words() == chain


def test_a_piece_of_no_known_colour_is_an_error() -> None:
    with pytest.raises(UsageError, match="sofa"):
        from_words("recolour navy of sofa")


def test_the_piece_of_a_garment_without_colour_is_the_garment() -> None:
    picture = dressed(upper=(120, 120, 120), lower=(120, 120, 120))
    piece, _ = piece_of(cloths_of(picture.rgb, picture.garment))
    assert (piece == picture.garment).mean() > 0.99
