"""Offers of a product node: what a visitor pays, the struck price, the currency, whether it can be had, its variants.

In: a Product or ProductGroup node (JSON-LD or microdata). Out: plain fields. One size out of stock is not the
product being so: any offer that can be had makes it InStock. A price range gives its low end, as shops show it
('from').
"""

from __future__ import annotations

from typing import Any

from crawlers.extract import fields
from crawlers.extract.jsonld import Node, types

_ORDER = ("InStock", "PreOrder", "BackOrder", "OutOfStock", "Discontinued")
_STRUCK = ("listprice", "strikethroughprice", "msrp", "srp", "regularprice")


def read(node: Node) -> dict[str, Any]:
    """price, list_price, currency, availability of a node; absent ones are missing."""
    offers = _offers(node)
    if not offers and not node.get("price"):
        offers = [offer for variant in variants_of(node) for offer in _offers(variant)]
    offers = offers or [node]
    codes = [c for offer in offers if (c := _currency(offer))]
    code = codes[0] if codes else None
    prices = [p for offer in offers if (p := _price(offer, code))]
    states = [s for offer in offers if (s := fields.availability(offer.get("availability")))]
    struck = [p for offer in offers if (p := _struck(offer, code))]
    paid = min(prices, key=float) if prices else None
    found = {
        "price": paid,
        "list_price": next((s for s in struck if paid is None or float(s) > float(paid)), None),
        "currency": code,
        "availability": min(states, key=_ORDER.index) if states else None,
    }
    return {k: v for k, v in found.items() if v}


def prices(node: Node) -> list[str]:
    """What each offer, also each variant's, costs."""
    every = _every(node)
    code = next((c for o in every if (c := _currency(o))), None)
    return [p for offer in every if (p := _price(offer, code))]


def states(node: Node) -> set[str]:
    return {s for offer in _every(node) if (s := fields.availability(offer.get("availability")))}


def _every(node: Node) -> list[Node]:
    return [*_offers(node), *[o for v in variants_of(node) for o in _offers(v)]]


def variants(node: Node) -> list[dict[str, Any]]:
    """{sku, colour, size, price, availability, image} of each variant, and of each offer that names its own SKU."""
    rows = [_variant(v) for v in variants_of(node)] or [
        _variant(o) for o in _offers(node) if o.get("sku") and "aggregateoffer" not in types(o)
    ]
    return [row for row in rows if row] if len(rows) > 1 or variants_of(node) else []


def variants_of(node: Node) -> list[Node]:
    """Nodes under `hasVariant`."""
    return _nodes(node.get("hasVariant"))


def _variant(node: Node) -> dict[str, Any]:
    offer = read(node)
    image = node.get("image")
    found = {
        "sku": fields.text(node.get("sku")), "colour": fields.text(node.get("color")),
        "size": fields.text(node.get("size")),
        "price": offer.get("price"), "availability": offer.get("availability"),
        "image": image if isinstance(image, str) else None,
    }  # fmt: skip
    return {k: v for k, v in found.items() if v}


def _nodes(value: Any) -> list[Node]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _offers(node: Node) -> list[Node]:
    found = _nodes(node.get("offers") or node.get("Offers"))
    inner = [o for offer in found for o in _nodes(offer.get("offers"))]
    summaries = [o for o in found if "aggregateoffer" in types(o)]
    return [*inner, *[o for o in found if o not in summaries]] or summaries


def _specifications(offer: Node) -> list[Node]:
    return _nodes(offer.get("priceSpecification"))


def _price_type(specification: Node) -> str:
    return (fields.text(specification.get("priceType")) or "").rsplit("/", 1)[-1].lower()


def _price(offer: Node, code: str | None) -> str | None:
    direct = next((p for k in ("price", "lowPrice", "lowprice") if (p := fields.price(offer.get(k), code))), None)
    current = [
        p for s in _specifications(offer) if _price_type(s) not in _STRUCK and (p := fields.price(s.get("price"), code))
    ]
    return min([*([direct] if direct else []), *current], key=float, default=None)


def _struck(offer: Node, code: str | None) -> str | None:
    listed = [
        p for s in _specifications(offer) if _price_type(s) in _STRUCK and (p := fields.price(s.get("price"), code))
    ]
    return listed[0] if listed else None


def _currency(offer: Node) -> str | None:
    price = offer.get("price")
    spots = [offer, *([price] if isinstance(price, dict) else []), *_specifications(offer)]
    written = [spot.get(key) for spot in spots for key in ("priceCurrency", "pricecurrency", "currency")]
    return next((c for w in [*written, price if isinstance(price, str) else None] if (c := fields.currency(w))), None)
