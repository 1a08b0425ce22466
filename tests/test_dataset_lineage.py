"""Lineage: from any end of the chain to the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dataset.errors import UsageError
from dataset.lineage import lineage
from dataset.snapshot import create_snapshot
from dataset.workspace import Workspace

A, B = "a" * 64, "b" * 64
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
    assert (found.images, found.snapshots, found.runs, found.stores) == (1, ("first",), ("run-1",), ("x",))


def test_a_run_leads_back_to_its_pages_and_to_no_others(ws: Workspace):
    text = lineage(ws, "run-1").text()
    assert "on page http://x/p" in text
    assert "type = dress" in text
    assert "http://y/" not in text


def test_a_snapshot_names_its_shops(ws: Workspace):
    assert lineage(ws, "first").line() == "snapshot first: 1 images of x; 1 snapshots, 1 runs"


def test_an_image_nobody_used_says_so(ws: Workspace):
    found = lineage(ws, B)
    assert (found.snapshots, found.runs) == ((), ())


def test_a_product_number_without_its_store_finds_both_stores(ws: Workspace):
    assert lineage(ws, "p").stores == ("x", "y")


def test_a_refused_url_tells_why_there_are_no_bytes(ws: Workspace):
    found = lineage(ws, "http://x/no.jpg")
    assert found.images == 0
    assert "refused robots" in found.text()


def test_it_is_plain_json(ws: Workspace):
    tree = json.loads(json.dumps(lineage(ws, "run-1").as_json()))
    assert tree["tree"]["children"][0]["name"] == A


def test_an_unknown_thing_is_named_with_what_could_be_asked(ws: Workspace):
    with pytest.raises(UsageError, match=r"called 'nothing'.*a snapshot or a run"):
        lineage(ws, "nothing")
