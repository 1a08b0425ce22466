"""What Shopify and WooCommerce answer, with goods of our own, for the crawler's tests on a `crawlers_shop.Shop`."""

from __future__ import annotations

import json
from typing import Any

from crawlers_shop import Answer, Shop

JSON = {"Content-Type": "application/json; charset=utf-8"}
SHOPIFY_FRONT = """<html lang="en"><head><script>var Shopify = Shopify || {};
Shopify.shop = "goods.example"; Shopify.currency = {"active":"EUR","rate":"1.0"};</script></head>
<body>hello</body></html>"""
WOO_FRONT = """<html lang="en"><head><link rel="https://api.w.org/" href="/wp-json/"></head>
<body class="home woocommerce-no-js">hello</body></html>"""


def shopify_item(number: int, **changes: Any) -> dict[str, Any]:
    """A product of two variants (size S sold out), on sale, with two images named in the wrong order."""
    variants = [
        {"id": number * 10 + n, "title": f"{size} / Red", "option1": size, "option2": "Red", "sku": f"K{number}-{size}",
         "available": size != "S", "price": "19.90", "compare_at_price": "29.90", "featured_image": None}
        for n, size in enumerate(("S", "M"))
    ]  # fmt: skip
    images = [{"src": f"/cdn/{number}b_600x600.jpg?v=2", "position": 2}, {"src": f"/cdn/{number}a.jpg", "position": 1}]
    return {
        "id": number, "title": f"Coat {number}", "handle": f"coat-{number}", "body_html": "<p>Warm.</p><p>Long.</p>",
        "vendor": "Maison Rue", "product_type": "Coats", "tags": ["sale", "season:winter"], "variants": variants,
        "images": images, "options": [{"name": "Größe", "position": 1, "values": ["S", "M"]},
                                      {"name": "Couleur", "position": 2, "values": ["Red"]}], **changes,
    }  # fmt: skip


def shopify(shop: Shop, items: list[dict[str, Any]], *, front: str = SHOPIFY_FRONT, page: str = "") -> None:
    """The front page, the list in pages of 250, each product's page (with `page` in its head)."""
    shop.page("/", front)
    for number in range(len(items) // 250 + 2):
        part = json.dumps({"products": items[number * 250 : (number + 1) * 250]})
        shop.answers[f"/products.json?limit=250&page={number + 1}"] = Answer(part.encode(), 200, dict(JSON))
    for item in items:
        shop.page(f"/products/{item['handle']}", f"<html><head>{page}</head><h1>{item['title']}</h1></html>")


def woo_item(shop: Shop, number: int, **changes: Any) -> dict[str, Any]:
    prices = {"price": "1990", "regular_price": "2990", "sale_price": "1990", "price_range": None,
              "currency_code": "GBP", "currency_minor_unit": 2}  # fmt: skip
    sizes = {"id": 1, "name": "Size", "taxonomy": "pa_size", "has_variations": True,
             "terms": [{"name": "Small", "slug": "s"}, {"name": "Large", "slug": "l"}]}  # fmt: skip
    variations = [{"id": 7, "attributes": [{"name": "Size", "value": "l"}]}]
    return {
        "id": number, "name": f"Scarf &amp; Hat {number}", "permalink": f"{shop.url}/product/scarf-{number}/",
        "sku": f"W{number}", "prices": prices, "is_in_stock": True, "is_on_backorder": False, "attributes": [sizes],
        "variations": variations, "images": [{"src": f"{shop.url}/up/{number}.jpg"}], "description": "<p>Soft</p>",
        "categories": [{"name": "Scarves", "slug": "scarves"}], **changes,
    }  # fmt: skip


def woocommerce(shop: Shop, items: list[dict[str, Any]], route: str = "/wp-json/wc/store/v1/products?") -> None:
    shop.page("/", WOO_FRONT)
    pages = max(1, -(-len(items) // 100))
    headers = {**JSON, "X-WP-TotalPages": str(pages), "X-Robots-Tag": "noindex"}
    for number in range(pages):
        part = json.dumps(items[number * 100 : (number + 1) * 100])
        shop.answers[f"{route}per_page=100&page={number + 1}"] = Answer(part.encode(), 200, dict(headers))
    for item in items:
        shop.page(item["permalink"].removeprefix(shop.url), f"<html><h1>{item['name']}</h1></html>")
