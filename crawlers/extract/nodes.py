"""Candidate values of each product field from one Product node.

In: a Product node and the origin it came from. Out: {field: value}, empty fields missing. Knows the shapes, judges
nothing: which origin wins is `crawlers.extract.page`'s business.
"""

from __future__ import annotations

import re
from typing import Any

from crawlers.extract import fields, offers
from crawlers.extract.jsonld import Node, types

PRODUCT_TYPES = {"product", "productgroup", "individualproduct", "productmodel", "someproducts"}


def is_product(node: Any) -> bool:
    return bool(PRODUCT_TYPES & set(types(node)))


def candidates(node: Node) -> dict[str, Any]:
    """Fields of a node in the row's form."""
    family = offers.variants_of(node)
    found: dict[str, Any] = {
        "name": fields.text(node.get("name")),
        "brand": fields.text(node.get("brand") or node.get("manufacturer")),
        "sku": _code(node.get("sku") or _first_offer(node, "sku")),
        "gtin": _gtin(node),
        "mpn": _code(node.get("mpn")),
        "colour": fields.text(node.get("color") or node.get("colour")),
        "sizes": fields.texts(node.get("size"))
        or list(dict.fromkeys(s for v in family for s in fields.texts(v.get("size")))),
        "categories": _categories(node.get("category")),
        "description": fields.text(node.get("description")),
        "variant_group": fields.text(node.get("productGroupID") or node.get("inProductGroupWithID")),
        "variants": offers.variants(node),
        "licence": _licence(node.get("image")) or fields.text(node.get("license")),
        **offers.read(node),
    }
    return {k: v for k, v in found.items() if v}


def prices(node: Node) -> list[str]:
    """What any offer or variant of a node costs."""
    return offers.prices(node)


def states(node: Node) -> set[str]:
    """schema.org names of the availability of a node's offers and variants."""
    return offers.states(node)


def images(node: Node) -> list[Any]:
    """What a node names as its images, unread: strings, objects, lists with nulls."""
    own = node.get("image") or node.get("images") or node.get("photo") or []
    return [own, *[v.get("image") for v in offers.variants_of(node) if v.get("image")]]


def _first_offer(node: Node, key: str) -> Any:
    offer = node.get("offers")
    first = offer[0] if isinstance(offer, list) and offer else offer
    return first.get(key) if isinstance(first, dict) and not isinstance(offer, list) else None


def _code(value: Any) -> str | None:
    """A code without the label some shops write into it ('sku:856802') and without what stands for none."""
    written = re.sub(r"^(?:sku|mpn|item|ref|art)\s?[:#]\s*", "", fields.text(value) or "", flags=re.I)
    return (
        written if written and written.lower() not in ("n/a", "na", "null", "none", "undefined", "-", "false") else None
    )


def _gtin(node: Node) -> str | None:
    names = ("gtin13", "gtin", "gtin14", "gtin12", "gtin8", "ean", "isbn", "productID")
    return next((g for n in names if (g := fields.gtin(node.get(n)))), None)


def _categories(value: Any) -> list[str]:
    found = fields.texts(value)
    if len(found) == 1:
        for mark in (" > ", " / ", ">"):
            if mark in found[0]:
                return [part.strip() for part in found[0].split(mark) if part.strip()]
    return [f for f in found if not f.startswith("http")]


def _licence(image: Any) -> str | None:
    items = image if isinstance(image, list) else [image]
    return next(
        (
            f
            for i in items
            if isinstance(i, dict) and (f := fields.text(i.get("license") or i.get("acquireLicensePage")))
        ),
        None,
    )
