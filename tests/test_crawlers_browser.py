"""`--browser`: a real Chromium whose every request is answered by the crawl's own client, or not at all."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import Answer, Shop, serving
from parsel import Selector

from crawlers.addresses import AddressGuard
from crawlers.browser import Browser, needs_javascript
from crawlers.client import Client
from crawlers.pace import HostPace
from crawlers.policy import Gate
from crawlers.run import crawl
from dataset.errors import EmptyError
from dataset.workspace import Workspace

SHELL = """<html><head><title>Shop</title></head><body><div id="root"></div>
<noscript>You need to enable JavaScript.</noscript><script src="/app.js"></script></body></html>"""
APP = """
const asked = {method: 'POST', body: 'id=1', headers: {'content-type': 'text/plain'}};
fetch('/api/product', asked).then(r => r.json()).then(p => {
  document.getElementById('root').innerHTML = '<h1>' + p.name + '</h1><img src="/photo.jpg">';
  new Image().src = 'http://169.254.169.254/latest';
  fetch('/private/secret').catch(() => document.title = 'kept out');
});
"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        running.page("/app.js", APP, Content_Type="text/javascript")
        running.page("/api/product", '{"name": "Wool Coat"}', Content_Type="application/json")
        yield running


def rendered(shop: Shop, body: str) -> str:
    if shutil.which("chromium") is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")

    async def render() -> bytes:
        async with Client(
            "modiste/1.0 (+me)", AddressGuard(shop.url), HostPace(), timeout_s=10, concurrency=4
        ) as client:
            gate = Gate(client, deny_hosts=[], taken_down=set())
            async with Browser(client, gate) as browser:
                return await browser.render(f"{shop.url}/p/1", body.encode(), "text/html")

    return asyncio.run(render()).decode()


def test_a_page_of_scripts_is_read_as_its_scripts_leave_it(shop: Shop) -> None:
    shop.page("/robots.txt", "User-agent: *\nDisallow: /private/\n", Content_Type="text/plain")
    page = rendered(shop, SHELL)
    assert "<h1>Wool Coat</h1>" in page
    assert "<title>kept out</title>" in page
    assert set(shop.asked) >= {"/app.js", "/api/product"}
    assert not {"/photo.jpg", "/p/1", "/private/secret"} & set(shop.asked)
    assert shop.agents == {"modiste/1.0 (+me)"}


def test_a_page_that_moves_on_by_script_or_never_rests_is_read_where_it_stands(shop: Shop) -> None:
    shop.page("/next.js", "location.href = '/elsewhere'", Content_Type="text/javascript")
    page = rendered(shop, '<h1>Here</h1><script src="/next.js"></script>')
    assert "<h1>Here</h1>" in page
    assert "/elsewhere" not in shop.asked


def test_redirects_of_a_script_are_judged_hop_by_hop(shop: Shop) -> None:
    shop.answers["/app.js"] = Answer(b"", 302, {"Location": "http://127.0.0.1:1/evil.js"})
    shop.answers["/ok.js"] = Answer(b"", 302, {"Location": "/real.js"})
    shop.page("/real.js", "document.title = 'ran'", Content_Type="text/javascript")
    page = rendered(shop, '<title>x</title><script src="/app.js"></script><script src="/ok.js"></script>')
    assert "<title>ran</title>" in page


@pytest.mark.parametrize(
    ("page", "needed"),
    [
        (SHELL, True), ("<div id=__next></div><script src=/x.js></script>", True),
        ("<body><h1>Dress</h1><p>" + "word " * 80 + "</p><script src=/x.js></script></body>", False),
        ("<body><p>404 not found</p></body>", False),
        ("<body><noscript>JavaScript is required.</noscript><p>Loading the shop, one moment</p>"
         "<script src=/x.js></script></body>", True),
    ],
)  # fmt: skip
def test_what_needs_javascript_is_told_by_what_it_shows(page: str, needed: bool) -> None:
    assert needs_javascript(Selector(text=page)) is needed


def test_a_shop_drawn_by_scripts_is_crawled_with_a_browser_and_not_without(shop: Shop, tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    script = """
    const offers = {price: '80', priceCurrency: 'EUR'};
    const node = {'@type': 'Product', name: 'Wool Coat', image: '/photo.jpg', offers};
    document.getElementById('root').innerHTML = '<h1>Wool Coat</h1><button>Add to cart</button>';
    const markup = document.createElement('script');
    markup.type = 'application/ld+json'; markup.text = JSON.stringify(node); document.head.append(markup);
    """
    shop.page("/app.js", script, Content_Type="text/javascript")
    shop.page("/p/1", SHELL)
    shop.picture("/photo.jpg", 3)
    shop.sitemap(["/p/1"])
    with pytest.raises(EmptyError, match="no product"):
        crawl(Workspace.init(tmp_path / "without"), shop.url)
    ws = Workspace.init(tmp_path / "with")
    result = crawl(ws, shop.url, browser=True)
    assert (result.products, result.images_ok) == (1, 1)
    (product,) = ws.tables.read("products").to_pylist()
    assert (product["name"], product["price"], product["currency"]) == ("Wool Coat", "80", "EUR")
    rendered = {row["url"].rpartition("/")[2]: row["rendered"] for row in ws.tables.read("pages").to_pylist()}
    assert rendered["1"] is True
