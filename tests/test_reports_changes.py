"""Changes between two crawls: every planted one found, none invented, what was not seen never called gone."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from crawlers_shop import Answer, serving

from crawlers.run import crawl
from dataset.errors import UsageError
from dataset.workspace import Workspace
from modiste.crawl_scopes import partial_crawls
from reports.assortment import catalogue_report, current_offer
from reports.changes import changes
from reports.crawls import crawls, pairs
from reports.intervals import corrected, wilson
from reports.mix import mix
from reports.tabular import defused
from reports.watch import watch_report

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
EVIL = '<script>alert(1)</script>\u202e"><img src=https://evil.example/x.png>'


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "w", name="shop", contact="x@x.example")


def sight(
    ws: Workspace, crawl_id: str, day: int, products: dict[str, Any], pages: dict[str, str] | None = None
) -> None:
    """One crawl: id -> columns of each product, url -> status or coded failure of pages besides theirs."""
    at = BEGAN + timedelta(days=day)
    common = {"crawl_id": crawl_id, "store": "a.example", "fetched_at": at}
    rows = [
        {
            **common,
            "product_id": key,
            "url": f"https://a.example/{key}",
            "name": f"Dress {key}",
            "price": "10.00",
            "currency": "EUR",
            "availability": "InStock",
            **columns,
        }
        for key, columns in products.items()
    ]
    asked = {f"https://a.example/{key}": "ok" for key in products} | (pages or {"https://a.example/sitemap.xml": "ok"})
    visits = [
        {
            **common,
            "url": url,
            "kind": "sitemap" if url.endswith("xml") else "leaf",
            "status": "ok" if said == "ok" else "failed",
            "reason": None if said == "ok" else said,
            "found": None if said != "ok" else "product",
        }
        for url, said in asked.items()
    ]
    ws.tables.append("products", rows)
    ws.tables.append("pages", visits)


def found(ws: Workspace, partial: Collection[str] = ()) -> set[tuple[str, str]]:
    tables = list(changes(ws, pairs(crawls(ws, partial)), shard_rows=2))
    return {(row["product_id"], row["kind"]) for table in tables for row in table.to_pylist()}


def test_every_planted_change_is_found_and_none_is_invented(ws: Workspace) -> None:
    same: dict[str, Any] = {key: {} for key in "uvw"}
    sight(ws, "c1", 0, {**same, "g": {}, "p": {}, "d": {"price": "20"}, "s": {}, "x": {"availability": None}, "m": {}})
    after = {**same, "n": {}, "p": {"price": "8.00"}, "d": {"list_price": "25", "price": "20"}, "x": {}}
    sight(ws, "c2", 7, {**after, "s": {"availability": "OutOfStock"}, "m": {"currency": "USD"}})
    assert found(ws) == {
        ("g", "gone"),
        ("n", "new"),
        ("p", "price_down"),
        ("d", "discount_began"),
        ("s", "availability"),
        ("m", "currency"),
    }


@pytest.mark.parametrize(
    ("answer", "kind"), [("http_500", "not_seen"), ("timeout", "not_seen"), ("http_404", "gone"), ("ok", "gone")]
)
def test_what_its_page_answered_decides_whether_a_product_is_gone(ws: Workspace, answer: str, kind: str) -> None:
    sight(ws, "c1", 0, {"a": {}, "b": {}})
    sight(ws, "c2", 7, {"a": {}}, {"https://a.example/sitemap.xml": "ok", "https://a.example/b": answer})
    assert found(ws) == {("b", kind)}


def test_a_crawl_cut_short_or_with_a_failed_list_calls_nothing_gone_or_new(ws: Workspace) -> None:
    sight(ws, "c1", 0, {"a": {}, "b": {}})
    sight(ws, "c2", 7, {"a": {}}, {"https://a.example/sitemap.xml": "http_503"})
    assert found(ws) == {("b", "not_seen")}
    sight(ws, "c3", 14, {"a": {}, "n": {}})
    assert found(ws) == {("n", "first_seen")}
    sight(ws, "c4", 21, {"a": {}})
    assert found(ws, ("c4",)) == {("n", "not_seen")}


@pytest.mark.parametrize(("lists", "said"), [(1, "1 list of products"), (2, "2 lists of products")])
def test_lists_that_could_not_be_read_are_counted_in_words(ws: Workspace, lists: int, said: str) -> None:
    failed = {f"https://a.example/sitemap-{number}.xml": "http_503" for number in range(lists)}
    sight(ws, "c1", 0, {"a": {}}, {"https://a.example/sitemap.xml": "ok", **failed})
    assert crawls(ws)[0].whole_or_why == f"{said} could not be read"


def test_a_product_whose_page_failed_before_is_first_seen_and_one_absent_before_is_back(ws: Workspace) -> None:
    sight(ws, "c1", 0, {"a": {}, "r": {}})
    sight(ws, "c2", 7, {"a": {}}, {"https://a.example/sitemap.xml": "ok", "https://a.example/f": "http_500"})
    sight(ws, "c3", 14, {"a": {}, "r": {}, "f": {}})
    assert found(ws) == {("r", "back"), ("f", "first_seen")}


def test_a_real_shop_crawled_twice_tells_gone_from_not_seen(ws: Workspace) -> None:
    with serving() as shop:
        paths = [shop.product(number) for number in range(6)]
        shop.sitemap(paths)
        crawl(ws, shop.url, store="a.example")
        shop.answers[paths[1]] = Answer(b"oops", 500)
        shop.answers[paths[2]] = Answer(b"gone", 404)
        page = shop.answers[paths[3]]
        assert isinstance(page, Answer)
        page.body = page.body.replace(b"10.00", b"12.50")
        shop.sitemap([path for path in [*paths, shop.product(9)] if path != paths[0]])
        crawl(ws, shop.url, store="a.example", recrawl=True)
    assert not partial_crawls(ws)
    assert found(ws) == {("S0", "gone"), ("S1", "not_seen"), ("S2", "gone"), ("S3", "price_up"), ("S9", "new")}


def test_a_crawl_with_a_product_limit_is_known_to_be_partial(ws: Workspace) -> None:
    with serving() as shop:
        shop.sitemap([shop.product(number) for number in range(4)])
        crawl(ws, shop.url, store="a.example", max_products=2)
    assert partial_crawls(ws) == {crawls(ws)[0].crawl_id: "asked for 2 products at most"}


def test_hostile_text_stays_text_in_page_csv_and_feeds(ws: Workspace, tmp_path: Path) -> None:
    hostile = {
        "e": {"name": EVIL, "url": "javascript:alert(1)"},
        "=cmd()": {"name": "=cmd()"},
        "l": {"name": "x" * 100_000},
    }
    sight(ws, "c1", 0, {"a": {}})
    sight(ws, "c2", 7, {"a": {}, **hostile})
    page = Path(catalogue_report(ws, out=tmp_path / "r.html").path).read_text("utf-8")
    watch_report(ws, out=tmp_path / "watch.html")
    pages = page + (tmp_path / "watch.html").read_text("utf-8")
    assert "<script" not in pages
    assert "javascript:" not in pages
    assert "<img src=http" not in pages
    assert "\u202e" not in pages
    assert 'rel="noopener nofollow' in page
    assert len(page) < 100_000
    with open(tmp_path / "r-changes.csv", newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=cmd()" in cells
    assert not any(cell[:1] in ("=", "+", "@") for cell in cells)
    items = ElementTree.parse(tmp_path / "watch.rss").getroot().findall("channel/item")
    assert any("<script>alert(1)</script>" in (item.findtext("title") or "") for item in items)
    feed = json.loads((tmp_path / "watch.json").read_text("utf-8"))
    assert all(item.get("url", "https://").startswith("https://") for item in feed["items"])
    assert len(feed["items"]) == 3


def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe_and_a_number_does_not() -> None:
    given = pa.chunked_array([["=1", "+1", "-1", "@a", "\tx", " =1", "a=b", None, "", "\r=1"]])
    assert defused(given).to_pylist() == ["'=1", "'+1", "'-1", "'@a", "'\tx", "' =1", "a=b", None, "", "'=1"]


def test_an_empty_workspace_makes_reports_that_say_so(ws: Workspace) -> None:
    for written in (catalogue_report(ws), watch_report(ws)):
        assert "Nothing to report yet" in Path(written.path).read_text("utf-8")
        assert "nothing to report yet" in written.line()


def test_an_unknown_shop_or_crawl_is_named_with_those_there_are(ws: Workspace) -> None:
    sight(ws, "c1", 0, {"a": {}})
    with pytest.raises(UsageError, match=r"a\.example"):
        catalogue_report(ws, stores=["b.example"])
    with pytest.raises(UsageError, match="c1"):
        catalogue_report(ws, before="zz")


def test_a_taggers_share_is_corrected_by_its_test_and_left_alone_where_it_guesses() -> None:
    share = corrected(30, 100, 80, 100, 10, 100)  # sensitivity 0.8, specificity 0.9
    assert share.value == pytest.approx((0.3 + 0.9 - 1) / 0.7)
    assert share.low < share.value < share.high
    assert share.method == "corrected"
    guess = corrected(30, 100, 50, 100, 50, 100)
    assert (guess.method, guess.value) == ("as said", 0.3)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_counting_in_shards_gives_what_counting_at_once_gives(ws: Workspace) -> None:
    keys = [f"p{number}" for number in range(40)]
    sight(ws, "c1", 0, {key: {"price": f"{number}.00"} for number, key in enumerate(keys)})
    shown = [{"store": "a.example", "product_id": key, "sha256": key * 3, "status": "ok", "url": key} for key in keys]
    ws.tables.append("fetches", shown)
    labels = [
        {"sha256": key * 3, "field": field, "value": f"{field} {number % 3}", "source": source}
        for number, key in enumerate(keys)
        for field, source in (("type", "store"), ("colour", "rule"))
    ]
    ws.tables.append("labels", labels[:-6])
    newest = crawls(ws)
    assert mix(ws, newest, shard_rows=7) == mix(ws, newest)
    assert [(row.value, row.hits, row.n) for row in mix(ws, newest, ["type"], 7)] == [
        ("type 0", 13, 37), ("type 1", 12, 37), ("type 2", 12, 37),
    ]  # fmt: skip
    parts, whole = (current_offer(ws, newest, rows).sort_by("product_id") for rows in (7, 250_000))
    assert parts.num_rows == 40
    assert parts.equals(whole)
