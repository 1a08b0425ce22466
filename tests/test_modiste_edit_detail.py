"""The guard's figure for fine detail: told when it is lost, silent when a picture was honestly resampled."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from dataset.errors import MaskError
from modiste.edit_background import background
from modiste.edit_chain import from_words
from modiste.edit_detail import detail_lost
from modiste.edit_guard import guard_rules, judge
from modiste.edit_photo import applied
from modiste.edit_picture import Picture
from modiste.edit_steps import Background

UInt8 = np.ndarray


@pytest.fixture
def picture() -> Picture:
    """300 x 240 px: a shirt of coarse weave with a printed word, on white."""
    rng = np.random.default_rng(1)
    rgb, garment = np.full((300, 240, 3), 240, np.uint8), np.zeros((300, 240), bool)
    garment[40:260, 40:200] = True
    weave = cv2.GaussianBlur(rng.normal(0, 30, (300, 240)), (0, 0), 0.8)
    rgb[garment] = np.clip(np.array((150, 70, 80)) + weave[garment][:, None], 0, 255).astype(np.uint8)
    cv2.putText(rgb, "MODE", (60, 150), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (240, 240, 240), 2)
    made = Picture(rgb, rgb.copy(), np.where(garment, 255, 0).astype(np.uint8), garment)
    return background(made, Background())


def jpeg(rgb: UInt8, quality: int) -> UInt8:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def softened(rgb: UInt8, how: str) -> UInt8:
    height, width = rgb.shape[:2]
    if how == "shrunk":
        small = cv2.resize(rgb, (round(0.7 * width), round(0.7 * height)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    return jpeg(rgb, 40) if how == "jpeg" else np.asarray(cv2.GaussianBlur(rgb, (0, 0), float(how)))


@pytest.mark.parametrize("how", ["1.0", "1.5", "jpeg", "shrunk"])
@pytest.mark.parametrize("step", ["compose square-500", "beautify", "upscale 2 lanczos"])
def test_softening_inside_the_garment_does_not_pass_while_the_honest_step_does(
    picture: Picture, how: str, step: str
) -> None:
    name, settings = from_words(step).steps[0]
    after, came_from, _, _ = applied(picture, settings, None)
    wronged = np.where(after.garment[..., None], softened(softened(after.flat(), how), how), after.flat())
    rules = guard_rules()[name]
    figures = [judge(picture.flat(), each, picture.garment, came_from, rules) for each in (after.flat(), wronged)]
    assert figures[0].verdict == "pass"
    assert figures[0].detail < rules.detail[0] / 1.2  # type: ignore[index]
    assert figures[1].verdict != "pass"
    assert figures[1].detail > figures[0].detail + 0.05


@pytest.mark.parametrize(
    "step", ["compose square", "compose square-200", "compose square-317", "compose square straighten", "upscale 3"]
)
def test_honest_resampling_loses_next_to_nothing(picture: Picture, step: str) -> None:
    _, settings = from_words(step).steps[0]
    after, came_from, _, _ = applied(picture, settings, None)
    assert detail_lost(picture.flat(), after.flat(), picture.garment, came_from, (0.9, 1.1)) < 0.2


def test_a_turned_and_enlarged_picture_is_compared_with_one_turned_and_enlarged_alike() -> None:
    rng = np.random.default_rng(2)
    upright = np.zeros((300, 260), np.uint8)
    cv2.rectangle(upright, (90, 30), (170, 270), 255, -1)
    alpha = np.asarray(cv2.warpAffine(upright, cv2.getRotationMatrix2D((130, 150), -6, 1), (260, 300)))
    garment = alpha == 255
    rgb = np.where(garment[..., None], rng.integers(60, 160, (300, 260, 1)).repeat(3, 2), 235).astype(np.uint8)
    before = background(Picture(rgb, rgb.copy(), np.where(garment, 255, 0).astype(np.uint8), garment), Background())
    after, came_from, facts, _ = applied(before, from_words("compose square-420 straighten").steps[0][1], None)
    assert facts["angle"] != 0
    assert facts["scale"] > 1
    assert detail_lost(before.flat(), after.flat(), garment, came_from, (0.9, 1.1)) < 0.25
    soft = np.asarray(cv2.GaussianBlur(after.flat(), (0, 0), 1.5))
    assert detail_lost(before.flat(), soft, garment, came_from, (0.9, 1.1)) > 0.5


def test_more_or_less_contrast_is_no_lost_detail_within_its_bounds(picture: Picture) -> None:
    paler = np.clip(picture.flat() * 0.8 + 20, 0, 255).astype(np.uint8)
    assert detail_lost(picture.flat(), paler, picture.garment, None, (0.7, 1.4)) < 0.2
    assert detail_lost(picture.flat(), paler, picture.garment, None, (1.0, 1.0)) > 0.15


def test_a_plain_garment_has_no_detail_to_lose_and_what_lies_outside_does_not_count(picture: Picture) -> None:
    plain = np.full_like(picture.rgb, 120)
    assert detail_lost(plain, cv2.GaussianBlur(plain, (0, 0), 2), picture.garment, None) == 0.0
    other = np.where(picture.garment[..., None], picture.rgb, 0).astype(np.uint8)
    assert detail_lost(picture.rgb, other, picture.garment, None) == 0.0


def test_sizes_that_do_not_fit_are_an_error(picture: Picture) -> None:
    with pytest.raises(MaskError):
        detail_lost(picture.rgb, picture.rgb[:100], picture.garment, None)
    with pytest.raises(MaskError):
        detail_lost(picture.rgb, picture.rgb, picture.garment[:100], None)
