"""Taxonomies: words to values, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dataset.errors import SettingsError, UsageError
from dataset.taxonomy import Taxonomy, load_taxonomy, shipped

WARDROBE = ["dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt"]


@pytest.fixture(scope="module")
def clothing() -> Taxonomy:
    return load_taxonomy("clothing")


def written(path: Path, **changes: object) -> Path:
    values = [{"id": "dress", "synonyms": {"en": ["gown"]}}, {"id": "shirt"}]
    content = {"name": "small", "version": 1, "fields": {"type": {"values": values}}} | changes
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def fields(*values: dict[str, object], **more: object) -> dict[str, object]:
    return {"fields": {"type": {"values": list(values), **more}}}


@pytest.mark.parametrize(
    ("field", "word", "value"),
    [
        ("type", "T Shirts", "t-shirt"),
        ("type", "TSHIRT", "t-shirt"),
        ("type", "Röcke", "skirt"),
        ("type", "连衣裙", "dress"),
        ("type", "dresses", "dress"),
        ("type", "Chemises", "shirt"),
        ("type", "Pantalones", "pants"),
        ("colour", "Navy", "blue"),
        ("colour", "ecru", "beige"),
        ("colour", "Burgundy", "red"),
        ("colour", "emerald", "green"),
        ("colour", "weiss", "white"),
        ("sleeve", "Long-Sleeved", "long"),
        ("neckline", "V Neck", "v-neck"),
        ("material", "pu leather", "faux-leather"),
        ("type", "thingamajig", None),
        ("colour", "", None),
    ],
)
def test_shop_words_map_whatever_their_case_hyphens_and_plural(
    clothing: Taxonomy, field: str, word: str, value: str | None
):
    assert clothing.map(field, word) == value


def test_the_longest_phrase_wins_in_running_text(clothing: Taxonomy):
    assert clothing.find("type", "Slim dress shirt with blue jeans") == [("shirt", "dress shirt"), ("jeans", "jeans")]
    assert clothing.find("type", "Long-Sleeve T-Shirt") == [("longsleeve", "Long-Sleeve T-Shirt")]


def test_only_whole_words_count_but_chinese_has_no_spaces(clothing: Taxonomy):
    assert clothing.find("type", "addressed to the capital") == []
    assert clothing.find("type", "夏季黑色连衣裙女") == [("dress", "连衣裙")]
    assert clothing.find("colour", "夏季黑色连衣裙女") == [("black", "黑色")]


def test_a_subtype_maps_up_to_the_wardrobe_class(clothing: Taxonomy):
    assert clothing.ancestors("type", "blazer") == ["jacket", "outwear"]
    assert clothing.ancestors("type", "blouse") == ["shirt"]
    assert set(WARDROBE) <= set(clothing.values("type"))


def test_not_asked_is_apart_from_no(clothing: Taxonomy):
    assert clothing.asked("sleeve", {"type": "blazer"})
    assert not clothing.asked("sleeve", {"type": "hat"})
    assert not clothing.asked("sleeve", {})
    assert "sleeveless" in clothing.values("sleeve")


def test_labels_of_the_known_data_sets_are_all_mapped(clothing: Taxonomy):
    assert [clothing.from_label("wardrobe", label) for label in WARDROBE] == [{"type": label} for label in WARDROBE]
    assert clothing.from_label("street", "jumper") == {"type": "sweater"}
    assert clothing.from_label("street", "hair") is None
    assert len(clothing.file.mappings["street"]) == 59


def test_footwear_asks_the_subclass_of_its_style_and_the_heel_of_elegant_women_only():
    shoes = load_taxonomy("footwear")
    assert shoes.asked("elegant-subclass", {"style": "elegant"})
    assert not shoes.asked("elegant-subclass", {"style": "sport"})
    assert shoes.asked("heel", {"style": "elegant", "gender": "women"})
    assert not shoes.asked("heel", {"style": "elegant", "gender": "men"})
    assert shoes.map("sport-subclass", "跑鞋") == "running"


def test_the_hash_follows_the_content_not_the_layout(tmp_path: Path):
    one, same = load_taxonomy(written(tmp_path / "a.yaml")), load_taxonomy(written(tmp_path / "b.yaml"))
    more = load_taxonomy(written(tmp_path / "c.yaml", description="x"))
    assert one.hash == same.hash != more.hash
    assert len({load_taxonomy(name).hash for name in shipped()}) == 2


def test_languages_that_disagree_give_nothing_until_one_is_named(tmp_path: Path):
    words = fields({"id": "skirt", "synonyms": {"de": ["rock"]}}, {"id": "stone", "synonyms": {"en": ["rock"]}})
    taxonomy = load_taxonomy(written(tmp_path / "t.yaml", **words))
    assert taxonomy.map("type", "Rock") is None
    assert taxonomy.map("type", "Rock", "de") == "skirt"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (fields({"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}), "circle: a -> b -> a"),
        (fields({"id": "a"}, {"id": "a"}), "two values have the id 'a'"),
        (fields({"id": "a", "synonyms": {"en": ["Tees"]}}, {"id": "tee"}), r"'tee' \(en\) means both 'a' and 'tee'"),
        (fields({"id": "a", "parent": "x"}), "parent 'x' is no value"),
        (fields({"id": "a"}, asked_when={"colour": ["red"]}), "no value 'red' of field 'colour'"),
        (fields({"id": "a", "synonym": {}}), "did you mean 'synonyms'|unknown key"),
        ({"mappings": {"m": {"l": {"type": "gone"}}}}, r"mappings\.m\.l: there is no value 'gone'"),
        ({"version": 0}, "version"),
    ],
)
def test_a_wrong_taxonomy_names_its_key(tmp_path: Path, change: dict[str, object], message: str):
    with pytest.raises(SettingsError, match=message):
        load_taxonomy(written(tmp_path / "t.yaml", **change))


def test_yaml_that_does_not_parse_names_the_line(tmp_path: Path):
    path = tmp_path / "broken.yaml"
    path.write_text("name: x\nfields: [a,\n")
    with pytest.raises(SettingsError, match="line 3"):
        load_taxonomy(path)


def test_unknown_names_list_the_known_ones(clothing: Taxonomy):
    with pytest.raises(SettingsError, match="clothing, footwear"):
        load_taxonomy("hats")
    with pytest.raises(UsageError, match="no field 'heel'"):
        clothing.map("heel", "high")
