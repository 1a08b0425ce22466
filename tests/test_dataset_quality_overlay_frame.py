"""Lettering and frames: found on pictures that have them, not on those that have none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dataset.quality import luma
from dataset.quality_frame import frame
from dataset.quality_text import overlay


def scene(seed: int = 0, size: tuple[int, int] = (600, 800)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (10, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def lettered(image: Image.Image, words: str = "www.shop.example") -> Image.Image:
    written = image.copy()
    ImageDraw.Draw(written).text((40, 620), words, font=ImageFont.load_default(48), fill="white")
    return written


@pytest.mark.parametrize("seed", range(4))
def test_lettering_lowers_the_score_and_a_plain_scene_has_none(seed: int):
    assert overlay(luma(np.asarray(scene(seed)))) == 1.0
    assert overlay(luma(np.asarray(lettered(scene(seed))))) < 0.5


def test_three_letters_are_no_lettering():
    assert overlay(luma(np.asarray(lettered(scene(), "abc")))) == 1.0


@pytest.mark.parametrize("colour", ["white", "black", "red"])
def test_a_frame_scores_the_share_that_is_picture(colour: str):
    framed = ImageOps.expand(scene(), 60, colour)
    assert frame(np.asarray(framed)) == pytest.approx(600 * 800 / (720 * 920), abs=0.02)
    assert frame(np.asarray(scene())) == 1.0


def test_letterboxing_is_a_frame_on_two_sides():
    boxed = ImageOps.pad(scene(), (1000, 800), color="black")
    assert frame(np.asarray(boxed)) == pytest.approx(0.6, abs=0.02)


def test_a_packshots_white_backdrop_is_no_frame():
    packshot = Image.new("RGB", (600, 800), "white")
    ImageDraw.Draw(packshot).ellipse((150, 100, 450, 700), fill=(90, 40, 40))
    assert frame(np.asarray(packshot)) == 1.0


@pytest.mark.parametrize("side", [2, 9, 17, 33])
def test_tiny_pictures_are_scored_too(side: int):
    tiny = np.full((side, side, 3), 7, np.uint8)
    assert (frame(tiny), overlay(luma(tiny))) == (1.0, 1.0)
