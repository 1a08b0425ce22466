"""Whole crawls of shops that reserve their images: no request, no blob, a row with the evidence."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import Answer, Shop, jpeg, serving
from PIL import Image

from crawlers.run import crawl
from dataset.blobs import sha256_of
from dataset.workspace import Workspace

BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws", contact="crawl@x.example")


def rows(ws: Workspace) -> dict[str, dict[str, object]]:
    return {str(r["url"]).split("/", 3)[3]: r for r in ws.tables.read("fetches").to_pylist()}


def reserve(shop: Shop, location: str) -> None:
    shop.page("/.well-known/tdmrep.json", json.dumps([{"location": location, "tdm-reservation": 1}]))


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/.well-known/tdmrep.json", '[{"location": "/img/1.jpg", "tdm-reservation": 1}]', "tdm_reserved"),
        ("/ai.txt", "User-Agent: *\nDisallow: /img/1*\n", "ai_txt"),
        ("/robots.txt", "User-agent: *\nContent-Usage: /img/1 train-ai=n\n", "usage_reserved"),
    ],
)
def test_an_image_that_its_hosts_file_reserves_is_a_row_and_never_a_request(
    shop: Shop, ws: Workspace, path: str, body: str, reason: str
) -> None:
    shop.page(path, body)
    shop.sitemap([shop.product(1), shop.product(2)])
    result = crawl(ws, shop.url)
    assert (result.products, result.images_ok, result.reasons) == (2, 1, {reason: 1})
    assert "/img/1.jpg" not in shop.asked
    assert path in str(rows(ws)["img/1.jpg"]["policy"])


def test_a_page_that_its_host_reserves_refuses_its_images_wherever_they_lie(shop: Shop, ws: Workspace) -> None:
    reserve(shop, "/p/1")
    shop.sitemap([shop.product(1), shop.product(2)])
    result = crawl(ws, shop.url)
    assert (result.products, result.reasons) == (2, {"tdm_reserved": 1})
    assert "/p/1 tdm-reservation 1" in str(rows(ws)["img/1.jpg"]["policy"])


def test_a_price_report_is_not_bound_by_what_only_training_may_not_have(shop: Shop, tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "prices", purpose="price-report")
    reserve(shop, "/")
    shop.page("/ai.txt", "User-Agent: *\nDisallow: /\n")
    shop.sitemap([shop.product(1)])
    assert crawl(ws, shop.url).images_ok == 1


def test_usage_headers_of_an_image_and_metadata_inside_it_refuse_it(shop: Shop, ws: Workspace) -> None:
    xmp = b"<x:xmpmeta><plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED</plus:DataMining></x:xmpmeta>"
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", xmp=xmp)
    shop.sitemap([shop.product(1, images=["/a.jpg", "/b.jpg", "/c.jpg"])])
    shop.picture("/a.jpg", 1, Content_Usage="train-ai=n")
    shop.answers["/b.jpg"] = Answer(out.getvalue(), 200, {"Content-Type": "image/jpeg"})
    shop.picture("/c.jpg", 3)
    assert crawl(ws, shop.url).reasons == {"usage_reserved": 1, "image_metadata": 1}
    assert not ws.blobs.has(sha256_of(out.getvalue()))
    assert ws.blobs.has(sha256_of(jpeg(3)))


def test_a_missing_image_is_missing_although_its_error_page_says_noindex(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1, images=["/a.jpg"])])
    shop.page("/a.jpg", "gone", 404, X_Robots_Tag="noindex")
    assert crawl(ws, shop.url).reasons == {"http_404": 1}


@pytest.mark.parametrize(("policy", "reasons"), [("any", {}), ("stated", {"licence_missing": 1}),
                                                 ("free", {"licence_missing": 1, "licence_not_free": 1})])  # fmt: skip
def test_a_workspace_that_asks_for_licences_takes_no_image_without(
    shop: Shop, ws: Workspace, policy: str, reasons: dict[str, int]
) -> None:
    ws.settings.crawl.licences = policy  # type: ignore[assignment]
    links = {1: "", 2: '<link rel="license" href="/terms">', 3: f'<a rel="license" href="{BY}">CC BY</a>'}
    shop.sitemap([shop.product(n, extra=link) for n, link in links.items()])
    assert crawl(ws, shop.url).reasons == reasons
    found = {row["product_id"]: row["licence"] for row in ws.tables.read("products").to_pylist()}
    assert found == {"S1": None, "S2": f"{shop.url}/terms", "S3": BY}


def test_only_hosts_and_the_pixel_cap_of_the_settings_hold(shop: Shop, ws: Workspace) -> None:
    ws.settings.crawl.only_hosts = ["cdn.example"]
    ws.settings.crawl.max_image_pixels = 63
    shop.picture("/a.jpg", 1)
    shop.sitemap([shop.product(1, images=["/a.jpg", "http://elsewhere.example/b.jpg"])])
    assert crawl(ws, shop.url).reasons == {"too_many_pixels": 1, "host_not_listed": 1}


def test_a_redirect_to_a_broken_url_is_a_row(shop: Shop, ws: Workspace) -> None:
    shop.answers["/a.jpg"] = Answer(b"", 302, {"Location": "http://[bad/"})
    shop.sitemap([shop.product(1, images=["/a.jpg"]), shop.product(2)])
    result = crawl(ws, shop.url)
    assert (result.images_ok, result.reasons) == (1, {"bad_url": 1})
