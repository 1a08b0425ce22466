"""Splits: stable, by group, never empty where it can be helped, and leaks are found."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dataset.errors import DataError, EmptyError, UsageError
from dataset.splits import assign_by_hash, find_leaks, part_of, split
from dataset.workspace import Workspace


def sha(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


def fill(ws: Workspace, groups: int, each: int = 2, stores: int = 1, days: int = 1) -> None:
    """`groups` products of `each` images; hashes far apart."""
    hashes = np.random.default_rng(0).integers(0, 2**64, groups * each, dtype=np.uint64)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    tables: dict[str, list[dict[str, object]]] = {"groups": [], "images": [], "fetches": []}
    for k in range(groups * each):
        product, store, name = k // each, f"shop{k // each % stores}", sha(k)
        group = min(sha(product * each + n) for n in range(each))
        tables["groups"].append({"sha256": name, "store": store, "group_id": group, "cluster_id": name})
        tables["images"].append({"sha256": name, "status": "ok", "phash": f"{hashes[k]:016x}"})
        seen = start + timedelta(days=product % days)
        tables["fetches"].append(
            {
                "crawl_id": "1",
                "store": store,
                "product_id": str(product),
                "url": name,
                "status": "ok",
                "sha256": name,
                "fetched_at": seen,
            }
        )
    for name, rows in tables.items():
        ws.tables.append(name, rows)


def parts(ws: Workspace, by: str = "sha256") -> dict[str, str]:
    return {row[by]: row["split"] for row in ws.tables.read("groups").to_pylist()}


def test_a_name_falls_into_the_same_part_whatever_else_there_is():
    few, many = assign_by_hash(map(sha, range(100))), assign_by_hash(map(sha, range(1000)))
    assert all(many[name] == part for name, part in few.items())
    assert part_of("x", seed=0) == part_of("x", seed=0)
    assert {part_of("x", seed=seed) for seed in range(40)} == {"train", "validation", "test"}


def test_the_shares_are_reached_on_many_names():
    counts = Counter(assign_by_hash(map(sha, range(10_000))).values())
    assert counts["train"] == pytest.approx(7000, abs=150)
    assert counts["test"] == pytest.approx(1500, abs=110)


@pytest.mark.parametrize("seed", range(20))
def test_three_groups_fill_three_parts(seed: int):
    assert set(assign_by_hash(["a", "b", "c"], seed=seed).values()) == {"train", "validation", "test"}


def test_groups_hold_together_and_nothing_leaks(ws: Workspace):
    fill(ws, groups=40, each=3)
    result = split(ws)
    by_group: dict[str, set[str]] = {}
    for row in ws.tables.read("groups").to_pylist():
        by_group.setdefault(row["group_id"], set()).add(row["split"])
    assert all(len(found) == 1 for found in by_group.values())
    assert (result.leaks, sum(result.counts.values()), result.groups) == (0, 120, 40)
    assert split(ws).changed == 0


def test_planted_leaks_are_all_found(ws: Workspace):
    fill(ws, groups=12, each=2)
    split(ws)
    rows, images = ws.tables.read("groups").to_pylist(), {r["sha256"]: r for r in ws.tables.read("images").to_pylist()}
    train = [row["sha256"] for row in rows if row["split"] == "train"]
    other = [row["sha256"] for row in rows if row["split"] != "train"]
    for a, b in zip(train[:3], other[:3], strict=True):
        images[b]["phash"] = f"{int(images[a]['phash'], 16) ^ 0b101:016x}"
    ws.tables.upsert("images", list(images.values()))
    ws.tables.append(
        "fetches",
        [
            {"crawl_id": "2", "store": "s", "product_id": "both", "status": "ok", "sha256": n}
            for n in (train[0], other[0])
        ],
    )
    leaks = find_leaks(ws)
    assert (leaks.pairs, leaks.products) == (3, 1)
    assert "s|both" in leaks.examples[-1]


def test_random_is_marked_and_leaks(ws: Workspace):
    fill(ws, groups=30, each=3)
    assert split(ws, strategy="random").leaks > 5
    assert '"strategy": "random"' in ws.tables.read("groups").to_pylist()[0]["split_rule"]


def test_shop_out_keeps_whole_shops_apart(ws: Workspace):
    fill(ws, groups=40, each=1, stores=5)
    result = split(ws, strategy="shop-out")
    by_store: dict[str, set[str]] = {}
    for row in ws.tables.read("groups").to_pylist():
        by_store.setdefault(row["store"], set()).add(row["split"])
    assert all(len(found) == 1 for found in by_store.values())
    assert result.counts == {"train": 24, "validation": 8, "test": 8}


def test_season_out_tests_on_the_newest(ws: Workspace):
    fill(ws, groups=40, each=1, days=10)
    split(ws, strategy="season-out")
    sql = "SELECT split, min(fetched_at) a, max(fetched_at) b FROM fetches JOIN groups USING (sha256) GROUP BY split"
    when = {row["split"]: row for row in ws.tables.query(sql).to_pylist()}
    assert when["train"]["b"] < when["validation"]["a"] <= when["validation"]["b"] < when["test"]["a"]


@pytest.mark.parametrize("strategy", ["shop-out", "season-out"])
def test_a_strategy_the_data_cannot_carry_is_refused(ws: Workspace, strategy: str):
    fill(ws, groups=5)
    with pytest.raises(UsageError, match="needs 3"):
        split(ws, strategy=strategy)


def test_a_given_split_is_kept_but_groups_hold_together(ws: Workspace, tmp_path: Path):
    fill(ws, groups=4, each=2)
    given = tmp_path / "given.csv"
    lines = [f"{sha(0)},train", f"{sha(1)},TEST", f"{sha(2)},val", f"{sha(3)},val", f"{sha('elsewhere')},test"]
    given.write_text("\n".join(["sha256,split", *lines]))
    result = split(ws, given=given)
    found = parts(ws)
    assert [found[sha(k)] for k in range(4)] == ["test", "test", "validation", "validation"]
    assert (result.given, result.moved, result.unknown) == (4, 1, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "no column"),
        (f"sha256,split\n{sha(1)},tset\n", r":2: 'tset' is no split"),
        ("sha256,split\nx,test\n", "no sha256"),
    ],
)
def test_a_bad_given_file_names_the_line(ws: Workspace, tmp_path: Path, text: str, message: str):
    fill(ws, groups=3)
    (tmp_path / "given.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        split(ws, given=tmp_path / "given.csv")


def test_wrong_arguments_are_misuse_and_an_empty_workspace_says_what_to_run(ws: Workspace):
    with pytest.raises(EmptyError, match="modiste dedup"):
        split(ws)
    with pytest.raises(UsageError, match="add up to 1"):
        split(ws, shares=(0.5, 0.5, 0.5))
    with pytest.raises(UsageError, match="no strategy 'leaky'"):
        split(ws, strategy="leaky")
