"""Crawls by sitemap: where it is looked for, what is asked first, one language, budgets."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import HTML, Answer, Shop, serving

from crawlers.run import crawl
from dataset.workspace import Workspace


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws", contact="crawl@x.example")


def urlset(shop: Shop, paths: list[str]) -> bytes:
    return ("<urlset>" + "".join(f"<url><loc>{shop.url}{path}</loc></url>" for path in paths) + "</urlset>").encode()


def index(shop: Shop, paths: list[str]) -> bytes:
    rows = "".join(f"<sitemap><loc>{shop.url}{path}</loc></sitemap>" for path in paths)
    return f"<sitemapindex>{rows}</sitemapindex>".encode()


def test_the_usual_addresses_are_tried_until_one_is_a_sitemap(shop: Shop, ws: Workspace) -> None:
    shop.page("/sitemap.xml", "<html>not found, but 200</html>")
    shop.answers["/sitemap_index.xml"] = Answer(index(shop, ["/s1.xml.gz"]))
    shop.answers["/s1.xml.gz"] = Answer(gzip.compress(urlset(shop, [shop.product(1)])), 200, {"Content-Type": "x/gzip"})
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("sitemap", 1)
    assert "/wp-sitemap.xml" not in shop.asked
    assert shop.asked.count("/sitemap_index.xml") == 1


def test_robots_txt_names_sitemaps_and_all_of_them_are_read(shop: Shop, ws: Workspace) -> None:
    shop.page("/robots.txt", f"Sitemap: {shop.url}/a.xml\nSitemap: /b.txt\nSitemap: https://else.example/c.xml\n")
    shop.answers["/a.xml"] = Answer(urlset(shop, [shop.product(1)]))
    shop.answers["/b.txt"] = Answer(f"{shop.url}{shop.product(2)}\n".encode(), 200, {"Content-Type": "text/plain"})
    result = crawl(ws, shop.url)
    assert result.products == 2
    assert result.why == "sitemap: robots.txt names one"
    assert "/sitemap.xml" not in shop.asked


def test_what_is_named_a_product_is_asked_for_first_and_a_blog_last_but_never_left_out(
    shop: Shop, ws: Workspace
) -> None:
    ws.settings.crawl.concurrency = 1
    shop.answers["/blog/coat"] = Answer(b"<h1>On coats</h1>")
    shop.answers["/coat-7"] = Answer(b"<h1>Nothing</h1>")
    shop.answers["/sitemap.xml"] = Answer(index(shop, ["/s-posts.xml", "/s-products.xml"]))
    shop.answers["/s-posts.xml"] = Answer(urlset(shop, ["/blog/coat", "/coat-7"]))
    shop.answers["/s-products.xml"] = Answer(urlset(shop, [shop.product(1)]))
    crawl(ws, shop.url)
    order = [p for p in shop.asked if p in ("/s-posts.xml", "/s-products.xml", "/blog/coat", "/coat-7", "/p/1")]
    assert order == ["/s-products.xml", "/s-posts.xml", "/p/1", "/coat-7", "/blog/coat"]


def test_one_language_is_read_and_the_copies_are_counted(shop: Shop, ws: Workspace) -> None:
    shop.page("/", '<html lang="de-DE"><body>hallo</body></html>')
    paths = [shop.product(n) for n in (1, 2)]
    shop.sitemap([*paths, *(f"/en{path}" for path in paths), *(f"/fr{path}" for path in paths)])
    result = crawl(ws, shop.url)
    assert result.products == 2
    assert not [path for path in shop.asked if path.startswith(("/en", "/fr"))]
    assert "one language (de): copies left out: 2 in en, 2 in fr" in result.why


def test_a_sitemap_of_more_pages_than_the_budget_holds_fills_no_memory(shop: Shop, ws: Workspace) -> None:
    ws.settings.crawl.max_pages = 5
    shop.product(0)
    shop.answers["/sitemap.xml"] = Answer(gzip.compress(urlset(shop, [f"/p/{n}" for n in range(100_000)])))
    result = crawl(ws, shop.url)
    assert result.products == 1
    in_flight = 2 * ws.settings.crawl.concurrency  # what was asked for already when the budget was spent
    assert len([path for path in shop.asked if path.startswith("/p/")]) <= 5 + in_flight


def test_with_only_a_listing_s_products_count_where_their_address_is_elsewhere(shop: Shop, ws: Workspace) -> None:
    tile = '<li><a href="{}"><img src="/t.jpg"></a></li>'
    shop.page("/women/", tile.format(shop.product(1)) + '<a href="/women/coats">Coats</a><a href="/men/">Men</a>')
    shop.page("/women/coats", tile.format(shop.product(2)))
    shop.page("/men/", tile.format(shop.product(3)))
    shop.sitemap(["/women/", "/men/", "/p/1", "/p/3"])
    result = crawl(ws, shop.url, only="/women/")
    assert result.products == 2
    assert "/men/" not in shop.asked


def test_addresses_on_other_hosts_in_a_sitemap_are_not_asked_for(shop: Shop, ws: Workspace) -> None:
    foreign = "<url><loc>https://elsewhere.example/p/9</loc></url>"
    body = urlset(shop, [shop.product(1)]).decode().replace("</urlset>", f"{foreign}</urlset>")
    shop.page("/sitemap.xml", body)
    assert crawl(ws, shop.url).page_reasons == {}


def test_the_front_page_and_each_try_are_rows(shop: Shop, ws: Workspace) -> None:
    shop.page("/", "<h1>Hello</h1>")
    shop.sitemap([shop.product(1)])
    shop.answers["/sitemap_index.xml"] = shop.answers.pop("/sitemap.xml")
    crawl(ws, shop.url)
    visits = ws.tables.read("pages").to_pylist()
    rows = {r["url"].removeprefix(shop.url): (r["kind"], r["status"], r["reason"]) for r in visits}
    assert rows["/"] == ("front", "ok", None)
    assert rows["/sitemap.xml"] == ("sitemap", "failed", "http_404")
    assert rows["/sitemap_index.xml"] == ("sitemap", "ok", None)


def test_a_front_page_that_redirects_and_a_busy_one_are_followed_and_tried_again(shop: Shop, ws: Workspace) -> None:
    shop.answers["/"] = [Answer(b"", 503), Answer(b"", 302, {"Location": "/de/"})]
    shop.page("/de/", "<html><body>hallo</body></html>")
    shop.answers["/sitemap.xml"] = Answer(urlset(shop, ["/en/p/1", "/de/p/1"]), 200, dict(HTML))
    shop.answers["/de/p/1"] = shop.answers[shop.product(1)]
    result = crawl(ws, shop.url)
    assert result.products == 1
    assert "/en/p/1" not in shop.asked
