"""OpenGraph and kindred meta tags of a page, and what they say of a product.

In: a parsed page. Out: names (lower case) to their values in order, and product fields in the row's form.
"""

from __future__ import annotations

from typing import Any

from parsel import Selector

from crawlers.extract import fields

Graph = dict[str, list[str]]
_MOST = 500


def read(page: Selector) -> Graph:
    """`property` or `name` of each meta tag with a namespace, and its values."""
    found: Graph = {}
    for meta in page.root.xpath("//meta[@content and (@property or @name)]")[:_MOST]:
        name = (meta.get("property") or meta.get("name") or "").strip().lower()
        if ":" in name and meta.get("content").strip():
            found.setdefault(name, []).append(meta.get("content").strip())
    return found


def kind(graph: Graph) -> str:
    return (graph.get("og:type") or [""])[0].strip().lower()


def is_product(graph: Graph) -> bool:
    """Says that it is a product, and at what price: 'product' alone stands on many front pages."""
    priced = any(fields.price((graph.get(k) or [""])[0]) for k in ("product:price:amount", "og:price:amount"))
    return priced and kind(graph) in ("product", "product.item", "og:product") and bool(graph.get("og:title"))


def candidates(graph: Graph) -> dict[str, Any]:
    def first(*names: str) -> str | None:
        return next((graph[n][0] for n in names if graph.get(n)), None)

    code = fields.currency(first("product:sale_price:currency", "product:price:currency", "og:price:currency"))
    paid = fields.price(first("product:sale_price:amount", "product:price:amount", "og:price:amount"), code)
    before = first("product:original_price:amount", "og:price:standard_amount", "product:price:amount")
    listed = fields.price(before, code)
    found = {
        "name": fields.text(first("og:title")), "price": paid, "currency": code if paid else None,
        "list_price": listed if listed and paid and float(listed) > float(paid) else None,
        "brand": fields.text(first("product:brand", "og:brand")), "sku": fields.text(first("product:retailer_item_id")),
        "availability": fields.availability(first("product:availability", "og:availability")),
        "colour": fields.text(first("product:color")), "description": fields.text(first("og:description")),
    }  # fmt: skip
    return {k: v for k, v in found.items() if v}
