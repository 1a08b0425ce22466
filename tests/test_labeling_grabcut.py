"""GrabCut without a cutout: same image, same mask; a packshot's garment is found; a flat image does not crash."""

from __future__ import annotations

import numpy as np
from labeling_drawn import cutout, iou, masks, photo

from labeling.grabcut import cut_foreground, guess_packshot, rectangle_prior
from labeling.scene import guess_scene

PERSON, DRESS = masks()
SHA = "ab" * 32


def test_the_same_image_gives_the_same_mask_twice():
    first, again = (guess_scene(photo(), SHA)[0] for _ in range(2))
    assert (first == again).all()


def test_the_rectangle_is_the_articles_at_its_own_size():
    prior = rectangle_prior((224, 224))
    rows, columns = np.nonzero(prior)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (10, 214, 50, 174)


def test_a_drawn_person_is_found_and_skin_is_left_out_of_the_garment():
    person, garment, done = guess_scene(photo(), SHA)
    assert iou(person, PERSON) > 0.9
    assert iou(garment, DRESS) > 0.85
    assert done["weak"]


def test_a_packshots_garment_is_found_at_its_own_size():
    mask, _ = guess_packshot(cutout(photo(), DRESS, (245, 245, 245)), SHA)
    assert mask.shape == DRESS.shape
    assert iou(mask, DRESS) > 0.95


def test_a_given_prior_steers_the_cut_and_large_images_keep_their_size():
    big = np.kron(photo(), np.ones((4, 4, 1), np.uint8))
    truth = np.kron(PERSON, np.ones((4, 4), bool)).astype(bool)
    mask = cut_foreground(big, np.clip(truth.astype(np.float32), 0.1, 0.9), 1)
    assert mask.shape == (1200, 800)
    assert iou(mask, truth) > 0.95


def test_a_flat_image_gives_a_mask_and_no_crash():
    mask = cut_foreground(np.full((60, 40, 3), 200, np.uint8), rectangle_prior((60, 40)), 1)
    assert mask.shape == (60, 40)


def test_only_the_unsure_band_is_asked():
    prior = np.where(PERSON, 0.95, 0.05).astype(np.float32)
    wrong = photo().copy()
    wrong[:] = np.random.default_rng(0).integers(0, 255, wrong.shape, np.uint8)  # colours say nothing at all
    assert iou(cut_foreground(wrong, prior, 1, sure=0.1), PERSON) > 0.97


def test_a_photo_of_one_pixel_gives_a_mask_of_one_pixel():
    person, garment, _ = guess_scene(np.full((1, 1, 3), 90, np.uint8), SHA)
    assert person.shape == garment.shape == (1, 1)
