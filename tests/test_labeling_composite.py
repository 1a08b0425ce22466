"""Two masks become a partition, without the article's uint8 wrap."""

from __future__ import annotations

import numpy as np
import pytest
from labeling_drawn import masks

from labeling.composite import composite_and_report, composite_from
from labeling.cutouts import CutoutError

PERSON, DRESS = masks()


def test_skin_is_the_person_minus_the_garment():
    composite = composite_from(PERSON, DRESS)
    assert (composite[60, 100] == (0, 255, 0)).all()
    assert (composite[150, 100] == (0, 0, 255)).all()
    assert (composite[5, 5] == (255, 0, 0)).all()


def test_a_garment_outside_the_person_does_not_wrap_into_skin():
    wider = DRESS | np.roll(DRESS, 4, axis=1)
    wrapped = (PERSON.astype(np.uint8) * 255) - (wider.astype(np.uint8) * 255)
    assert (wrapped == 1).any()  # what the article's subtraction makes of it
    composite, repair = composite_and_report(PERSON, wider)
    assert set(np.unique(composite)) == {0, 255}
    assert repair.garment_outside_px == int((wider & ~PERSON).sum()) > 0
    assert (composite[wider] == (0, 0, 255)).all()


def test_swapped_masks_are_an_error_that_says_so():
    with pytest.raises(CutoutError, match="Exchange the two files") as caught:
        composite_from(DRESS, PERSON)
    assert caught.value.code == "swapped"


def test_masks_of_two_sizes_are_an_error():
    with pytest.raises(CutoutError) as caught:
        composite_from(PERSON, DRESS[1:])
    assert caught.value.code == "size_mismatch"
