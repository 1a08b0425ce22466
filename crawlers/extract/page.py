"""A page in, its kind and its products out. What a page *contains* decides; its URL only makes links absolute.

Order of the run: parse -> find the Product nodes that stand for this page -> else OpenGraph -> else the store's
selectors -> reconcile per field (JSON-LD over microdata over OpenGraph; selectors of a site file over all) ->
pictures. An article, a category listing, a page whose markup is absent yields no product.
"""

from __future__ import annotations

import re
from dataclasses import fields as dataclass_fields
from typing import Any
from urllib.parse import urljoin, urlsplit

from parsel import Selector
from w3lib.encoding import html_to_unicode
from w3lib.url import canonicalize_url

from crawlers.extract import fields, images, jsonld, microdata, nodes
from crawlers.extract.jsonld import Node
from crawlers.extract.product import Kind, Page, Product
from crawlers.site_config import SiteConfig

CONFIDENCE = {"selector": 0.95, "json-ld": 0.9, "microdata": 0.8, "opengraph": 0.6, "page": 0.5}
_ARTICLES = {"article", "newsarticle", "blogposting", "review", "recipe", "howto"}
_LISTS = {"itemlist", "collectionpage", "offercatalog", "searchresultspage"}
_FIELDS = {f.name for f in dataclass_fields(Product)} - {"key", "url", "images", "source"}


def extract(body: bytes, url: str, *, content_type: str | None = None, site: SiteConfig | None = None) -> Page:
    """`body` is the page as received (decompressed); invalid UTF-8 and broken markup are read as far as they go."""
    page = parse(body, content_type)
    if page is None:
        return Page("other", url, [])
    base = urljoin(url, page.xpath("//base/@href").get() or "")
    data, micro, graph = jsonld.nodes(page), microdata.items(page, base), microdata.open_graph(page)
    sources = _own_products(page, base, data, micro)
    if not sources and _is_og_product(graph):
        sources = [("opengraph", {})]
    chosen = _selected(page, site) if site else {}
    if not sources and not (chosen.get("name") and chosen.get("price")):
        return Page(_kind_without_product(data, micro, graph), url, [])
    return Page("product", url, [_reconciled(page, base, data, [("selector", chosen), *sources], graph, site)])


def parse(body: bytes, content_type: str | None = None) -> Selector | None:
    """A parsed page, or None where there is nothing to parse. lxml refuses NUL bytes, so they go."""
    _, written = html_to_unicode(content_type, body.replace(b"\x00", b""), default_encoding="utf-8")
    return Selector(text=written, type="html") if written.strip() else None


def canonical(page: Selector, url: str) -> str:
    """The page's own canonical URL where it stays on the host and isn't the front page, else `url`; canonicalised."""
    own = page.xpath('//link[translate(@rel, "CANOIL", "canoil")="canonical"]/@href').get()
    joined = urljoin(url, own.strip()) if own else url
    same = urlsplit(joined).netloc == urlsplit(url).netloc and urlsplit(joined).path not in ("", "/")
    return str(canonicalize_url(joined if same else url))


def _own_products(page: Selector, url: str, data: list[Node], micro: list[Node]) -> list[tuple[str, Node]]:
    """The nodes, with their origin, that stand for this page; several different products mean a listing: none."""
    found = [("json-ld", n) for n in _top(data)] + [("microdata", n) for n in _top(micro)]
    found = [(origin, n) for origin, n in found if fields.text(n.get("name"))]
    title = _title(page)
    if len({_name(n) for _, n in found}) > 1:
        found = [(o, n) for o, n in found if _matches(n, title, canonical(page, url), url)]
    if len({_name(n) for _, n in found}) > 1:
        return []
    if found and _is_article(data, page) and not any(_has_price(n) for _, n in found):
        return []
    return found


def _top(found: list[Node]) -> list[Node]:
    """Product nodes that stand at the top, or are the main entity of a page node.

    An ItemList's members stay inside it.
    """
    tops: list[Node] = []
    for node in found:
        if nodes.is_product(node):
            tops.append(node)
        elif (
            isinstance(main := node.get("mainEntity"), dict)
            and nodes.is_product(main)
            and not _LISTS & set(jsonld.types(node))
        ):
            tops.append(main)
    return tops


def _name(node: Node) -> str:
    return re.sub(r"\W+", "", (fields.text(node.get("name")) or "").lower())


def _title(page: Selector) -> str:
    spots = page.xpath("//h1//text() | //title/text() | //meta[@property='og:title']/@content").getall()
    return re.sub(r"\W+", "", " ".join(spots).lower())


def _matches(node: Node, title: str, canonical_url: str, url: str) -> bool:
    own = node.get("url") or node.get("@id")
    if isinstance(own, str) and own.startswith(("http", "/")):
        return canonicalize_url(urljoin(url, own)) in (canonical_url, canonicalize_url(url))
    return bool(_name(node)) and _name(node) in title


def _has_price(node: Node) -> bool:
    return bool(nodes.candidates(node).get("price"))


def _is_article(data: list[Node], page: Selector) -> bool:
    og_type = (page.xpath("//meta[@property='og:type']/@content").get() or "").lower()
    return og_type == "article" or any(_ARTICLES & set(jsonld.types(n)) for n in data)


def _is_og_product(graph: dict[str, list[str]]) -> bool:
    kind = (graph.get("og:type") or [""])[0].lower()
    priced = any(fields.price((graph.get(k) or [""])[0]) for k in ("product:price:amount", "og:price:amount"))
    return priced and kind in ("product", "product.item", "og:product") and bool(graph.get("og:title"))


def _kind_without_product(data: list[Node], micro: list[Node], graph: dict[str, list[str]]) -> Kind:
    every = [*data, *micro]
    if any(_LISTS & set(jsonld.types(n)) for n in every) or sum(nodes.is_product(n) for n in every) > 1:
        return "listing"
    article = (
        any(_ARTICLES & set(jsonld.types(n)) for n in every) or (graph.get("og:type") or [""])[0].lower() == "article"
    )
    return "article" if article else "other"


def _open_graph_fields(graph: dict[str, list[str]]) -> dict[str, Any]:
    def first(*names: str) -> str | None:
        return next((graph[n][0] for n in names if graph.get(n)), None)

    code = fields.currency(first("product:sale_price:currency", "product:price:currency", "og:price:currency"))
    paid = fields.price(first("product:sale_price:amount", "product:price:amount", "og:price:amount"), code)
    listed = fields.price(first("product:original_price:amount", "product:price:amount"), code)
    found = {
        "name": fields.text(first("og:title")), "price": paid, "currency": code,
        "list_price": listed if listed and paid and float(listed) > float(paid) else None,
        "brand": fields.text(first("product:brand", "og:brand")), "sku": fields.text(first("product:retailer_item_id")),
        "availability": fields.availability(first("product:availability", "og:availability")),
        "colour": fields.text(first("product:color")), "description": fields.text(first("og:description")),
    }  # fmt: skip
    return {k: v for k, v in found.items() if v}


def _selected(page: Selector, site: SiteConfig) -> dict[str, Any]:
    """What a site file's selectors find, in the row's form."""
    found: dict[str, Any] = {}
    for name, selector in site.selectors.items():
        if name == "images":
            continue
        values = [v for v in (fields.text(m) for m in page.css(selector).getall()) if v]
        if name in ("price", "list_price"):
            found[name] = fields.price(values[0], site.currency) if values else None
        elif name == "availability":
            found[name] = fields.availability(values[0]) if values else None
        else:
            found[name] = values if name in ("sizes", "categories") else (values[0] if values else None)
    if found.get("price") and site.currency:
        found.setdefault("currency", site.currency)
    return {k: v for k, v in found.items() if v}


def _breadcrumb(data: list[Node], own_name: str | None) -> list[str]:
    """Names of the BreadcrumbList from general to special, without the shop's front page and the product itself."""
    for node in data:
        if "breadcrumblist" in jsonld.types(node) and isinstance(node.get("itemListElement"), list):
            steps = sorted(
                (s for s in node["itemListElement"] if isinstance(s, dict)),
                key=lambda s: str(s.get("position", "")).zfill(4),
            )
            names = [fields.text(s.get("name") or s.get("item")) for s in steps]
            kept = [n for n in names if n and not n.startswith("http")]
            return [
                n
                for n in kept
                if n != own_name and n.lower() not in ("home", "start", "startseite", "accueil", "inicio")
            ]
    return []


def _reconciled(
    page: Selector,
    url: str,
    data: list[Node],
    sources: list[tuple[str, Node]],
    graph: dict[str, list[str]],
    site: SiteConfig | None,
) -> Product:
    found: dict[str, Any] = {}
    source: dict[str, list[Any]] = {}

    def offer(origin: str, values: dict[str, Any]) -> None:
        for name in (n for n in values if n in _FIELDS and n not in found):
            found[name], source[name] = values[name], [origin, CONFIDENCE[origin]]

    for origin, node in sources:
        offer(origin, node if origin == "selector" else nodes.candidates(node))
    offer("opengraph", _open_graph_fields(graph))
    crumbs = _breadcrumb(data, found.get("name"))
    if crumbs:
        found["categories"], source["categories"] = crumbs, ["json-ld", CONFIDENCE["json-ld"]]
    _drop_impossible(found, source)
    named = [nodes.images(n) for origin, n in sources if origin in ("json-ld", "microdata")]
    pictures = images.gather(
        page, [*named, graph.get("og:image", [])], url, site.selectors.get("images") if site else None
    )
    own_url = canonical(page, url)
    return Product(key=found.get("sku") or own_url, url=own_url, images=pictures, source=source, **found)


def _drop_impossible(found: dict[str, Any], source: dict[str, list[Any]]) -> None:
    """A struck price that isn't above the price is no discount; a currency without a price says nothing."""
    listed, paid = found.get("list_price"), found.get("price")
    for name, wrong in (("list_price", not (listed and paid and float(listed) > float(paid))), ("currency", not paid)):
        if wrong:
            found.pop(name, None)
            source.pop(name, None)
