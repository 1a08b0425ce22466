"""Shopify: the product JSON of themes, the list of variants, `var meta`, and the variants in its pixel's data.

In: one `State` and the page's `Context`. Out: nodes, [] where the state is Shopify's but of another product, None
where it isn't Shopify's. Liquid writes whole numbers in hundredths whatever the currency; `/products/x.json` writes
decimal text. The variant of `?variant=` is the one a visitor sees, else the first that can be had.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawlers.extract import fields, state_fields, state_shape
from crawlers.extract.jsonld import Node
from crawlers.extract.state_context import Context
from crawlers.extract.state_fields import Money, folded
from crawlers.extract.state_scripts import State

_TRAITS = {"option1", "public_title", "requires_shipping", "compare_at_price", "inventory_management"}
_MAX_VARIANTS = 250
_DEFAULT = "Default Title"


def read(state: State, context: Context) -> list[Node] | None:
    """The page's own product among those the state holds."""
    products = _products(state)
    if not products:
        return None
    fitting = [(fit, p) for p in products if (fit := _fit(p, context, state))]
    if not fitting:
        return []
    best = max(fitting, key=lambda pair: (pair[0], len(pair[1])))[1]
    return [node] if (node := _node(best, context)) else []


def _products(state: State) -> list[dict[str, Any]]:
    """Dicts with variants of Shopify's kind; a bare list of variants, or a lone one, as a product without a name."""
    if _is_variants(state.value):
        return [{"variants": state.value}]
    found = []
    for held in state.dicts:
        if _is_variants(held.get("variants")):
            found.append(held)
        elif isinstance(pixel := held.get("productVariants"), list) and _is_pixel(pixel):
            found.append(_of_pixel(pixel))
        elif "public_title" in held and "option1" in held and "price" in held and held is state.value:
            found.append({"variants": [held], "partial": True})
    return found


def _is_variants(value: Any) -> bool:
    return bool(
        isinstance(value, list) and value and isinstance(value[0], dict) and "price" in value[0]
        and _TRAITS & set(value[0])
    )  # fmt: skip


def _is_pixel(value: list[Any]) -> bool:
    return bool(value and isinstance(value[0], dict) and isinstance(value[0].get("product"), dict))


def _of_pixel(pixel: list[Any]) -> dict[str, Any]:
    product = pixel[0]["product"]
    return {**product, "id": product.get("id"), "handle": str(product.get("url") or "").rsplit("/", 1)[-1],
            "image": pixel[0].get("image"), "variants": [v for v in pixel if isinstance(v, dict)]}  # fmt: skip


def _fit(product: dict[str, Any], context: Context, state: State) -> int:
    own = context.subject.fit([_name(product) or ""], [product.get("handle")], [product.get("id")])
    main = isinstance(state.value, dict) and isinstance(page := state.value.get("page"), dict) and (
        page.get("pageType") == "product"
    )  # fmt: skip
    return own or int(bool(main))


def _name(product: dict[str, Any]) -> str | None:
    """The title; else what the first variant's name has before its options."""
    if title := fields.text(product.get("title")):
        return title
    first = product["variants"][0]
    name, options = fields.text(first.get("name")), fields.text(first.get("public_title"))
    return name.removesuffix(f" - {options}") if name and options else name


def _node(product: dict[str, Any], context: Context) -> Node | None:
    variants = [v for v in product["variants"][:_MAX_VARIANTS] if isinstance(v, dict)]
    shown = _shown(variants, context.url)
    money = _money(shown, context.currency)
    if money.paid is None:
        return None
    node = folded({k: v for k, v in product.items() if k not in ("variants", "price", "description", "content")})
    made = {**state_shape.described(node, "shopify"), "name": _name(product)}
    made["sku"] = fields.text(shown.get("sku"))
    made["description"] = fields.text(product.get("description") or product.get("content") or product.get("body_html"))
    made["category"] = fields.text(product.get("type") or product.get("product_type"))
    made["gtin"] = fields.gtin(shown.get("barcode"))
    stock = [s for v in variants if (s := state_fields.availability(folded(v)))]
    best = "InStock" if "InStock" in stock else next(iter(stock), None)
    made["offers"] = state_shape.offer(money, None if product.get("partial") else best)
    names = _option_names(product)
    family = [_variant(v, names, context.currency) for v in variants]
    made["hasVariant"] = family if len(variants) > 1 or variants[0].get("title") != _DEFAULT else []
    return {k: v for k, v in made.items() if v}


def _shown(variants: list[dict[str, Any]], url: str) -> dict[str, Any]:
    wanted = parse_qs(urlsplit(url).query).get("variant", [""])[0]
    named = next((v for v in variants if wanted and str(v.get("id")) == wanted), None)
    return named or next((v for v in variants if v.get("available", True)), variants[0])


def _money(variant: dict[str, Any], code: str | None) -> Money:
    price, before = variant.get("price"), variant.get("compare_at_price")
    if isinstance(price, dict):
        found = state_fields.money(folded(price), 1)
        return found._replace(code=found.code or code)
    if isinstance(price, int):
        price, before = state_fields.minor(price), state_fields.minor(before)
    paid, listed = fields.price(price), fields.price(before)
    return Money(paid, listed if paid and listed and float(listed) > float(paid) else None, code)


def _option_names(product: dict[str, Any]) -> list[str]:
    options = product.get("options")
    names = [fields.text(o) or "" for o in options] if isinstance(options, list) else []
    return names[:3]


def _variant(variant: dict[str, Any], names: list[str], code: str | None) -> Node:
    kinds = {state_fields.option_kind(name): f"option{i + 1}" for i, name in enumerate(names)}
    image = variant.get("featured_image") or variant.get("image")
    pictures = state_fields.pictures(folded({"image": image})) if image else []
    money = _money(variant, code)
    made: Node = {
        "@type": "Product", "sku": fields.text(variant.get("sku")), "gtin": fields.gtin(variant.get("barcode")),
        **{kind: fields.text(variant.get(key)) for kind, key in kinds.items() if kind},
        "image": next(iter(pictures), None),
    }  # fmt: skip
    if "size" not in made and not names and (size := _lone_size(variant)):
        made["size"] = size
    if money.paid is not None:
        made["offers"] = state_shape.offer(money, state_fields.availability(folded(variant)))
    return {k: v for k, v in made.items() if v}


def _lone_size(variant: dict[str, Any]) -> str | None:
    """A title that is a size, where the state doesn't name its options."""
    title = fields.text(variant.get("public_title") or variant.get("title")) or ""
    return title if re.fullmatch(r"(X{0,4}[SL]|M|\d?XL|\d{2}(\.5)?|One Size)", title, re.I) else None
