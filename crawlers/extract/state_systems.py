"""PrestaShop, BigCommerce and Squarespace: product data in the places those systems put it.

In: the page's `Context`, or one `State` with it. Out: nodes; [] where the state is the system's but says nothing,
None where it isn't the system's. What they leave unsaid (a name, a currency) is the page's heading and its one
currency.
"""

from __future__ import annotations

import json
from typing import Any

from crawlers.extract import fields, state_fields, state_shape
from crawlers.extract.jsonld import Node
from crawlers.extract.state_context import Context
from crawlers.extract.state_fields import Money, folded
from crawlers.extract.state_scripts import State

_PRESTA = "//@data-product[../@id='product-details' or contains(../@class, 'js-product-details')]"


def prestashop(context: Context) -> list[Node]:
    """`#product-details[data-product]`: amounts as numbers, tax as the shop shows it."""
    found = context.page.root.xpath(_PRESTA)
    try:
        held = json.loads(found[0], strict=False) if found else None
    except (ValueError, RecursionError):
        return []
    if not isinstance(held, dict):
        return []
    paid = fields.price(held.get("price_amount") or held.get("price"))
    before = fields.price(
        held.get("regular_price_amount") or held.get("regular_price") or held.get("price_without_reduction")
    )
    name = fields.text(held.get("name")) or context.subject.heading
    if not paid or not name:
        return []
    listed = before if before and float(before) > float(paid) else None
    counted = folded(held | {"stockQuantity": held.get("quantity")})
    stock = fields.availability(held.get("seo_availability")) or state_fields.availability(counted)
    made = state_shape.described(folded(held), "prestashop") | {
        "name": name, "category": fields.text(held.get("category_name")),
        "offers": state_shape.offer(Money(paid, listed, context.currency), stock), "image": _covers(held.get("images")),
    }  # fmt: skip
    return [{k: v for k, v in made.items() if v}]


def _covers(images: Any) -> list[str]:
    """The largest rendition of each picture: `bySize` holds every one with its width."""
    found = []
    for image in images[:100] if isinstance(images, list) else []:
        sizes = (
            list(image["bySize"].values()) if isinstance(image, dict) and isinstance(image.get("bySize"), dict) else []
        )
        known = [s for s in sizes if isinstance(s, dict) and isinstance(s.get("url"), str)]
        if known:
            found.append(max(known, key=lambda s: int(s["width"]) if str(s.get("width")).isdigit() else 0)["url"])
        elif isinstance(image, dict):
            found += state_fields.pictures(folded({"image": image}))
    return found


def bigcommerce(state: State, context: Context) -> list[Node] | None:
    """`var BCData`: the price with its currency, the stock, SKU and GTIN of the options chosen at first."""
    held = state.value.get("product_attributes") if isinstance(state.value, dict) else None
    if not isinstance(held, dict) or not isinstance(prices := held.get("price"), dict):
        return None
    name = context.subject.heading
    shown = prices.get("with_tax") or prices.get("without_tax")
    before = prices.get("non_sale_price_with_tax") or prices.get("non_sale_price_without_tax")
    before = before or prices.get("rrp_with_tax") or prices.get("rrp_without_tax")
    if not name or not isinstance(shown, dict) or not (paid := fields.price(shown.get("value"))):
        return []
    listed = fields.price(before.get("value")) if isinstance(before, dict) else None
    code = fields.currency(shown.get("currency")) or context.currency
    money = Money(paid, listed if listed and float(listed) > float(paid) else None, code)
    made = state_shape.described(folded({k: held.get(k) for k in ("sku", "upc", "gtin", "mpn")}), "bigcommerce")
    offer = state_shape.offer(money, state_fields.availability(folded({"instock": held.get("instock")})))
    return [{**made, "name": name, "offers": offer}]


def squarespace(state: State, context: Context) -> list[Node] | None:
    """Variants with `priceMoney`: in `data-variants`, `data-product` or the page's context object."""
    for product in _squarespace_products(state):
        name = fields.text(product.get("title") or product.get("name")) or context.subject.heading
        own = context.subject.fit([name or ""], [product.get("urlId") or product.get("fullUrl")], [product.get("id")])
        if name and own:
            return _squarespace_node(product, name, context)
        return []
    return None


def _squarespace_products(state: State) -> list[dict[str, Any]]:
    if _has_money(state.value):
        return [{"variants": state.value}]
    structured = [d | {"variants": s["variants"]} for d in state.dicts
                  if isinstance(s := d.get("structuredContent"), dict) and _has_money(s.get("variants"))]  # fmt: skip
    return structured or [d for d in state.dicts if _has_money(d.get("variants"))]


def _has_money(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and ("priceMoney" in value[0] or (isinstance(price := value[0].get("price"), dict) and "decimalValue" in price))
    )


def _squarespace_node(product: dict[str, Any], name: str, context: Context) -> list[Node]:
    rows = [(v, _sale(v)) for v in product["variants"][:250] if isinstance(v, dict)]
    priced = [(v, money) for v, money in rows if money.paid]
    if not priced:
        return []
    stock = [_has_stock(v) for v, _ in priced]
    variants = [_squarespace_variant(v, money) for v, money in priced]
    made = state_shape.described(folded({**product, "name": name}), "squarespace") | {
        "sku": variants[0].get("sku"), "hasVariant": variants if len(variants) > 1 else [],
        "offers": state_shape.offer(
            min((m for _, m in priced), key=lambda m: float(m.paid)), "InStock" if any(stock) else "OutOfStock"
        ),
    }  # fmt: skip
    return [{k: v for k, v in made.items() if v}]


def _sale(variant: dict[str, Any]) -> Money:
    full, reduced = (
        state_fields.money(folded({"price": variant.get(f"{kind}Money") or variant.get(kind)}))
        for kind in ("price", "salePrice")
    )
    if variant.get("onSale") and reduced.paid is not None:
        return Money(reduced.paid, full.paid, full.code)
    return full._replace(listed=None)


def _has_stock(variant: dict[str, Any]) -> bool:
    stock = variant.get("stock") if isinstance(variant.get("stock"), dict) else variant
    counts = [stock.get(k) for k in ("qtyInStock", "quantity")] if isinstance(stock, dict) else []
    free = isinstance(stock, dict) and bool(stock.get("unlimited"))
    return free or any(isinstance(c, int) and c > 0 for c in counts)


def _squarespace_variant(variant: dict[str, Any], money: Money) -> Node:
    made: Node = {
        "@type": "Product", "sku": fields.text(variant.get("sku")), **state_fields.options(folded(variant)),
        "offers": state_shape.offer(money, "InStock" if _has_stock(variant) else "OutOfStock"),
    }  # fmt: skip
    return {k: v for k, v in made.items() if v}
