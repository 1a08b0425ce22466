"""What a busy place tells of its light, what a plain one does not, and names by the survey's words."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.colour import survey_words
from labeling.colour import _lightest, _typical, measure
from labeling.colour_belief import belief_of
from labeling.colour_light import to_linear, to_srgb, white_of
from labeling.colour_names import _WORDS, _rows, name_of
from labeling.colour_place import chromaticity, place_of


def place() -> tuple[np.ndarray, np.ndarray]:
    """Things of every colour, grey on average, and a garment of plain grey cloth before them."""
    colours = np.random.default_rng(3).integers(20, 235, (12, 9, 3)).astype(np.uint8)
    rgb, mask = colours.repeat(20, axis=0).repeat(20, axis=1), np.zeros((240, 180), bool)
    mask[60:200, 50:130] = True
    rgb[mask] = (120, 122, 124)
    return rgb, mask


def lit(rgb: np.ndarray, kelvin: float) -> np.ndarray:
    return to_srgb(to_linear(rgb) * (white_of(kelvin) / white_of(6500.0)).astype(np.float32))


@pytest.mark.parametrize("kelvin", [3300, 4000])
def test_a_busy_place_tells_a_lamp_and_grey_cloth_stays_grey(kelvin: float):
    rgb, mask = place()
    seen = lit(rgb, kelvin)
    assert belief_of(seen, mask).middle().temperature_k == pytest.approx(kelvin, rel=0.25)
    assert measure(seen, mask).colours[0].name == "grey"
    assert measure(seen, mask, balance=False).colours[0].name != "grey"


def test_a_places_tint_follows_the_lamp():
    rgb, mask = place()
    before, after = (place_of(photo, mask)[0] for photo in (rgb, lit(rgb, 3300)))
    moved = chromaticity(np.log(white_of(3300) / white_of(6500)))
    assert after - before == pytest.approx(moved, abs=0.2)
    assert moved[0] > 0.5 > -0.9 > moved[1]


def test_a_plain_dark_wall_and_a_place_cut_at_white_tell_nothing():
    rgb, mask = place()
    wall = np.where(mask[..., None], rgb, np.uint8((70, 90, 80)))
    assert measure(wall, mask).light is None
    assert place_of(np.full_like(rgb, 255), mask) is None


def test_a_light_stripes_colour_is_of_its_middle_not_of_its_reddened_rims():
    stripe = np.stack([np.linspace(60, 95, 100), np.linspace(40, 2, 100), np.full(100, 5.0)], axis=1)
    middle, all_over = (np.average(stripe, axis=0, weights=weights(stripe)) for weights in (_lightest, _typical))
    assert middle[1] < 12 < 20 < all_over[1]


def test_names_that_the_benchmark_asks_for_teach_nothing():
    assert not {name for name, _, _ in survey_words()} & {row[0] for row in _rows(_WORDS)}


@pytest.mark.parametrize(
    ("code", "name"), [("d0fefe", "blue"), ("d8863b", "orange"), ("a3b596", "green"), ("b0512b", "orange")]
)
def test_a_name_follows_swatches_and_the_surveys_words_together(code: str, name: str):
    assert name_of(np.array(list(bytes.fromhex(code)), np.uint8)) == name
