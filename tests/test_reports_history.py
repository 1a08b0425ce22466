"""A shop crawled three times over loopback, changes planted: every one is found with its values, none is invented."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from crawlers_shop import Shop, serving

from crawlers.run import crawl
from dataset.workspace import Workspace
from modiste.crawl_scopes import partial_crawls
from reports.assortment import catalogue_report
from reports.crawls import crawls
from reports.watch import watch_report

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Sold:
    """A product as its page shows it."""

    price: str = "40.00"
    listed: str = ""
    currency: str = "EUR"
    stock: str = "InStock"
    name: str = ""


@dataclass
class Season:
    """What a shop shows at one crawl: `sold` by number, `dead` numbers answer 404, `down` 500 (both still listed)."""

    sold: dict[int, Sold]
    dead: set[int] = field(default_factory=set)
    down: set[int] = field(default_factory=set)


def seasons() -> list[Season]:
    """Forty products, of which twenty never change; the planted changes are those of `PLANTED`."""
    first = {number: Sold(price=f"{20 + number}.00") for number in range(40)}
    first[10], first[12] = replace(first[10], listed="60.00"), replace(first[12], listed="64.00")
    second = {number: sold for number, sold in first.items() if number != 5}
    third = dict(first) | {40: Sold("9.00"), 41: Sold("9.50"), 42: Sold("99.00", name="=HYPERLINK(1)")}
    for number in (0, 1):
        del third[number]
    third[6], third[7] = replace(first[6], price="13.00"), replace(first[7], price="54.00")
    third[8] = replace(first[8], price="21.00", listed="42.00")
    third[10], third[12] = replace(first[10], listed=""), replace(first[12], listed="40.00")
    third[13] = replace(first[13], stock="OutOfStock")
    third[14] = replace(first[14], currency="USD")
    third[15] = replace(first[15], name="Renamed, which is no change of the market")
    return [Season(first), Season(second), Season(third, dead={2}, down={3})]


# (product, kind) -> (old, new) between the second and the third crawl.
PLANTED: dict[tuple[str, str], tuple[str, str]] = {
    ("S40", "new"): ("", ""), ("S41", "new"): ("", ""), ("S42", "new"): ("", ""), ("S5", "back"): ("", ""),
    ("S0", "gone"): ("", ""), ("S1", "gone"): ("", ""), ("S2", "gone"): ("", ""), ("S3", "not_seen"): ("", ""),
    ("S6", "price_down"): ("26.00", "13.00"), ("S7", "price_up"): ("27.00", "54.00"),
    ("S8", "price_down"): ("28.00", "21.00"), ("S8", "discount_began"): ("0 %", "50 %"),
    ("S10", "discount_ended"): ("50 %", "0 %"), ("S12", "discount_changed"): ("50 %", "20 %"),
    ("S13", "availability"): ("InStock", "OutOfStock"), ("S14", "currency"): ("EUR", "USD"),
}  # fmt: skip


def open_shop(shop: Shop, season: Season) -> None:
    for number, sold in season.sold.items():
        offer = {
            "price": sold.price,
            "priceCurrency": sold.currency,
            "availability": f"https://schema.org/{sold.stock}",
        }
        if sold.listed:
            kind = "https://schema.org/ListPrice"
            offer["priceSpecification"] = {"@type": "UnitPriceSpecification", "priceType": kind, "price": sold.listed}  # type: ignore[assignment]
        node = {
            "@context": "https://schema.org", "@type": "Product", "name": sold.name or f"Dress {number}",
            "sku": f"S{number}", "offers": {"@type": "Offer", **offer},
        }  # fmt: skip
        markup = f'<script type="application/ld+json">{json.dumps(node)}</script>'
        shop.page(f"/p/{number}", f"{markup}<h1>{node['name']}</h1>")
    for number in season.dead | season.down:
        shop.page(f"/p/{number}", "no", 404 if number in season.dead else 500)
    shop.sitemap([f"/p/{number}" for number in sorted(season.sold)])


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    ws = Workspace.init(tmp_path_factory.mktemp("history") / "w", name="Three seasons", contact="x@x.example")
    with serving() as shop:
        for turn, season in enumerate(seasons()):
            open_shop(shop, season)
            crawl(ws, shop.url, store="shop.example", recrawl=turn > 0)
    return ws


def told(page: str) -> str:
    """What a reader sees, in one line."""
    return " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.S).replace("\u2009", "").split())


def test_the_shop_is_read_as_it_was_built(ws: Workspace) -> None:
    rows = ws.tables.query(
        "SELECT crawl_id, count(*) AS n FROM products GROUP BY 1 ORDER BY min(fetched_at)"
    ).to_pylist()
    assert [row["n"] for row in rows] == [40, 39, 39]
    listed = ws.tables.read("products", ["product_id", "list_price"], "list_price IS NOT NULL").to_pylist()
    assert {(row["product_id"], row["list_price"]) for row in listed} == {
        ("S8", "42.00"), ("S10", "60.00"), ("S12", "64.00"), ("S12", "40.00"),
    }  # fmt: skip
    assert partial_crawls(ws) == {}


def test_every_planted_change_stands_in_csv_and_parquet_with_its_values_and_no_other(ws: Workspace) -> None:
    written = catalogue_report(ws, partial=partial_crawls(ws))
    with open(written.files[0], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["product_id"], row["kind"]): (row["old"], row["new"]) for row in rows} == PLANTED
    assert len(rows) == len(PLANTED)
    kept = pq.ParquetFile(written.files[1]).read(use_threads=False).to_pylist()
    assert {(row["product_id"], row["kind"]) for row in kept} == set(PLANTED)
    ratios = {(row["product_id"], row["kind"]): row["ratio"] for row in kept if row["ratio"] is not None}
    assert ratios[("S6", "price_down")] == pytest.approx(-0.5)
    assert ratios[("S7", "price_up")] == pytest.approx(1.0)
    assert ratios[("S12", "discount_changed")] == pytest.approx(-0.3)


def test_each_absence_is_told_with_its_evidence(ws: Workspace) -> None:
    path = catalogue_report(ws, partial=partial_crawls(ws)).files[0]
    with open(path, newline="", encoding="utf-8") as file:
        evidence = {row["product_id"]: row["evidence"] for row in csv.DictReader(file) if row["evidence"]}
    assert evidence["S0"] == "no longer listed; all lists were read"
    assert evidence["S2"] == "the shop answers that the page is gone (http_404)"
    assert evidence["S3"] == "its page could not be read: http_500"
    assert evidence["S5"] == "seen in an older crawl, absent in the one before"


def test_the_page_counts_what_was_planted(ws: Workspace, tmp_path: Path) -> None:
    text = told(Path(catalogue_report(ws, out=tmp_path / "c.html", partial=partial_crawls(ws)).path).read_text("utf-8"))
    assert "39 products now in 1 shop 3 new 1 back, 0 first seen 3 gone 1 not seen, may still be there" in text
    assert "3 price moves 2 down, 1 up" in text
    assert "26.00 → 13.00 EUR (-50 %)" in text
    assert "did not see the whole shop" not in text


def test_the_watch_page_and_its_feeds_tell_the_same_and_leave_the_uncertain_out(ws: Workspace, tmp_path: Path) -> None:
    written = watch_report(ws, out=tmp_path / "w.html", partial=partial_crawls(ws))
    feed = json.loads((tmp_path / "w.json").read_text("utf-8"))["items"]
    newest = [item for item in feed if item["date_published"] > feed[-1]["date_published"]]
    assert len(feed) == len(PLANTED) - 1 + 1  # without 'not seen', with S5 gone between the first and the second
    assert "price down: Dress 6, 26.00 to 13.00 EUR" in {item["title"] for item in newest}
    assert [item["title"] for item in feed if item["title"].startswith("gone: Dress 5")] == ["gone: Dress 5"]
    assert not [item for item in feed if "Dress 3," in item["title"] or item["title"].endswith("Dress 3")]
    rows = re.findall(r"<tr><td>shop\.example</td>(.*?)</tr>", Path(written.path).read_text("utf-8"))
    assert [told(row).split()[2:8] for row in rows] == [
        ["39", "3", "3", "1", "2", "1"], ["39", "0", "1", "0", "0", "0"], ["40", "–", "–", "–", "–", "–"],
    ]  # fmt: skip


def test_two_older_crawls_can_be_compared_by_name(ws: Workspace, tmp_path: Path) -> None:
    ids = [crawl.crawl_id for crawl in crawls(ws)]
    written = catalogue_report(ws, out=tmp_path / "r.html", before=ids[0], after=ids[1], partial=partial_crawls(ws))
    with open(written.files[0], newline="", encoding="utf-8") as file:
        assert [(row["product_id"], row["kind"]) for row in csv.DictReader(file)] == [("S5", "gone")]
