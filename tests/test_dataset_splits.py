"""Splits: stable, by group, never empty where it can be helped, and leaks are found."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset.errors import DataError, EmptyError, UsageError
from dataset.leaks import find_leaks
from dataset.splits import assign_by_hash, part_of, split
from dataset.strata import Unit, assign_stratified
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


def test_shop_out_leaves_out_what_belongs_with_another_shops_pictures(ws: Workspace):
    fill(ws, groups=40, each=1, stores=5)
    split(ws, strategy="shop-out")
    before = {row["store"]: row["split"] for row in ws.tables.read("groups").to_pylist()}
    rows = {row["sha256"]: row for row in ws.tables.read("groups").to_pylist()}
    train = min(name for name, row in rows.items() if row["split"] == "train")
    test = min(name for name, row in rows.items() if row["split"] == "test")
    ws.tables.upsert("groups", [rows[train] | {"group_id": rows[test]["group_id"]}])
    result = split(ws, strategy="shop-out")
    after = {row["sha256"]: row for row in ws.tables.read("groups").to_pylist()}
    assert (result.left_out, after[train]["split"], after[test]["split"]) == (1, None, "test")
    assert all(row["split"] == before[row["store"]] for name, row in after.items() if name != train)
    assert "1 left out" in result.line()


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
    published = tmp_path / "given.csv"
    lines = [f"{sha(0)},train", f"{sha(1)},TEST", f"{sha(2)},val", f"{sha(3)},val", f"{sha('elsewhere')},test"]
    published.write_text("\n".join(["sha256,split", *lines]))
    result = split(ws, given=published)
    found = parts(ws)
    assert [found[sha(k)] for k in range(4)] == ["test", "test", "validation", "validation"]
    assert (result.given, result.moved, result.unknown) == (4, 1, 1)


def test_several_given_files_and_folders_of_them_are_one_split_where_the_strictest_part_wins(ws: Workspace, tmp_path):
    fill(ws, groups=5, each=1)
    (tmp_path / "folder").mkdir()
    for name, lines in {
        "one.csv": [f"{sha(0)},train", f"{sha(1)},val", f"{sha(1)},train"],
        "folder/two.csv": [f"{sha(0)},test", f"{sha(2)},val"],
        "folder/three.csv": [f"{sha(3)},train"],
    }.items():
        (tmp_path / name).write_text("\n".join(["sha256,split", *lines]))
    result = split(ws, given=[tmp_path / "one.csv", tmp_path / "folder", tmp_path / "folder" / "two.csv"])
    assert [parts(ws)[sha(k)] for k in range(4)] == ["test", "validation", "validation", "train"]
    assert (result.given, result.contradicted) == (4, 1)
    assert '"given": "one.csv, three.csv, two.csv"' in ws.tables.read("groups").to_pylist()[0]["split_rule"]


def test_a_given_folder_without_a_csv_file_is_misuse(ws: Workspace, tmp_path: Path):
    fill(ws, groups=3)
    with pytest.raises(UsageError, match="no CSV file in this folder"):
        split(ws, given=tmp_path)


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


SHARES = (0.7, 0.15, 0.15)
UNITS = st.lists(
    st.builds(Unit, st.uuids().map(str), st.integers(1, 9), st.sampled_from("xyz"), st.sampled_from("ab")),
    min_size=3,
    max_size=60,
    unique_by=lambda unit: unit.name,
)


@given(units=UNITS, more=UNITS, seed=st.integers(0, 9))
def test_adding_groups_moves_no_group_that_has_a_part(units: list[Unit], more: list[Unit], seed: int):
    before = assign_stratified(units, shares=SHARES, seed=seed)
    names = {unit.name for unit in units}
    after = assign_stratified(units + [u for u in more if u.name not in names], shares=SHARES, seed=seed, kept=before)
    assert {name: after[name] for name in before} == before
    assert set(before.values()) == {"train", "validation", "test"}


@given(units=UNITS, order=st.randoms())
def test_the_split_does_not_depend_on_the_order_of_groups(units: list[Unit], order):
    shuffled = list(units)
    order.shuffle(shuffled)
    assert assign_stratified(units, shares=SHARES) == assign_stratified(shuffled, shares=SHARES)


def test_every_store_and_label_reaches_the_shares():
    sizes = np.random.default_rng(0).integers(1, 6, 900)
    units = [Unit(sha(k), int(n), f"store{k % 3}", f"label{k % 7 % 4}") for k, n in enumerate(sizes)]
    parts = assign_stratified(units, shares=SHARES)
    for which in ("store", "label"):
        for word in {getattr(unit, which) for unit in units}:
            here = [unit for unit in units if getattr(unit, which) == word]
            train = sum(unit.size for unit in here if parts[unit.name] == "train")
            assert train / sum(unit.size for unit in here) == pytest.approx(0.7, abs=0.03)


def test_split_tells_what_it_was_stratified_by_and_keeps_parts_when_images_come(ws: Workspace):
    fill(ws, groups=40, each=2, stores=2)
    kinds = [{"sha256": sha(k), "field": "type", "value": f"v{k // 2 % 3}", "source": "store"} for k in range(80)]
    ws.tables.append("labels", [*kinds, *({**row, "field": "view", "value": "scene"} for row in kinds)])
    result = split(ws)
    assert (result.stratified_by, result.kept) == ("type", 0)
    assert "by store and type" in result.line()
    assert result.worst_share < 0.1
    before = parts(ws)
    ws.tables.append(
        "groups", [{"sha256": sha(f"new{k}"), "group_id": sha(f"new{k}"), "store": "shop0"} for k in range(30)]
    )
    assert split(ws).kept == 40
    assert {name: parts(ws)[name] for name in before} == before
    assert split(ws, afresh=True).kept == 0


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    planted=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39), st.integers(0, 4), st.booleans()), max_size=6),
    seed=st.integers(0, 99),
)
def test_the_leak_check_finds_every_planted_leak(tmp_path_factory, planted, seed: int):
    """A planted leak: a hash copied from train to test with at most four bits turned, or one product in both."""
    ws = Workspace.init(tmp_path_factory.mktemp("leaks") / "ws")
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, 80, dtype=np.uint64).tolist()
    shown = []
    expected: set[tuple[str, int, int]] = set()
    for a, b, bits, by_hash in planted:
        if by_hash and ("pair", b) not in {(kind, other) for kind, _, other in expected}:
            turned = sum(1 << int(bit) for bit in rng.choice(64, bits, replace=False))
            hashes[40 + b] = hashes[a] ^ turned
            expected.add(("pair", a, b))
        elif not by_hash:
            shown += [{"store": "s", "product_id": f"{a}-{b}", "sha256": sha(n), "status": "ok"} for n in (a, 40 + b)]
            expected.add(("product", a, b))
    halves = ["train"] * 40 + ["test"] * 40
    ws.tables.append("images", [{"sha256": sha(k), "status": "ok", "phash": f"{h:016x}"} for k, h in enumerate(hashes)])
    ws.tables.append("groups", [{"sha256": sha(k), "group_id": sha(k), "split": part} for k, part in enumerate(halves)])
    ws.tables.append("fetches", shown)
    leaks = find_leaks(ws)
    assert leaks.products == len({(a, b) for kind, a, b in expected if kind == "product"})
    assert leaks.pairs >= len({(a, b) for kind, a, b in expected if kind == "pair"})
    assert (leaks.pairs == 0) == (not any(kind == "pair" for kind, _, _ in expected))
