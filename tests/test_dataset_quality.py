"""Quality measures: each falls for its own fault, and a packshot's white is no fault."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from dataset import quality, thresholds

DATA = Path(os.environ.get("MODISTE_DATA") or Path(__file__).parents[2] / "shared" / "data")


def scene(seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((490, 650), Image.Resampling.BOX)


def packshot(backdrop: int = 255) -> Image.Image:
    picture = Image.new("RGB", (600, 800), (backdrop,) * 3)
    picture.paste(scene().resize((300, 400), Image.Resampling.BICUBIC), (150, 200))
    return picture


def jpeg(image: Image.Image, level: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=level)
    return Image.open(buffer).convert("RGB")


def score(image: Image.Image, measure: str) -> float:
    return quality.measure(np.asarray(image))[measure]


def test_a_packshot_on_white_is_not_overexposed():
    measured = quality.measure(np.asarray(packshot()))
    assert measured["exposure"] > 0.9
    assert quality.view_of(measured["uniformity"]) == "packshot"
    assert thresholds.issues({"view": "packshot", **measured}) == []


def test_a_white_object_on_white_is_not_overexposed():
    picture = Image.new("RGB", (400, 400), "white")
    picture.paste((235, 235, 235), (100, 100, 300, 300))
    assert score(picture, "exposure") > 0.9


def test_a_scene_burnt_to_white_is_overexposed():
    burnt = np.asarray(scene()).copy()
    burnt[100:] = 255
    burnt[:, :20] = np.asarray(scene())[:, :20]
    assert quality.measure(burnt)["exposure"] < 0.3


def test_uniformity_is_the_share_of_the_border_in_one_colour():
    picture = np.full((500, 500, 3), 255, np.uint8)
    picture[:, :10] = 0
    assert quality.measure(picture)["uniformity"] == pytest.approx(0.745, abs=0.01)


def test_resolution_and_aspect_are_ratios_of_sides():
    measured = quality.measure(np.zeros((256, 1024, 3), np.uint8))
    assert (measured["resolution"], measured["aspect"]) == (0.5, 0.25)


def test_issues_follow_the_thresholds_of_the_view_and_skip_what_was_not_measured():
    row = {"view": "scene", "contrast": 0.25, "sharpness": None, "aspect": 0.1}
    assert thresholds.issues(row) == ["flat", "odd_aspect"]
    assert thresholds.issues(row | {"view": "packshot"}) == ["odd_aspect"]


@pytest.mark.parametrize("side", [1, 2, 5, 9])
def test_tiny_pictures_are_measured_too(side: int):
    measured = quality.measure(np.full((side, side, 3), 7, np.uint8))
    assert all(0.0 <= value <= 1.0 for value in measured.values())


def test_real_photos_score_lower_when_blurred_darkened_or_compressed_again():
    paths = sorted(DATA.glob("street/photos/*.jpg"))[::90] + sorted(DATA.glob("wardrobe/train/*/*.jpg"))[::400]
    if not paths:
        pytest.skip(f"no real photographs at {DATA}")
    for path in paths:
        photo = Image.open(path).convert("RGB")
        assert score(photo.filter(ImageFilter.GaussianBlur(2)), "sharpness") < 0.5 * score(photo, "sharpness"), path
        assert score(ImageEnhance.Brightness(photo).enhance(0.4), "exposure") < score(photo, "exposure") - 0.1, path
        assert score(jpeg(photo, 15), "compression") < score(photo, "compression") - 0.1, path


def test_the_articles_own_cutout_on_white_has_no_issue():
    path = DATA / "seed_sample" / "body77.jpg"
    if not path.exists():
        pytest.skip(f"no real photographs at {DATA}")
    measured = quality.measure(np.asarray(Image.open(path).convert("RGB")))
    assert quality.view_of(measured["uniformity"]) == "packshot"
    assert thresholds.issues({"view": "packshot", **measured}) == []
