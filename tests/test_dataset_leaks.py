"""The leak check: what belongs together is named wherever it stands in two parts, however dedup came to know it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dataset.leaks import find_leaks, leaking_families, leaking_pairs, leaking_products
from dataset.workspace import Workspace


def sha(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Four images far apart, one product each, two in train and two in test."""
    found = Workspace.init(tmp_path / "ws")
    hashes = ["0000000000000000", "ffffffff00000000", "00000000ffffffff", "ff00ff00ff00ff0f"]
    found.tables.append("images", [{"sha256": sha(k), "status": "ok", "phash": text} for k, text in enumerate(hashes)])
    place(found, [sha(k) for k in range(4)])
    shown = [{"store": "s", "product_id": str(k), "sha256": sha(k), "status": "ok"} for k in range(4)]
    found.tables.append("fetches", shown)
    return found


def place(ws: Workspace, clusters: list[str]) -> None:
    rows = [
        {"sha256": sha(k), "group_id": sha(k), "cluster_id": cluster, "split": "train" if k < 2 else "test"}
        for k, cluster in enumerate(clusters)
    ]
    ws.tables.upsert("groups", rows)


def test_what_stands_apart_does_not_leak(ws: Workspace):
    assert find_leaks(ws).total == 0


def test_a_cluster_across_parts_leaks_though_its_hashes_are_far_apart(ws: Workspace):
    place(ws, [sha(0), sha(1), sha(0), sha(3)])
    ((a, b),) = leaking_pairs(ws)
    assert {(a["sha256"], a["split"]), (b["sha256"], b["split"])} == {(sha(0), "train"), (sha(2), "test")}
    assert find_leaks(ws).pairs == 1


def test_a_pair_known_by_hash_and_by_cluster_counts_once(ws: Workspace):
    ws.tables.upsert("images", [{"sha256": sha(2), "status": "ok", "phash": "0000000000000001"}])
    place(ws, [sha(0), sha(1), sha(0), sha(3)])
    assert find_leaks(ws).pairs == 1


def test_colour_variants_across_parts_leak(ws: Workspace):
    ws.tables.append(
        "products",
        [{"store": "s", "product_id": str(k), "variant_group": "tee" if k in (1, 3) else None} for k in range(4)],
    )
    assert leaking_families(ws) == [{"name": "s|tee", "parts": "test, train"}]
    leaks = find_leaks(ws)
    assert (leaks.families, leaks.total, leaks.examples) == (1, 1, ("s|tee in test, train",))


def test_variants_of_one_number_in_two_shops_are_two_families(ws: Workspace):
    ws.tables.append("fetches", [{"store": "t", "product_id": "1", "sha256": sha(3), "status": "ok"}])
    ws.tables.append("products", [{"store": s, "product_id": "1", "variant_group": "tee"} for s in ("s", "t")])
    assert leaking_families(ws) == []
    assert leaking_products(ws) == []


def test_an_image_without_a_part_leaks_nowhere(ws: Workspace):
    ws.tables.append("fetches", [{"store": "s", "product_id": "0", "sha256": sha(2), "status": "ok"}])
    assert leaking_products(ws) == [{"name": "s|0", "parts": "test, train"}]
    ws.tables.upsert("groups", [{"sha256": sha(2), "group_id": sha(2), "cluster_id": sha(0), "split": None}])
    assert find_leaks(ws).total == 0
