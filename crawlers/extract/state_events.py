"""What a page tells its trackers: dataLayer, gtag, enhanced ecommerce, utag, digitalData, pixels.

In: one `State` and the page's `Context`. Out: nodes, [] where the event isn't the viewing of one product, None where
the state is no tracker's. The weakest of states: names are cut, prices may lack tax, so `crawlers.extract.state` puts
it last.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

from crawlers.extract import fields, state_fields, state_shape
from crawlers.extract.jsonld import Node
from crawlers.extract.state_context import Context
from crawlers.extract.state_fields import Folded, Money, first, folded, members
from crawlers.extract.state_scripts import State

_TRACKER = re.compile(
    r"dataLayer|data-layer|gtag|gtm|\bga\s*\(|fbq|pintrk|ttq|snaptr|utag_data|digitalData|klaviyo|_learnq|analytics|"
    r"tracking|tealium|ecommerce|criteo|rdt\(|uetq|_paq|mixpanel|segment|adobeData|tc_vars",
    re.I,
)
_VIEWS = re.compile(
    r"view_?item(?!_?list)|product_?(detail|view)|view_?(content|product)|detail|viewed product|pagevisit", re.I
)
_OTHERS = re.compile(
    r"view_?item_?list|impression|select_?(item|promotion)|add_?to_?(cart|wishlist)|purchase|checkout|view_?cart|remove_?from",
    re.I,
)  # fmt: skip
_NAMES = ("itemname", "name", "productname", "contentname", "producttitle", "title", "item")
_SKUS = ("sku", "itemsku", "productsku", "itemid", "id", "productid", "contentids", "contentid", "ecommprodid")
_BRANDS = ("itembrand", "brand", "productbrand", "brandname", "manufacturer", "vendor", "affiliation")
_PRICES = ("price", "itemprice", "productprice", "value", "unitprice", "productunitprice", "ecommtotalvalue",
           "productpriceamount", "saleprice")  # fmt: skip
_CATEGORIES = ("itemcategory", "category", "productcategory", "contentcategory", "categoryname")


def read(state: State, context: Context) -> list[Node] | None:
    """The viewed product, where the event is one of viewing and names a single product that fits the page."""
    if not _TRACKER.search(state.before) and not _is_event(state.value):
        return None
    if _OTHERS.search(state.before[-60:]):
        return []
    found = [made for item in _items(state) if (made := _node(item, context))]
    names = {node["name"] for node in found}
    return found[:1] if len(names) == 1 else []


def _is_event(value: Any) -> bool:
    return isinstance(value, dict) and ("ecommerce" in value or "item_name" in value or "content_ids" in value)


def _items(state: State) -> list[Folded]:
    """What may be the viewed product: `items`, `products` and lone dicts with a name and a price, of viewing events."""
    found: list[Folded] = []
    for held in state.dicts:
        kind = " ".join(str(held.get(k)) for k in ("event", "event_name", "eventName") if held.get(k))
        if kind and _OTHERS.search(kind) and not _VIEWS.search(kind):
            return []
        if {"impressions", "add", "purchase", "promoView"} & set(held) and "detail" not in held:
            return []
        node = _singular(folded(held))
        if (first(node, _NAMES) or node.get("ecommpagetype") == "product") and any(node.get(k) for k in _PRICES):
            found.append(node)
    return found


def _singular(node: Folded) -> Folded:
    """utag writes every value as a list of one; lists of several are a listing's and say nothing."""
    return {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in node.items()}


def _name(item: Folded, context: Context) -> str | None:
    """The event's name, its form-encoding undone; Google's remarketing tag names none: the page's heading."""
    if item.get("ecommpagetype") == "product":
        return context.subject.heading
    name = first(item, _NAMES)
    return unquote_plus(name) if name and "+" in name and " " not in name else name


def _node(item: Folded, context: Context) -> Node | None:
    name = _name(item, context)
    links = [item.get(k) for k in ("url", "producturl", "itemurl")]
    identifiers = [v for k in _SKUS if isinstance(v := item.get(k), str | int)]
    brand = first(item, _BRANDS)
    if not name or not context.subject.fit([name, f"{brand} {name}"], links, identifiers):
        return None
    paid = next((v for k in _PRICES if fields.price(v := item.get(k))), None)
    if paid is None:
        return None
    code = next((c for k in ("currency", "currencycode", "pricecurrency") if (c := fields.currency(item.get(k)))), None)
    money = Money(paid, None, code or context.currency)
    category = [c for k in _CATEGORIES for v in (members(item.get(k)) or [item.get(k)]) if (c := fields.text(v))]
    made: Node = {
        "@type": "Product", "@origin": "datalayer", "name": name, "sku": first(item, _SKUS[:7]), "brand": brand,
        "gtin": state_shape.gtin(item), "category": category[:1], "image": state_fields.pictures(item),
        "offers": state_shape.offer(money, state_fields.availability(item), context.subject.in_cents(paid)),
        **state_fields.options(item),
    }  # fmt: skip
    return {k: v for k, v in made.items() if v}
