from __future__ import annotations

import numpy as np
from test_train_data import scene

from train.data import Photos
from train.packshots import Packshots, packshot

ROLES = (0, 1, 2)


def test_a_packshot_holds_the_garment_and_nobody() -> None:
    rgb, index, _ = scene(3, 192, 128)
    made, truth = packshot(rgb, index, ROLES, np.random.default_rng(0))
    assert set(np.unique(truth)) == {0, 2}
    garment = made[truth == 2].mean(0)
    assert np.abs(garment - rgb[index == 2].mean(0)).max() < 20
    assert made[truth == 0].min() > 60  # a backdrop, shaded at most; the dark street is gone
    assert made.shape == rgb.shape


def test_what_was_padding_becomes_backdrop_and_counts() -> None:
    rgb, index, _ = scene(3, 192, 128)
    index[:10] = 255
    assert (packshot(rgb, index, ROLES, np.random.default_rng(1))[1] != 255).all()


def test_classes_of_garments_stay_apart_by_their_roles() -> None:
    rgb, index, _ = scene(3, 192, 128)
    index[index == 2] = 3
    index[100:140][index[100:140] == 3] = 4
    _, truth = packshot(rgb, index, (0, 1, 1, 2, 2), np.random.default_rng(2))
    assert set(np.unique(truth)) == {0, 3, 4}


def test_a_photo_without_enough_of_a_garment_stays_as_it_is() -> None:
    rgb, index, _ = scene(3)
    index[index == 2] = 1
    made, truth = packshot(rgb, index, ROLES, np.random.default_rng(0))
    assert made is rgb
    assert truth is index


def test_the_share_holds_and_a_draw_depends_on_its_seed_alone() -> None:
    rgb, index, _ = scene(3)
    some = Packshots(0.25, ROLES)
    changed = [some(rgb, index, seed)[0] is not rgb for seed in range(400)]
    assert 70 < sum(changed) < 130
    seed = changed.index(True)
    assert np.array_equal(some(rgb, index, seed)[0], some(rgb, index, seed)[0])


def test_training_photos_alone_become_packshots() -> None:
    rgb, index, _ = scene(3)
    plain = Photos(rgb[None], index[None])
    mixed = Photos(rgb[None], index[None], None, 0, Packshots(1.0, ROLES))
    assert np.array_equal(plain[0][0].permute(1, 2, 0).numpy(), rgb)
    assert set(np.unique(mixed[0][1].numpy())) == {0, 2}
    assert not np.array_equal(mixed[0][0].numpy(), mixed[1][0].numpy())  # another epoch, another one
