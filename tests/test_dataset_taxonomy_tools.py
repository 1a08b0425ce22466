"""check, show, diff, map: faults named all at once, changes told, words mapped by people and never by themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from dataset.errors import SettingsError, UsageError
from dataset.taxonomy import load_taxonomy, shipped, taxonomy_of
from dataset.taxonomy_check import errors, warnings
from dataset.taxonomy_diff import compare, difference
from dataset.taxonomy_file import LANGUAGES, TaxonomyFile, read_file
from dataset.taxonomy_map import add_word, nearest, unmapped
from dataset.taxonomy_overlay import NAME
from dataset.taxonomy_report import as_tree, checked, tree_text
from dataset.workspace import Workspace
from modiste.cli import taxonomy as commands


def taxonomy_file(**fields: object) -> TaxonomyFile:
    return TaxonomyFile.model_validate({"name": "small", "version": 1, "fields": fields})


def written(path: Path, *values: dict[str, object]) -> Path:
    content = {"name": "small", "version": 1, "fields": {"type": {"values": list(values)}}}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    found = Workspace.init(tmp_path / "ws")
    now = datetime.now(UTC)
    sha = ["a" * 64, "b" * 64]
    found.tables.append("labels", [
        {"sha256": one, "field": "type", "value": None, "word": "dreses", "source": "store", "confidence": 0.9,
         "taxonomy": "clothing@1", "created_at": now} for one in sha])  # fmt: skip
    found.tables.append("fetches", [
        {"crawl_id": "c", "store": "shop", "url": one, "page_url": "p", "sha256": one, "status": "ok",
         "fetched_at": now} for one in sha])  # fmt: skip
    return found


def run(*words: str) -> tuple[int, str]:
    app = typer.Typer()
    commands.register(app)
    app.command("other")(lambda: None)
    result = CliRunner().invoke(app, ["taxonomy", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_every_fault_is_told_at_once():
    values = [
        {"id": "a", "parent": "b"},
        {"id": "b", "parent": "a"},
        {"id": "c"},
        {"id": "c"},
        {"id": "d", "parent": "x"},
    ]
    two = {"values": [{"id": "e", "synonyms": {"en": ["Tees"]}}, {"id": "tee"}], "asked_when": {"type": ["gone"]}}
    codes = {fault.code for fault in errors(taxonomy_file(type={"values": values}, second=two))}
    assert codes == {"circle", "duplicate-id", "parent", "ambiguous", "reference"}


def test_conditions_that_wait_for_each_other_are_a_circle():
    first = {"values": [{"id": "a"}], "asked_when": {"two": ["b"]}}
    second = {"values": [{"id": "b"}], "asked_when": {"one": ["a"]}}
    assert {fault.what for fault in errors(taxonomy_file(one=first, two=second))} == {
        "conditions go in a circle: one -> two -> one", "conditions go in a circle: two -> one -> two"}  # fmt: skip


def test_a_field_that_stands_twice_is_refused_with_its_line(tmp_path: Path):
    path = tmp_path / "t.yaml"
    path.write_text("name: t\nversion: 1\nfields:\n  a: {values: [{id: x}]}\n  a: {values: [{id: y}]}\n")
    with pytest.raises(SettingsError, match=r"the key 'a' stands twice.*line 5"):
        read_file(path)


def test_a_field_may_be_that_of_another_file_but_must_be_there(tmp_path: Path):
    written(tmp_path / "one.yaml", {"id": "dress"})
    (tmp_path / "two.yaml").write_text("name: two\nversion: 1\nfields: {type: {same_as: one}}\n")
    assert read_file(tmp_path / "two.yaml").fields["type"].values[0].id == "dress"
    (tmp_path / "two.yaml").write_text("name: two\nversion: 1\nfields: {colour: {same_as: one}}\n")
    with pytest.raises(SettingsError, match=r"no field 'colour' in 'one\.yaml'"):
        read_file(tmp_path / "two.yaml")


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_taxonomies_have_no_error_and_words_in_all_languages(name: str):
    file = load_taxonomy(name).file
    assert errors(file) == []
    assert [fault for fault in warnings(file) if fault.code == "language"] == []
    assert len(LANGUAGES) == 6


def test_labels_of_published_data_sets_are_mapped_whole():
    clothing = load_taxonomy("clothing")
    counts = {
        name: len(clothing.file.mappings[name]) for name in ("wardrobe", "street", "deepfashion2", "fashionpedia")
    }
    assert counts == {"wardrobe": 10, "street": 59, "deepfashion2": 13, "fashionpedia": 46}
    assert clothing.from_label("deepfashion2", "sling dress") == {"type": "dress", "sleeve": "sleeveless"}
    assert clothing.from_label("fashionpedia", "sleeve") is None


def test_the_tree_shows_children_conditions_and_what_follows():
    text = tree_text(as_tree(load_taxonomy("clothing"), "type"))
    assert "\n    jacket\n      blazer\n" in text
    assert "hat → category headwear" in text
    assert "asked when style is elegant; gender is women" in tree_text(as_tree(load_taxonomy("footwear"), "heel"))


def test_a_difference_tells_added_removed_moved_and_renamed(tmp_path: Path):
    words = {"en": ["gown", "frock"]}
    old = written(
        tmp_path / "old.yaml", {"id": "dress", "synonyms": words}, {"id": "hat"}, {"id": "cap"}, {"id": "bag"}
    )
    new = written(
        tmp_path / "new.yaml",
        {"id": "robe", "synonyms": words},
        {"id": "hat"},
        {"id": "cap", "parent": "hat"},
        {"id": "tie"},
    )
    found = compare(load_taxonomy(old), load_taxonomy(new))
    assert (found.added, found.removed) == (["type=tie"], ["type=bag"])
    assert found.moved == ["type=cap: - -> hat"]
    assert found.renamed == ["type=dress -> type=robe"]


def test_a_difference_counts_the_labels_it_touches(ws: Workspace, tmp_path: Path):
    rows = ws.tables.read("labels").to_pylist()
    ws.tables.upsert("labels", [row | {"value": "dress", "word": "dress"} for row in rows])
    old, new = written(tmp_path / "o.yaml", {"id": "dress"}), written(tmp_path / "n.yaml", {"id": "hat"})
    assert difference(str(old), str(new), ws).labels == {"type=dress": 2}


def test_an_unmapped_word_is_listed_with_candidates_and_never_applied(ws: Workspace):
    found = unmapped(ws)
    assert [(one.word, one.images, one.stores) for one in found.words] == [("dreses", 2, {"shop": 2})]
    assert found.words[0].nearest[0] in ("type=dress", "category=dresses")
    assert taxonomy_of(ws).map("type", "dreses") is None


def test_a_mapped_word_changes_the_hash_and_is_no_longer_listed(ws: Workspace):
    before = taxonomy_of(ws).reference
    added = add_word(ws, "Dreses", "type=dress")
    assert added.taxonomy == taxonomy_of(ws).reference != before
    assert taxonomy_of(ws).map("type", "dreses", "de") == "dress"
    assert unmapped(ws).total == 0
    add_word(ws, "dreses", "type=skirt")
    assert taxonomy_of(ws).map("type", "dreses") == "skirt"


def test_a_word_may_be_mapped_to_nothing(ws: Workspace):
    add_word(ws, "dreses", "nothing")
    assert unmapped(ws).total == 0
    assert taxonomy_of(ws).from_category("Dreses") == (True, {})


@pytest.mark.parametrize(
    ("to", "message"), [("type", "no answer"), ("type=gone", "no value of type"), ("shape=round", "no field 'shape'")]
)
def test_a_mapping_to_what_is_not_there_is_refused(ws: Workspace, to: str, message: str):
    with pytest.raises(UsageError, match=message):
        add_word(ws, "dreses", to)
    assert not (ws.root / NAME).exists()


def test_a_mapping_to_a_value_that_is_gone_names_it(ws: Workspace):
    (ws.root / NAME).write_text("words: {type: {gone: [dreses]}}\n")
    with pytest.raises(SettingsError, match=r"words\.type\.gone: there is no value 'gone'"):
        taxonomy_of(ws)


def test_likeness_is_of_spelling():
    assert nearest(load_taxonomy("clothing"), "cardigen")[0] == "type=cardigan"
    assert nearest(load_taxonomy("clothing"), "qqqq") == []


def test_check_exits_with_one_for_an_error(tmp_path: Path):
    bad = written(tmp_path / "bad.yaml", {"id": "a", "parent": "b"})
    code, output = run("check", str(bad))
    assert code == 1
    assert "parent 'b' is no value" in output
    assert run("check", "footwear")[0] == 0


def test_show_and_map_speak_json(ws: Workspace):
    assert json.loads(run("show", "footwear", "--field", "heel", "--json")[1])["fields"][0]["id"] == "heel"
    listed = json.loads(run("map", "-w", str(ws.root), "--json")[1])
    assert listed["words"][0]["word"] == "dreses"
    assert "is type=dress from now on" in run("map", "-w", str(ws.root), "--word", "dreses", "--to", "type=dress")[1]


def test_checked_counts_what_there_is():
    found = checked("footwear")
    assert found.fields == 9
    assert found.reference == load_taxonomy("footwear").reference
