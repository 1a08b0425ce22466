"""Canvases on drawn scenes: maps that bend onto each other, photos that follow, what is trusted, what is filled."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from dataset.errors import SettingsError
from train.generation_canvas import Canvases, canvas_of, filled, gaps_of, kept_shares, moved_photo
from train.generation_data import Classes, Pictures
from train.generation_given import Translator
from train.generation_maps import coarse, lenders, shares
from train.generation_pairs_loop import translated
from train.generation_perceptual import Perceptual
from train.generation_recipe import GenerationRecipe, generation_recipe
from train.letterbox import PAD
from train.map_registration import bend, fit_of

SIZE = (64, 48)
CLASSES = Classes(("background", "garment", "skin"), (0, 2, 1))


def person(x: int, y: int, wide: int, high: int) -> np.ndarray:
    """A map: a garment box, a round head on it."""
    index = np.zeros(SIZE, np.uint8)
    cv2.rectangle(index, (x - wide // 2, y), (x + wide // 2, y + high), 1, -1)
    cv2.circle(index, (x, y - 5), 5, 2, -1)
    return index


def dressed(index: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.array([(90, 120, 150), colour, (220, 180, 150)], np.uint8)[index]


@pytest.fixture(scope="module")
def learned() -> Pictures:
    maps = np.stack([person(20, 20, 12, 30), person(26, 24, 22, 24), person(30, 16, 8, 40)])
    photos = np.stack([dressed(m, c) for m, c in zip(maps, ((200, 0, 0), (0, 200, 0), (0, 0, 200)), strict=True)])
    fine = np.stack([cv2.resize(each, (96, 128), interpolation=cv2.INTER_NEAREST) for each in photos])
    return Pictures(photos, maps, tuple({"sha256": str(k)} for k in range(3)), fine=fine)


def test_a_map_bends_onto_another_place_and_size(learned: Pictures) -> None:
    asked = person(28, 22, 16, 34)
    bent = bend(learned.targets, asked, 3)
    before = np.nanmean([fit_of(each, asked, 3) for each in learned.targets], axis=1)
    after = np.nanmean(bent.fit, axis=1)
    assert (after > before).all()
    assert after.max() > 0.85
    assert np.isfinite(bent.places).all()


def test_the_same_map_needs_no_bend(learned: Pictures) -> None:
    bent = bend(learned.targets[:1], learned.targets[0], 3)
    x, y = np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0]))
    assert np.abs(bent.places[0] - np.dstack([x, y])).max() < 1
    assert bent.fit[0].min() > 0.9


def test_a_region_that_the_asked_map_lacks_is_no_zero() -> None:
    index = np.zeros(SIZE, np.uint8)
    assert np.isnan(fit_of(person(20, 20, 12, 30), index, 3)[1:]).all()


def test_a_canvas_shows_the_asked_map_in_training_pixels(learned: Pictures) -> None:
    asked = person(28, 22, 16, 34)
    found = Canvases(learned, CLASSES, several=False)(asked)
    garment = found.rgb[(asked == 1) & found.trusted]
    colour = learned.photos[found.donors[0]][np.asarray(learned.targets[found.donors[0]]) == 1][0]
    assert (np.abs(garment.astype(int) - colour).max(1) < 12).mean() > 0.85
    assert found.trusted.mean() > 0.9
    assert found.fit > 0.85


def test_a_canvas_without_a_photo_has_nothing_of_it(learned: Pictures) -> None:
    make = Canvases(learned, CLASSES, several=True)
    found = make(learned.targets[0], frozenset({0}))
    assert 0 not in found.donors
    reds = (found.rgb.astype(int) - np.array([200, 0, 0])).__abs__().max(2) < 30
    assert not reds.any()
    assert make(learned.targets[0]).donors[0] == 0


def test_several_donors_give_each_region_what_fits_it_best(learned: Pictures) -> None:
    asked = person(24, 20, 12, 30)
    one, several = (Canvases(learned, CLASSES, each)(asked) for each in (False, True))
    assert several.trusted.mean() >= one.trusted.mean() - 1e-9


def test_what_is_not_trusted_is_filled_of_its_own_region() -> None:
    asked = person(24, 20, 12, 30)
    rgb, whole = dressed(asked, (200, 0, 0)), np.ones(SIZE, bool)
    whole[30:40, 20:28] = False
    whole[58:62, 8:40] = False
    damaged = rgb.copy()
    damaged[~whole] = (255, 0, 255)
    out = filled(damaged, asked, whole)
    assert np.array_equal(out[whole], rgb[whole])
    assert (out[(asked == 1) & ~whole] == (200, 0, 0)).all()
    assert np.abs(out[58:62, 8:40].astype(int) - (90, 120, 150)).max() < 3


def test_the_outside_is_padding_and_nothing_is_trusted_there(learned: Pictures) -> None:
    asked = person(24, 20, 12, 30)
    asked[:, :6] = 255
    found = Canvases(learned, CLASSES, several=False)(asked)
    assert (found.rgb[:, :6] == PAD).all()
    assert not found.trusted[:, :6].any()


def test_shares_fall_from_inside_to_the_rim_and_never_leave_what_is_trusted() -> None:
    trusted = np.zeros(SIZE, bool)
    trusted[10:30, 10:30] = True
    share = kept_shares(trusted)
    assert share[20, 20] == 255
    assert share[10, 20] < share[11, 20] < share[12, 20]
    assert (share[~trusted] == 0).all()


def test_a_photo_moved_nowhere_is_itself_and_a_fine_one_its_mean() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    x, y = np.meshgrid(np.arange(SIZE[1], dtype=np.float32), np.arange(SIZE[0], dtype=np.float32))
    places = np.dstack([x, y])
    assert np.array_equal(moved_photo(photo, places), photo)
    fine = cv2.resize(photo, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    inner = np.abs(moved_photo(fine, places).astype(int) - photo)[2:-2, 2:-2]
    assert inner.max() <= 1


def test_gaps_are_what_leave_one_out_canvases_lack(learned: Pictures) -> None:
    gaps = gaps_of(Canvases(learned, CLASSES, several=False), 64)
    assert gaps.shape == (3, *SIZE)
    assert 0 < gaps.mean() < 0.5
    assert canvas_of(Canvases(learned, CLASSES, several=False)(learned.targets[0])).shape == (*SIZE, 4)


def test_a_map_is_most_like_itself(learned: Pictures) -> None:
    planes = coarse(learned.targets, 3)
    assert shares(planes[1], planes).argmax() == 1
    assert shares(planes[1], planes)[1] == pytest.approx(1)
    assert list(lenders(learned.targets, learned)) == [0, 1, 2]


def test_a_frozen_network_sees_no_distance_between_a_picture_and_itself_and_lets_gradients_through() -> None:
    torch.manual_seed(0)
    eyes, photo = Perceptual(), torch.rand(2, 3, 64, 48) * 2 - 1
    near = (photo + 0.05).clamp(-1, 1).requires_grad_(True)
    far = eyes(photo.flip(0), photo)
    away = eyes(near, photo)
    (slope,) = torch.autograd.grad(away, near)
    assert eyes(photo, photo).item() < 1e-9
    assert 0 < away.item() < far.item()
    assert (slope != 0).float().mean() > 0.5
    assert not any(each.requires_grad for each in eyes.net.parameters())


def test_a_network_that_mends_begins_by_leaving_a_canvas_as_it_is(learned: Pictures) -> None:
    recipe = generation_recipe("pix2pix-canvas", {"height": 64, "width": 48, "depth": 4, "base": 8})
    net = Translator(recipe, CLASSES).eval()
    draft = canvas_of(Canvases(learned, CLASSES, several=False)(person(28, 22, 16, 34)))
    asked = Pictures(learned.photos[:1], person(28, 22, 16, 34)[None], learned.rows[:1])
    assert np.array_equal(translated(net, asked, None, learned, drafts=draft[None])[0], draft[..., :3])
    with torch.no_grad():
        [each for each in net.net.modules() if isinstance(each, torch.nn.Conv2d)][-1].bias += 1
    changed = (translated(net, asked, None, learned, drafts=draft[None])[0] != draft[..., :3]).any(-1)
    assert changed[draft[..., 3] == 0].mean() > 0.9
    assert not changed[draft[..., 3] == 255].any()


def test_a_canvas_is_for_maps_alone() -> None:
    assert generation_recipe("pix2pix").canvas == "none"
    assert GenerationRecipe().perceptual == 0  # a recorded recipe without the key trains as it did
    with pytest.raises(SettingsError, match="pairs: labels"):
        generation_recipe("edges", {"canvas": "one"})
