"""The step `label tags`: the shop's words and the pixels become labels; contradictions and unknown words are kept."""

from __future__ import annotations

from pathlib import Path

from labeling_drawn import checked_workspace, drawn_workspace

from dataset.taxonomy import load_taxonomy
from dataset.taxonomy_map import add_word
from labeling.tagging import label_tags, read_product


def test_sources_that_contradict_are_both_kept_with_their_confidence():
    found = read_product(load_taxonomy("clothing"), {"name": "Red dress", "colour": "Blue", "categories": []})
    colours = {value: confidence for name, value, _, confidence in found if name == "colour"}
    assert colours == {"red": 0.8, "blue": 0.95}


def test_a_word_nobody_knows_is_a_row_without_value():
    found = read_product(load_taxonomy("clothing"), {"categories": ["Zibbelwear"]})
    assert [(value, word) for _, value, word, _ in found] == [(None, "zibbelwear")]


def test_store_and_pixels_label_each_image_and_a_second_run_writes_nothing(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 2)
    labels = ws.tables.read("labels").to_pylist()
    assert {r["source"] for r in labels if r["field"] == "colour" and r["value"] == "red"} == {"store", "rule"}
    assert {r["value"] for r in labels if r["field"] == "view"} == {"scene"}
    assert {r["value"] for r in labels if r["field"] == "type"} >= {"dress"}
    again = label_tags(ws)
    assert (again.store, again.rule) == (0, 0)


def test_the_latest_crawl_of_a_product_is_what_counts(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 1)
    old = ws.tables.read("products").to_pylist()[0]
    newer = old | {"crawl_id": "c2", "colour": "green", "fetched_at": old["fetched_at"].replace(year=2099)}
    ws.tables.append("products", [newer])
    label_tags(ws)
    words = {r["word"]: r["value"] for r in ws.tables.read("labels", where="field = 'colour'").to_pylist()}
    assert words["green"] == "green"


def test_the_last_breadcrumb_is_surer_than_those_above_it():
    found = read_product(load_taxonomy("clothing"), {"categories": ["Clothing", "Accessories", "Hat"]})
    types = {value: confidence for name, value, _, confidence in found if name == "type" and value}
    assert max(types, key=lambda value: types[value]) == "hat"


def test_labels_that_no_longer_follow_are_taken_back_but_never_a_persons(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 1)
    label_tags(ws)
    version = ws.tables.version("labels")
    row = ws.tables.read("labels", where="source = 'store' AND field = 'colour'").to_pylist()[0]
    ws.tables.upsert("labels", [row | {"source": "person", "word": "red"}, row | {"source": "model:r1", "word": "red"}])
    old = ws.tables.read("products").to_pylist()[0]
    ws.tables.append("products", [old | {"crawl_id": "c2", "name": "Hat", "colour": "green", "categories": ["Hats"],
                                         "fetched_at": old["fetched_at"].replace(year=2099)}])  # fmt: skip
    assert label_tags(ws).removed > 0
    left = {(r["source"], r["value"]) for r in ws.tables.read("labels", where="field = 'colour'").to_pylist()}
    assert left == {("store", "green"), ("person", "red"), ("model:r1", "red")}
    assert "red" in ws.tables.read("labels", where="field = 'colour'", version=version)["value"].to_pylist()


def test_labels_of_another_taxonomy_stay(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 1)
    label_tags(ws, taxonomy="footwear")
    before = ws.tables.read("labels", where="taxonomy LIKE 'footwear%'").num_rows
    label_tags(ws)
    assert before > 0
    assert label_tags(ws).removed == 0


def test_sources_that_disagree_are_listed_by_image(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 2)
    old = ws.tables.read("products").to_pylist()[0]
    ws.tables.append("products", [old | {"crawl_id": "c2", "colour": "blue",
                                         "fetched_at": old["fetched_at"].replace(year=2099)}])  # fmt: skip
    assert label_tags(ws).disagreements == 1
    rows = ws.tables.read("labels", where="field = 'disagreement'").to_pylist()
    assert [(row["value"], row["word"]) for row in rows] == [("colour", "colour colour: blue; name: red")]


def test_a_word_that_a_person_mapped_is_read_at_the_next_run(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 1)
    old = ws.tables.read("products").to_pylist()[0]
    ws.tables.append("products", [old | {"crawl_id": "c2", "categories": ["Zibbelwear"], "name": "x",
                                         "fetched_at": old["fetched_at"].replace(year=2099)}])  # fmt: skip
    assert label_tags(ws).unmapped == {"zibbelwear": 1}
    add_word(ws, "zibbelwear", "type=dress")
    assert label_tags(ws).unmapped == {}
    assert "dress" in ws.tables.read("labels", where="field = 'type'")["value"].to_pylist()
