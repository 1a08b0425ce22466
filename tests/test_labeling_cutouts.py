"""A cutout of any kind becomes the mask it was cut with, and an unusable one says why."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from labeling_drawn import HEIGHT, WIDTH, cutout, encoded, iou, masks, photo
from PIL import Image

from dataset.masks import validate
from labeling.composite import composite_and_report
from labeling.cutouts import Cutout, CutoutError, article_rule, binarise, read_cutout

DATA = Path(os.environ.get("MODISTE_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
PERSON, DRESS = masks()


def code_of(data: bytes, picture: np.ndarray | None = None) -> str:
    with pytest.raises(CutoutError) as caught:
        binarise(read_cutout(data), picture)
    return caught.value.code


@pytest.mark.parametrize("quality", [60, 75, 95])
def test_a_jpeg_cutout_gives_its_mask_back_where_the_articles_rule_does_not(quality: int):
    rgb = photo()
    file = read_cutout(encoded(cutout(rgb, PERSON), "JPEG", quality=quality))
    mask, done = binarise(file, rgb)
    assert iou(mask, PERSON) > 0.985
    assert iou(article_rule(file), PERSON) < iou(mask, PERSON)
    assert done["by"] == "photo"


def test_a_white_dress_on_white_is_kept_with_the_photo_at_hand():
    rgb = photo(cloth=(249, 249, 247))
    mask, _ = binarise(read_cutout(encoded(cutout(rgb, DRESS), "JPEG", quality=85)), rgb)
    assert iou(mask, DRESS) > 0.99


def test_without_the_photo_an_enclosed_white_stays_garment():
    rgb = photo()
    rgb[130:150, 95:105] = 255
    mask, done = binarise(read_cutout(encoded(cutout(rgb, DRESS))))
    assert mask[140, 100]
    assert done["by"] == "flood"


@pytest.mark.parametrize("quality", [60, 95])
def test_without_the_photo_a_white_dress_and_a_dark_one_both_keep_their_outline(quality: int):
    for cloth in ((247, 247, 245), (30, 25, 40)):
        file = read_cutout(encoded(cutout(photo(cloth=cloth), DRESS), "JPEG", quality=quality))
        mask, done = binarise(file)
        assert done["by"] == "flood"
        assert iou(mask, DRESS) > 0.97
        assert iou(mask, DRESS) > iou(article_rule(file), DRESS)


@pytest.mark.parametrize("quality", [75, 95])
def test_without_the_photo_backdrop_that_a_pale_garment_encloses_is_no_garment(quality: int):
    holed = DRESS.copy()
    holed[130:190, 82:118] = False
    folds = np.rint(240 + 4 * np.sin(np.arange(WIDTH) / 6)).astype(np.uint8)
    pale = np.broadcast_to(folds[None, :, None], (HEIGHT, WIDTH, 3))
    mask, done = binarise(read_cutout(encoded(cutout(pale, holed), "JPEG", quality=quality)))
    assert (done["by"], mask[160, 100], mask[110, 100]) == ("flood", False, True)
    assert iou(mask, holed) > 0.97


def test_how_coarsely_a_jpeg_was_saved_decides_what_passes_for_backdrop():
    fine, coarse = (read_cutout(encoded(cutout(photo(), DRESS), "JPEG", quality=quality)) for quality in (95, 60))
    assert (fine.step, coarse.step) == (2.0, 16.2)
    passed = [binarise(file)[1]["tolerance"] for file in (fine, coarse)]
    assert passed == [1.5, 3.0]
    assert binarise(read_cutout(encoded(cutout(photo(), DRESS))))[1]["tolerance"] == 2.0  # a PNG tells nothing


def test_a_hole_in_the_cutout_is_a_hole_in_the_mask_with_the_photo_at_hand():
    holed = DRESS.copy()
    holed[130:150, 95:105] = False
    mask, _ = binarise(read_cutout(encoded(cutout(photo(), holed), "JPEG", quality=90)), photo())
    assert not mask[140, 100]
    assert mask[120, 100]


def test_any_plain_backdrop_will_do():
    mask, done = binarise(read_cutout(encoded(cutout(photo(), PERSON, (20, 60, 200)))), photo())
    assert iou(mask, PERSON) == 1.0
    assert done["backdrop"] == [20, 60, 200]


def test_alpha_is_taken_at_its_half():
    rgba = np.dstack([photo(), np.where(DRESS, 128, 127).astype(np.uint8)])
    mask, done = binarise(read_cutout(encoded(rgba)), photo())
    assert (mask == DRESS).all()
    assert done["kind"] == "alpha"


def test_a_black_and_white_mask_is_read_as_one():
    mask, done = binarise(read_cutout(encoded((DRESS * 255).astype(np.uint8))), photo())
    assert (mask == DRESS).all()
    assert done["kind"] == "mask"


def test_unusable_cutouts_say_why():
    sixteen, palette = io.BytesIO(), io.BytesIO()
    Image.fromarray((DRESS * 65535).astype(np.uint16)).save(sixteen, "PNG")
    Image.fromarray(cutout(photo(), DRESS)).quantize(16).save(palette, "PNG")
    assert code_of(sixteen.getvalue()) == "sixteen_bit"
    assert code_of(palette.getvalue()) == "palette"
    assert code_of(encoded(np.full((HEIGHT, WIDTH, 3), 255, np.uint8)), photo()) == "empty_cutout"
    assert code_of(encoded(cutout(photo(), DRESS)[:-1]), photo()) == "size_mismatch"
    assert code_of(encoded((DRESS * 2).astype(np.uint8))) == "class_index"
    assert code_of(b"<html>no</html>") == "unreadable"


def test_a_photo_given_as_its_own_cutout_is_refused():
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    assert code_of(encoded(noise)) == "no_backdrop"


def test_a_retouched_cutout_falls_back_to_the_flood():
    brighter = np.clip(photo().astype(int) + 60, 0, 230).astype(np.uint8)
    mask, done = binarise(Cutout(cutout(brighter, PERSON), None), photo())
    assert done["by"] == "flood"
    assert iou(mask, PERSON) > 0.98


def test_the_articles_triple_parts_the_image_with_skin_above_and_below_the_dress():
    folder = DATA / "seed_sample"
    if not folder.is_dir():
        pytest.skip("seed_sample is not on this machine (set MODISTE_DATA)")
    rgb = np.asarray(Image.open(folder / "original77.jpg").convert("RGB"))
    person, _ = binarise(read_cutout((folder / "body77.jpg").read_bytes()), rgb)
    dress, _ = binarise(read_cutout((folder / "dress77.jpg").read_bytes()), rgb)
    composite, _ = composite_and_report(person, dress)
    validate(composite)
    skin_rows, dress_rows = (np.flatnonzero((composite[..., c] == 255).sum(axis=1) > 5) for c in (1, 2))
    assert skin_rows.min() < dress_rows.min() - 80
    assert skin_rows.max() > dress_rows.max() + 200
    assert 0.08 < (composite[..., 2] == 255).mean() < 0.13
