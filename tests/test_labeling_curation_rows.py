"""What curation shows of an image, from the tables alone: sources, contradictions, links; no FiftyOne."""

from __future__ import annotations

from pathlib import Path

from labeling_drawn import drawn_workspace

from labeling.curation_rows import curation_rows
from labeling.review import Verdict, record
from labeling.tagging import label_tags


def test_rows_have_openable_pictures_class_maps_sources_and_web_links_only(tmp_path: Path):
    from PIL import Image

    ws = drawn_workspace(tmp_path / "ws", 2)
    product = ws.tables.read("products").to_pylist()[0]
    ws.tables.upsert("products", [product | {"url": "javascript:alert(1)", "name": "<script>alert(1)</script>"}])
    rows = curation_rows(ws)
    assert [row.filepath.suffix for row in rows] == [".png", ".png"]
    assert sorted(value for _, value in Image.open(rows[0].mask).getcolors()) == [0, 1, 2]
    assert (rows[0].labels["colour"].value, rows[0].labels["colour"].source) == ("red", "store")
    links = {row.values["product_url"] for row in rows}
    assert len(links) == 2
    assert None in links
    assert "<script>alert(1)</script>" in {row.values["product_name"] for row in rows}


def test_sources_that_contradict_each_other_are_named(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 2)
    sha256 = curation_rows(ws)[0].sha256
    said = {"sha256": sha256, "field": "colour", "value": "blue", "word": "x", "source": "import:x", "confidence": 0.4}
    ws.tables.upsert("labels", [said, said | {"field": "type", "value": "dress", "word": "y"}])
    rows = curation_rows(ws)
    assert [row.values["disagreements"] for row in rows] == [["colour"], []]
    assert "colour=blue (import:x 0.40)" in rows[0].values["said"]


def test_two_places_of_a_shop_that_contradict_are_named_until_a_person_has_spoken(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 2)
    product = ws.tables.read("products").to_pylist()[0]
    ws.tables.upsert("products", [product | {"categories": ["Trousers"]}])
    label_tags(ws)
    (sha256,) = [row.sha256 for row in curation_rows(ws) if "type" in row.values["disagreements"]]
    assert not [line for row in curation_rows(ws) for line in row.values["said"] if "disagreement" in line]
    record(ws, [Verdict(sha256, "relabel", "type", "dress")], reviewer="ana", source="test")
    assert "type" not in {name for row in curation_rows(ws) for name in row.values["disagreements"]}


def test_an_image_whose_address_was_refused_since_is_shown_as_opted_out(tmp_path: Path):
    from datetime import UTC, datetime

    ws = drawn_workspace(tmp_path / "ws", 2)
    first = ws.tables.read("fetches").to_pylist()[0]
    later = {"crawl_id": "c2", "status": "refused", "reason": "noai", "sha256": None, "fetched_at": datetime.now(UTC)}
    ws.tables.append("fetches", [first | later])
    assert {row.sha256: row.values["opt_out"] for row in curation_rows(ws)}[first["sha256"]] == "noai"
    assert [row.values["opt_out"] for row in curation_rows(ws)].count(None) == 1


def test_a_field_rejected_last_shows_no_label(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 1)
    sha256 = curation_rows(ws)[0].sha256
    record(ws, [Verdict(sha256, "reject", "colour")], reviewer="ana", source="test")
    assert "colour" not in curation_rows(ws)[0].labels
    record(ws, [Verdict(sha256, "relabel", "colour", "blue")], reviewer="ana", source="test")
    assert curation_rows(ws)[0].labels["colour"].value == "blue"
