"""Families of pages that real shops showed us: prices in pieces, tiers, hidden words, item numbers, renditions.

Each case stands for a way of writing, in the markup and the language of another shop than the one it was met in.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawlers.extract import image_urls, money
from crawlers.extract.page import extract
from crawlers.extract.pictures import Pictures, Rendition
from crawlers.extract.product import Page, Product

URL = "https://www.shop.example/p/kaskade-teapot"


def read(
    inner: str, *, lang: str = "en", buy: str = "Add to cart", head: str = "", name: str = "Teapot Kaskade"
) -> Page:
    """A page with one heading, what is given and a form with one button."""
    body = (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{name} | Shop</title>{head}</head>'
        f'<body><div class="product"><h1>{name}</h1>{inner}<form><button>{buy}</button></form></div></body></html>'
    )
    return extract(body.encode(), URL)


def product(inner: str, **how: str) -> Product:
    found = read(inner, **how).products
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("lang", "buy", "inner", "price", "listed", "currency"),
    [
        ("en", "Add to cart",
         '<div class="price"><span>US$ </span><span>55.</span><span>99</span></div>', "55.99", None, "USD"),
        ("en", "Add to cart", '<span class="price">$<span>1,299</span><sup>95</sup></span>', "1299.95", None, "USD"),
        ("fr", "Ajouter au panier", '<p class="prix"><span>89</span><span class="cents">€90</span></p>',
         "89.90", None, "EUR"),
        ("ro", "Adaugă în coș",
         '<div class="pret"><span class="pret-vechi">249,99 Lei</span><span>189<sup>99</sup> Lei</span></div>',
         "189.99", "249.99", "RON"),
    ],
)  # fmt: skip
def test_a_price_in_pieces_is_put_together(
    lang: str, buy: str, inner: str, price: str, listed: str | None, currency: str
) -> None:
    found = product(inner, lang=lang, buy=buy)
    assert (found.price, found.list_price, found.currency) == (price, listed, currency)


@pytest.mark.parametrize(
    ("lang", "buy", "inner", "price", "listed", "currency"),
    [
        ("it", "Aggiungi al carrello",
         '<p class="price"><span class="sr-only">Prezzo intero</span><span class="price__full">89,00 €</span>'
         '<span class="sr-only">Prezzo scontato</span><span class="price__sale">59,00 €</span></p>',
         "59.00", "89.00", "EUR"),
        ("fr", "Ajouter au panier",
         '<div class="price"><span class="sr-only">Prix initial :</span><span class="old">120,00 €</span>'
         '<span class="sr-only">Prix réduit :</span><span>84,00 €</span></div>', "84.00", "120.00", "EUR"),
        ("en", "Add to cart", '<div class="prices"><span class="normalprice">AU$189.00</span> '
         '<span class="special-price">AU$151.20</span></div>', "151.20", "189.00", "AUD"),
        ("cs", "Do košíku",
         '<div class="price"><span class="price-standard"><span>549 Kč</span></span><span class="save">–10 %</span>'
         '<strong class="price-final"><span class="price-holder">489 Kč</span></strong>'
         '<span class="price-additional">404,13 Kč bez DPH</span></div>', "489", "549", "CZK"),
        ("sk", "Pridať do košíka", "<div><span>24,90 € s DPH</span> <span>20,75 € bez DPH</span></div>",
         "24.90", None, "EUR"),
        ("tr", "Sepete ekle",
         '<div class="PriceList"><span class="spanPrice">1.649,90 TL</span><span class="indirimli">1.149,90 TL</span>'
         "</div><p>3 x 383,30 TL taksitle</p>", "1149.90", "1649.90", "TRY"),
        ("hu", "Kosárba", '<div><span>Régi ár: 24 990 Ft</span> <strong>19 990 Ft</strong></div>',
         "19990", "24990", "HUF"),
        ("fi", "Lisää ostoskoriin",
         '<div class="hinta"><span>119,00&nbsp;€</span><span>30 pv alin hinta 139,00&nbsp;€</span></div>',
         "119.00", None, "EUR"),
        ("ko", "장바구니", "<dl><dt>정가</dt><dd><del>59,000원</del></dd><dt>판매가</dt><dd><b>39,000</b>원</dd>"
         "<dt>적립금</dt><dd>390원 (1%)</dd></dl>", "39000", "59000", "KRW"),
        ("id", "Tambah ke keranjang", "<div><s>Rp450.000</s> <span>Rp315.000</span></div>", "315000", "450000", "IDR"),
    ],
)  # fmt: skip
def test_two_sums_beside_each_other_are_told_apart(
    lang: str, buy: str, inner: str, price: str, listed: str | None, currency: str
) -> None:
    found = product(inner, lang=lang, buy=buy)
    assert found.currency == currency
    assert found.price is not None
    assert Decimal(found.price) == Decimal(price)
    assert (found.list_price and Decimal(found.list_price)) == (listed and Decimal(listed))


@pytest.mark.parametrize(
    ("lang", "buy", "inner", "price"),
    [
        ("en", "Add to cart", '<p class="price">$4.07</p><p class="price">Silver Price: <b>$3.83</b></p>'
         '<p class="price">Gold Price: <b>$3.71</b></p>', "4.07"),
        ("de", "In den Warenkorb", '<b>49,90 €</b><p>Clubpreis <b class="price">44,90 €</b></p>', "49.90"),
        ("es", "Añadir a la cesta", "<p>79,95 €</p><p>Precio socio: 71,95 €</p>", "79.95"),
        ("sv", "Köp", '<p class="price">299 kr</p><p class="price member">Medlemspris 249 kr</p>', "299"),
    ],
)  # fmt: skip
def test_a_price_for_members_is_not_the_price(lang: str, buy: str, inner: str, price: str) -> None:
    assert product(inner, lang=lang, buy=buy).price == price


def test_a_dash_after_a_number_is_a_price_without_a_sign_or_a_class() -> None:
    found = product("<p><strong>1 199,-</strong> <s>1 699,-</s></p>", lang="nb", buy="Legg i handlekurven")
    assert (found.price, found.list_price, found.currency) == ("1199", "1699", "NOK")


def test_a_number_of_pieces_in_stock_is_no_price() -> None:
    found = product('<div class="availability-amount">Skladem (3 ks)</div><p>489 Kč</p>', lang="cs", buy="Do košíku")
    assert found.price == "489"


def test_a_range_in_two_priced_elements_stays_a_range() -> None:
    inner = '<div class="price"><span class="price-from">299 kr</span> – <span class="price-to">499 kr</span></div>'
    found = product(inner, lang="sv", buy="Köp")
    assert (found.price, found.list_price) == ("299", None)


def test_signs_that_touch_their_number_are_read_and_model_numbers_are_not() -> None:
    assert [s.amount for s in money.find("Rp450.000")] == [Decimal(450000)]
    assert [s.amount for s in money.find("RM49.90")] == [Decimal("49.90")]
    assert money.find("Drill RM45, with R134a") == []


def test_what_a_style_sheet_hides_says_nothing_of_the_stock() -> None:
    inner = '<p>₩39,000</p><a href="#">구매하기</a><span class="displaynone">SOLD OUT</span>'
    assert product(inner, lang="ko", buy="장바구니 담기").availability == "InStock"


def test_a_fallback_for_readers_without_script_shows_the_price() -> None:
    hidden = '<template x-if="!prices"><span itemprop="price"><span class="price">€ 149,-</span></span></template>'
    assert product(hidden, lang="nl", buy="In winkelwagen").price == "149"
    other = '<template x-if="sale"><span class="price">€ 99,-</span></template>'
    assert product(f'<p class="price">€ 149,-</p>{other}', lang="nl", buy="In winkelwagen").price == "149"


def _data(offer: str, more: str = "") -> str:
    return (
        '<script type="application/ld+json">{"@type":"Product","name":"Teapot Kaskade",'
        f'"sku":"KT-10442"{more},"offers":{{"@type":"Offer","priceCurrency":"USD",{offer}}}}}</script>'
    )


def test_without_a_visible_price_the_sale_price_of_other_sources_beats_the_full_one() -> None:
    head = (
        f'{_data(chr(34) + "price" + chr(34) + ":150")}<meta property="og:price:standard_amount" content="150.00">'
        '<meta property="product:price:amount" content="120.00"><meta property="product:price:currency" content="USD">'
    )
    found = product("", head=head)
    assert (found.price, found.list_price) == ("120.00", "150.00")


def test_a_code_where_a_price_belongs_is_no_price() -> None:
    found = product("", head=_data('"price":"MzI5Ljk5"') + '<meta property="product:price:amount" content="329.99">')
    assert found.price == "329.99"


def test_a_heading_that_goes_on_with_the_item_number_gives_way_to_the_name_in_markup() -> None:
    page = read("<p>$20</p>", head=_data('"price":20'), name="Teapot Kaskade ID KT-10442")
    assert page.products[0].name == "Teapot Kaskade"


@pytest.mark.parametrize(
    ("inner", "sku"),
    [
        ("<p>Item 1275464 Model AF1RH332</p>", "1275464"),
        ("<p>Model: AF1RH332</p><p>Item No.: 1275464</p>", "1275464"),
        ("<p>846922083062 Style YLS0030</p>", "YLS0030"),
        ("<p>Cikkszám: KSZ-204</p>", "KSZ-204"),
        ("<p>Stok Kodu: IY-3301</p>", "IY-3301"),
        ("<table><tr><th>ASIN</th><td>B0AK331X</td></tr></table>", "B0AK331X"),
    ],
)
def test_item_numbers_are_read_by_their_labels(inner: str, sku: str) -> None:
    assert product(f"<p>$20.00</p>{inner}").sku == sku


def test_a_labelled_product_code_beats_the_number_a_tracker_was_told() -> None:
    event = '{"event":"view_item","item_name":"Teapot Kaskade","item_id":"597430","price":20}'
    told = f"<script>dataLayer.push({event})</script>"
    assert product("<p>$20.00</p><p>Product code: PHLR7</p>", head=told).sku == "PHLR7"


def test_services_beside_the_breadcrumb_are_no_categories() -> None:
    links = "".join(
        f'<a href="/{n}">{t}</a>' for n, t in enumerate(["Return to List", "Möbel", "Nachttische", "Drucken"])
    )
    assert product(f'<div class="breadcrumb">{links}</div><p>$20.00</p>').categories == ["Möbel", "Nachttische"]


@pytest.mark.parametrize(
    "body",
    [
        "<title>Order received – Loft</title></head><body><a href='/'>Loft</a><h2>Thank you. Your order has been "
        "received.</h2><p>Order number: 10442</p><p class='total price'>Total: $73.00</p>",
        "<title>Vergleich</title></head><body><h1>Vergleich</h1><table><tr><td>549,00 €<td>629,00 €</tr>"
        "<tr><td><button>In den Warenkorb</button><td><button>In den Warenkorb</button></tr></table>",
        "<title>Sorry</title></head><body><h1>Sorry</h1><p>This product is no longer available.</p>",
    ],
)
def test_pages_around_buying_are_no_products(body: str) -> None:
    assert extract(f"<html><head>{body}</body></html>".encode(), URL).products == []


def test_tiles_nested_deep_are_still_tiles() -> None:
    deep = "<div>" * 10, "</div>" * 10
    tile = (
        '<li><a href="/p/{n}"><img src="/{n}.jpg" alt=""></a>' + deep[0] + "<span class='price'>£14.99</span>" + deep[1]
        + "<form><button class='add-to-cart'>Add to basket</button></form></li>"
    )  # fmt: skip
    tiles = "".join(tile.replace("{n}", str(n)) for n in range(4))
    body = f"<html><head><title>Tea | Shop</title></head><body><h1>Tea</h1><ul>{tiles}</ul></body></html>"
    assert extract(body.encode(), "https://www.shop.example/tea").products == []


def test_a_product_that_only_says_it_is_gone_is_a_product_that_cannot_be_bought() -> None:
    body = (
        "<html><head><title>Isla Shirt | Cloth</title></head><body><h1>Isla Shirt</h1>"
        '<ul id="product-images-large"><li><img src="/isla-1.jpg"></li></ul>'
        "<p>This product is currently unavailable.</p></body></html>"
    )
    found = extract(body.encode(), URL).products
    assert [(p.name, p.price, p.availability) for p in found] == [("Isla Shirt", None, "OutOfStock")]


@pytest.mark.parametrize(
    ("small", "large", "width"),
    [
        ("/files/9001/70x70x2/a.jpg", "/files/9001/a.jpg", 70),
        ("/web/image/product/77/image_1024/Desk", "/web/image/product/77/image_1920/Desk", 1024),
        ("/i/6e570901_ra,w380,h380_pa,w380,h380.jpeg", "/i/6e570901_ra,w403,h806_pa,w403,h806.jpeg", 380),
        ("/medias/ginepro-515Wx515H.jpg", "/medias/ginepro-1200Wx1200H.jpg", 515),
        ("/items/main/../larger/14013arm.jpg", "/items/14013arm.jpg", 900),
        ("/ps4/street-(colorbox).jpg", "/ps4/street-(600x315-crop).jpg", 100),
        ("/cache/300_300_productGfx_12252cd5.jpg", "/cache/0_0_productGfx_12252cd5.jpg", 300),
    ],
)
def test_more_ways_to_write_a_size_are_the_same_picture(small: str, large: str, width: int) -> None:
    a, b = (image_urls.absolute(x, URL) or "" for x in (small, large))
    assert image_urls.identity(a) == image_urls.identity(b)
    assert image_urls.stated_width(a) == width


def test_an_ending_counts_as_a_rendition_only_beside_the_plain_name() -> None:
    pictures = Pictures(URL)
    names = ["/a/plates.jpg", "/a/plates_600.jpg", "/a/plateslg.jpg", "/a/cup_100.jpg", "/a/cup_110.jpg"]
    assert [pictures.add([Rendition(n)]) for n in names] == [0, 0, 0, 1, 2]


@pytest.mark.parametrize("name", ["banner.jpg", "OOS-overlay-en.png", "handpicked-badge-full.png", "transparent.gif"])
def test_banners_overlays_and_badges_are_no_photographs(name: str) -> None:
    assert Pictures(URL).add([Rendition(f"/img/{name}")]) is None
    assert Pictures(URL).add([Rendition("/img/5391-225x225-resize-transparent.png")]) == 0


def test_theme_classes_that_only_look_like_recommendations_hide_no_gallery() -> None:
    inner = (
        '<div class="images relative has-hover"><div class="product-gallery"><a class="cm-image-previewer" '
        'href="/big/1.jpg"><img src="/small/1.jpg"></a>'
        '<a class="thumb" href="/big/2.jpg"><img src="/small/2.jpg"></a></div>'
        "</div><p>$20.00</p>"
    )
    assert product(inner).images == ["https://www.shop.example/big/1.jpg", "https://www.shop.example/big/2.jpg"]
