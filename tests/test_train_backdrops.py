from __future__ import annotations

import cv2
import numpy as np
from test_train_data import scene

from train.backdrops import STUDIOS, Backdrops
from train.data import Photos

ROLES = (0, 1, 2)
LOUD = np.full((192, 128, 3), (250, 10, 200), np.uint8)  # another photo that no studio looks like


def drawn(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_people_stay_and_what_is_behind_them_goes() -> None:
    rgb, index, _ = scene(3, 192, 128)
    made, truth = Backdrops(1.0, ROLES)(rgb, index, LOUD, drawn(0))
    inner = cv2.erode((index != 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert inner.sum() > 500
    assert np.array_equal(truth, index)
    assert np.abs(made[inner].astype(int) - rgb[inner]).max() <= 1
    assert np.abs(made[index == 0].astype(int) - rgb[index == 0]).mean() > 20


def test_padding_becomes_backdrop_and_counts() -> None:
    rgb, index, _ = scene(3, 192, 128)
    index[:10] = 255
    made, truth = Backdrops(1.0, ROLES)(rgb, index, LOUD, drawn(1))
    assert (truth[:10] == 0).all()
    assert not np.array_equal(made[:10], rgb[:10])


def test_some_backdrops_are_another_photo_out_of_focus() -> None:
    rgb, index, _ = scene(3, 192, 128)
    corners = [Backdrops(1.0, ROLES)(rgb, index, LOUD, drawn(seed))[0][2, 2] for seed in range(300)]
    loud = sum(np.abs(corner.astype(int) - LOUD[0, 0]).max() < 5 for corner in corners) / len(corners)
    assert abs(loud - (1 - STUDIOS)) < 0.09


def test_a_photo_of_nobody_stays_as_it_is() -> None:
    rgb, index, _ = scene(3)
    made, truth = Backdrops(1.0, ROLES)(rgb, np.zeros_like(index), rgb, drawn(0))
    assert made is rgb
    assert not truth.any()


def test_roles_tell_who_stands_there() -> None:
    rgb, index, _ = scene(3, 192, 128)
    index[index == 2] = 7  # a word of a larger space, by its role a garment
    _, truth = Backdrops(1.0, (0, 1, 2, 2, 2, 2, 2, 2))(rgb, index, LOUD, drawn(0))
    assert set(np.unique(truth)) == {0, 1, 7}


def test_training_photos_are_drawn_anew_each_epoch_and_alike_for_a_seed() -> None:
    rgb, index, _ = scene(3)
    both = np.stack([rgb, rgb[:, ::-1]]), np.stack([index, index[:, ::-1]])
    mixed = [Photos(*both, None, 4, None, Backdrops(1.0, ROLES)) for _ in range(2)]
    assert np.array_equal(mixed[0][1][0].numpy(), mixed[1][1][0].numpy())
    assert not np.array_equal(mixed[0][1][0].numpy(), mixed[0][3][0].numpy())
