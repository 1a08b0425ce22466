"""Each rule is broken by one mask and by that mask alone."""

from __future__ import annotations

import numpy as np
import pytest
from labeling_drawn import masks

from dataset.errors import MaskError
from dataset.masks import compose
from labeling.mask_quality import flags, measure, roughness

PERSON, DRESS = masks()


def broken(rule: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(composite, person, garment) that breaks `rule` only."""
    person, dress = PERSON.copy(), DRESS.copy()
    if rule == "holes":
        person[110:150, 92:108] = dress[110:150, 92:108] = False
    if rule == "islands":
        person[20:80, 10:50] = True
    if rule == "garment_outside_person":
        person = PERSON & ~(DRESS & (np.arange(300)[:, None] > 180))
    if rule == "border_contact":
        person[85:300, :100] = True
        person[230:300] = True
        person[100:300, 100:] = True
        person[:85, 100] = True
        person[0, 40:160] = True
    if rule == "area_share":
        person, dress = person[::12, ::12], dress[::12, ::12]
        person, dress = (np.pad(m, ((100, 175), (80, 103))) for m in (person, dress))
    if rule == "roughness":
        person = PERSON & ~(_rim(PERSON, 16) & (np.arange(300)[:, None] % 3 > 0))
        dress = DRESS & person
    composite = compose(person | dress, dress)
    if rule == "partition":
        composite[5, 5] = (255, 255, 0)
    if rule == "foreign_values":
        composite[5, 5] = (254, 0, 0)
    if rule == "wrap":  # the article's subtraction where the garment exceeds the person
        composite[150, 100, 1:2] = np.zeros(1, np.uint8) - np.full(1, 255, np.uint8)
    return composite, person, dress


def _rim(mask: np.ndarray, depth: int) -> np.ndarray:
    """The mask's pixels within `depth` px of its left or right outline."""
    inner = np.logical_and.reduce([np.roll(mask, shift, 1) for shift in range(-depth, depth + 1)])
    return mask & ~inner & (np.arange(300)[:, None] > 90) & (np.arange(300)[:, None] < 200)


def test_a_sound_mask_raises_no_flag():
    assert flags(measure(compose(PERSON, DRESS), person=PERSON, garment=DRESS)) == []


RULES = [
    "partition",
    "foreign_values",
    "wrap",
    "holes",
    "islands",
    "garment_outside_person",
    "border_contact",
    "area_share",
    "roughness",
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_broken_by_its_own_mask_only(rule: str):
    composite, person, garment = broken(rule)
    assert flags(measure(composite, person=person, garment=garment)) == [rule]


def test_a_frayed_edge_is_rougher_than_a_smooth_one():
    composite, person, garment = broken("roughness")
    scores = measure(composite, person=person, garment=garment)
    assert scores["roughness"] < 0.3 < 0.75 < roughness(PERSON)


def test_thresholds_change_without_measuring_again():
    scores = measure(compose(PERSON, DRESS))
    assert flags(scores, {"area_share": 1.1}) == ["area_share"]


def test_a_second_method_that_sees_another_garment_is_a_disagreement_and_nothing_else():
    trousers = np.roll(DRESS, 70, axis=0) & PERSON
    scores = measure(compose(PERSON, DRESS), person=PERSON, garment=DRESS, other=compose(PERSON, trousers))
    assert flags(scores) == ["disagreement"]
    assert measure(compose(PERSON, DRESS), other=compose(PERSON, DRESS))["disagreement"] == 1.0


def test_two_methods_masks_of_two_sizes_are_refused():
    with pytest.raises(MaskError, match="one size"):
        measure(compose(PERSON, DRESS), other=compose(PERSON[1:], DRESS[1:]))
