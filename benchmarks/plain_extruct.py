"""The baseline of the extraction benchmark: extruct's output mapped to fields, with nothing repaired or reconciled.

In: a page's bytes and its URL. Out: the fields of the first Product, or None. JSON-LD goes over microdata over
OpenGraph, field by field: what a shop would get who installs extruct and price-parser and spends an afternoon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import extruct
from lxml.etree import LxmlError
from price_parser import Price
from w3lib.encoding import html_to_unicode
from w3lib.url import safe_url_string

Node = dict[str, Any]
SYNTAXES = ["json-ld", "microdata", "opengraph"]
GTINS = ("gtin", "gtin14", "gtin13", "gtin12", "gtin8")


def product(body: bytes, url: str) -> Node | None:
    """name, price, currency, availability, brand, sku, gtin, images, colour as far as the markup has them."""
    try:
        text = html_to_unicode(None, body, default_encoding="utf-8")[1]
        data = extruct.extract(text, base_url=safe_url_string(url), syntaxes=SYNTAXES, uniform=True, errors="ignore")
    except (LxmlError, ValueError):
        return None
    found = [fields for syntax in SYNTAXES if (fields := next(_products(data.get(syntax)), None))]
    merged = {name: value for fields in reversed(found) for name, value in fields.items() if value}
    return merged or None


def _products(nodes: Any) -> Iterator[Node]:
    for node in nodes if isinstance(nodes, list) else []:
        if isinstance(node, dict):
            kind = node.get("@type")
            if kind == "Product" or (isinstance(kind, list) and "Product" in kind):
                yield _schema(node)
            elif isinstance(kind, str) and kind.lower().endswith("product"):
                yield _open_graph(node)
            yield from _products(node.get("@graph"))


def _schema(node: Node) -> Node:
    offer = _first(node.get("offers")) or {}
    offer = offer if isinstance(offer, dict) else {}
    images = node.get("image")
    return {
        "name": _text(node.get("name")), "brand": _text(node.get("brand")), "sku": _text(node.get("sku")),
        "gtin": next((_text(node[key]) for key in GTINS if node.get(key)), None), "colour": _text(node.get("color")),
        "price": _price(offer.get("price") or offer.get("lowPrice")), "currency": _text(offer.get("priceCurrency")),
        "availability": (_text(offer.get("availability")) or "").rsplit("/", 1)[-1],
        "images": [url for each in (images if isinstance(images, list) else [images]) if (url := _text(each, "url"))],
    }  # fmt: skip


def _open_graph(node: Node) -> Node:
    price = node.get("product:price:amount") or node.get("og:price:amount")
    currency = node.get("product:price:currency") or node.get("og:price:currency")
    image = _text(node.get("og:image"))
    return {
        "name": _text(node.get("og:title")), "brand": _text(node.get("product:brand")),
        "price": _price(price), "currency": _text(currency), "images": [image] if image else [],
        "availability": {"instock": "InStock", "oos": "OutOfStock"}.get(_text(node.get("og:availability")) or "", ""),
    }  # fmt: skip


def _first(value: Any) -> Any:
    return next(iter(value), None) if isinstance(value, list) else value


def _text(value: Any, key: str = "name") -> str | None:
    value = _first(value)
    value = value.get(key) or value.get("url") if isinstance(value, dict) else value
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _price(value: Any) -> str | None:
    written = _text(value)
    amount = Price.fromstring(written).amount if written else None
    return None if amount is None else str(amount)
