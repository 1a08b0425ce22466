"""WooCommerce's Store API: its fields in minor units, its pages, its older and plainer addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import Answer, Shop, serving
from crawlers_systems import JSON, WOO_FRONT, woo_item, woocommerce

from crawlers.run import crawl
from crawlers.strategies.woocommerce import product
from dataset.workspace import Workspace


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws", contact="crawl@x.example")


def test_250_products_cost_three_pages_of_the_api_and_no_more(shop: Shop, ws: Workspace) -> None:
    woocommerce(shop, [woo_item(shop, n, images=[]) for n in range(250)])
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("woocommerce", 250)
    assert sum(path.startswith("/wp-json") for path in shop.asked) == 3
    assert sum(path.startswith("/product/") for path in shop.asked) == 3
    assert result.why == "woocommerce: the front page holds woocommerce-no-js"


def test_prices_in_minor_units_become_decimals_and_slugs_the_shop_s_own_words(shop: Shop, ws: Workspace) -> None:
    woocommerce(shop, [woo_item(shop, 1)])
    shop.picture("/up/1.jpg", 1)
    result = crawl(ws, shop.url)
    row = ws.tables.read("products").to_pylist()[0]
    found = {k: row[k] for k in ("name", "price", "list_price", "currency", "availability", "sku", "description")}
    assert found == {"name": "Scarf & Hat 1", "price": "19.90", "list_price": "29.90", "currency": "GBP",
                     "availability": "InStock", "sku": "W1", "description": "Soft"}  # fmt: skip
    assert (row["categories"], row["sizes"]) == (["Scarves"], ["Small", "Large"])
    assert json.loads(row["variants"]) == [{"size": "Large"}]
    assert result.images_ok == 1  # the API's own 'noindex' is about its JSON


def test_a_currency_without_a_minor_unit_and_a_range_of_prices(shop: Shop) -> None:
    prices = {"price": "1200", "regular_price": "1500", "currency_code": "JPY", "currency_minor_unit": 0,
              "price_range": {"min_amount": "900", "max_amount": "1500"}}  # fmt: skip
    found = product(woo_item(shop, 1, prices=prices), "https://s.example/")
    assert found is not None
    assert (found.price, found.list_price, found.currency) == ("900", "1500", "JPY")


def test_what_can_t_be_bought_is_a_product_too(shop: Shop) -> None:
    nothing = {"price": "", "regular_price": "", "currency_code": "EUR", "currency_minor_unit": 2}
    item = woo_item(shop, 1, prices=nothing, is_in_stock=False, is_purchasable=False, images=None, attributes=None)
    found = product(item, "https://s.example/")
    assert found is not None
    assert (found.price, found.currency, found.availability, found.images) == (None, None, "OutOfStock", [])


@pytest.mark.parametrize("broken", [None, "x", {}, {"permalink": 3}])
def test_what_has_no_page_is_passed_over(broken: object) -> None:
    assert product(broken, "https://s.example/") is None


def test_an_older_shop_without_rewritten_addresses_is_found(shop: Shop, ws: Workspace) -> None:
    woocommerce(shop, [woo_item(shop, 1)], "/?rest_route=/wc/store/products&")
    shop.page("/", WOO_FRONT.replace("/wp-json/", "/?rest_route=/"))
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("woocommerce", 1)


def test_a_shop_in_a_folder_is_asked_there(shop: Shop, ws: Workspace) -> None:
    woocommerce(shop, [woo_item(shop, 1)], "/outlet/wp-json/wc/store/v1/products?")
    shop.page("/outlet/", WOO_FRONT.replace("/wp-json/", "/outlet/wp-json/"))
    assert crawl(ws, f"{shop.url}/outlet/").strategy == "woocommerce"


def test_a_category_is_asked_for_as_the_api_s_own_category(shop: Shop, ws: Workspace) -> None:
    shop.page("/", WOO_FRONT)
    part = json.dumps([woo_item(shop, 4, images=[])]).encode()
    shop.answers["/wp-json/wc/store/v1/products?per_page=100&category=hats&page=1"] = Answer(
        part, 200, {**JSON, "X-WP-TotalPages": "1"}
    )
    assert crawl(ws, shop.url, only="/product-category/women/hats/").products == 1


def test_an_api_switched_off_gives_way_to_the_sitemap_of_wordpress(shop: Shop, ws: Workspace) -> None:
    shop.page("/", WOO_FRONT)
    shop.answers["/wp-json/wc/store/v1/products?per_page=100&page=1"] = Answer(b'{"code":"no_route"}', 404, dict(JSON))
    shop.sitemap([shop.product(1)])
    shop.answers["/wp-sitemap.xml"] = shop.answers.pop("/sitemap.xml")
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("sitemap", 1)
    assert "woocommerce gave way to sitemap: /wp-json/wc/store/products answered 404" in result.line()


def test_a_product_page_s_opt_out_holds_for_the_whole_shop(shop: Shop, ws: Workspace) -> None:
    woocommerce(shop, [woo_item(shop, n) for n in range(4)])
    shop.page("/product/scarf-2/", "<html><h1>Scarf</h1></html>", tdm_reservation="1")
    assert crawl(ws, shop.url).reasons == {"tdm_reserved": 4}
    assert not [path for path in shop.asked if path.startswith("/up/")]
