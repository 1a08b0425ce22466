"""What differs from its backdrop is the garment: shadows and light are not, prints are, what is seen through is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from labeling.backdrop import find_backdrop
from labeling.laid_flat import Laid, laid_flat, small, tidied

SIZE = (240, 180)
BOX = np.s_[60:190, 50:130]


def photo(colour: tuple[int, int, int] = (40, 60, 150), ground: tuple[int, int, int] = (215, 205, 190)) -> np.ndarray:
    """(240, 180, 3): a shirt on a sheet under a lamp at one side, its soft shadow below and to the right, grain."""
    lamp = np.linspace(1.0, 0.75, SIZE[1])[None, :, None]
    cast = cv2.GaussianBlur(np.roll(shirt().astype(np.float32), (8, 8), (0, 1)), (0, 0), 6)[..., None]
    sheet = np.array(ground) * lamp * (1 - 0.3 * cast)
    mixed = np.where(shirt()[..., None], np.array(colour) * lamp, sheet)
    return np.clip(mixed + np.random.default_rng(0).normal(0, 2, (*SIZE, 3)), 0, 255).astype(np.uint8)


def shirt() -> np.ndarray:
    inside = np.zeros(SIZE, bool)
    inside[BOX] = True
    return inside


def half() -> np.ndarray:
    """What a network sees of it: the upper half, and a piece of the sheet."""
    chance = np.zeros(SIZE, np.float32)
    chance[60:120, 50:130] = 0.95
    chance[20:40, 60:90] = 0.6
    return chance


def iou(laid: Laid, truth: np.ndarray) -> float:
    found = laid.mask > 0.5
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize(
    ("colour", "ground"),
    [((40, 60, 150), (215, 205, 190)), ((225, 225, 228), (150, 20, 40)), ((30, 30, 32), (120, 120, 118))],
)
def test_a_shirt_half_seen_comes_out_whole_and_without_its_shadow(
    colour: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    laid = laid_flat(photo(colour, ground), half(), 7)
    assert iou(laid, shirt()) > 0.97
    assert laid.agrees > 0.8
    assert laid.apart > 0.9
    assert laid.plain > 0.95


def test_light_from_one_side_is_backdrop_and_a_shadow_is_forgiven() -> None:
    rgb, nobody = photo(), np.zeros(SIZE, np.float32)
    backdrop = find_backdrop(rgb, nobody)
    assert np.percentile(backdrop.distance[:40], 99) < 3
    shade = np.s_[193:196, 80:125]
    assert rgb[shade].mean() < 0.85 * rgb[5:15, 80:125].mean()
    assert backdrop.distance[shade].mean() < 0.6 * backdrop.distance[BOX].mean()


def test_a_print_of_the_sheets_colour_is_kept_and_the_gap_between_two_legs_is_not() -> None:
    rgb, chance = photo(), np.where(shirt(), np.float32(0.95), np.float32(0.02))
    ground = photo((215, 205, 190))
    for box in (np.s_[80:100, 60:100], np.s_[120:185, 82:98]):
        rgb[box] = ground[box]
    chance[120:185, 82:98] = 0.4
    found = laid_flat(rgb, chance, 7).mask > 0.5
    assert found[80:100, 60:100].all()
    assert not found[125:180, 85:95].any()


@pytest.mark.parametrize(("chance", "near", "kept"), [(0.95, 1.0, True), (0.4, 1.0, False), (0.4, 3.0, True)])
def test_a_hole_is_seen_through_only_as_backdrop_the_network_doubts(chance: float, near: float, kept: bool) -> None:
    cut, hole = shirt(), np.s_[100:120, 80:100]
    cut[hole] = False
    distance = np.where(shirt(), np.float32(8), np.float32(1))
    figure = np.where(shirt(), np.float32(0.95), np.float32(0.02))
    distance[hole], figure[hole] = near, chance
    assert tidied(cut, distance, figure)[hole].all() == kept


def test_a_tiles_joint_that_touches_the_garment_is_cut_off() -> None:
    rgb = photo()
    rgb[120:122, 130:] = 60
    found = laid_flat(rgb, half(), 7).mask > 0.5
    assert not found[118:124, 140:].any()


def test_nothing_but_backdrop_gives_an_empty_mask() -> None:
    laid = laid_flat(photo((215, 205, 190), (215, 205, 190)), np.zeros(SIZE, np.float32), 7)
    assert laid.area < 0.02


def test_the_same_photo_gives_the_same_mask_whatever_was_drawn_before() -> None:
    first = laid_flat(photo(), half(), 7).mask
    cv2.setRNGSeed(99)
    assert np.array_equal(first, laid_flat(photo(), half(), 7).mask)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (2000, 1500)])
def test_any_size_is_worked_on_small_and_answered_at_its_own(size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 200, np.uint8)
    laid = laid_flat(rgb, np.zeros(size, np.float32), 7)
    assert laid.mask.shape == size
    assert max(small(rgb).shape[:2]) <= 320
    assert np.isfinite(laid.mask).all()
