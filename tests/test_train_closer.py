from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dataset.errors import TrainingError, UsageError
from train.closer import look, person_box
from train.recipe import SegmentationRecipe
from train.segmenter import Segmenter
from train.shipped import shipped

FACTS = {"classes": ["background", "skin", "hat", "coat"], "roles": [0, 1, 2, 2]}


class Reds:
    """Says coat where the photo is red, skin where it is blue; counts how often it was asked."""

    parameters = 0

    def __init__(self) -> None:
        self.asked = 0

    def logits(self, photo: np.ndarray, flips: bool) -> np.ndarray:
        self.asked += 1
        out = np.zeros((4, *photo.shape[:2]), np.float32)
        out[0] = 8
        out[3] = np.where(photo[:, :, 0] > photo[:, :, 1] + 60, 16, 0)
        out[1] = np.where(photo[:, :, 2] > photo[:, :, 1] + 60, 16, 0)
        return out


def segmenter() -> Segmenter:
    recipe = SegmentationRecipe(name="drawn", height=96, width=64, flips=False)
    return Segmenter(Reds(), recipe, FACTS)


def scene() -> np.ndarray:
    """600 x 800 px, grey, a red coat of 120 x 60 under a blue head."""
    rgb = np.full((600, 800, 3), 128, np.uint8)
    rgb[240:360, 400:460] = (255, 60, 60)
    rgb[210:240, 415:445] = (60, 60, 255)
    return rgb


def test_person_is_all_but_background_and_garment_only_its_classes() -> None:
    seen = look(segmenter(), scene(), twice=False)
    assert seen.person.shape == (600, 800)
    assert (seen.person[300, 430], seen.garment[300, 430]) == pytest.approx((1, 1), abs=0.01)
    assert seen.garment[225, 430] < 0.5 < seen.person[225, 430]
    assert seen.person[50, 50] < 0.01


def test_a_second_look_sees_a_small_person_sharper() -> None:
    truth = np.zeros((600, 800), bool)
    truth[240:360, 400:460] = True
    errors = [int(((look(segmenter(), scene(), twice=twice).garment > 0.5) != truth).sum()) for twice in (False, True)]
    assert errors[1] < 0.8 * errors[0]


def test_the_second_look_is_not_taken_where_it_can_gain_nothing_or_nobody_is_there() -> None:
    near, empty = segmenter(), segmenter()
    look(near, np.full((96, 64, 3), (255, 60, 60), np.uint8), twice=True)
    look(empty, np.full((96, 64, 3), 128, np.uint8), twice=True)
    assert (near.backend.asked, empty.backend.asked) == (1, 1)  # type: ignore[attr-defined]


def test_the_box_has_a_margin_and_stays_inside_the_photo() -> None:
    odds = np.full((50, 50), -5, np.float32)
    odds[0:20, 10:20] = 5
    assert person_box(odds, (500, 500)) == (0, 92, 216, 208)


def test_a_weight_that_is_not_in_the_package_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"street-3\.onnx.*--weights"):
        shipped("segmentation", tmp_path)
    with pytest.raises(UsageError, match="no weight ships"):
        shipped("painting")
