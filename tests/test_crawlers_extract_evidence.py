"""What makes a page a product's, and what only looks like it: stock notes, attributes, favourites, rates, galleries."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawlers.extract import money
from crawlers.extract.page import extract
from crawlers.extract.product import Product

URL = "https://www.shop.example/p/kaskade-teapot"
DATA = (
    '<script type="application/ld+json">{"@type":"Product","name":"Kaskade Teapot","image":"/m/tea-1.jpg",'
    '"offers":{"@type":"Offer","price":55,"priceCurrency":"USD"}}</script>'
)


def products(
    inner: str, *, lang: str = "en", name: str = "Kaskade Teapot", head: str = "", buy: str = ""
) -> list[Product]:
    button = f"<form><button>{buy}</button></form>" if buy else ""
    title = f'<html lang="{lang}"><head><meta charset="utf-8"><title>{name} | Shop</title>{head}</head>'
    body = (
        f"{title}<body><header><a href='/'>Shop</a></header><main><h1>{name}</h1>{inner}{button}</main></body></html>"
    )
    return extract(body.encode(), URL).products


@pytest.mark.parametrize(
    ("lang", "inner", "buy"),
    [
        ("fr", '<p>20 €</p><span class="stock">Rupture de stock</span>', "Ajouter au panier"),
        ("pl", "<p>20 zł</p><p>Dostępność: brak w magazynie</p>", "Powiadom o dostępności"),
        ("sv", "<p>200 kr</p><p>Slut i lager</p>", "Bevaka"),
        ("ru", "<p>2 000 руб.</p><p>Нет в наличии</p>", "Сообщить о поступлении"),
        ("tr", "<p>200 TL</p><p>Stokta yok</p>", "Gelince haber ver"),
        ("cs", "<p>200 Kč</p><p>Vyprodáno</p>", "Hlídat dostupnost"),
        ("nb", "<p>kr 200,-</p><p>Utsolgt</p>", "Varsle meg"),
        ("de", '<p>49,90 €</p><p class="lieferstatus">Derzeit nicht lieferbar</p>', ""),
    ],
)
def test_a_sold_out_product_is_a_product_in_any_language(lang: str, inner: str, buy: str) -> None:
    assert [p.availability for p in products(inner, lang=lang, buy=buy)] == ["OutOfStock"]


@pytest.mark.parametrize(
    ("name", "inner", "buy"),
    [
        ("My favourites", '<div class="item"><a href="/p/1">Teapot</a><b>$20</b><button>Add to cart</button>', ""),
        ("Teapots", '<p>1 product</p><div class="item"><a href="/p/1"><img src="/a.jpg">Teapot</a>'
         '<span class="price">$20</span><button>Add to cart</button></div>', ""),
        ("Pricing", "<h3>Basic</h3><p>$9 / month</p><button>Buy now</button><h3>Pro</h3><p>$19 / month</p>"
         "<button>Buy now</button>", ""),
        ("Donate to our cause", "<p>Choose an amount: $10 $25 $50</p>", "Donate"),
        ("Delivery rates", "<table><tr><td>Standard<td>$5.00</tr><tr><td>Express<td>$15.00</tr></table>", ""),
        ("Start a return", "<p>Total $59.00</p><label>Order number</label><input name=order>", "Continue"),
        ("Teapots side by side", '<table><tr><td><a href="/a">A</a><td><a href="/b">B</a></tr><tr><td>$20.00<td>$30.00'
         "</tr><tr><td><button>Add to cart</button><td><button>Add to cart</button></tr></table>", ""),
        ("Gifts", '<div class="card"><a href="/p/1"><img src="/1.jpg">Cup 1</a><b class="price">$21.00</b><button>'
         'Add to cart</button></div>'
         '<div class="card"><a href="/p/2"><img src="/2.jpg">Cup 2</a><b class="price">$22.00</b>'
         "<button>Add to cart</button></div>", ""),
        ("Wholesale enquiries", "<p>From $20.00 a unit.</p><input name=email>", "Send"),
    ],
)  # fmt: skip
def test_pages_with_sums_that_sell_nothing_are_no_products(name: str, inner: str, buy: str) -> None:
    assert products(inner, name=name, buy=buy) == []


@pytest.mark.parametrize(
    "inner",
    [
        '<div class="product-price" data-price="55.00" data-currency="USD"></div>',
        '<span itemprop="price" content="55.00"></span><meta itemprop="priceCurrency" content="USD">',
        '<b data-product-price="55.00" data-currency="USD"></b><b data-product-price="55.0"></b>',
    ],
)
def test_a_price_that_only_an_attribute_gives_is_read(inner: str) -> None:
    found = products(inner, buy="Add to cart")
    assert [(p.price, p.currency, p.source["price"]) for p in found] == [("55.00", "USD", ["visible", 0.5])]


def test_attributes_that_disagree_give_no_price() -> None:
    found = products('<b data-price="55"></b><b data-price="60"></b>', buy="Add to cart")
    assert [p.price for p in found if p.price] == []


def test_a_bare_small_number_does_not_beat_the_markup() -> None:
    found = products('<div class="price-rating">5</div>', head=DATA, buy="Add to cart")
    assert [p.price for p in found] == ["55"]


def test_the_picture_for_sharing_stands_in_only_where_markup_names_none() -> None:
    card = '<meta property="og:image" content="/share/og-card.jpg">'
    assert products("<p>$55</p>", head=card + DATA)[0].images == ["https://www.shop.example/m/tea-1.jpg"]
    without = DATA.replace('"image":"/m/tea-1.jpg",', "")
    assert products("<p>$55</p>", head=card + without)[0].images == ["https://www.shop.example/share/og-card.jpg"]


@pytest.mark.parametrize(
    "written",
    ['["/m/tea-1.jpg","/m/tea-2.jpg"]', '[{"thumb":"/t/tea-1.jpg","full":"/m/tea-1.jpg"},{"full":"/m/tea-2.jpg"}]'],
)
def test_a_gallery_listed_in_an_attribute_is_read(written: str) -> None:
    found = products(f"<p>$55</p><div class='product-gallery' data-images='{written}'></div>", head=DATA)
    assert found[0].images == ["https://www.shop.example/m/tea-1.jpg", "https://www.shop.example/m/tea-2.jpg"]


def test_a_strip_that_links_to_large_pictures_completes_the_gallery() -> None:
    inner = (
        '<p>$55</p><div class="product-image"><img src="/m/tea-1.jpg" width=500></div><div class="thumbs">'
        '<a href="/m/tea-1.jpg"><img src="/t/tea-1.jpg"></a><a href="/m/tea-2.jpg"><img src="/t/tea-2.jpg"></a></div>'
    )
    assert [u.rsplit("/", 2)[1:] for u in products(inner, buy="Add to cart")[0].images] == [
        ["m", "tea-1.jpg"], ["m", "tea-2.jpg"],
    ]  # fmt: skip


def test_broken_lists_in_attributes_are_passed_over() -> None:
    inner = "<p>$55</p><div class='product-gallery' data-images='[\"/m/tea-2.jpg'><img src='/m/tea-1.jpg'></div>"
    assert products(inner, buy="Add to cart")[0].images == ["https://www.shop.example/m/tea-1.jpg"]


@pytest.mark.parametrize(
    ("inner", "colour"),
    [
        ('<select name="colour"><option value="">Choose</option><option selected>Sage</option><option>Rust</option>'
         "</select>", "Sage"),
        ('<select name="farbe"><option value="">Bitte wählen</option><option>Moosgrün</option></select>', "Moosgrün"),
        ('<input type="radio" name="color" value="Navy" checked><input type="radio" name="color" value="Red">',
         "Navy"),
        ('<select name="color"><option>Sage</option><option>Rust</option></select>', None),
        ('<select name="color"><option selected>Choose</option><option>Sage</option><option>Rust</option></select>',
         None),
    ],
)  # fmt: skip
def test_the_colour_chosen_beforehand_is_the_products(inner: str, colour: str | None) -> None:
    assert products(f"<p>$55</p>{inner}", buy="Add to cart")[0].colour == colour


@pytest.mark.parametrize(
    ("inner", "price", "listed"),
    [
        ("<div><span>100,00 € netto</span> <span>119,00 € brutto</span></div>", "119.00", None),
        ('<p class="price">€45.00</p><p class="was">€60.00</p>', "45.00", "60.00"),
        ('<div><p class="text-xl">€45.00</p><p class="line-through">€60.00</p></div>', "45.00", "60.00"),
        ("<p>Was €60.00</p><p>Now €45.00</p>", "45.00", "60.00"),
        ('<p class="price">149,00 €</p><p>Niedrigster Preis der letzten 30 Tage: 159,00 €</p>', "149.00", None),
        ('<p class="price">€50.00</p><p>€40.00 with code SAVE10</p>', "50.00", None),
    ],
)
def test_taxes_struck_sums_and_notices_are_told_from_the_price(inner: str, price: str, listed: str | None) -> None:
    assert [(p.price, p.list_price) for p in products(inner, buy="Add to cart")] == [(price, listed)]


def test_a_badge_in_the_heading_is_no_part_of_the_name() -> None:
    body = (
        '<html><head><title>Kaskade Teapot</title></head><body><h1>Kaskade Teapot <span class="badge">New</span></h1>'
    )
    found = extract(f"{body}<p>$20</p><button>Add to cart</button></body></html>".encode(), URL).products
    assert [p.name for p in found] == ["Kaskade Teapot"]


def test_a_sum_right_after_a_name_that_ends_in_a_digit_is_read() -> None:
    assert [(s.amount, s.sign) for s in money.find("Tea 1$21.00")] == [(Decimal("21.00"), "$")]
    assert [s.amount for s in money.find("1 089€90")] == [Decimal("1089.90")]


def test_sizes_are_read_from_buttons_that_act_as_radio_buttons() -> None:
    sizes = "".join(f'<button type="button" role="radio">{size}</button>' for size in ("S", "M", "L"))
    inner = f'<p>$55</p><div role="radiogroup" aria-label="Størrelse">{sizes}</div>'
    assert products(inner, buy="Add to cart")[0].sizes == ["S", "M", "L"]
