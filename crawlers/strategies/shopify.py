"""Shopify: every shop of it answers `/products.json`, 250 products a page, or a collection's part of them.

In: the front page; pages of that JSON. Out: products with variants, prices and original images. The answer names no
currency: the front page's script does, else a sampled product page. The shop's own robots.txt may forbid it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote, urljoin, urlsplit

from crawlers.extract import fields
from crawlers.extract.product import Product
from crawlers.job import Job
from crawlers.links import NEXT
from crawlers.queue import PageTask
from crawlers.strategies import options, scope, theme
from crawlers.strategies.strategy import Front, PageAnswer, Reading

PER_PAGE = 250
CONFIDENCE = 0.9
_SIGNS = ("cdn.shopify.com", "/cdn/shop/", "shopify.theme", "shopify.shop", "shopify-checkout-api-token")
_CURRENCY = re.compile(r'Shopify\.currency\s*=\s*\{\s*"active"\s*:\s*"([A-Z]{3})"\s*,\s*"rate"\s*:\s*"([\d.]+)"')
_SIZE = re.compile(
    r"_(\d{1,4}x\d{0,4}|x\d{1,4}|pico|icon|thumb|small|compact|medium|large|grande)(_crop_\w+)?(@\dx)?(?=\.\w{3,4}(\?|$))"
)


class Shopify:
    name: ClassVar[str] = "shopify"
    kinds: ClassVar[frozenset[str]] = frozenset({"shopify"})

    def recognise(self, front: Front) -> str | None:
        headers = [n for n in ("X-ShopId", "X-Shopify-Stage", "X-Shopify-Shop-Api-Call-Limit") if front.header(n)]
        if not headers and "shopify" in front.header("Powered-By").lower():
            headers = ["Powered-By: Shopify"]
        sign = headers[0] if headers else front.holds(*_SIGNS)
        if not sign or _address(front) is None:
            return None
        return f"the front page {'is sent with' if headers else 'holds'} {sign}"

    def seeds(self, front: Front) -> list[str]:
        address = _address(front)
        return [urljoin(front.url, address)] if address else []

    def memory(self, front: Front) -> dict[str, str]:
        """The shop's currency, where the front page shows prices unconverted."""
        said = _CURRENCY.search(front.answer.text) if front.answer else None
        return {"currency": said[1]} if said and float(said[2] or 0) == 1.0 else {}

    def accepts(self, answer: PageAnswer) -> str | None:
        found = _listed(answer)
        if found is None:
            return f"{urlsplit(answer.url).path} answered {answer.status}, without a list of products"
        return None if found else f"{urlsplit(answer.url).path} lists no product"

    async def read(self, job: Job, task: PageTask, answer: PageAnswer) -> Reading:
        listed = _listed(answer)
        if listed is None:
            return Reading("api", failed="not_json")
        products = [p for p in (product(item, answer.url) for item in listed) if p]
        if not products:
            return Reading("api")
        known = await theme.of_shop(job, products, answer)
        currency = job.queue.state("currency") or known.currency
        single = [(url, "leaf", task.depth + 1, NEXT) for url in known.single]  # their own pages say how they opt out
        priced = [_priced(p, currency) for p in products if p.url not in known.single]
        return Reading("api", priced, [*single, (_next(task.url), task.kind, task.depth, NEXT)], known.opted)


def product(item: Any, url: str) -> Product | None:
    """One member of `products`, without a currency; None for what has no handle."""
    if not isinstance(item, dict) or not item.get("handle"):
        return None
    own = urljoin(url, f"/products/{quote(str(item['handle']))}")
    listed = [v for v in item.get("variants") or [] if isinstance(v, dict)]
    chosen = next((v for v in listed if v.get("available")), listed[0] if listed else {})
    price, was = fields.price(chosen.get("price")), fields.price(chosen.get("compare_at_price"))
    named = _options(item)
    colours = list(dict.fromkeys(v["colour"] for v in _variants(listed, named) if v.get("colour")))
    values = {
        "name": fields.text(item.get("title")), "brand": fields.text(item.get("vendor")), "price": price,
        "list_price": was if was and price and float(was) > float(price) else None,
        "availability": _availability(listed), "categories": _categories(item),
        "colour": colours[0] if len(colours) == 1 else None, "sizes": _sizes(item, listed, named),
        "sku": next((s for v in listed[:1] if (s := fields.text(v.get("sku")))), None),
        "gtin": fields.gtin(listed[0].get("barcode")) if len(listed) == 1 else None,
        "variants": list(_variants(listed, named)) if len(listed) > 1 else [],
        "description": fields.text(str(item.get("body_html") or "").replace("<", " <")),
    }  # fmt: skip
    found = {name: value for name, value in values.items() if value}
    source = {name: ["api", CONFIDENCE] for name in found}
    return Product(key=own, url=own, images=list(_images(item, url)), source=source, **found)  # type: ignore[arg-type]


def original(src: str) -> str:
    """An image's address without the size that its name asks the CDN for."""
    return _SIZE.sub("", src)


def _address(front: Front) -> str | None:
    """Where the list is: the whole shop's, or a collection's where one was asked for; None for another part."""
    part = scope.part(front.scope)
    if part is None:
        return f"/products.json?limit={PER_PAGE}&page=1"
    handle = re.search(r"^/(?:[a-z]{2}(?:-[a-z]{2})?/)?collections/([^/]+)/?$", part, re.I)
    return f"/collections/{handle[1]}/products.json?limit={PER_PAGE}&page=1" if handle else None


def _listed(answer: PageAnswer) -> list[Any] | None:
    data = answer.data() if answer.status in (200, 304) else None
    found = data.get("products") if isinstance(data, dict) else None
    return found if isinstance(found, list) else None


def _next(url: str) -> str:
    return re.sub(r"(?<=[?&]page=)\d+", lambda n: str(int(n[0]) + 1), url)


def _priced(found: Product, currency: str | None) -> Product:
    if not (currency and found.price):
        return found
    return replace(found, currency=currency, source={**found.source, "currency": ["api", CONFIDENCE]})


def _options(item: dict[str, Any]) -> dict[str, str]:
    """Key of a variant ('option1') -> 'colour' or 'size'."""
    found = [o for o in item.get("options") or [] if isinstance(o, dict)]
    means = {f"option{o.get('position') or n}": options.meaning(o.get("name")) for n, o in enumerate(found, start=1)}
    return {key: word for key, word in means.items() if word}


def _variants(listed: list[dict[str, Any]], named: dict[str, str]) -> Iterator[dict[str, Any]]:
    for variant in listed:
        picture = variant.get("featured_image")
        values = {
            "sku": fields.text(variant.get("sku")), **{word: fields.text(variant.get(k)) for k, word in named.items()},
            "price": fields.price(variant.get("price")), "availability": _availability([variant]),
            "gtin": fields.gtin(variant.get("barcode")),
            "image": original(str(picture["src"])) if isinstance(picture, dict) and picture.get("src") else None,
        }  # fmt: skip
        yield {name: value for name, value in values.items() if value}


def _availability(listed: list[dict[str, Any]]) -> str | None:
    said = [v["available"] for v in listed if isinstance(v.get("available"), bool)]
    return ("InStock" if any(said) else "OutOfStock") if said else None


def _sizes(item: dict[str, Any], listed: list[dict[str, Any]], named: dict[str, str]) -> list[str]:
    key = next((k for k, word in named.items() if word == "size"), None)
    return fields.texts([v.get(key) for v in listed]) if key else []


def _categories(item: dict[str, Any]) -> list[str]:
    """The product type; tags only where there is none, and only those that are plain words."""
    if kind := fields.text(item.get("product_type")):
        return [step for step in re.split(r"\s*[>/|]\s*", kind) if step]
    tags = item.get("tags") or []
    words = tags.split(",") if isinstance(tags, str) else tags
    return [t for t in fields.texts(words) if not re.search(r"[:=_\d]", t)][:5]


def _images(item: dict[str, Any], url: str) -> Iterator[str]:
    listed = [i for i in item.get("images") or [] if isinstance(i, dict) and i.get("src")]
    ordered = sorted(listed, key=lambda i: i["position"] if isinstance(i.get("position"), int) else 10_000)
    yield from dict.fromkeys(urljoin(url, original(str(i["src"]))) for i in ordered)
