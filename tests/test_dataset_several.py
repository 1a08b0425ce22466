"""Fields of several values: what a snapshot takes of each source; labels of one value read as they always did."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dataset.errors import SettingsError
from dataset.several import label_of, multi_fields, of_best_source, values_in
from dataset.snapshot import create_snapshot, fingerprint, items, items_sql, load_snapshot, write_meta
from dataset.snapshot_diff import snapshot_diff
from dataset.taxonomy import Taxonomy
from dataset.taxonomy_diff import difference
from dataset.taxonomy_file import TaxonomyFile
from dataset.workspace import Workspace

A, B = "a" * 64, "b" * 64
START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "shop")
    ws.tables.append("images", [{"sha256": sha256, "status": "ok"} for sha256 in (A, B)])
    ws.tables.append("groups", [{"sha256": sha256, "group_id": sha256, "split": "train"} for sha256 in (A, B)])
    return ws


def said(value: str, source: str = "store", confidence: float = 0.9, day: int = 0, **more: Any) -> dict[str, Any]:
    row = {"sha256": A, "field": "material", "value": value, "word": value, "source": source, "confidence": confidence}
    return row | {"created_at": START + timedelta(days=day)} | more


def material(ws: Workspace) -> Any:
    return json.loads(items(ws, f"sha256 = '{A}'")["labels"][0].as_py()).get("material")


def test_a_multi_field_has_all_values_of_its_surest_source_alone(ws: Workspace) -> None:
    ws.tables.append("labels", [said("wool"), said("cotton", confidence=0.4), said("silk", "import:x", 0.8)])
    assert material(ws) == ["cotton", "wool"]
    assert ws.tables.append("labels", [said("silk", "import:x", 0.95, word="y")])
    assert material(ws) == "silk"


def test_an_exclusive_field_and_one_outside_the_taxonomy_keep_one_value(ws: Workspace) -> None:
    rows = [said(value, field=field) for field in ("type", "mood") for value in ("dress", "hat")]
    ws.tables.append("labels", rows)
    assert items(ws)["labels"].to_pylist() == ['{"mood": "dress", "type": "dress"}', "{}"]


def test_of_a_persons_words_those_of_the_newest_sitting_count(ws: Workspace) -> None:
    ws.tables.append("labels", [said("silk"), said("wool", "person", 1.0, 1), said("linen", "person", 1.0, 1)])
    assert material(ws) == ["linen", "wool"]
    ws.tables.append("labels", [said("cotton", "person", 1.0, 2)])
    assert material(ws) == "cotton"


def test_a_rejected_multi_field_has_no_label_but_what_a_person_said_since(ws: Workspace) -> None:
    at = START + timedelta(days=1)
    ws.tables.append("labels", [said("silk"), said("wool"), said("linen", "person", 1.0, 0)])
    reject = {"review_id": "r", "sha256": A, "field": "material", "verdict": "reject", "created_at": at}
    ws.tables.append("reviews", [reject])
    assert material(ws) is None
    ws.tables.append("labels", [said(value, "person", 1.0, 2, word=f"{value} again") for value in ("wool", "linen")])
    assert material(ws) == ["linen", "wool"]


def old_fingerprint(ws: Workspace) -> str:
    """The rule from before fields of several values: one row a field, and one text of all rows."""
    order = "source = 'person' DESC, confidence DESC, source, created_at DESC, value"
    sql = f"SELECT * FROM labels WHERE value IS NOT NULL AND field <> 'worn' ORDER BY sha256, field, {order}"
    surest: dict[str, dict[str, str]] = {A: {}, B: {}}
    for row in ws.tables.query(sql).to_pylist():
        surest[row["sha256"]].setdefault(row["field"], row["value"])
    lines = [f"{sha256}\x1f{json.dumps(labels)}\x1f\x1ftrain\x1e" for sha256, labels in sorted(surest.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_where_no_multi_field_has_several_values_the_fingerprint_is_what_it_was(ws: Workspace) -> None:
    ws.tables.append("labels", [
        said("wool"), said("wool", confidence=0.3, word="woollen"), said("silk", "import:x", 0.8),
        said("silk", "a", sha256=B),
        said("dress", field="type"), said("hat", field="type", confidence=0.2), said("silk", field="worn"),
        said("black", field="colour", sha256=B, confidence=None), said("blue", "person", 0.5, 3, field="colour"),
        said("red", "person", 1.0, 1, field="colour"), said("green", "person", 1.0, 0, field="colour"),
    ])  # fmt: skip
    assert fingerprint(create_snapshot(ws, "s").rows) == old_fingerprint(ws)
    ws.tables.append("labels", [said("cotton", confidence=0.1)])
    assert fingerprint(items(ws)) != old_fingerprint(ws)


def test_a_snapshot_of_format_1_goes_on_giving_one_value_a_field(ws: Workspace) -> None:
    ws.tables.append("labels", [said("wool"), said("cotton")])
    meta = create_snapshot(ws, "s").meta
    assert (meta["format"], meta["multi"]) == (2, ["colour", "material"])
    rows = ws.tables.query(f"SELECT * FROM ({items_sql(())}) ORDER BY sha256")
    keys = ("name", "where", "tables", "split_rule", "taxonomy", "rows", "splits", "masked")
    write_meta(ws, {key: meta[key] for key in keys} | {"fingerprint": fingerprint(rows)})
    assert load_snapshot(ws, "s").rows["labels"].to_pylist() == ['{"material": "cotton"}', "{}"]


def test_a_diff_of_snapshots_reads_lists(ws: Workspace) -> None:
    ws.tables.append("labels", [said("wool")])
    create_snapshot(ws, "one")
    ws.tables.append("labels", [said("cotton")])
    create_snapshot(ws, "two")
    assert "material wool -> material cotton + wool" in snapshot_diff(ws, "one", "two").line()


def test_since_a_snapshot_each_value_of_a_list_that_is_gone_is_counted(ws: Workspace, tmp_path: Path) -> None:
    ws.tables.append("labels", [said("wool"), said("unobtainium")])
    create_snapshot(ws, "s")
    assert difference("s", "clothing", ws).labels == {"material=unobtainium": 1}


def test_one_of_several_answers_meets_a_condition() -> None:
    stuff = {"kind": "multi", "values": [{"id": "wool"}, {"id": "silk"}]}
    care = {"asked_when": {"stuff": ["silk"]}, "values": [{"id": "by-hand"}, {"id": "no"}]}
    words = Taxonomy(TaxonomyFile.model_validate({"name": "t", "version": 1, "fields": {"stuff": stuff, "care": care}}))
    assert words.asked("care", {"stuff": ["silk", "wool"]})
    assert not words.asked("care", {"stuff": ["wool"]})
    assert not words.asked("care", {"stuff": []})


def test_which_fields_are_multi_follows_the_workspaces_taxonomy(ws: Workspace) -> None:
    assert multi_fields(ws) == ("colour", "material")
    path = ws.root / "own.yaml"
    path.write_text("name: own\nversion: 1\nfields:\n  it's: {kind: multi, values: [{id: a}, {id: b}]}\n")
    own = Workspace(ws.root, ws.settings.model_copy(update={"taxonomy": "own.yaml"}))
    assert multi_fields(own) == ("it's",)
    ws.tables.append("labels", [said("a", field="it's"), said("b", field="it's"), said("wool"), said("silk")])
    assert items(own)["labels"].to_pylist() == ['{"it\'s": ["a","b"], "material": "silk"}', "{}"]
    gone = Workspace(ws.root, ws.settings.model_copy(update={"taxonomy": "gone.yaml"}))
    with pytest.raises(SettingsError, match=r"no taxonomy 'gone\.yaml'"):
        create_snapshot(gone, "s")


def test_a_label_is_a_word_or_a_sorted_list() -> None:
    assert label_of(["wool", "cotton", "wool"]) == ["cotton", "wool"]
    assert label_of(["wool", "wool"]) == "wool"
    assert [values_in(each) for each in ("wool", ["a", "b"], [])] == [["wool"], ["a", "b"], []]
    rows = [said("wool", "person", day=2), said("silk", "person", day=1), said("linen")]
    assert of_best_source(rows) == "wool"
    assert of_best_source([said("silk", day=1), said("wool", day=2)]) == ["silk", "wool"]
