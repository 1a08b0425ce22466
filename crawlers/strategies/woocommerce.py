"""WooCommerce: the Store API that its own cart uses, `wc/store/v1/products`, 100 products a page.

In: the front page; pages of that JSON. Out: products with prices in their currency (the API counts in minor units),
attributes, images. Older shops answer without the `v1`; those without rewritten URLs by `?rest_route=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from crawlers.extract import fields
from crawlers.extract.product import Product
from crawlers.job import Job
from crawlers.links import NEXT
from crawlers.queue import PageTask
from crawlers.strategies import options, scope, theme
from crawlers.strategies.strategy import Front, PageAnswer, Reading

PER_PAGE = 100
CONFIDENCE = 0.9
_SIGNS = ("/plugins/woocommerce", "woocommerce-page", "woocommerce-no-js", "wc-block-", "content=\"woocommerce",
          "wc_add_to_cart_params", "woocommerce_params")  # fmt: skip
_ROUTES = ("wc/store/v1/products", "wc/store/products")
_CATEGORY = re.compile(
    r"/(?:product-category|produkt-kategorie|categorie-produit|categoria-producto)/(?:.+/)?([^/]+)/?$"
)
_API = "https://api.w.org/"


class WooCommerce:
    name: ClassVar[str] = "woocommerce"
    kinds: ClassVar[frozenset[str]] = frozenset({"woocommerce"})

    def recognise(self, front: Front) -> str | None:
        sign = front.holds(*_SIGNS)
        return f"the front page holds {sign}" if sign and _asked(front) is not None else None

    def seeds(self, front: Front) -> list[str]:
        """Both routes, below the root that the front page names; else by rewritten and by plain URLs."""
        asked = _asked(front)
        if asked is None:
            return []
        query = {"per_page": str(PER_PAGE), **asked, "page": "1"}
        named = _root(front)
        roots = [named] if named else [urljoin(front.url, "/wp-json/"), urljoin(front.url, "/?rest_route=/")]
        return [_address(root, route, query) for root in roots for route in _ROUTES]

    def memory(self, front: Front) -> dict[str, str]:
        return {}

    def accepts(self, answer: PageAnswer) -> str | None:
        listed = _listed(answer)
        path = urlsplit(answer.url).path
        if listed is None:
            return f"{path} answered {answer.status}, without a list of products"
        return None if listed else f"{path} lists no product"

    async def read(self, job: Job, task: PageTask, answer: PageAnswer) -> Reading:
        listed = _listed(answer)
        if listed is None:
            return Reading("api", failed="not_json")
        products = [p for p in (product(item, answer.url) for item in listed) if p]
        if not products:
            return Reading("api")
        known = await theme.of_shop(job, products, answer)
        single = [(url, "leaf", task.depth + 1, NEXT) for url in known.single]  # their own pages say how they opt out
        pages = [(url, task.kind, task.depth, NEXT) for url in _following(task.url, answer)]
        return Reading("api", [p for p in products if p.url not in known.single], [*single, *pages], known.opted)


def product(item: Any, url: str) -> Product | None:
    """One member of the list; None for what has no page."""
    if not isinstance(item, dict) or not isinstance(item.get("permalink"), str):
        return None
    own = urljoin(url, item["permalink"])
    prices = next(iter(_dicts([item.get("prices")])), {})
    price, was = _amount(prices, "price"), _amount(prices, "regular_price")
    terms = {means: names for a in _dicts(item.get("attributes")) if (means := _meaning(a)) for names in [_terms(a)]}
    colours = list(terms.get("colour", {}).values())
    story = str(item.get("description") or item.get("short_description") or "")
    values = {
        "name": fields.text(item.get("name")), "brand": fields.text(item.get("brands")), "price": price,
        "list_price": was if was and price and float(was) > float(price) else None,
        "currency": fields.currency(prices.get("currency_code")) if price else None,
        "availability": _availability(item), "categories": fields.texts(_dicts(item.get("categories"))),
        "colour": colours[0] if len(colours) == 1 else None, "sizes": list(terms.get("size", {}).values()),
        "sku": fields.text(item.get("sku")), "variants": list(_variants(item, terms)),
        "gtin": fields.gtin(item.get("global_unique_id")),
        "description": fields.text(story.replace("<", " <")),
    }  # fmt: skip
    found = {name: value for name, value in values.items() if value}
    source = {name: ["api", CONFIDENCE] for name in found}
    pictures = [urljoin(url, str(i["src"])) for i in _dicts(item.get("images")) if i.get("src")]
    images = list(dict.fromkeys(src for src in pictures if "woocommerce-placeholder" not in src))
    return Product(key=own, url=own, images=images, source=source, **found)  # type: ignore[arg-type]


def _asked(front: Front) -> dict[str, str] | None:
    """Parameters that keep to the part asked for; None where the API has no such part."""
    part = scope.part(front.scope)
    if part is None or (part == _home(front) and not front.scope.only):
        return {}
    category = _CATEGORY.search(part)
    return {"category": category[1]} if category else None


def _home(front: Front) -> str:
    """Where WordPress lives, '/' or '/shop/'."""
    root = _root(front)
    return urlsplit(root).path.removesuffix("wp-json/").removesuffix("index.php") if root else "/"


def _root(front: Front) -> str | None:
    """The REST API's root that WordPress names in a header and in the page."""
    in_header = re.search(rf'<([^>]+)>;\s*rel="{re.escape(_API)}"', front.header("Link"))
    page = front.answer.page if front.answer else None
    in_page = page.xpath("//link[@rel=$api]/@href", api=_API).get() if page is not None else None
    named = in_header[1] if in_header else in_page
    return urljoin(front.url, named) if named else None


def _address(root: str, route: str, query: dict[str, str]) -> str:
    parts = urlsplit(root)
    if "rest_route" in parts.query:
        return parts._replace(query=urlencode({"rest_route": f"/{route}", **query}, safe="/")).geturl()
    return f"{root.rstrip('/')}/{route}?{urlencode(query)}"


def _listed(answer: PageAnswer) -> list[Any] | None:
    data = answer.data() if answer.status in (200, 304) else None
    return data if isinstance(data, list) else None


def _following(url: str, answer: PageAnswer) -> Iterator[str]:
    """All other pages from the first one, where their number is known; else the next one."""
    here = int(parse_qs(urlsplit(url).query)["page"][0])
    total = answer.headers.get("X-WP-TotalPages", "")
    last = int(total) if total.isdigit() else here + 1
    wanted = range(here + 1, min(last, 10_000) + 1) if here == 1 or not total else range(0)
    yield from (re.sub(r"(?<=[?&]page=)\d+", str(number), url) for number in wanted)


def _amount(prices: dict[str, Any], name: str) -> str | None:
    """A price in minor units as a decimal string; of a range, its lower end."""
    span = prices.get("price_range")
    written = span.get("min_amount") if name == "price" and isinstance(span, dict) else prices.get(name)
    minor = prices.get("currency_minor_unit")
    try:
        amount = Decimal(str(written)).scaleb(-(minor if isinstance(minor, int) else 2))
    except InvalidOperation:
        return None
    return fields.price(f"{amount:f}")


def _availability(item: dict[str, Any]) -> str | None:
    if item.get("is_on_backorder") is True:
        return "BackOrder"
    stock = item.get("is_in_stock")
    return ("InStock" if stock else "OutOfStock") if isinstance(stock, bool) else None


def _meaning(attribute: dict[str, Any]) -> str | None:
    return options.meaning(attribute.get("name")) or options.meaning(attribute.get("taxonomy"))


def _terms(attribute: dict[str, Any]) -> dict[str, str]:
    """Slug -> name of an attribute's values, in the shop's order."""
    found = {str(t.get("slug")): fields.text(t.get("name")) for t in _dicts(attribute.get("terms"))}
    return {slug: name for slug, name in found.items() if name}


def _variants(item: dict[str, Any], terms: dict[str, dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Colour and size of each variation; the list does not price them one by one."""
    for variation in _dicts(item.get("variations")):
        values = {}
        for attribute in _dicts(variation.get("attributes")):
            means, value = options.meaning(attribute.get("name")), str(attribute.get("value") or "")
            if means and value:
                values[means] = terms.get(means, {}).get(value, value)
        if values:
            yield values


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
