"""Lineage: from any end of the chain to the other."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dataset.errors import UsageError
from dataset.lineage import lineage
from dataset.lineage_draw import draw, write
from dataset.snapshot import create_snapshot
from dataset.takedown import takedown
from dataset.workspace import Workspace

A, B, C = "a" * 64, "b" * 64, "c" * 64
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "ws")
    rows = [
        {
            "crawl_id": "1",
            "store": store,
            "product_id": "p",
            "page_url": f"http://{store}/p",
            "url": f"http://{store}/1.jpg",
            "status": "ok",
            "sha256": name,
            "fetched_at": NOW,
            "source": "crawl",
            "position": 0,
        }
        for store, name in (("x", A), ("y", B))
    ]
    refused = rows[0] | {"url": "http://x/no.jpg", "status": "refused", "reason": "robots", "sha256": None}
    refused |= {"policy": '{"decision": "robots", "evidence": "Disallow: /no"}'}
    ws.tables.append("fetches", [*rows, refused])
    good = {"status": "ok", "width": 9, "height": 9, "format": "JPEG", "view": "scene"}
    ws.tables.append("images", [{"sha256": name, **good} for name in (A, B)])
    ws.tables.append(
        "groups",
        [
            {"sha256": n, "store": s, "product_key": f"{s}|p", "group_id": n, "split": "train"}
            for s, n in (("x", A), ("y", B))
        ],
    )
    ws.tables.append("labels", [{"sha256": A, "field": "type", "value": "dress", "source": "store", "confidence": 1.0}])
    snapshot = create_snapshot(ws, "first", where=f"sha256 = '{A}'")
    run = ws.runs / "run-1"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"snapshot": "first", "fingerprint": snapshot.fingerprint}))
    return ws


@pytest.mark.parametrize("thing", [A, A[:12], "http://x/1.jpg", "http://x/p", "x|p"])
def test_any_end_leads_to_the_snapshot_and_run_that_used_it(ws: Workspace, thing: str):
    found = lineage(ws, thing)
    assert (found.images, found.snapshots, found.runs, found.stores) == (1, {"first": 1}, ("run-1",), ("x",))


def test_a_run_leads_back_to_its_pages_and_to_no_others(ws: Workspace):
    text = lineage(ws, "run-1").text()
    assert "on page http://x/p" in text
    assert "type = dress" in text
    assert "http://y/" not in text


def test_a_snapshot_names_its_shops(ws: Workspace):
    assert lineage(ws, "first").line() == "snapshot first: 1 images of x; 1 snapshots, 1 runs"


def test_an_image_nobody_used_says_so(ws: Workspace):
    found = lineage(ws, B)
    assert (found.snapshots, found.runs) == ({}, ())


def test_a_product_number_without_its_store_finds_both_stores(ws: Workspace):
    assert lineage(ws, "p").stores == ("x", "y")


def test_a_refused_url_tells_why_there_are_no_bytes(ws: Workspace):
    found = lineage(ws, "http://x/no.jpg")
    assert found.images == 0
    assert "refused robots (Disallow: /no)" in found.text()
    assert "no store" not in found.line()


def test_it_is_plain_json(ws: Workspace):
    tree = json.loads(json.dumps(lineage(ws, "run-1").as_json()))
    assert tree["tree"]["children"][0]["name"] == A


def test_an_unknown_thing_is_named_with_what_could_be_asked(ws: Workspace):
    with pytest.raises(UsageError, match=r"called 'nothing'.*a snapshot or a run"):
        lineage(ws, "nothing")


def test_which_shops_are_in_a_weight_and_which_weights_contain_an_address(ws: Workspace):
    assert lineage(ws, "run-1").answer("shops") == "x: 1 images"
    assert lineage(ws, "http://x/1.jpg").answer("weights") == "run-1: 1 of the 1 images"
    assert lineage(ws, B).answer("weights") == "no weights"


def test_a_metric_leads_to_its_run_and_on_to_the_pages(ws: Workspace):
    (ws.runs / "run-1" / "evaluation.json").write_text(json.dumps({"test": {"iou": 0.75, "n": 9}}))
    found = lineage(ws, "run-1:iou")
    assert (found.root.kind, found.root.facts["run-1 test.iou"], found.shops) == ("metric", 0.75, {"x": 1})
    assert lineage(ws, "iou").runs == ("run-1",)


def test_a_weight_file_leads_to_the_run_that_it_names(ws: Workspace, tmp_path: Path):
    facts = {"__metadata__": {"modiste": json.dumps({"run": "run-1"})}}
    header = json.dumps(facts).encode()
    file = tmp_path / "copied.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    assert lineage(ws, str(file)).weights == {"run-1": 1}
    assert lineage(ws, str(file)).root.kind == "weight"


def test_an_edit_names_its_parent_and_a_parent_its_edits(ws: Workspace):
    row = {"crawl_id": "2", "url": "edit://1", "status": "ok", "sha256": C, "source": "made"}
    ws.tables.append("fetches", [row | {"policy": json.dumps({"parents": [A, B, "no hash"]})}])
    assert lineage(ws, C).text().count("made from") == 2
    assert f"made into {C}" in lineage(ws, A).text()


def test_an_image_taken_down_is_still_traced_to_the_weights_that_learned_from_it(ws: Workspace):
    takedown(ws, "product", "x|p", "asked", yes=True)
    found = lineage(ws, A)
    assert (found.gone, found.weights, found.shops) == (1, {"run-1": 1}, {})
    assert "marked learned from 1 images taken down" in found.text()


@pytest.mark.parametrize("name", ["a.svg", "a.html"])
def test_a_picture_shows_every_column_and_quotes_what_it_was_told(ws: Workspace, tmp_path: Path, name: str):
    label = {"sha256": A, "field": "colour", "value": "<red>", "source": "store", "confidence": 1.0}
    ws.tables.append("labels", [label])
    text = write(lineage(ws, "run-1"), tmp_path / name).read_text()
    assert all(f">{words}<" in text for words in ("x", "/p", "aaaaaaaaaaaaaaaa", "type = dress", "first", "run-1"))
    assert "colour = &lt;red&gt;" in text
    assert "<red>" not in text


def test_a_picture_of_many_images_says_how_many_it_leaves_out(ws: Workspace):
    shas = [f"{k:064x}" for k in range(60)]
    ws.tables.append("fetches", [{"store": "z", "product_id": "q", "url": f"z{s}", "sha256": s} for s in shas])
    found = lineage(ws, "z|q")
    assert found.root.children[-1].name == "10 more images"
    assert "and 51 more" in draw(found)


def test_another_suffix_is_refused(ws: Workspace, tmp_path: Path):
    with pytest.raises(UsageError, match=r"ends in \.svg or \.html"):
        write(lineage(ws, A), tmp_path / "a.png")
