"""Colours are measured inside the mask and named by the basic twelve."""

from __future__ import annotations

import numpy as np
import pytest
from labeling_drawn import masks, photo

from labeling.colour import dominant_colours
from labeling.colour_names import name_of

_, DRESS = masks()
CLOTHS = {
    "red": (190, 30, 40),
    "blue": (40, 70, 160),
    "green": (40, 120, 60),
    "black": (25, 25, 28),
    "white": (240, 240, 238),
    "grey": (128, 128, 130),
    "yellow": (240, 205, 60),
    "pink": (240, 150, 185),
    "purple": (110, 40, 140),
    "brown": (105, 65, 40),
    "beige": (215, 195, 165),
    "orange": (240, 125, 30),
}


@pytest.mark.parametrize("name", CLOTHS)
def test_a_cloths_colour_is_named_in_dim_and_in_bright_light(name: str):
    for light in (0.9, 1.0, 1.05):
        cloth = tuple(int(min(255, channel * light)) for channel in CLOTHS[name])
        assert dominant_colours(photo(cloth=cloth), DRESS)[0].name == name


def test_shares_add_up_and_follow_the_area():
    rgb = photo(cloth=(190, 30, 40))
    rgb[150:, :] = (20, 40, 140)
    colours = dominant_colours(rgb, DRESS)
    below = DRESS[150:].sum() / DRESS.sum()
    assert {c.name: c.share for c in colours} == pytest.approx({"blue": below, "red": 1 - below}, abs=0.03)


def test_an_empty_mask_has_no_colour():
    assert dominant_colours(photo(), np.zeros_like(DRESS)) == []


def test_pure_white_is_white():
    assert name_of(np.array([255, 255, 255], np.uint8)) == "white"
