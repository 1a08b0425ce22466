"""The visible page: a price, its currency, its stock and its codes read from pages without a line of markup."""

from __future__ import annotations

from typing import Any

import pytest

from crawlers.extract.page import extract

BUY = {
    "en": "Add to cart", "de": "In den Warenkorb", "fr": "Ajouter au panier", "es": "Añadir al carrito",
    "pl": "Do koszyka", "sv": "Lägg i varukorgen", "ja": "カートに入れる",
    "pt": "Comprar", "nl": "In winkelwagen", "it": "Aggiungi al carrello",
}  # fmt: skip


def shop(inner: str, *, lang: str = "en", button: str | None = None, after: str = "") -> bytes:
    """A page with one heading, what is given, a buy button, and what follows it."""
    buy = button if button is not None else f"<button>{BUY.get(lang[:2], 'Add to cart')}</button>"
    head = f'<html lang="{lang}"><head><meta charset="utf-8"><title>Wool Coat | Shop</title></head>'
    return f"{head}<body><main><h1>Wool Coat</h1>{inner}<form>{buy}</form>{after}</main></body></html>".encode()


def read(body: bytes, url: str = "https://shop.example/wool-coat") -> dict[str, Any]:
    page = extract(body, url)
    return page.products[0].as_json() if page.products else {}


@pytest.mark.parametrize(
    ("inner", "lang", "price", "currency"),
    [
        ('<div class="price">$49.00</div>', "en", "49.00", "USD"),
        ('<p class="preis">29,99 €</p><p>inkl. MwSt. zzgl. Versand</p>', "de", "29.99", "EUR"),
        ('<p class="preis">1.299,00 EUR*</p>', "de", "1299.00", "EUR"),
        ('<span class="prix">1 089,90 €</span>', "fr", "1089.90", "EUR"),
        ('<span class="price">₹1,299</span>', "en-IN", "1299", "INR"),
        ('<span class="price">1 299 kr</span>', "sv-SE", "1299", "SEK"),
        ('<span class="price">1 299 kr</span>', "nb-NO", "1299", "NOK"),
        ('<span class="price">199,00 zł</span>', "pl", "199.00", "PLN"),
        ('<span class="price">CHF 29.–</span>', "de-CH", "29", "CHF"),
        ('<span class="price">29.- CHF</span>', "de-CH", "29", "CHF"),
        ('<p class="price">¥4,980<small>(税込)</small></p>', "ja", "4980", "JPY"),
        ('<p class="price">4,980円（税込）</p>', "ja", "4980", "JPY"),
        ('<p class="price">R$ 1.299,90</p><p>em 10x de R$ 129,99 sem juros</p>', "pt-BR", "1299.90", "BRL"),
        ('<p class="price">$1,299.00</p>', "en-AU", "1299.00", "AUD"),
        ('<p class="price">$1,299.00</p>', "en-CA", "1299.00", "CAD"),
        ('<p class="price">$12.990</p>', "es-CL", "12990", "CLP"),
        ('<p class="price">1.299,00 Ft</p>', "hu", "1299.00", "HUF"),
        ('<div class="price"><span>$</span><span>29</span><span>.99</span></div>', "en", "29.99", "USD"),
        ('<div class="price">$<span>29</span><sup>99</sup></div>', "en", "29.99", "USD"),
        ('<div class="price"><div>$</div><div>29</div><div class="cents">99</div></div>', "en", "29.99", "USD"),
        ('<div class="price">1 089€90</div>', "fr", "1089.90", "EUR"),
        ('<div class="price">$<!-- -->49<!-- -->.00</div>', "en", "49.00", "USD"),
        ('<table><tr><td>Our price:</td><td><b>$49.00</b></td></tr></table>', "en", "49.00", "USD"),
        ('<div class="price" data-price="49.00">49.00 USD</div>', "en", "49.00", "USD"),
    ],
)  # fmt: skip
def test_a_price_is_read_as_its_country_writes_it(inner: str, lang: str, price: str, currency: str) -> None:
    found = read(shop(inner, lang=lang))
    assert (found.get("price"), found.get("currency")) == (price, currency)


@pytest.mark.parametrize(
    ("inner", "price", "listed"),
    [
        ('<div class="price"><del>$80.00</del> <ins>$60.00</ins></div>', "60.00", "80.00"),
        ('<div class="price"><s>$80.00</s><span>$60.00</span></div>', "60.00", "80.00"),
        ('<div class="price"><span style="text-decoration: line-through">$80</span> <b>$60</b></div>', "60", "80"),
        ('<span class="oldPrice">$80.00</span><span class="newPrice">$60.00</span>', "60.00", "80.00"),
        ('<p class="price">Was $80.00</p><p class="price">Now $60.00</p>', "60.00", "80.00"),
        ('<p>RRP: $80.00</p><p class="price">$60.00</p>', "60.00", "80.00"),
        ('<div class="price">$60.00 <span class="msrp">MSRP $80.00</span></div>', "60.00", "80.00"),
        (
            '<div class="price"><span class="regular-price">$80.00</span>'
            '<span class="sale">$60.00</span></div>', "60.00",
         "80.00"),
        ('<div class="price"><span class="regular-price">$80.00</span></div>', "80.00", None),
        ('<div class="price"><span class="sr-only">Price reduced from</span> $80.00 <span class="sr-only">to</span>'
         '<span class="sales">$60.00</span></div>', "60.00", "80.00"),
        ('<div class="price">$80.00 $60.00</div><p>You save $20.00 (25%)</p>', "60.00", "80.00"),
        ('<div class="price">$60.00<span>Save 25%</span></div>', "60.00", None),
    ],
)  # fmt: skip
def test_a_sale_price_is_told_from_the_struck_one(inner: str, price: str, listed: str | None) -> None:
    found = read(shop(inner))
    assert (found.get("price"), found.get("list_price")) == (price, listed)


@pytest.mark.parametrize(
    "other",
    [
        "<p>Free shipping over $50</p>", "<p>or 4 payments of $12.25 with Klarna</p>", "<p>Save $11.00 today</p>",
        '<div class="mini-cart">Cart $0.00</div>', "<p>($1.20 / 100 g)</p>", "<p>From $4.09 per month</p>",
        "<p>Earn 49 points worth $2</p>", "<p>Delivery: $5.99</p>", "<p>Gift wrap + $3.00</p>",
        "<p>Take $10 off with code WOOL</p>",
        '<section class="related-products"><a href="/b">Hat</a><span class="price">$9.00</span></section>',

            '<h2>You may also like</h2><ul><li><a href="/b"><img>Hat</a> $9.00</li><li>'
            '<a href="/c"><img>Cap</a> $8.00</li></ul>',
        '<footer class="price">$1.00</footer>', '<div style="display:none" class="price">$1.00</div>',
        "<p>Customers paid $20.00 for a similar coat in the shop last year, which was a bargain</p>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [True, False])
def test_other_sums_on_the_page_are_not_the_price(other: str, before: bool) -> None:
    price = '<div class="price">$49.00</div>'
    body = shop(other + price) if before else shop(price, after=other)
    assert (read(body).get("price"), read(body).get("list_price")) == ("49.00", None)


@pytest.mark.parametrize(
    ("inner", "button", "state"),
    [
        ("", "<button>Add to bag</button>", "InStock"),
        ("", "<button disabled>Sold out</button>", "OutOfStock"),
        ("", "<button>Notify me when available</button>", "OutOfStock"),
        ("", "<button>Pre-order now</button>", "PreOrder"),
        ('<p class="stock">Derzeit nicht lieferbar</p>', "", "OutOfStock"),
        ('<p class="stock">Auf Lager</p>', "<button>In den Warenkorb</button>", "InStock"),
        ("<p>Rupture de stock</p>", "<button disabled>Ajouter au panier</button>", "OutOfStock"),
        ('<select name="size"><option>S - sold out</option><option>M</option></select>', "<button>Add to bag</button>",
         "InStock"),
        ('<span class="badge">Sold out</span>', "<button>Add to bag</button>", "InStock"),
        ("<p>Available on backorder</p>", "<button>Add to cart</button>", "BackOrder"),
        ('<p class="zaiko">在庫あり</p>', "<button>カートに入れる</button>", "InStock"),
        ("", '<button name="add" disabled>売り切れ</button>', "OutOfStock"),
    ],
)  # fmt: skip
def test_stock_is_what_the_buy_control_and_its_lines_say(inner: str, button: str, state: str) -> None:
    body = shop(f'<p class="price">$49.00</p><p>SKU: WC-100</p>{inner}', button=button)
    assert read(body).get("availability") == state


@pytest.mark.parametrize(
    ("inner", "sku"),
    [
        ("<p>SKU: WC-100</p>", "WC-100"), ("<p>Item no. WC-100</p>", "WC-100"), ("<p>Art.-Nr.: 4711-B</p>", "4711-B"),
        ("<table><tr><th>Artikelnummer</th><td>4711</td></tr></table>", "4711"), ("<p>Réf. 1002238</p>", "1002238"),
        ("<dl><dt>Style #</dt><dd>WC100</dd></dl>", "WC100"), ('<span class="sku">WC-100</span>', "WC-100"),
        ('<input type="hidden" name="sku" value="WC-100">', "WC-100"), ("<p>商品番号:TZ-10233</p>", "TZ-10233"),
        ("<p>SKU: N/A</p>", None), ("<p>Model: handmade by us</p>", None),
    ],
)  # fmt: skip
def test_a_labelled_code_is_the_sku(inner: str, sku: str | None) -> None:
    assert read(shop(f'<p class="price">$49.00</p>{inner}')).get("sku") == sku


def test_details_come_from_labels_choices_and_the_trail() -> None:
    inner = (
        '<p class="price">$49.00</p><p>Brand: Acme</p><p>Colour: Rust</p><p>EAN: 4006381333931</p><p>MPN: X-9</p>'
        '<select name="size"><option value="">Choose a size</option><option>S</option><option>M</option></select>'
    )
    trail = b'<div class="breadcrumb"><a href="/">Home</a> / <a href="/w">Women</a> / <a href="/w/c">Coats</a></div>'
    found = read(shop(inner).replace(b"<main>", b"<main>" + trail))
    named = {k: found.get(k) for k in ("brand", "colour", "gtin", "mpn", "sizes", "categories")}
    assert named == {
        "brand": "Acme", "colour": "Rust", "gtin": "4006381333931", "mpn": "X-9", "sizes": ["S", "M"],
        "categories": ["Women", "Coats"],
    }  # fmt: skip


def test_a_bare_dollar_is_settled_by_a_currency_list_before_the_language() -> None:
    listed = (
        '<select class="currency"><option>USD</option><option selected>AUD</option></select><p class="price">$49.00</p>'
    )
    assert read(shop(listed))["currency"] == "AUD"
    assert read(shop('<p class="price">$49.00</p>'), "https://shop.example.ca/x")["currency"] == "CAD"


def test_where_each_field_came_from_is_said_with_a_confidence() -> None:
    source = read(shop('<p class="price">$49.00</p>'))["source"]
    assert source["price"] == ["visible", 0.75]
    assert source["currency"] == ["visible", 0.5]
