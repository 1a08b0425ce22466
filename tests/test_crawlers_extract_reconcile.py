"""Sources that disagree: what a visitor sees and would pay beats what the markup says, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crawlers.extract.page import extract, parse
from crawlers.site_config import SiteConfig

URL = "https://shop.example/coat"


def page(offer: dict[str, Any], inner: str, *, head: str = "", **node: Any) -> bytes:
    data = {"@type": "Product", "name": "Wool Coat", "offers": {"@type": "Offer", **offer}, **node}
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    top = f"<html lang=en><head><title>Wool Coat</title>{head}{script}</head>"
    return f"{top}<body><main><h1>Wool Coat</h1>{inner}</main></body></html>".encode()


def read(body: bytes) -> dict[str, Any]:
    return extract(body, URL).products[0].as_json()


BUTTON = "<form><button>Add to cart</button></form>"


@pytest.mark.parametrize(
    ("inner", "price", "listed", "origin"),
    [
        ('<p class="price">$80.00</p>', "80.00", None, "json-ld"),
        ('<p class="price"><s>$80.00</s> <b>$60.00</b></p>', "60.00", "80.00", "visible"),
        ('<p class="price">$75.00</p>', "75.00", None, "visible"),
        ('<p class="price">$80.00</p><p class="price">$95.00 with lining</p>', "80.00", None, "json-ld"),
        ("<p>No price in sight</p>", "80.00", None, "json-ld"),
        ('<p>Soft.</p><h2>Related products</h2><p class="price">$9.00</p>', "80.00", None, "json-ld"),
    ],
)
def test_the_price_a_visitor_pays_beats_a_stale_one(inner: str, price: str, listed: str | None, origin: str) -> None:
    found = read(page({"price": "80.00", "priceCurrency": "USD"}, inner.replace("</p>", "</p>" + BUTTON, 1)))
    assert (found["price"], found.get("list_price"), found["source"]["price"][0]) == (price, listed, origin)


def test_of_several_variants_the_shown_price_is_taken() -> None:
    offers = {"offers": [{"@type": "Offer", "price": p, "priceCurrency": "USD"} for p in ("40.00", "55.00")]}
    body = page({}, '<p class="price">$55.00</p>' + BUTTON, **offers)
    assert read(body)["price"] == "55.00"


def test_sources_that_agree_are_surer_than_one_alone_and_than_two_that_differ() -> None:
    offer = {"price": "80.00", "priceCurrency": "USD"}
    agreed = read(page(offer, '<p class="price">$80.00</p>' + BUTTON))["source"]["price"][1]
    alone = read(page(offer, "<p>Nothing</p>"))["source"]["price"][1]
    differing = read(page(offer, '<p class="price">$75.00</p>' + BUTTON))["source"]["price"][1]
    assert agreed > alone > differing


@pytest.mark.parametrize(
    ("marked", "inner", "state"),
    [
        ("OutOfStock", "<button>Add to cart</button>", "InStock"),
        ("InStock", "<button disabled>Sold out</button>", "OutOfStock"),
        ("InStock", '<button class="add-to-cart" disabled>Select a size</button>', "InStock"),
        ("PreOrder", "<button>Add to cart</button>", "PreOrder"),
        ("OutOfStock", "<p>Nothing to press</p>", "OutOfStock"),
    ],
)
def test_a_clear_buy_control_beats_the_stock_in_markup(marked: str, inner: str, state: str) -> None:
    offer = {"price": "80.00", "priceCurrency": "USD", "availability": f"https://schema.org/{marked}"}
    assert read(page(offer, f'<p class="price">$80.00</p>{inner}'))["availability"] == state


def test_one_sold_out_variant_does_not_sell_out_the_product() -> None:
    states = [{"price": "80", "availability": s} for s in ("InStock", "OutOfStock")]
    body = page({}, '<p class="price">$80.00</p><button disabled>Sold out</button>', offers=states)
    assert read(body)["availability"] == "InStock"


def test_a_part_number_given_as_sku_gives_way_to_the_labelled_sku() -> None:
    offer = {"price": "80.00", "priceCurrency": "USD"}
    body = page(offer, '<p class="price">$80.00</p><p>SKU: WC-100</p>' + BUTTON, sku="MP-7", mpn="MP-7")
    assert (read(body)["sku"], read(body)["mpn"]) == ("WC-100", "MP-7")


def test_a_sign_of_another_currency_beats_the_code_in_markup() -> None:
    offer = {"price": "80.00", "priceCurrency": "USD"}
    assert read(page(offer, '<p class="price">£80.00</p>' + BUTTON))["currency"] == "GBP"
    assert read(page(offer | {"priceCurrency": "AUD"}, '<p class="price">$80.00</p>' + BUTTON))["currency"] == "AUD"


def test_the_heading_says_the_name_without_the_variant_and_the_shop() -> None:
    offer = {"price": "80.00", "priceCurrency": "USD"}
    body = page(offer, '<p class="price">$80.00</p>' + BUTTON, name="Wool Coat - Rust / M | Shop")
    assert read(body)["name"] == "Wool Coat"


def test_a_site_files_selectors_stand_above_all() -> None:
    site = SiteConfig(host="shop.example", selectors={"price": "b.now::text", "sku": "i::text"}, currency="NZD")
    body = page(
        {"price": "80", "priceCurrency": "USD"},
        '<p class="price">$75.00</p><b class="now">$70.00</b><i>S1</i>' + BUTTON,
    )
    found = extract(body, URL, site=site).products[0]
    assert (found.price, found.currency, found.sku, found.source["price"][0]) == ("70.00", "NZD", "S1", "selector")


def test_a_page_parsed_before_is_not_parsed_again() -> None:
    body = page({"price": "80", "priceCurrency": "USD"}, BUTTON)
    assert extract(b"", URL, page=parse(body)).products == extract(body, URL).products


def test_pictures_of_variants_are_absolute() -> None:
    variants = [{"@type": "Product", "sku": s, "image": f"/{s}.jpg", "offers": {"price": "80"}} for s in "ab"]
    found = read(page({}, BUTTON, **{"@type": "ProductGroup", "hasVariant": variants, "offers": None}))
    assert [v["image"] for v in found["variants"]] == ["https://shop.example/a.jpg", "https://shop.example/b.jpg"]
