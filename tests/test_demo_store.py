"""The demo shop over real HTTP: pages, manners, troubles. One store for all tests; each asks for its own paths."""

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from modiste.demo.catalogue import Catalogue, Picture, Product
from modiste.demo.store import DemoStore
from modiste.demo.troubles import plant


def make_catalogue(root: Path, count: int) -> Catalogue:
    Image.effect_noise((400, 600), 60).convert("RGB").save(root / "one.jpg")
    picture = Picture("one.jpg", "a <b>dress</b>")
    products = tuple(
        Product(
            f"MD-{n}",
            f"Dress & more <{n}>",
            "Wren",
            "39.95",
            "59.95",
            "EUR",
            "InStock",
            "emerald",
            ("Clothing", "dress"),
            f"g{n // 2}",
            ("S", "M"),
            "Fine.",
            (picture,),
        )
        for n in range(count)
    )
    return Catalogue(root, "Test Shop", plant(products))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStore]:
    with DemoStore(make_catalogue(tmp_path_factory.mktemp("shop"), 30)) as store:
        yield store


def ask(store: DemoStore, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", urlsplit(store.url).port or 0, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_listings_lead_from_page_to_page_until_the_last(store: DemoStore) -> None:
    path, seen = "/category/dress", []
    while path:
        page = ask(store, path)[1].decode()
        seen += re.findall(r'class="card" href="(/(?:product|private)/md-\d+)"', page)
        following = re.search(r'<link rel="next" href="([^"]+)"', page)
        path = following[1] if following else ""
    assert len(seen) == len(set(seen)) == 30


def test_a_product_page_carries_json_ld_with_price_colour_and_original_images(store: DemoStore) -> None:
    page = ask(store, "/product/md-0")[1].decode()
    record = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)[0])
    assert (record["offers"]["price"], record["offers"]["priceCurrency"], record["color"]) == (
        "39.95",
        "EUR",
        "emerald",
    )
    assert record["name"] == "Dress & more <0>"
    original = ask(store, urlsplit(record["image"][0]).path)[1]
    assert original == (store.shop.catalogue.root / "one.jpg").read_bytes()


def test_srcset_names_each_rendition_with_its_true_width(store: DemoStore) -> None:
    srcset = re.search(r'srcset="([^"]+)"', ask(store, "/product/md-0")[1].decode())
    assert srcset
    for entry in srcset[1].split(", "):
        path, width = entry.split()
        (store.shop.catalogue.root / "got.jpg").write_bytes(ask(store, path)[1])
        assert f"{Image.open(store.shop.catalogue.root / 'got.jpg').width}w" == width


def test_text_from_the_catalogue_is_escaped(store: DemoStore) -> None:
    page = ask(store, "/product/md-0")[1].decode()
    assert "Dress &amp; more &lt;0&gt;" in page
    assert "<b>dress</b>" not in page


def test_robots_disallows_the_private_part_which_is_linked_but_not_in_the_sitemap(store: DemoStore) -> None:
    private = next(product for product in store.shop.catalogue.products if product.trouble == "private")
    assert b"Disallow: /private/" in ask(store, "/robots.txt")[1]
    sitemap = ask(store, "/sitemap.xml")[1].decode()
    assert private.path not in sitemap
    assert sitemap.count("/product/") == 29
    assert ask(store, private.path)[0].status == 200


def test_a_dead_image_is_404_and_another_is_html_with_status_200(store: DemoStore) -> None:
    assert ask(store, "/image/md-1/1/full.jpg")[0].status == 404
    response, body = ask(store, "/image/md-2/1/full.jpg")
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert body.startswith(b"<!doctype html>")


def test_one_image_and_one_page_are_opted_out_by_header(store: DemoStore) -> None:
    assert "noai" in ask(store, "/image/md-2/0/full.jpg")[0].headers["X-Robots-Tag"]
    assert ask(store, "/product/md-28")[0].headers["X-Robots-Tag"] == "noai"
    assert ask(store, "/product/md-0")[0].headers["X-Robots-Tag"] is None


def test_the_first_listing_links_a_redirect_and_a_dead_page(store: DemoStore) -> None:
    page = ask(store, "/category/dress")[1]
    assert b"/old/best-seller" in page
    assert b"/product/gone-for-good" in page
    moved = ask(store, "/old/best-seller")[0]
    assert (moved.status, moved.headers["Location"]) == (301, "/product/md-0")
    assert ask(store, "/product/gone-for-good")[0].status == 404


@pytest.mark.parametrize("path", ["/", "/product/md-0", "/image/md-0/0/full.jpg"])
def test_what_is_known_already_is_answered_304_without_a_body(store: DemoStore, path: str) -> None:
    first = ask(store, path)[0]
    by_tag, body = ask(store, path, If_None_Match=first.headers["ETag"])
    by_date = ask(store, path, If_Modified_Since=first.headers["Last-Modified"])[0]
    assert (by_tag.status, by_date.status, body) == (304, 304, b"")
    assert ask(store, path, If_None_Match='"else"')[0].status == 200


def test_a_head_request_gives_the_length_and_no_body(store: DemoStore) -> None:
    response, body = ask(store, "/image/md-0/0/full.jpg", method="HEAD")
    assert body == b""
    assert int(response.headers["Content-Length"]) == (store.shop.catalogue.root / "one.jpg").stat().st_size


@pytest.mark.parametrize(
    "path",
    ["/category/dress?page=99", "/category/dress?page=x", "/image/md-0/9/full.jpg", "/image/md-0/0/w7.jpg", "/../x"],
)
def test_what_is_not_there_is_404(store: DemoStore, path: str) -> None:
    assert ask(store, path)[0].status == 404


def test_requests_are_recorded_with_their_headers_and_answers(store: DemoStore) -> None:
    ask(store, "/nowhere", User_Agent="tester/1")
    assert [(r.status, r.headers["user-agent"]) for r in store.requests if r.path == "/nowhere"] == [(404, "tester/1")]
