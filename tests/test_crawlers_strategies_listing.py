"""Crawls by listings: query-string shops, pages that no link leads to, endless calendars, site files, the choice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crawlers_shop import Answer, Shop, serving
from crawlers_systems import shopify, shopify_item

from crawlers.run import crawl
from dataset.errors import FetchError
from dataset.workspace import Workspace


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws", contact="crawl@x.example")


def tile(path: str) -> str:
    return f'<li><a href="{path}"><img src="/t.jpg"></a></li>'


def moved(shop: Shop, number: int, path: str) -> str:
    """Product `number` at another address."""
    shop.answers[path] = shop.answers.pop(shop.product(number))
    return path


def test_a_query_string_shop_is_read_to_its_end_each_product_once(shop: Shop, ws: Workspace) -> None:
    base = "/index.php?main_page=index&cPath="
    shop.page("/", f'<nav><a href="{base}1">One</a><a href="{base}2">Two</a></nav>')
    for category in (1, 2):
        goods = [f"/index.php?main_page=product_info&cPath={category}&products_id={n}" for n in range(4)]
        shop.page(f"/index.php?cPath={category}&main_page=index", "".join(tile(g) for g in goods))
    for n in range(4):
        moved(shop, n, f"/index.php?main_page=product_info&products_id={n}")
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("listing", 4)
    assert sum("product_info" in path for path in shop.asked) == 4


def test_numbered_pages_that_no_link_leads_to_are_tried_until_they_repeat(shop: Shop, ws: Workspace) -> None:
    goods = [tile(shop.product(n)) for n in range(9)]
    shop.page("/", '<a href="/list?page=1">All</a>')
    for number in range(1, 4):
        shop.page(f"/list?page={number}", "".join(goods[number * 3 - 3 : number * 3]))
    shop.page("/list?page=4", "".join(goods[6:]))
    assert crawl(ws, shop.url).products == 9
    assert "/list?page=5" not in shop.asked


def test_an_endless_calendar_ends_and_the_goods_are_found(shop: Shop, ws: Workspace) -> None:
    shop.page("/", f'<a href="/calendar/0">Calendar</a>{tile(shop.product(1))}')
    for n in range(120):
        shop.page(f"/calendar/{n}", f'<a rel="next" href="/calendar/{n + 1}">next month</a>')
    result = crawl(ws, shop.url)
    assert result.products == 1
    assert 50 <= sum(path.startswith("/calendar/") for path in shop.asked) <= 60
    assert set(result.page_reasons) <= {"nothing_new"}


def test_the_front_page_is_asked_for_once_when_listings_are_chosen(shop: Shop, ws: Workspace) -> None:
    shop.page("/", tile(shop.product(1)))
    result = crawl(ws, shop.url)
    assert shop.asked.count("/") == 1
    assert result.why == "no sitemap at a usual address; listing: links are followed"


def test_a_site_file_wins_over_the_shop_s_own_list(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(1)])
    host = shop.url.removeprefix("http://")
    (ws.root / "sites").mkdir(exist_ok=True)
    text = f"host: '{host}'\nproduct_links: a.item\nnext_links: a.more\n"
    text += "selectors: {name: 'h2::text', price: 'b::text'}\n"
    (ws.root / "sites" / "it.yaml").write_text(text)
    shop.page("/", '<a class="item" href="/one">1</a><a href="/two">2</a><a class="more" href="/list2">m</a>')
    shop.page("/one", "<h2>Coat</h2><b>12.00</b>")
    shop.page("/list2", '<a class="item" href="/three">3</a>')
    shop.page("/three", "<h2>Hat</h2><b>7.00</b>")
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("listing", 2)
    assert "/two" not in shop.asked
    assert result.why == f"listing: sites/ holds a file for {host}"


def test_an_address_inside_the_shop_begins_there(shop: Shop, ws: Workspace) -> None:
    shop.page("/sale/", tile(shop.product(1)))
    shop.sitemap([shop.product(2)])
    result = crawl(ws, f"{shop.url}/sale/")
    assert (result.strategy, result.products) == ("listing", 1)


def test_another_part_of_a_crawled_shop_is_chosen_for_anew(shop: Shop, ws: Workspace) -> None:
    shop.page("/women/", tile(shop.product(1)))
    shop.page("/", f'<a href="/women/">w</a>{tile(shop.product(2))}')
    first = crawl(ws, shop.url, only="/women/")
    assert (first.products, crawl(ws, shop.url).products) == (1, 2)


def test_a_shop_that_asks_to_come_back_later_before_anything_is_read_says_so(shop: Shop, ws: Workspace) -> None:
    shop.answers["/"] = Answer(b"", 429, {"Retry-After": "3600"})
    with pytest.raises(FetchError, match=r"come back in 3[56]"):
        crawl(ws, shop.url)
    shop.page("/", tile(shop.product(1)))
    assert shop.asked.count("/") == 1
    assert crawl(ws, shop.url).products == 1


def test_a_front_page_that_fails_is_a_coded_reason(shop: Shop, ws: Workspace) -> None:
    shop.answers["/"] = Answer(b"", 403)
    with pytest.raises(FetchError, match="http_403 1"):
        crawl(ws, shop.url)


def test_a_front_page_that_leads_off_the_host_is_not_followed_and_the_other_address_named(
    shop: Shop, ws: Workspace
) -> None:
    shop.answers["/"] = Answer(b"", 302, {"Location": "https://new.example/"})
    with pytest.raises(FetchError, match=r"leads to https://new.example/.*Crawl that address"):
        crawl(ws, shop.url)


class Facets(dict[str, Answer | list[Answer]]):
    """A listing that can be narrowed down without end, in any order, by links."""

    def get(self, path: str, default: object = None) -> Any:
        if not path.startswith("/women"):
            return super().get(path, default)
        chosen = path.partition("?")[2]
        more = "".join(
            f'<a href="/women?{chosen}&f{n}={n}">f{n}</a><a href="/women?f{n}={chosen}x">x</a>' for n in range(30)
        )
        return Answer(f"<body>{tile('/p/1')}{tile('/p/2')}{more}</body>".encode())


def test_facets_without_end_are_left_after_a_while(shop: Shop, ws: Workspace) -> None:
    _ = shop.product(1), shop.product(2)
    shop.page("/", '<a href="/women">Women</a>')
    shop.answers = Facets(shop.answers)
    ws.settings.crawl.max_pages = 3_000
    result = crawl(ws, shop.url)
    assert result.products == 2
    assert sum(path.startswith("/women") for path in shop.asked) < 300
    assert set(result.page_reasons) <= {"nothing_new"}
