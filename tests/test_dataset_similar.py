"""Similar products: hits are products, what was taken down never comes back, a broken index mends itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import dataset.similar_file as similar_file
from dataset.errors import DataError, EmptyError, UsageError
from dataset.similar import Index, open_index
from dataset.similar_match import match, write_csv
from dataset.similar_rows import where_of
from dataset.workspace import Workspace

ENCODER = "made-8-flips#0123456789abcdef"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GREY, RED = "808080" * 16, "80d0b0" * 16
# image number -> (store, product, cluster, colour grid); vectors turn by 0.2 rad a number in a plane of eight
SHOWN = {
    0: ("a", "p0", 0, GREY), 1: ("a", "p0", 1, GREY), 2: ("a", "p2", 2, GREY), 3: ("b", "q3", 2, GREY),
    4: ("b", "q4", 4, GREY), 5: ("b", "q5", 5, RED), 6: ("c", "r6", 6, None),
}  # fmt: skip


def sha(number: int) -> str:
    return f"{number + 1:064x}"[::-1]


def vector(number: float) -> np.ndarray:
    out = np.zeros(8, np.float32)
    out[:2] = np.cos(0.2 * number), np.sin(0.2 * number)
    return out


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "w")
    rows: dict[str, list[dict[str, object]]] = {
        name: [] for name in ("images", "fetches", "products", "groups", "embeddings")
    }
    for n, (store, product, cluster, grid) in SHOWN.items():
        told = {"store": store, "product_id": product, "crawl_id": "c1", "fetched_at": NOW}
        rows["images"].append({"sha256": sha(n), "status": "ok", "colour_grid": grid})
        rows["fetches"].append({**told, "url": f"u{n}", "page_url": product, "status": "ok", "sha256": sha(n)})
        rows["products"].append(
            {
                **told,
                "name": f"Thing {product}",
                "price": f"{10 + n}.50",
                "currency": "EUR",
                "url": f"https://{store}/{n}",
            }
        )
        rows["groups"].append({"sha256": sha(n), "cluster_id": sha(cluster), "group_id": sha(n)})
        rows["embeddings"].append({"sha256": sha(n), "encoder": ENCODER, "vector": vector(n).tolist()})
    for name, found in rows.items():
        ws.tables.upsert(name, found)
    ws.tables.append(
        "labels",
        [{"sha256": sha(4), "field": "type", "value": "dress", "word": "dress", "source": "store", "confidence": 0.9}],
    )
    return ws


def names(index: Index, number: float, k: int = 9, where: str | None = None) -> list[str | None]:
    return [hit.product_id for hit in index.search(vector(number), k, where)]


def test_hits_are_products_the_nearest_first_with_their_copies_told(ws: Workspace) -> None:
    hits = open_index(ws).search(vector(0), 3)
    assert [(hit.product_id, hit.copies) for hit in hits] == [("p0", 1), ("p2", 1), ("q4", 0)]
    assert hits[0].similarity == pytest.approx(1.0)
    assert hits[1].similarity == pytest.approx(np.cos(0.4), abs=1e-5)
    assert (hits[1].also_in, hits[1].price, hits[1].currency, hits[1].url, hits[1].crawl_id) == (
        ("b",), "12.50", "EUR", "https://a/2", "c1",
    )  # fmt: skip


def test_a_condition_keeps_rows_and_a_copy_in_the_asked_shop_is_shown_instead(ws: Workspace) -> None:
    index = open_index(ws)
    assert names(index, 0, where="store = 'b'") == ["q3", "q4", "q5"]
    assert names(index, 0, where=where_of(price=(13.0, 15.0))) == ["q3", "q4"]
    assert names(index, 0, where=where_of(stores=["a", "c"], tags=[])) == ["p0", "p2", "r6"]
    assert names(index, 0, where=where_of(tags=["type=dress"])) == ["q4"]
    assert names(index, 0, where="price > 1000") == []


HOSTILE = [
    "true) UNION SELECT 1 FROM (SELECT 1 WHERE true",
    "true; DROP TABLE products",
    "exists(SELECT * FROM read_csv('/etc/passwd'))",
    "(SELECT count(*) FROM glob('/*')) > 0",
    "exists(SELECT * FROM read_parquet('tables/takedowns/*.parquet'))",
    "(SELECT content FROM read_text('/etc/hostname')) <> ''",
    "nothing_of_this_name = 1",
    "price >",
    "",
]


@pytest.mark.parametrize("where", HOSTILE)
def test_a_hostile_or_broken_condition_is_refused_with_the_columns(ws: Workspace, where: str) -> None:
    with pytest.raises(UsageError, match="availability"):
        open_index(ws).search(vector(0), 3, where)


def test_values_of_filters_are_quoted(ws: Workspace) -> None:
    assert names(open_index(ws), 0, where=where_of(stores=["a' OR true OR store = '"])) == []


def test_own_product_and_its_near_duplicates_are_left_out_when_asked(ws: Workspace) -> None:
    hits = open_index(ws).search(vector(2), 9, without=[sha(2)])
    assert {hit.product_id for hit in hits} == {"p0", "q4", "q5", "r6"}


def test_only_new_vectors_are_added_and_a_second_opening_writes_nothing(ws: Workspace) -> None:
    open_index(ws)
    path = next((ws.root / "similar").glob("*/facts.json"))
    before = path.stat().st_mtime_ns
    assert open_index(ws).said == ""
    assert path.stat().st_mtime_ns == before
    ws.tables.append("images", [{"sha256": sha(9), "status": "ok"}])
    ws.tables.append("embeddings", [{"sha256": sha(9), "encoder": ENCODER, "vector": vector(9).tolist()}])
    index = open_index(ws)
    assert (len(index), index.said) == (8, "")
    assert index.search(vector(9), 1)[0].sha256 == sha(9)


def test_what_is_taken_down_bad_or_opted_out_leaves_the_index(ws: Workspace) -> None:
    assert len(open_index(ws)) == 7
    ws.tables.append("takedowns", [{"kind": "sha256", "value": sha(0), "reason": "asked"}])
    ws.tables.append("takedowns", [{"kind": "product", "value": "b|q4", "reason": "asked"}])
    ws.tables.upsert("images", [{"sha256": sha(6), "status": "bad", "reason": "truncated"}])
    later = datetime(2026, 2, 1, tzinfo=UTC)
    refused = {"crawl_id": "c2", "store": "b", "product_id": "q5", "page_url": "q5", "url": "u5", "fetched_at": later}
    ws.tables.append("fetches", [{**refused, "status": "refused", "reason": "noai"}])
    index = open_index(ws)
    assert "4 vectors left the index" in index.said
    assert names(index, 5) == ["q3", "p0"]
    assert len(index) == 3


@pytest.mark.parametrize(
    ("break_it", "why"), [("cut", "bytes"), ("flip", "was changed"), ("gone", "is gone"), ("facts", "can't be read")]
)
def test_a_broken_index_is_built_anew_and_says_so(ws: Workspace, break_it: str, why: str) -> None:
    open_index(ws)
    file = next((ws.root / "similar").glob("*/*.faiss"))
    data = file.read_bytes()
    if break_it == "facts":
        (file.parent / "facts.json").write_text("{")
    elif break_it == "gone":
        file.unlink()
    else:
        file.write_bytes(data[:-9] if break_it == "cut" else data[:90] + bytes([data[90] ^ 1]) + data[91:])
    index = open_index(ws)
    assert "built anew" in index.said
    assert why in index.said
    assert names(index, 0, 1) == ["p0"]
    assert open_index(ws).said == ""


def test_each_encoder_has_an_index_of_its_own_and_vectors_of_another_are_refused(ws: Workspace) -> None:
    other = [{"sha256": sha(n), "encoder": "other-4#00", "vector": [1.0, float(n), 0.0, 0.0]} for n in (0, 1)]
    ws.tables.append("embeddings", other)
    assert len(open_index(ws)) == 7  # most vectors
    small = open_index(ws, "other")
    assert (len(small), small.dimension, len(list((ws.root / "similar").glob("*/facts.json")))) == (2, 4, 2)
    with pytest.raises(UsageError, match=r"expected \(4,\) of encoder other-4#00"):
        small.search(vector(0), 1)
    with pytest.raises(UsageError, match="one of made-8"):
        open_index(ws, "nobody")


def test_vectors_without_direction_and_senseless_counts_are_refused(ws: Workspace) -> None:
    index = open_index(ws)
    for bad in (np.zeros(8, np.float32), np.full(8, np.nan, np.float32)):
        with pytest.raises(UsageError, match="without direction"):
            index.search(bad)
    with pytest.raises(UsageError, match="k = 0"):
        index.search(vector(0), 0)
    with pytest.raises(UsageError, match="not in the index"):
        index.vectors_of(["f" * 64])


def test_no_vectors_and_nothing_that_may_be_shown_say_which_command(tmp_path: Path, ws: Workspace) -> None:
    with pytest.raises(EmptyError, match="modiste embed"):
        open_index(Workspace.init(tmp_path / "new"))
    ws.tables.delete("images", "true")
    with pytest.raises(EmptyError, match="modiste embed"):
        open_index(ws)


def test_vectors_of_two_lengths_under_one_name_are_told(ws: Workspace) -> None:
    ws.tables.upsert("embeddings", [{"sha256": sha(3), "encoder": ENCODER, "vector": [1.0, 0.0]}])
    with pytest.raises(DataError, match="run modiste embed again"):
        open_index(ws)


def test_many_threads_read_what_one_reads(ws: Workspace) -> None:
    index = open_index(ws)
    asked = [(n % 7, None if n % 2 else f"price > {n % 5}") for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: names(index, each[0], 3, each[1]), asked))
    assert found == [names(index, number, 3, where) for number, where in asked]


def test_a_large_index_is_kept_in_lists_and_finds_the_same_first(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar_file, "EXACT_FLOATS", 10)
    draw, count = np.random.default_rng(0), 400
    vectors = draw.normal(size=(count, 8)).astype(np.float32)
    more = [sha(100 + n) for n in range(count)]
    ws.tables.append("images", [{"sha256": name, "status": "ok"} for name in more])
    rows = [{"sha256": a, "encoder": ENCODER, "vector": v.tolist()} for a, v in zip(more, vectors, strict=True)]
    ws.tables.append("embeddings", rows)
    index = open_index(ws)
    assert index.kind == "lists"
    assert [index.search(vectors[n], 1)[0].sha256 for n in range(0, count, 40)] == more[::40]
    ws.tables.append("takedowns", [{"kind": "sha256", "value": more[0], "reason": "asked"}])
    again = open_index(ws)
    assert (again.kind, len(again)) == ("lists", 406)
    assert again.search(vectors[0], 1)[0].sha256 != more[0]


def test_the_same_product_is_matched_across_shops_but_not_in_another_colour(ws: Workspace, tmp_path: Path) -> None:
    pairs = {(each.product_id, each.other_product_id): each for each in match(ws, threshold=0.97).matches}
    assert set(pairs) == {("p2", "q3"), ("q5", "r6")}
    assert (pairs["p2", "q3"].colours, pairs["q5", "r6"].colours) == ("same", "unknown")
    ws.tables.upsert("images", [{"sha256": sha(6), "status": "ok", "colour_grid": GREY}])
    assert [each.product_id for each in match(ws, threshold=0.97).matches] == ["p2"]
    assert len(match(ws, threshold=0.97, any_colour=True).matches) == 2
    write_csv(match(ws, threshold=0.97), tmp_path / "same.csv")
    lines = (tmp_path / "same.csv").read_text().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("a,p2,Thing p2,12.50,EUR,https://a/2,b,q3,")


def test_matching_needs_two_shops_and_a_threshold_that_was_chosen(ws: Workspace) -> None:
    with pytest.raises(UsageError, match="no threshold was chosen"):
        match(ws)
    with pytest.raises(UsageError, match="over 0"):
        match(ws, threshold=2.0)
    ws.tables.delete("fetches", "store <> 'a'")
    ws.tables.delete("images", f"sha256 NOT IN ('{sha(0)}', '{sha(1)}', '{sha(2)}')")
    with pytest.raises(EmptyError, match="fewer than two shops"):
        match(ws, threshold=0.9)
