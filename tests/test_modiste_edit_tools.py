from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset.errors import ImageError, MaskError, UsageError
from labeling.colour_names import name_of
from labeling.staging import object_box
from modiste.cutout_settings import Ground
from modiste.edit_background import background, ground_named
from modiste.edit_colours import english, named
from modiste.edit_compose import compose, leaning
from modiste.edit_light import beautify, lit, unlit
from modiste.edit_picture import Picture
from modiste.edit_recolour import recolour
from modiste.edit_repair import repair
from modiste.edit_steps import Background, Beautify, Compose, Recolour, Repair, Upscale
from modiste.edit_upscale import enlarged, shrunk, upscale


def drawn(backdrop: tuple[int, int, int] = (200, 190, 170), cloth: tuple[int, int, int] = (60, 90, 160)) -> Picture:
    """300 x 240 px: a shirt with folds and noise, left of the middle, on a plain backdrop."""
    rng = np.random.default_rng(0)
    rgb = np.full((300, 240, 3), backdrop, np.int16) + rng.integers(-2, 3, (300, 240, 1))
    garment = np.zeros((300, 240), bool)
    garment[60:230, 40:150] = True
    folds = (18 * np.sin(np.arange(240) / 6)).astype(np.int16)[None, :, None]
    rgb = np.where(garment[..., None], np.array(cloth) + folds + rng.integers(-3, 4, (300, 240, 1)), rgb)
    rgb = np.clip(rgb, 0, 255).astype(np.uint8)
    alpha = np.where(garment, 255, 0).astype(np.uint8)
    alpha[59, 40:150] = 120
    return Picture(rgb, rgb.copy(), alpha, garment)


def test_a_new_background_leaves_every_garment_pixel_and_no_backdrop() -> None:
    before = drawn()
    after = background(before, Background(to="white", shadow="soft")).flat()
    assert (after[before.garment] == before.rgb[before.garment]).all()
    assert (after[:50, 200:] == 255).all()
    assert after[235, 90].max() < 250  # its shadow


def test_a_gradient_runs_from_its_first_colour_to_its_second() -> None:
    made = ground_named("white..black").of_size((256, 8))
    assert made[0].min() >= 253
    assert made[-1].max() <= 2
    assert np.abs(np.diff(made.mean((1, 2)))).max() < 3


def test_a_background_nobody_knows_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(UsageError, match="navy"):
        ground_named("nvy blue")
    with pytest.raises(UsageError, match="background 'there/is/none'"):
        ground_named("there/is/none")


def test_composing_without_a_size_centres_and_changes_no_garment_pixel() -> None:
    before = background(drawn(), Background())
    after, places, _ = compose(before, Compose(template="square", margin=0.1))
    top, left, bottom, right = object_box(after.alpha)
    height, width = after.size
    assert height == width == 214  # 171 px of shirt and its rim over 0.8
    assert abs((top + bottom) - height) <= 1
    assert abs((left + right) - width) <= 1
    where = after.garment
    x, y = places[where].astype(int).T
    assert (after.flat()[where] == before.rgb[y, x]).all()
    assert where.sum() == before.garment.sum()


def test_a_plain_backdrop_is_carried_on_and_a_busy_one_is_refused() -> None:
    before = drawn()
    after, _, _ = compose(before, Compose(template="square", margin=0.3))
    assert np.abs(after.flat()[3, 3].astype(int) - (200, 190, 170)).max() < 8
    busy = Picture(np.random.default_rng(0).integers(0, 256, (300, 240, 3)).astype(np.uint8), before.front,
                   before.alpha, before.garment)  # fmt: skip
    with pytest.raises(ImageError, match="smooth one") as caught:
        compose(busy, Compose(template="square", margin=0.3))
    assert caught.value.code == "backdrop_not_plain"


def test_a_template_enlarges_at_most_twice() -> None:
    _, _, facts = compose(background(drawn(), Background()), Compose(template="square-2000"))
    assert facts["scale"] == 2.0


def test_a_leaning_figure_is_straightened_and_a_round_one_left_alone() -> None:
    upright = np.zeros((300, 300), np.uint8)
    cv2.rectangle(upright, (110, 40), (190, 260), 255, -1)
    turned = cv2.warpAffine(upright, cv2.getRotationMatrix2D((150, 150), -6, 1), (300, 300))
    assert leaning(np.asarray(turned, np.uint8)) == pytest.approx(6, abs=0.6)
    assert leaning(upright) == 0.0
    assert leaning(np.asarray(cv2.circle(np.zeros((300, 300), np.uint8), (150, 150), 90, 255, -1))) == 0.0


def test_beautify_makes_a_warm_backdrop_neutral_within_its_bounds_and_is_undone() -> None:
    before = drawn(backdrop=(200, 190, 170))
    after, made, facts, notes = beautify(before, Beautify())
    seen = after.rgb[:40].reshape(-1, 3).mean(0)
    assert np.ptp(seen) < np.ptp(before.rgb[:40].reshape(-1, 3).mean(0)) / 2
    assert all(1 / 1.5 - 1e-6 <= gain <= 1.5 + 1e-6 for gain in facts["gains"])
    back = unlit(after.rgb, tuple(facts["gains"]))
    assert np.abs(back.astype(int) - before.rgb).max() <= 2
    assert (made.any(), notes) == (False, [])


def test_a_light_curve_keeps_black_and_white_and_is_undone_at_every_level() -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    made = lit(levels, (1.5, 1.0, 1 / 1.5))
    assert made[0, 0].tolist() == [0, 0, 0]
    assert made[0, 255].tolist() == [255, 255, 255]
    assert np.abs(unlit(made, (1.5, 1.0, 1 / 1.5)).astype(int) - levels).max() <= 2


def test_a_coloured_wall_says_nothing_about_the_light() -> None:
    before = drawn(backdrop=(210, 90, 60))
    after, _, facts, notes = beautify(before, Beautify())
    assert (after.rgb == before.rgb).all()
    assert facts["gains"] == [1.0, 1.0, 1.0]
    assert "isn't a light grey" in notes[0]


def test_lint_goes_and_a_dotted_pattern_stays() -> None:
    few, many = drawn(cloth=(40, 40, 60)), drawn(cloth=(40, 40, 60))
    few.rgb[100:102, 90:92] = 230
    many.rgb[80:210:6, 60:130:6] = 230
    after, made, _, _ = beautify(few, Beautify(lint=True, white_balance=False, exposure=False))
    assert after.rgb[100, 90].max() < 120
    assert 0 < made.sum() < 60
    left, _, _, notes = beautify(many, Beautify(lint=True, white_balance=False, exposure=False))
    assert left.rgb[80, 60].max() == many.rgb[80, 60].max()
    assert "pattern" in notes[0]


@pytest.mark.parametrize("colour", ["red", "navy blue", "beige", "#207030"])
def test_a_recoloured_garment_is_that_colour_with_its_folds_and_nothing_else_changed(colour: str) -> None:
    before = drawn()
    after, facts = recolour(before, Recolour(to=colour))
    middle = np.median(after.rgb[before.garment], axis=0).astype(np.uint8)
    assert name_of(middle) == name_of(np.array(named(colour), np.uint8))
    assert facts["off_by"] < 8
    light = [cv2.cvtColor(each, cv2.COLOR_RGB2LAB)[100, 50:140, 0].astype(float) for each in (before.rgb, after.rgb)]
    assert np.corrcoef(light)[0, 1] > 0.9
    outside = cv2.dilate(before.garment.astype(np.uint8), np.ones((3, 3))) == 0
    assert (after.rgb[outside] == before.rgb[outside]).all()


def test_a_print_of_another_colour_keeps_its_own() -> None:
    before = drawn()
    before.rgb[100:130, 70:110] = (240, 220, 30)
    after, _ = recolour(before, Recolour(to="red"))
    assert np.abs(after.rgb[115, 90].astype(int) - (240, 220, 30)).max() <= 2


def test_colours_are_known_in_english_and_chinese() -> None:
    assert english("藏青色") == "navy blue"
    assert english("Light Gray") == "light grey"
    assert named("#102030") == (16, 32, 48)
    assert english("sofa") is None


def test_repair_fills_the_damage_and_nothing_else() -> None:
    before = drawn()
    damage = np.zeros((300, 240), np.uint8)
    damage[120:124, 50:140] = 255
    before.rgb[120:124, 50:140] = 255
    after, made = repair(before, damage, Repair())
    assert after.rgb[121, 90].max() < 200
    assert (after.rgb[~made] == before.rgb[~made]).all()
    with pytest.raises(MaskError, match="damage mask of"):
        repair(before, damage[:100], Repair())
    with pytest.raises(ImageError, match="black"):
        repair(before, np.zeros_like(damage), Repair())
    with pytest.raises(ImageError, match="% of the photo"):
        repair(before, np.full_like(damage, 255), Repair())


@pytest.mark.parametrize("times", [2, 3, 4])
def test_an_enlarged_photo_scaled_down_again_is_the_photo_to_one_level(times: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    made = enlarged(rgb, times)
    assert made.shape == (40 * times, 30 * times, 3)
    assert np.abs(shrunk(made, times).astype(int) - rgb).max() <= 1


def test_an_upscale_over_forty_megapixels_is_refused() -> None:
    picture = drawn()
    huge = Picture(
        *(np.zeros((4000, 3000, *extra), np.uint8) for extra in ((3,), (3,), ())), np.zeros((4000, 3000), bool)
    )  # type: ignore[arg-type]
    with pytest.raises(ImageError, match="megapixels") as caught:
        upscale(huge, Upscale(times=2))
    assert caught.value.code == "too_large"
    assert upscale(picture, Upscale(times=2))[0].size == (600, 480)


def test_ground_and_pixels_meet_without_touching_opaque_ones() -> None:
    before = drawn()
    assert (
        Picture(before.rgb, before.front, before.alpha, before.garment, Ground((1, 2, 3))).flat()[0, 0] == (1, 2, 3)
    ).all()


def test_shaded_jeans_beside_a_black_coat_stay_what_they_are() -> None:
    rng = np.random.default_rng(0)
    rgb, garment = np.full((240, 160, 3), 230, np.uint8), np.zeros((240, 160), bool)
    rgb[20:120, 30:130], rgb[120:220, 30:130] = (28, 28, 30), (150, 165, 190)
    rgb[120:220, 100:130] = (88, 96, 110)  # the side away from the light
    garment[20:220, 30:130] = True
    rgb = np.clip(rgb.astype(np.int16) + rng.integers(-3, 4, (240, 160, 1)), 0, 255).astype(np.uint8)
    before = Picture(rgb, rgb.copy(), np.where(garment, 255, 0).astype(np.uint8), garment)
    after, _ = recolour(before, Recolour(to="red"))
    assert name_of(np.median(after.rgb[40:100, 50:110].reshape(-1, 3), axis=0).astype(np.uint8)) == "red"
    assert (after.rgb[130:210, 40:125] == rgb[130:210, 40:125]).all(axis=-1).mean() > 0.99


@pytest.mark.parametrize("words", ["light grey", "light gray", "浅灰色", "dark grey"])
def test_a_grey_backdrop_has_no_tinge(words: str) -> None:
    assert len(set(named(words))) == 1
