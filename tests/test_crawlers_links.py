"""Links of listing pages: canonical forms, pagination in every shape, tiles, menus, languages, what is not followed."""

from __future__ import annotations

import pytest
from parsel import Selector

from crawlers import links, urls
from crawlers.strategies.patterns import EARNED, MAX_BARREN, MAX_IN_VAIN, MAX_WAITING, Pagination, Patterns

S = "https://s.example"
WOMEN = f"{S}/women"


def found(html: str, url: str = WOMEN, **asked: str) -> dict[str, tuple[str, int]]:
    return {u: (kind, priority) for u, kind, priority in links.find(Selector(html, type="html"), url, **asked)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("html", "url", "following"),
    [
        ('<link rel="next" href="?seite=2">', WOMEN, f"{WOMEN}?seite=2"),
        ('<a rel="next" href="/women/x">more</a>', WOMEN, f"{WOMEN}/x"),
        ('<a href="?page=2">2</a>', WOMEN, f"{WOMEN}?page=2"),
        ('<a href="/women?p=2">2</a>', f"{WOMEN}?p=1", f"{WOMEN}?p=2"),
        ('<a href="/women/page/3/">3</a>', f"{WOMEN}/page/2/", f"{WOMEN}/page/3/"),
        ('<a href="page-2.html">2</a>', f"{S}/c/index.html", f"{S}/c/page-2.html"),
        ('<a href="/women?start=24">»</a>', WOMEN, f"{WOMEN}?start=24"),
        ('<a href="?offset=48&amp;limit=24">3</a>', f"{WOMEN}?offset=24&limit=24", f"{WOMEN}?limit=24&offset=48"),
        ('<a href="/women/more-of-it">Weiter ›</a>', WOMEN, f"{WOMEN}/more-of-it"),
        ('<button class="load-more" data-url="/women?chunk=b">Load more</button>', WOMEN, f"{WOMEN}?chunk=b"),
        ('<div data-next-url="/women?page=2"></div>', WOMEN, f"{WOMEN}?page=2"),
        ('<select><option value="/women?page=4">4</option></select>', WOMEN, f"{WOMEN}?page=4"),
        ('<a href="index.php?page=2&amp;cPath=3&amp;main_page=index">2</a>', f"{S}/index.php?main_page=index&cPath=3",
         f"{S}/index.php?cPath=3&main_page=index&page=2"),
    ],
)  # fmt: skip
def test_where_a_listing_goes_on_comes_first(html: str, url: str, following: str) -> None:
    assert found(html, url) == {following: ("listing", links.NEXT)}


def test_choices_of_a_form_and_links_that_buy_are_not_followed() -> None:
    html = """<select><option value="/women?colour=red">red</option></select><a href="/coat?add-to-cart=3">buy</a>
              <a href="/index.php?main_page=shopping_cart">cart</a><a href="/i.php?products_id=3&action=buy_now">b</a>
              <a href="/f?a=1&b=2&c=3&d=4">four</a><a href="javascript:x()">x</a><a href="https://[bad/">bad</a>"""
    assert found(html) == {}


def test_a_picture_beside_a_link_makes_a_tile_and_a_menu_s_picture_makes_none() -> None:
    menu = "".join(f'<a href="/c{n}">C</a>' for n in range(9))
    html = f"""<nav><div><img src="banner.jpg">{menu}</div></nav>
               <div class="card"><div><img src="a.jpg"></div><h3><a href="/coat">Coat</a></h3></div>
               <a href="/hat"><picture><img src="h.jpg"></picture></a><a href="/about">About us</a><a href="/x">x</a>"""
    best = found(html)
    assert [url for url, (_, p) in best.items() if p == links.PRODUCT] == [f"{S}/coat", f"{S}/hat"]
    assert (best[f"{S}/c3"][1], best[f"{S}/about"][1], best[f"{S}/x"][1]) == (links.MENU, links.LATER, links.OTHER)


def test_one_product_has_one_address_whichever_category_leads_to_it() -> None:
    ways = ["?route=product/product&path=20_3&product_id=43", "?product_id=43&route=product/product",
            "?product_id=43&route=product/product&manufacturer_id=8&utm_source=x"]  # fmt: skip
    assert len({urls.clean(f"{S}/index.php{way}") for way in ways}) == 1
    zen = f"{S}/index.php?main_page=product_info&cPath=1_2&products_id=3&zenid=a8f"
    assert urls.clean(zen) == f"{S}/index.php?main_page=product_info&products_id=3"
    assert urls.clean(f"{S}/a;jsessionid=9A?sort=price&b=1#top") == f"{S}/a?b=1"


def test_the_fast_path_of_cleaning_gives_what_the_slow_one_does() -> None:
    from w3lib.url import canonicalize_url

    for url in (f"{S}/women/coats/a-b_c~1/", f"{S}/a.b/c.html", f"{S}/"):
        assert urls.clean(url) == canonicalize_url(url) == url
    assert urls.clean(f"{S}/a/../b/./c") == canonicalize_url(f"{S}/a/../b/./c")


def test_other_languages_that_the_page_names_are_not_followed() -> None:
    html = f"""<html lang="en"><link rel="alternate" hreflang="de" href="{S}/de/"><link rel="alternate" hreflang="en"
               href="{S}/en/"><a href="/de/mantel">DE</a><a href="/en/coat">EN</a><a href="/it/">IT</a></html>"""
    assert set(found(html)) == {f"{S}/en/coat", f"{S}/it/"}


def test_with_only_tiles_elsewhere_are_read_but_not_followed() -> None:
    html = '<a href="/p/1"><img src="a.jpg"></a><a href="/women/coats">c</a><a href="/men">m</a>'
    assert found(html, only="/women") == {
        f"{S}/p/1": ("leaf", links.PRODUCT),
        f"{S}/women/coats": ("listing", links.OTHER),
    }


def test_a_calendar_ends_after_fifty_pages_that_brought_nothing() -> None:
    patterns = Patterns()
    for month in range(MAX_BARREN):
        assert not patterns.is_worn_out(f"{S}/calendar/2026/{month}")
        patterns.read(f"{S}/calendar/2026/{month}", brought=False)
    assert patterns.is_worn_out(f"{S}/calendar/2027/1")
    assert not patterns.is_worn_out(f"{S}/women/2027")
    patterns.read(f"{S}/calendar/2031/1", brought=True)
    assert not patterns.is_worn_out(f"{S}/calendar/2027/1")


def test_facets_of_one_kind_are_queued_up_to_a_bound_that_grows_with_what_they_bring() -> None:
    patterns = Patterns()
    admitted = sum(patterns.admits(f"{S}/women?colour={n}&size={n}") for n in range(1_000))
    assert admitted == MAX_WAITING
    assert all(patterns.admits(f"{S}/c/{n}") for n in range(1_000))
    other = Patterns()
    other.read(f"{WOMEN}?colour=1&size=1", brought=True)
    assert sum(other.admits(f"{S}/women?colour={n}&size={n}") for n in range(1_000)) == MAX_WAITING + EARNED


def test_a_full_page_without_a_link_onwards_is_followed_by_a_try() -> None:
    pages = Pagination()
    tiles = [f"{S}/p/{n}" for n in range(40)]
    assert pages.read(WOMEN, tiles[:10], [f"{WOMEN}?page=2"]) == []
    assert pages.read(f"{WOMEN}?page=2", tiles[10:20], []) == [f"{WOMEN}?page=3"]
    assert pages.read(f"{WOMEN}?page=3", tiles[10:20], []) == []
    assert pages.read(f"{S}/men?offset=10", tiles[20:30], []) == [f"{S}/men?offset=20"]
    assert pages.read(f"{S}/kids?page=2", tiles[30:33], []) == []


def test_where_a_script_draws_the_pager_the_usual_ways_are_tried_and_dropped_when_in_vain() -> None:
    pages = Pagination()
    goods = [f"{S}/p/{n}" for n in range(8)]
    assert pages.read(f"{S}/", goods[:4], [], has_pager=True) == [f"{S}/?page=2", f"{S}/page/2"]
    pages.read(f"{S}/?page=2", goods[:4], [])
    assert pages.read(f"{S}/page/2", goods[4:], []) == [f"{S}/page/3"]
    tried = [way for n in range(9) for way in pages.read(f"{S}/c{n}", goods[:4], [], has_pager=True)]
    assert sum("?page=2" in way for way in tried) == MAX_IN_VAIN - 1
    assert sum("/page/2" in way for way in tried) == MAX_IN_VAIN
