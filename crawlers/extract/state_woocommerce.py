"""WooCommerce: the variations that a product's form carries.

In: the page's `Context`. Out: one node, or none. The name is the page's heading, prices are decimal numbers as shown,
`display_regular_price` is the struck one; the low end stands for the product, as WooCommerce's range shows it first.
Shops with many variations ask for them later and write `false`.
"""

from __future__ import annotations

import json
from typing import Any

from crawlers.extract import fields, state_fields, state_shape
from crawlers.extract.jsonld import Node
from crawlers.extract.state_context import Context
from crawlers.extract.state_fields import Money, folded

_FORM = "(//form[@data-product_variations])[1]"
_MAX_VARIANTS = 250


def read(context: Context) -> list[Node]:
    """The node of the first form with variations: the product's own, as tiles carry none."""
    forms = context.page.root.xpath(_FORM)
    try:
        rows = json.loads(forms[0].get("data-product_variations")) if forms else None
    except (ValueError, RecursionError):
        return []
    variations = [v for v in rows[:_MAX_VARIANTS] if isinstance(v, dict)] if isinstance(rows, list) else []
    priced = [(v, money) for v in variations if (money := _money(v, context.currency)).paid]
    if not priced or not context.subject.heading:
        return []
    cheapest = min((money for _, money in priced), key=lambda m: float(m.paid))
    stock = "InStock" if any(v.get("is_in_stock") for v, _ in priced) else "OutOfStock"
    labels = _labels(forms[0])
    return [
        {
            "@type": "Product", "@origin": "woocommerce", "name": context.subject.heading,
            "productID": str(forms[0].get("data-product_id") or ""), "offers": state_shape.offer(cheapest, stock),
            "hasVariant": [_variant(v, money, labels) for v, money in priced],
        }
    ]  # fmt: skip


def _money(variation: dict[str, Any], code: str | None) -> Money:
    paid, listed = fields.price(variation.get("display_price")), fields.price(variation.get("display_regular_price"))
    return Money(paid, listed if paid and listed and float(listed) > float(paid) else None, code)


def _labels(form: Any) -> dict[tuple[str, str], str]:
    """(select's name, option's value) -> the text a visitor reads."""
    found = {}
    for option in form.xpath(".//select[starts-with(@name, 'attribute_')]/option")[:500]:
        if value := option.get("value"):
            found[(str(option.getparent().get("name")), value)] = " ".join("".join(option.itertext()).split())
    return found


def _variant(variation: dict[str, Any], money: Money, labels: dict[tuple[str, str], str]) -> Node:
    made: Node = {"@type": "Product", "sku": fields.text(variation.get("sku"))}
    attributes = variation.get("attributes")
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        if (kind := state_fields.option_kind(name)) and isinstance(value, str) and value:
            made[kind] = labels.get((name, value), value)
    image = variation.get("image")
    pictures = state_fields.pictures(folded(image)) if isinstance(image, dict) else []
    made["image"] = next(iter(pictures), None)
    made["offers"] = state_shape.offer(money, "InStock" if variation.get("is_in_stock") else "OutOfStock")
    return {k: v for k, v in made.items() if v}
