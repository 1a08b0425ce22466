"""Magento 2: prices, options, gallery and the product's own name in the `text/x-magento-init` scripts.

In: the page's states and its `Context`. Out: at most one node, and the gallery by itself. Parts are known by shape
(`optionPrices` beside `attributes`; `prices` with `finalPrice`; rows with `full` and `thumb`), so themes that move
them (Hyvä) are read too. Amounts are decimal numbers as shown, tax included where the shop shows it so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from parsel import Selector

from crawlers.extract import fields, state_fields, state_scripts, state_shape
from crawlers.extract.jsonld import Node
from crawlers.extract.state_context import Context
from crawlers.extract.state_fields import Money, folded
from crawlers.extract.state_scripts import State

_SCRIPTS = "//script[@type='text/x-magento-init' and contains(., 'mage/gallery/gallery')]/text()"
_OWN_ID = (
    "(//form[@id='product_addtocart_form']//input[@name='product']/@value"
    " | //*[@data-role='priceBox' and not(ancestor::li)]/@data-product-id)[1]"
)


def read(states: Iterable[State], context: Context) -> list[Node]:
    """The product of the page's add-to-cart form; [] on pages without one."""
    held = [d for state in states for d in state.dicts]
    own = context.page.root.xpath(_OWN_ID) if held else []
    return (_second(held, str(own[0]), context) if own else []) or _first(held, context)


def _second(held: list[dict[Any, Any]], own: str, context: Context) -> list[Node]:
    options = next((d for d in held if "optionPrices" in d and isinstance(d.get("attributes"), dict)), {})
    item = next((i for d in held if (i := _item(d, own))), {})
    code = fields.currency(item.get("currency_code")) or context.currency or _pattern(held)
    money = _money(_prices(held, options, own), code)
    if money.paid is None:
        money = _money(item.get("price_info"), code)
    name = fields.text(item.get("name")) or context.subject.heading
    if money.paid is None or not name:
        return []
    stock = state_fields.availability(folded({"salable": item.get("is_salable")})) if item else None
    made = {
        "@type": "Product", "@origin": "magento", "name": name, "productID": own,
        "offers": state_shape.offer(money, stock), "image": gallery(context.page),
        "hasVariant": _variants(options, code),
    }  # fmt: skip
    return [{k: v for k, v in made.items() if v}]


def _first(every: list[dict[Any, Any]], context: Context) -> list[Node]:
    """Magento 1: `new Product.OptionsPrice({productPrice, productOldPrice, priceFormat})` of the page's one product."""
    held = [d for d in every if "productPrice" in d and "priceFormat" in d]
    name = context.subject.heading
    if len(held) != 1 or not name or not (paid := fields.price(held[0]["productPrice"])):
        return []
    before = fields.price(held[0].get("productOldPrice"))
    listed = before if before and float(before) > float(paid) else None
    offer = state_shape.offer(Money(paid, listed, context.currency or _pattern(held)), None)
    return [{"@type": "Product", "@origin": "magento", "name": name, "offers": offer}]


def gallery(page: Selector) -> list[str]:
    """The full pictures of the gallery's JSON in its order; videos are left out."""
    for written in page.root.xpath(_SCRIPTS)[:5]:
        try:
            value = json.loads(written)
        except (ValueError, RecursionError):
            continue
        for held in state_scripts.containers(value):
            rows = held.get("data")
            if isinstance(rows, list) and rows and isinstance(rows[0], dict) and "full" in rows[0]:
                return _full(rows)
    return []


def _full(rows: list[Any]) -> list[str]:
    pictures = [r for r in rows if isinstance(r, dict) and (r.get("type") or "image") == "image"]
    return [url for r in pictures if isinstance(url := r.get("full") or r.get("img"), str)]


def _item(held: dict[Any, Any], own: str) -> dict[str, Any] | None:
    """The entry of the page's product in `Magento_Catalog/js/product/view/provider`."""
    items = held.get("items")
    found = items.get(own) if isinstance(items, dict) else None
    return found if isinstance(found, dict) and found.get("name") else None


def _prices(held: list[dict[Any, Any]], options: dict[str, Any], own: str) -> Any:
    boxes = [d for d in held if isinstance(d.get("prices"), dict) and str(d.get("productId")) == own]
    return next((b["prices"] for b in [*boxes, options] if b.get("prices")), None)


def _money(prices: Any, code: str | None) -> Money:
    """`finalPrice` is paid; `oldPrice` is struck where it is above."""
    if not isinstance(prices, dict):
        return Money()
    node = folded(prices)
    paid = _amount(node.get("finalprice"))
    listed = next((a for k in ("oldprice", "regularprice") if (a := _amount(node.get(k)))), None)
    return Money(paid, listed if paid and listed and float(listed) > float(paid) else None, code)


def _amount(value: Any) -> str | None:
    return fields.price(value.get("amount") if isinstance(value, dict) else value)


def _pattern(held: list[dict[Any, Any]]) -> str | None:
    """The currency of a price format such as '%s €'."""
    formats = (d["priceFormat"].get("pattern") for d in held if isinstance(d.get("priceFormat"), dict))
    return next((c for f in formats if isinstance(f, str) and (c := fields.currency(f.replace("%s", "")))), None)


def _variants(options: dict[str, Any], code: str | None) -> list[Node]:
    index, prices, images = (options.get(k) for k in ("index", "optionPrices", "images"))
    if not isinstance(index, dict) or not isinstance(prices, dict):
        return []
    labels = _labels(options["attributes"])
    skus = options.get("sku") or options.get("skus") or {}
    return [
        _variant(str(key), chosen, labels, _money(prices.get(key), code), images, skus)
        for key, chosen in list(index.items())[:250]
        if isinstance(chosen, dict)
    ]


def _labels(attributes: dict[str, Any]) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """(attribute, option) -> (color or size, text)."""
    found = {}
    for key, attribute in attributes.items():
        if isinstance(attribute, dict) and isinstance(rows := attribute.get("options"), list):
            kind = state_fields.option_kind(f"{attribute.get('code')} {attribute.get('label')}")
            for row in (r for r in rows if isinstance(r, dict)):
                found[(str(key), str(row.get("id")))] = (kind, fields.text(row.get("label")))
    return found


def _variant(
    key: str, chosen: dict[str, Any], labels: dict[Any, Any], money: Money, images: Any, skus: Any
) -> Node:  # fmt: skip
    made: Node = {"@type": "Product", "sku": fields.text(skus.get(key)) if isinstance(skus, dict) else None}
    for attribute, option in chosen.items():
        kind, text = labels.get((str(attribute), str(option)), (None, None))
        if kind and text:
            made[kind] = text
    rows = images.get(key) if isinstance(images, dict) else None
    made["image"] = next(iter(_full(rows)), None) if isinstance(rows, list) else None
    if money.paid is not None:
        made["offers"] = state_shape.offer(money, None)
    return {k: v for k, v in made.items() if v}
