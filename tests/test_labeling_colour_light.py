"""Colour differences by the formula's own test data; the light that a backdrop tells; colours of a pattern."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.colour import Colour, is_multicolour, measure
from labeling.colour_belief import belief_of
from labeling.colour_difference import delta_e_2000
from labeling.colour_light import to_linear, to_srgb, white_of
from labeling.colour_names import chances, finer_name, to_lab

# Sharma, Wu & Dalal 2005, table 1: L a b, L a b, difference.
PAIRS = (
    (50.0, 2.6772, -79.7751, 50.0, 0.0, -82.7485, 2.0425), (50.0, 3.1571, -77.2803, 50.0, 0.0, -82.7485, 2.8615),
    (50.0, 2.8361, -74.0200, 50.0, 0.0, -82.7485, 3.4412), (50.0, -1.3802, -84.2814, 50.0, 0.0, -82.7485, 1.0),
    (50.0, -1.1848, -84.8006, 50.0, 0.0, -82.7485, 1.0), (50.0, -0.9009, -85.5211, 50.0, 0.0, -82.7485, 1.0),
    (50.0, 0.0, 0.0, 50.0, -1.0, 2.0, 2.3669), (50.0, -1.0, 2.0, 50.0, 0.0, 0.0, 2.3669),
    (50.0, 2.49, -0.001, 50.0, -2.49, 0.0009, 7.1792), (50.0, 2.49, -0.001, 50.0, -2.49, 0.0010, 7.1792),
    (50.0, 2.49, -0.001, 50.0, -2.49, 0.0011, 7.2195), (50.0, 2.49, -0.001, 50.0, -2.49, 0.0012, 7.2195),
    (50.0, -0.001, 2.49, 50.0, 0.0009, -2.49, 4.8045), (50.0, -0.001, 2.49, 50.0, 0.0010, -2.49, 4.8045),
    (50.0, -0.001, 2.49, 50.0, 0.0011, -2.49, 4.7461), (50.0, 2.5, 0.0, 50.0, 0.0, -2.5, 4.3065),
    (50.0, 2.5, 0.0, 73.0, 25.0, -18.0, 27.1492), (50.0, 2.5, 0.0, 61.0, -5.0, 29.0, 22.8977),
    (50.0, 2.5, 0.0, 56.0, -27.0, -3.0, 31.9030), (50.0, 2.5, 0.0, 58.0, 24.0, 15.0, 19.4535),
    (50.0, 2.5, 0.0, 50.0, 3.1736, 0.5854, 1.0), (50.0, 2.5, 0.0, 50.0, 3.2972, 0.0, 1.0),
    (50.0, 2.5, 0.0, 50.0, 1.8634, 0.5757, 1.0), (50.0, 2.5, 0.0, 50.0, 3.2592, 0.3350, 1.0),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
)  # fmt: skip


def packshot(cloth: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rgb, mask = np.full((120, 90, 3), 246, np.uint8), np.zeros((120, 90), bool)
    mask[30:90, 25:65] = True
    rgb[mask] = cloth
    return rgb, mask


def lit(rgb: np.ndarray, kelvin: float, gain: float) -> np.ndarray:
    light = white_of(kelvin) / white_of(6500.0)
    return to_srgb(to_linear(rgb) * (light * gain).astype(np.float32))


def test_the_difference_is_that_of_all_34_published_pairs():
    table = np.array(PAIRS)
    assert delta_e_2000(table[:, :3], table[:, 3:6]) == pytest.approx(table[:, 6], abs=5e-5)
    assert delta_e_2000(table[:, 3:6], table[:, :3]) == pytest.approx(table[:, 6], abs=5e-5)


@pytest.mark.parametrize(("kelvin", "gain"), [(3200, 0.6), (4200, 0.5), (8500, 0.7)])
def test_the_light_is_read_from_the_backdrop_and_taken_out(kelvin: float, gain: float):
    rgb, mask = packshot((120, 122, 124))
    found = measure(lit(rgb, kelvin, gain), mask)
    assert found.light is not None
    assert found.light.temperature_k == pytest.approx(kelvin, rel=0.06)
    assert found.colours[0].name == "grey"
    assert measure(lit(rgb, kelvin, gain), mask, balance=False).light is None


def test_plain_daylight_a_busy_place_and_a_green_wall_are_left_alone():
    rgb, mask = packshot((190, 30, 40))
    assert measure(rgb, mask).light is None
    busy = np.random.default_rng(0).integers(0, 255, rgb.shape).astype(np.uint8)
    assert not belief_of(busy, mask).backdrop
    assert not belief_of(np.where(mask[..., None], rgb, np.uint8((120, 220, 120))), mask).backdrop


def test_shares_are_of_the_whole_mask_and_skin_is_left_out():
    rgb, mask = packshot((190, 30, 40))
    rgb[30:60, 25:65] = (40, 60, 150)
    found = measure(rgb, mask)
    assert sum(colour.share for colour in found.colours) == pytest.approx(1.0)
    skin = np.zeros_like(mask)
    skin[:60] = True
    assert [colour.name for colour in measure(rgb, mask, leave_out=skin).colours] == ["red"]


def test_finer_names_are_the_surveys():
    assert finer_name(np.array((1, 21, 62), np.uint8)) == ("navy", pytest.approx(0.0, abs=0.01))


def test_many_colours_without_a_leader_are_multicolour():
    parts = [Colour(name, share, "000000") for name, share in (("red", 0.4), ("blue", 0.3), ("green", 0.3))]
    assert is_multicolour(parts)
    assert not is_multicolour([Colour("red", 0.8, "000000"), *parts[1:]])


def test_a_mask_that_holds_nothing_has_no_colour():
    rgb, mask = packshot((190, 30, 40))
    assert measure(rgb, np.zeros_like(mask)).colours == []


@pytest.mark.parametrize(("kelvin", "gain"), [(3300, 1.25), (3700, 1.2), (4200, 1.1)])
def test_a_backdrop_with_two_blown_channels_still_tells_a_lamp(kelvin: float, gain: float):
    rgb, mask = packshot((120, 122, 124))
    seen = lit(rgb, kelvin, gain)
    assert (seen[0, 0] >= 250).sum() >= 1
    assert measure(seen, mask).light.temperature_k == pytest.approx(kelvin, rel=0.15)
    assert measure(seen, mask).colours[0].name == "grey"


def test_chances_add_up_and_a_name_between_two_is_less_sure():
    assert chances(to_lab(np.array([[190, 30, 40], [128, 128, 128]], np.uint8))).sum(axis=1) == pytest.approx(1.0)
    sure, between = (measure(*packshot(cloth)).colours[0].confidence for cloth in ((16, 64, 192), (212, 100, 100)))
    assert 0 < between < sure <= 1
