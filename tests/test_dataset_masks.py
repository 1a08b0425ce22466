from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from dataset import masks
from dataset.errors import MaskError

PAIR = arrays.arrays(bool, (2, 6, 5))


@given(PAIR)
def test_a_composite_is_a_partition_whatever_the_cutouts(pair: np.ndarray) -> None:
    composite = masks.compose(pair[0], pair[1])
    masks.validate(composite)
    assert (composite.sum(axis=2, dtype=int) == 255).all()


@given(PAIR)
def test_skin_is_the_person_without_the_garment_and_never_wraps(pair: np.ndarray) -> None:
    person, garment = pair
    skin = masks.compose(person, garment)[:, :, masks.SKIN] == 255
    assert (skin == (person & ~garment)).all()


def test_the_articles_own_subtraction_wraps_where_the_garment_exceeds_the_person() -> None:
    person, garment = np.zeros((2, 2), bool), np.ones((2, 2), bool)
    wrapped = person.astype(np.uint8) - garment.astype(np.uint8)
    assert wrapped.max() == 255
    assert masks.compose(person, garment)[:, :, masks.SKIN].max() == 0


@given(PAIR)
def test_png_and_index_round_trips_change_no_pixel(pair: np.ndarray) -> None:
    composite = masks.compose(pair[0], pair[1])
    assert (masks.from_png(masks.to_png(composite)) == composite).all()
    assert (masks.from_index(masks.to_index(composite)) == composite).all()
    assert (masks.binary_from_png(masks.binary_png(pair[0])) == pair[0]).all()


def test_the_first_bad_pixel_is_named() -> None:
    composite = masks.from_index(np.zeros((4, 5), np.uint8))
    composite[2, 3] = (255, 0, 255)
    with pytest.raises(MaskError, match=r"1 bad pixels, the first at row 2, column 3: \[255, 0, 255\]"):
        masks.validate(composite)


def test_a_foreign_value_is_refused() -> None:
    composite = masks.from_index(np.zeros((4, 5), np.uint8))
    composite[0, 0] = (254, 0, 0)
    with pytest.raises(MaskError, match="row 0, column 0"):
        masks.to_png(composite)


def test_resizing_invents_no_class() -> None:
    rng = np.random.default_rng(0)
    composite = masks.from_index(rng.integers(0, 3, (40, 30)).astype(np.uint8))
    small = masks.resize(composite, (13, 17))
    masks.validate(small)
    assert small.shape == (13, 17, 3)


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(MaskError, match="one size"):
        masks.compose(np.zeros((2, 2), bool), np.zeros((2, 3), bool))
