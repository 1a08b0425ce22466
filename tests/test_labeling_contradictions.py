"""Which fields' sources contradict each other: only what can't both be right, and never a guess of ours."""

from __future__ import annotations

import pytest

from dataset.taxonomy import Taxonomy, load_taxonomy
from labeling.contradictions import Said, contradictions


@pytest.fixture(scope="module")
def words() -> Taxonomy:
    return load_taxonomy("clothing")


def said(field: str, *told: tuple[str, str, float]) -> dict[str, list[Said]]:
    return {field: [Said(value, confidence, source) for value, source, confidence in told]}


def test_two_sources_with_no_colour_in_common_contradict_and_with_one_they_do_not(words: Taxonomy):
    red_or_blue = [("red", "store", 0.9), ("blue", "store", 0.5)]
    assert contradictions(said("colour", *red_or_blue, ("green", "import:x", 0.4)), words) == ["colour"]
    assert contradictions(said("colour", *red_or_blue, ("blue", "import:x", 0.4)), words) == []


def test_of_an_exclusive_field_only_each_sources_surest_value_counts(words: Taxonomy):
    store = [("dress", "store", 0.9), ("shirt", "store", 0.5)]
    assert contradictions(said("type", *store, ("dress", "import:x", 0.4)), words) == []
    assert contradictions(said("type", *store, ("shirt", "import:x", 0.4)), words) == ["type"]


def test_a_measured_colour_or_a_prediction_contradicts_nobody(words: Taxonomy):
    told = said("colour", ("yellow", "store", 0.95), ("brown", "rule", 0.7), ("black", "model:r1", 0.99))
    assert contradictions(told, words) == []


def test_a_person_settles_what_the_shops_places_left_open(words: Taxonomy):
    disputed = said("disagreement", ("type", "rule", 1.0)) | said("type", ("dress", "store", 0.9))
    assert contradictions(disputed, words) == ["type"]
    assert contradictions(disputed | said("type", ("dress", "person", 1.0)), words) == []


def test_a_value_of_an_older_taxonomy_contradicts_nothing(words: Taxonomy):
    assert contradictions(said("type", ("dress", "store", 0.9), ("frock-9", "import:x", 1.0)), words) == []
