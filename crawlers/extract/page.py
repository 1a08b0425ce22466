"""A page in, its kind and its products out. What a page *contains* decides; its URL only makes links absolute.

Order of the run: parse -> nodes of every machine-made source -> the visible page -> which nodes stand for this page
-> one value per field (`reconcile`; a site file's selectors stand above all) -> pictures. An article, a listing, a page
without evidence of a product yields none.
"""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree
from parsel import Selector
from w3lib.encoding import html_to_unicode
from w3lib.url import canonicalize_url

from crawlers.extract import (
    fields,
    images,
    jsonld,
    microdata,
    nodes,
    opengraph,
    rdfa,
    recognise,
    reconcile,
    state,
    visible,
    visible_details,
)
from crawlers.extract.jsonld import Node
from crawlers.extract.product import Page, Product
from crawlers.site_config import SiteConfig

_BASE = etree.XPath("string(//base/@href)", smart_strings=False)
_CANONICAL = etree.XPath('string(//link[translate(@rel, "CANOIL", "canoil")="canonical"]/@href)', smart_strings=False)
_FIELDS = {f.name for f in dataclass_fields(Product)} - {"key", "url", "images", "source"}


def extract(
    body: bytes,
    url: str,
    *,
    content_type: str | None = None,
    site: SiteConfig | None = None,
    page: Selector | None = None,
) -> Page:
    """`body` is the page as received (decompressed); invalid UTF-8 and broken markup are read as far as they go.

    `page` is what `parse` made of the same body, where the caller has it already.
    """
    page = parse(body, content_type) if page is None else page
    if page is None:
        return Page("other", url, [])
    base = urljoin(url, _BASE(page.root))
    found, graph = _nodes(page, base, url), opengraph.read(page)
    own_url = canonical(page, base)
    seen = visible.read(page, is_front=urlsplit(url).path in ("", "/") and not urlsplit(url).query)
    about = recognise.subject(page, base, own_url, found, graph, seen.block.name)
    own = recognise.own(found, about, seen)
    chosen = _selected(page, site) if site else {}
    named = bool(chosen.get("name") and chosen.get("price"))
    if not own and not named and not recognise.is_product_without_nodes(about, seen):
        return Page(recognise.kind_without_product(found, about, seen), url, [])
    settled = reconcile.settle([*([("selector", chosen)] if chosen else []), *own], graph, seen, page, url)
    _breadcrumbs(settled, found)
    return Page("product", url, [_product(page, base, own_url, settled, own, graph, site)])


def parse(body: bytes, content_type: str | None = None) -> Selector | None:
    """A parsed page, or None where there is nothing to parse. lxml refuses NUL bytes, so they go."""
    _, written = html_to_unicode(content_type, body.replace(b"\x00", b""), default_encoding="utf-8")
    if not written.strip():
        return None
    if "itemscope" in written:
        return Selector(text=written, type="html")  # extruct needs lxml.html's elements, each made by a call to Python
    parser = etree.HTMLParser(recover=True, encoding="utf-8", huge_tree=True)
    root = etree.fromstring(written.encode("utf-8", errors="replace"), parser=parser)
    return Selector(root=root if root is not None else etree.HTML("<html/>"), type="html")


def canonical(page: Selector, url: str) -> str:
    """The page's own canonical URL where it stays on the host and isn't the front page, else `url`; canonicalised."""
    own = _CANONICAL(page.root)
    joined = urljoin(url, own.strip()) if own else url
    same = urlsplit(joined).netloc == urlsplit(url).netloc and urlsplit(joined).path not in ("", "/")
    return str(canonicalize_url(joined if same else url))


def _nodes(page: Selector, base: str, url: str) -> list[tuple[str, Node]]:
    """Every node of every source with its origin, the best origin first; links in markup go by `base`."""
    sources = (
        ("json-ld", jsonld.nodes(page)), ("microdata", microdata.items(page, base)), ("rdfa", rdfa.nodes(page, base)),
        ("state", state.nodes(page, url)),
    )  # fmt: skip
    return [(origin, node) for origin, found in sources for node in found]


def _product(
    page: Selector,
    url: str,
    own_url: str,
    settled: reconcile.Settled,
    own: list[tuple[str, Node]],
    graph: opengraph.Graph,
    site: SiteConfig | None,
) -> Product:
    named = [nodes.images(n) for _, n in own]
    selector = site.selectors.get("images") if site else None
    if not any(images.gather_named(n, url) for n in named):
        named = [graph.get("og:image", [])]  # often a card for sharing: it only stands in where markup names nothing
    pictures = images.gather(page, named, url, selector)
    values = {name: claim.value for name, claim in settled.items() if name in _FIELDS}
    for variant in values.get("variants", []):
        if isinstance(variant.get("image"), str):
            variant["image"] = urljoin(url, variant["image"])
    source = {name: [claim.origin, claim.confidence] for name, claim in settled.items() if name in _FIELDS}
    return Product(key=values.get("sku") or own_url, url=own_url, images=pictures, source=source, **values)


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


def _breadcrumbs(settled: reconcile.Settled, found: list[tuple[str, Node]]) -> None:
    """A BreadcrumbList beats every other word on categories, save a site file's."""
    taken = settled.get("categories")
    if taken is not None and taken.origin == "selector":
        return
    name = settled["name"].value if "name" in settled else None
    for origin, node in found:
        if crumbs := _trail(node, name):
            settled["categories"] = reconcile.Claim(crumbs, origin, reconcile.CONFIDENCE[origin])
            return


def _trail(node: Node, own_name: str | None) -> list[str]:
    """Names of a BreadcrumbList from general to special, without the shop's front page and the product itself."""
    items = node.get("itemListElement")
    if "breadcrumblist" not in jsonld.types(node) or not isinstance(items, list):
        return []
    steps = sorted((s for s in items if isinstance(s, dict)), key=lambda s: str(s.get("position", "")).zfill(4))
    names = [fields.text(s.get("name") or s.get("item")) for s in steps]
    return [n for n in names if n and not n.startswith("http") and n != own_name and visible_details.is_step(n)]
