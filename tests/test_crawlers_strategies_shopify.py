"""Shopify's list of products: its fields, its requests, its opt-outs, and what comes when it is refused."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import Answer, Shop, serving
from crawlers_systems import JSON, SHOPIFY_FRONT, shopify, shopify_item
from multidict import CIMultiDict

from crawlers.job import Scope
from crawlers.run import crawl
from crawlers.strategies import options
from crawlers.strategies.shopify import Shopify, original, product
from crawlers.strategies.strategy import Front, PageAnswer
from dataset.errors import FetchError
from dataset.workspace import Workspace

OURS = ("/robots.txt", "/ai.txt", "/.well-known/")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws", contact="crawl@x.example")


def pages(shop: Shop) -> list[str]:
    """Paths asked for, without the host's own files and without images."""
    return [path for path in shop.asked if not path.startswith((*OURS, "/cdn/"))]


def test_600_products_cost_four_pages_of_json_the_front_page_and_three_samples(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n, images=[]) for n in range(600)])
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("shopify", 600)
    assert pages(shop).count("/") == 1
    assert sum(path.startswith("/products.json") for path in pages(shop)) == 4
    assert [p for p in pages(shop) if p.startswith("/products/")] == [f"/products/coat-{n}" for n in (0, 125, 249)]
    assert len(pages(shop)) == 8
    assert "Shopify.shop" not in result.line()
    assert result.why == "shopify: the front page holds shopify.shop"


def test_a_product_of_the_list_has_every_field_and_the_answer_as_its_page(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(1)])
    crawl(ws, shop.url)
    row = ws.tables.read("products").to_pylist()[0]
    found = {k: row[k] for k in ("name", "brand", "price", "list_price", "currency", "availability", "sku", "colour")}
    assert found == {"name": "Coat 1", "brand": "Maison Rue", "price": "19.90", "list_price": "29.90",
                     "currency": "EUR", "availability": "InStock", "sku": "K1-S", "colour": "Red"}  # fmt: skip
    assert (row["sizes"], row["categories"], row["description"]) == (["S", "M"], ["Coats"], "Warm. Long.")
    assert (row["url"], row["product_id"]) == (f"{shop.url}/products/coat-1", f"{shop.url}/products/coat-1")
    assert row["image_urls"] == [f"{shop.url}/cdn/1a.jpg", f"{shop.url}/cdn/1b.jpg?v=2"]
    assert json.loads(row["variants"])[0] == {"sku": "K1-S", "size": "S", "colour": "Red", "price": "19.90",
                                              "availability": "OutOfStock"}  # fmt: skip
    assert json.loads(zlib.decompress(ws.blobs.get(row["page_sha256"])))["products"][0]["handle"] == "coat-1"


def test_a_product_sold_out_and_without_images_is_one_too(shop: Shop, ws: Workspace) -> None:
    gone = [{"id": 1, "available": False, "price": "5.00", "sku": ""}]
    shopify(shop, [shopify_item(1, variants=gone, images=[]), shopify_item(2)])
    assert crawl(ws, shop.url).products == 2
    row = next(r for r in ws.tables.read("products").to_pylist() if r["name"] == "Coat 1")
    assert (row["availability"], row["sku"], row["image_urls"], row["variants"]) == ("OutOfStock", None, [], None)


def test_an_opt_out_of_the_theme_refuses_every_image_before_one_is_asked_for(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n) for n in range(5)], page='<meta name="robots" content="noai">')
    result = crawl(ws, shop.url)
    assert (result.products, result.reasons) == (5, {"noai": 10})
    assert not [path for path in shop.asked if path.startswith("/cdn/")]
    row = ws.tables.read("fetches").to_pylist()[0]
    assert f"sampled {shop.url}/products/coat-0" in row["policy"]


def test_a_header_on_the_list_itself_refuses_its_images_too(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(1)])
    shop.answers["/products.json?limit=250&page=1"].headers["X-Robots-Tag"] = "noindex, noimageai"  # type: ignore[union-attr]
    assert crawl(ws, shop.url).reasons == {"noimageai": 2}


def test_noindex_on_one_product_refuses_that_product_s_images_alone(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n) for n in range(3)])
    shop.picture("/hidden.jpg", 3)
    shop.product(1, images=["/hidden.jpg"], extra='<meta name="robots" content="noindex">')
    shop.answers["/products/coat-1"] = shop.answers["/p/1"]
    result = crawl(ws, shop.url)
    assert (result.products, result.reasons["noindex"]) == (3, 1)
    assert "/hidden.jpg" not in shop.asked


def test_a_shop_that_refuses_its_list_is_read_by_its_sitemap_and_that_is_said(shop: Shop, ws: Workspace) -> None:
    shop.page("/", SHOPIFY_FRONT)
    shop.answers["/products.json?limit=250&page=1"] = Answer(b"no", 403)
    shop.sitemap([shop.product(1)])
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("sitemap", 1)
    assert result.why.startswith("shopify gave way to sitemap: /products.json answered 403")
    assert "shopify gave way to sitemap: /products.json answered 403" in result.line()
    visit = [r for r in ws.tables.read("pages").to_pylist() if r["kind"] == "shopify"]
    assert [(r["status"], r["reason"]) for r in visit] == [("failed", "http_403")]


def test_a_list_that_robots_txt_forbids_is_never_asked_for(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(1)])
    shop.page("/robots.txt", "User-agent: *\nDisallow: /products.json\n")
    shop.sitemap([shop.product(1)])
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("sitemap", 1)
    assert not [path for path in shop.asked if path.startswith("/products.json")]
    assert "disallows /products.json" in result.why


def test_a_challenge_page_and_an_empty_list_give_way_too(shop: Shop, ws: Workspace) -> None:
    link = f'<a href="{shop.product(1)}"><img src="/t.jpg"></a>'
    shop.page("/", SHOPIFY_FRONT.replace("hello", link))
    shop.page("/products.json?limit=250&page=1", "<html>Are you human?</html>")
    assert crawl(ws, shop.url).strategy == "listing"
    shop.answers["/products.json?limit=250&page=1"] = Answer(b'{"products": []}', 200, dict(JSON))
    again = crawl(ws, shop.url, recrawl=True)
    assert "shopify gave way to listing: /products.json lists no product" in again.line()


def test_only_a_collection_asks_for_that_collection(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(1), shopify_item(2)])
    part = {"products": [shopify_item(2)]}
    shop.answers["/collections/men/products.json?limit=250&page=1"] = Answer(json.dumps(part).encode(), 200, dict(JSON))
    nothing = Answer(b'{"products": []}', 200, dict(JSON))
    shop.answers["/collections/men/products.json?limit=250&page=2"] = nothing
    assert crawl(ws, shop.url, only="/collections/men").products == 1
    assert crawl(ws, shop.url).products == 2


def test_converted_prices_have_no_currency_unless_a_product_page_shows_the_same_price(
    shop: Shop, ws: Workspace
) -> None:
    converted = SHOPIFY_FRONT.replace('"1.0"', '"1.09"')
    shopify(shop, [shopify_item(1)], front=converted)
    node = {"@type": "Product", "name": "Coat 1", "offers": {"price": "19.90", "priceCurrency": "DKK"}}
    markup = f'<script type="application/ld+json">{json.dumps(node)}</script><h1>Coat 1</h1>'
    shop.page("/products/coat-1", f"<html>{markup}</html>")
    crawl(ws, shop.url)
    assert ws.tables.read("products").to_pylist()[0]["currency"] == "DKK"


@pytest.mark.parametrize("broken", [None, [], {"handle": ""}, "x"])
def test_what_is_no_product_is_passed_over(broken: object) -> None:
    assert product(broken, "https://s.example/products.json") is None


def test_a_product_with_nulls_everywhere_still_has_its_address() -> None:
    found = product(
        {"handle": "a b", "variants": None, "images": None, "options": None, "tags": "x, y"}, "https://s.ex/"
    )
    assert found is not None
    assert (found.url, found.price, found.categories) == ("https://s.ex/products/a%20b", None, ["x", "y"])


@pytest.mark.parametrize(
    ("src", "plain"),
    [("/a_1024x1024.jpg?v=1", "/a.jpg?v=1"), ("/a_grande@2x.png", "/a.png"), ("/a_100x_crop_center.jpg", "/a.jpg"),
     ("/coat_2024.jpg", "/coat_2024.jpg"), ("/dress-large.jpg", "/dress-large.jpg")],
)  # fmt: skip
def test_only_a_size_that_the_cdn_put_there_leaves_an_image_s_name(src: str, plain: str) -> None:
    assert original(src) == plain


@pytest.mark.parametrize(
    ("name", "means"),
    [("Größe", "size"), ("Taille", "size"), ("EU Shoe Size", "size"), ("pa_color", "colour"), ("カラー", "colour"),
     ("Material", None), ("Title", None), ("Sizing guide", None), (None, None)],
)  # fmt: skip
def test_an_option_s_name_is_understood_in_many_languages(name: object, means: str | None) -> None:
    assert options.meaning(name) == means


def test_an_interrupted_list_goes_on_at_its_page_without_front_page_or_samples(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n, images=[]) for n in range(300)])
    second = shop.answers["/products.json?limit=250&page=2"]
    assert isinstance(second, Answer)
    shop.answers["/products.json?limit=250&page=2"] = [Answer(b"", 429, {"Retry-After": "3600"}), second]
    with pytest.raises(FetchError, match=r"come back in 3[56]"):
        crawl(ws, shop.url)
    before = len(shop.asked)
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("shopify", 300)
    assert pages(shop)[-2:] == [f"/products.json?limit=250&page={n}" for n in (2, 3)]
    assert not {"/", "/products/coat-0"} & set(shop.asked[before:])
    assert {row["currency"] for row in ws.tables.read("products").to_pylist()} == {"EUR"}


def test_an_unchanged_page_of_the_list_is_read_from_what_was_kept(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n, images=[]) for n in range(300)])
    shop.answers["/products.json?limit=250&page=2"].headers["ETag"] = '"p2"'  # type: ignore[union-attr]
    crawl(ws, shop.url)
    again = crawl(ws, shop.url, recrawl=True)
    assert again.products == 300
    statuses = sorted(r["status"] for r in ws.tables.read("pages").to_pylist() if r["url"].endswith("page=2"))
    assert statuses == ["ok", "unchanged"]


def test_a_budget_of_products_cuts_a_page_of_the_list_and_a_wider_crawl_goes_on(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n, images=[]) for n in range(260)])
    assert crawl(ws, shop.url, max_products=10).products == 10
    assert crawl(ws, shop.url).products == 260


def test_a_page_of_the_list_that_fails_for_now_is_asked_for_by_the_next_run(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n, images=[]) for n in range(300)])
    second = shop.answers["/products.json?limit=250&page=2"]
    assert isinstance(second, Answer)
    shop.answers["/products.json?limit=250&page=2"] = [*(Answer(b"", 500) for _ in range(3)), second]
    with pytest.raises(FetchError, match="too busy"):
        crawl(ws, shop.url)
    assert crawl(ws, shop.url).products == 300


def test_a_list_that_is_refused_half_way_is_said(shop: Shop, ws: Workspace) -> None:
    shopify(shop, [shopify_item(n, images=[]) for n in range(300)])
    shop.answers["/products.json?limit=250&page=2"] = Answer(b"", 403)
    result = crawl(ws, shop.url)
    assert result.products == 250
    assert "shopify broke off at /products.json?limit=250&page=2: http_403" in result.line()


@pytest.mark.parametrize(
    ("headers", "body", "sign"),
    [({"X-ShopId": "12"}, "", "is sent with X-ShopId"), ({"powered-by": "Shopify"}, "", "Powered-By: Shopify"),
     ({}, '<script src="//cdn.shopify.com/t.js">', "holds cdn.shopify.com"), ({}, "<h1>Leaving Shopify</h1>", None)],
)  # fmt: skip
def test_a_shop_of_it_is_known_by_what_its_front_page_is_made_of(
    headers: dict[str, str], body: str, sign: str | None
) -> None:
    answer = PageAnswer("https://s.example/", 200, body.encode(), CIMultiDict(headers))
    for only, known in ((None, sign), ("/collections/men/", sign), ("/women/", None)):
        why = Shopify().recognise(Front(Scope("https://s.example/", "s", only, None, 9), None, answer))
        assert (known in why) if known and why else why is None and known is None
