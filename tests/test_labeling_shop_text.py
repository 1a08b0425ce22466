"""What a shop's text says of the product, and what it says of other things."""

from __future__ import annotations

import pytest

from benchmarks.shop_tags import keywords, measure, texts, wilson
from dataset.taxonomy import Taxonomy, load_taxonomy
from labeling.shop_language import language_of
from labeling.shop_text import answers, conflicts, read_shop
from labeling.shop_traps import about_itself


@pytest.fixture(scope="module")
def clothing() -> Taxonomy:
    return load_taxonomy("clothing")


def said(words: Taxonomy, **product: object) -> dict[str, set[str]]:
    return answers(words, read_shop(words, product))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Shirt Dress", "dress"),
        ("T-Shirt Bra", "underwear"),
        ("Sock Boots", "shoes"),
        ("Dress Shoes", "shoes"),
        ("Dress Shirt", "shirt"),
        ("Boot-cut Jeans", "jeans"),
        ("Dress with Belt", "dress"),
        ("Robe chemise", "dress"),
        ("衬衫连衣裙", "dress"),
        ("Samtkleid", "dress"),
    ],
)
def test_the_head_of_a_title_is_what_the_thing_is(clothing: Taxonomy, name: str, kind: str):
    assert said(clothing, name=name)["type"] == {kind}


def test_long_sleeves_are_no_long_dress(clothing: Taxonomy):
    found = said(clothing, name="Dress with long sleeves")
    assert found["sleeve"] == {"long"}
    assert "length" not in found


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Jacket without collar", "neckline"),
        ("Jacke ohne Kapuze", "neckline"),
        ("Veste sans capuche", "neckline"),
        ("Denim-look leggings", "material"),
        ("Jacket. Goes with black trousers", "colour"),
        ("Jacket with white buttons", "colour"),
        ("Leather-free jacket", "material"),
        ("Hat, long enough to cover the ears", "length"),
    ],
)
def test_what_is_denied_or_said_of_other_things_is_no_label(clothing: Taxonomy, text: str, field: str):
    assert field not in said(clothing, name=text)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Sleeveless top", "sleeve", "sleeveless"),
        ("Faux leather skirt", "material", "faux-leather"),
        ("Off-white shirt", "colour", "white"),
        ("Rose gold watch", "colour", "gold"),
        ("Lederjacke", "material", "leather"),
        ("Langarmhemd aus Baumwolle", "sleeve", "long"),
    ],
)
def test_words_that_hold_another_word_keep_their_own_meaning(clothing: Taxonomy, text: str, field: str, value: str):
    assert said(clothing, name=text)[field] == {value}


def test_a_brand_that_is_a_colour_is_no_colour(clothing: Taxonomy):
    assert "colour" not in said(clothing, name="Orange Jumper", brand="Orange")
    assert said(clothing, name="White Stuff Tee", colour="Green")["colour"] == {"green"}
    assert said(clothing, name="Orange Jumper", brand="Zara")["colour"] == {"orange"}


def test_a_hat_is_asked_for_no_sleeve_and_a_type_implies_its_category(clothing: Taxonomy):
    found = said(clothing, name="Wool hat", description="Short sleeves")
    assert "sleeve" not in found
    assert found["category"] == {"headwear"}


def test_sizes_of_children_tell_who_wears_it(clothing: Taxonomy):
    assert said(clothing, name="Top", sizes=["3-4 years"])["gender"] == {"kids"}
    assert "gender" not in said(clothing, name="Top", sizes=["S", "M", "38"])


def test_places_that_contradict_each_other_are_kept_and_told(clothing: Taxonomy):
    found = read_shop(clothing, {"name": "Red dress", "colour": "Blue", "categories": ["Skirts"]})
    assert set(conflicts(clothing, found)) == {"colour", "type"}
    assert {one.value for one in found if one.field == "type"} == {"dress", "skirt"}


def test_a_kind_and_what_it_is_a_kind_of_do_not_contradict(clothing: Taxonomy):
    found = read_shop(clothing, {"name": "Denim jacket", "categories": ["Outerwear"]})
    assert "type" not in conflicts(clothing, found)


def test_menu_words_say_nothing_and_unknown_ones_wait(clothing: Taxonomy):
    found = read_shop(clothing, {"categories": ["Home", "Sale", "Zibbelwear"]})
    assert [(one.value, one.word) for one in found] == [(None, "zibbelwear")]


def test_a_shelf_of_two_things_is_neither(clothing: Taxonomy):
    found = read_shop(clothing, {"categories": ["Shirts & Shorts"]})
    assert [(one.field, one.value) for one in found] == [("type", None)]


@pytest.mark.parametrize(
    ("text", "language"),
    [("Robe longue en coton", "fr"), ("Langes Kleid aus Baumwolle", "de"), ("黑色连衣裙", "zh"), ("Xyz", None)],
)
def test_the_language_is_told_by_small_words_and_by_vocabulary(clothing: Taxonomy, text: str, language: str | None):
    assert language_of(text, clothing.lexicon) == language


def test_blanked_text_keeps_every_place():
    text = "A blue top. Pairs well with black jeans. Cotton."
    assert len(about_itself(text)) == len(text)
    assert "black" not in about_itself(text)
    assert "Cotton" in about_itself(text)


def test_the_written_texts_are_three_hundred_and_their_truth_is_in_the_taxonomy(clothing: Taxonomy):
    both = texts("development") + texts("unseen")
    assert len(both) >= 300
    for _, _, truth in both:
        for field, values in truth.items():
            assert values <= set(clothing.values(field))


def test_the_reader_beats_plain_keywords_on_the_texts_it_was_built_on(clothing: Taxonomy):
    ours = measure("development", "m", lambda product: answers(clothing, read_shop(clothing, product)))[-2:]
    plain = measure("development", "k", keywords(clothing))[-2:]
    assert ours[0].value > plain[0].high
    assert ours[1].value > 0.97


def test_wilson_of_known_counts():
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-3)
