"""A crawl writes down what it was asked for, from its first moment on, for the reports of a year later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from crawlers_shop import Shop, serving

from crawlers.run import crawl
from dataset.crawl_notes import read_notes
from dataset.errors import EmptyError
from dataset.workspace import Workspace
from modiste.crawl_scopes import partial_crawls


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "w", name="shop", contact="x@x.example")


def sold(shop: Shop, count: int = 4) -> None:
    shop.sitemap([shop.product(number) for number in range(count)])


@pytest.mark.parametrize(
    ("asked", "why"), [({}, ""), ({"max_products": 2}, "asked for 2 products at most"), ({"max_products": 9}, "")]
)
def test_a_crawl_notes_what_it_was_asked_for_and_that_it_ended(ws: Workspace, asked: dict[str, Any], why: str) -> None:
    with serving() as shop:
        sold(shop)
        result = crawl(ws, shop.url, store="a.example", **asked)
    (note,) = read_notes(ws).values()
    assert (note.crawl_id, note.store, note.part, note.finished) == (result.crawl_id, "a.example", None, True)
    assert (note.products, note.max_products) == (asked.get("max_products", 4) if why else 4, asked.get("max_products"))
    assert note.cut_short() == why


def test_a_crawl_that_stopped_on_the_way_is_noted_as_unfinished(ws: Workspace) -> None:
    with serving() as shop:
        sold(shop)

        def stop(done: int, total: int | None) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            crawl(ws, shop.url, store="a.example", progress=stop)
        assert list(partial_crawls(ws).values()) == ["not finished"]
        crawl(ws, shop.url, store="a.example")
    assert partial_crawls(ws) == {}


def test_an_older_crawl_of_a_few_products_is_still_known_after_a_newer_one(ws: Workspace) -> None:
    with serving() as shop:
        sold(shop)
        few = crawl(ws, shop.url, store="a.example", max_products=2)
        crawl(ws, shop.url, store="a.example", recrawl=True)
    assert partial_crawls(ws) == {few.crawl_id: "asked for 2 products at most"}


def test_a_limit_of_pages_is_noted_with_the_crawl_and_not_read_from_todays_settings(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "w", name="shop", contact="x@x.example", crawl={"max_pages": 3})
    with serving() as shop:
        sold(shop, 8)
        cut = crawl(ws, shop.url, store="a.example")
    settings = ws.root / "modiste.yaml"
    settings.write_text(settings.read_text().replace("max_pages: 3", "max_pages: 5000"))
    assert partial_crawls(Workspace.open(ws.root)) == {cut.crawl_id: "stopped at the limit of 3 pages"}


def test_a_crawl_that_found_nothing_leaves_no_claim(ws: Workspace) -> None:
    with serving() as shop:
        shop.page("/", "<h1>Nothing</h1>")
        with pytest.raises(EmptyError):
            crawl(ws, shop.url, store="a.example")
    assert all(not note.finished for note in read_notes(ws).values())
