"""Which pages are products: an article, a list, a front page, a ticket or a plan yields nothing, whatever it prices."""

from __future__ import annotations

import json

import pytest

from crawlers.extract.page import extract

URL = "https://site.example/some/page"
PRODUCT = {"@type": "Product", "name": "Wool Coat", "offers": {"price": "80", "priceCurrency": "USD"}}
TILE = (
    '<li class="item"><a href="/{n}"><img src="/{n}.jpg">Coat {n}</a>'
    '<span class="price">$4{n}.00</span><button>Add to cart</button></li>'
)
TILES = "<ul>" + "".join(TILE.format(n=n) for n in range(6)) + "</ul>"
LONG = "<p>" + "The wind had other plans for the coat and its wearer, as it always has in these parts. " * 4 + "</p>"


def html(
    body: str, *, data: object = None, title: str = "Wool Coat | Site", meta: str = "", attributes: str = ""
) -> bytes:
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>' if data else ""
    head = f"<html lang=en><head><title>{title}</title>{meta}{script}</head>"
    return f"{head}<body {attributes}>{body}</body></html>".encode()


@pytest.mark.parametrize(
    "body",
    [
        html("<h1>Ten coats we love</h1><p>The dress costs $49.</p>" + LONG, title="Ten coats we love"),
        html("<article><h1>Wool Coat, tried</h1><p>By Ann, May 12, 2026</p>" + LONG * 4
             + "<a href='https://x.example'>Buy now for $80</a></article>",
             data=[{"@type": "Article", "headline": "Wool Coat, tried"}, PRODUCT]),
        html("<h1>Wool Coat, tried</h1>" + LONG, meta='<meta property="og:type" content="article">',
             data=PRODUCT | {"offers": None}),
        html("<h1>My autumn</h1><p>May 12, 2026</p>" + LONG * 3
             + '<h3><a href="/c">Wool Coat</a></h3><p class="price">$80.00</p>'
             "<button>Add to cart</button>" + LONG, title="My autumn", attributes='class="single-post"'),
        html("<h1>Coats</h1><p>Showing 1-6 of 80 results</p>" + TILES, title="Coats"),
        html("<h1>Coats</h1>" + TILES, title="Coats", data=[PRODUCT | {"name": f"Coat {n}"} for n in range(6)]),
        html("<h1>Coats</h1>" + TILES, title="Coats", data={"@type": "ItemList", "itemListElement": [PRODUCT]}),
        html("<h1>Search results for coat</h1>" + TILES, title="Search results for coat"),
        html(
            "<h1>Your cart</h1><p class='price'>$80.00</p><p>Quantity</p>"
            "<input name=quantity><button>Add to cart</button>", title="Cart"),
        html("<h1>Page not found</h1><p class='price'>$8.00</p><button>Add to cart</button>", title="404"),
        html("<h1>Apple Pie</h1><p class='price'>$8.00</p><button>Add to cart</button>", title="Apple Pie",
             data={"@type": "Recipe", "name": "Apple Pie"}),
        html("<h1>Jazz Night</h1><p class='price'>$30.00</p><button>Buy tickets</button>", title="Jazz Night",
             data={"@type": "Event", "name": "Jazz Night"}),
        html("<h1>Baker wanted</h1><p>$20 per hour</p><button>Apply</button>", title="Baker wanted"),
        html(
            "<h1>Simple pricing</h1><p class='price'>$9 per month</p>"
            "<p class='price'>$29 per month</p><button>Buy now</button>", title="Simple pricing"),
        html("<h1>Seaview Hotel</h1><p class='price'>$120 per night</p><button>Book</button>", title="Seaview Hotel"),
        html("<h1>Sign in</h1><form><input name=user><button>Sign in</button></form>", title="Sign in"),
        html(
            "<h1>Stores</h1><p>12 High Street, Leeds</p><form>Newsletter <input name=mail>"
            "<button>Subscribe</button></form>", title="Stores"),
        b"", b"<html></html>", b"plain text with $5.00",
    ],
)  # fmt: skip
def test_what_is_no_product_yields_nothing(body: bytes) -> None:
    assert extract(body, URL).products == []


def test_a_front_page_with_one_featured_product_is_no_product() -> None:
    body = html(
        "<h1>Wool House</h1><h2>Featured</h2><p class='price'>$80.00</p><button>Add to cart</button>",
        title="Wool House",
    )
    assert extract(body, "https://site.example/").products == []


def test_a_shop_that_calls_its_pages_articles_still_has_products() -> None:
    buy = "<h1>Wool Coat</h1><p class='price'>$80.00</p><form><button>Add to cart</button></form>"
    body = html(buy, meta='<meta property="og:type" content="article">', data=PRODUCT)
    assert [p.price for p in extract(body, URL).products] == ["80.00"]


@pytest.mark.parametrize(
    "body",
    [
        html("<h1>Wool Coat</h1><p class='price'>$80.00</p><button>Add to cart</button>" + LONG * 5),
        html(
            "<div class='product-title'>Wool Coat</div><p class='price'>$80.00</p>"
            "<a class='btn-cart' href='/cart?add=1'>Add to cart</a>"),
        html(
            "<h1>Wool Coat</h1><p class='price'>$80.00</p><button>Add to cart</button>"
            "<h2>Related products</h2>" + TILES),
        html(TILES + "<h1>Wool Coat</h1><p class='price'>$80.00</p><input type=submit value='Add to basket'>"),
        html(
            "<table><tr><td><font size=4><b>Wool Coat</b></font></td></tr><tr>"
            "<td>Price: $80.00</td><td><input type=image alt='Add to cart'></td></tr>"
            "</table>"),
        html(
            "<h1><a href='/'>The Shop</a></h1><h2>Wool Coat</h2><p class='price'>$80.00</p>"
            "<button>Add to cart</button>"),
    ],
)  # fmt: skip
def test_a_page_without_markup_that_plainly_sells_one_thing_is_a_product(body: bytes) -> None:
    found = extract(body, URL).products
    assert [(p.name, p.price) for p in found] == [("Wool Coat", "80.00")]


def test_a_recommended_product_in_markup_is_not_the_page() -> None:
    other = PRODUCT | {"name": "Felt Hat", "offers": {"price": "9", "priceCurrency": "USD"}}
    body = html("<h1>Wool Coat</h1><p class='price'>$80.00</p><button>Add to cart</button>", data=[other, PRODUCT])
    assert [(p.name, p.price) for p in extract(body, URL).products] == [("Wool Coat", "80.00")]
