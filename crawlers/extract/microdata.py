"""Microdata and OpenGraph, read with extruct and given the shape of JSON-LD nodes.

In: a parsed page. Out: the Product items that stand for the page itself: one inside another item (a recommendation
inside the product, a list's tile) or inside a carousel, a related-products block or a footer is left out.
"""

from __future__ import annotations

import re
from typing import Any

from extruct.w3cmicrodata import MicrodataExtractor
from parsel import Selector

from crawlers.extract.jsonld import Node, types

_RELATED = re.compile(
    r"related|recommend|also[-_]?(bought|like|viewed)|upsell|cross[-_]?sell|carousel|recently|similar", re.I
)


def products(page: Selector, url: str) -> list[Node]:
    """Product items at the page's own level."""
    return [n for n in items(page, url) if "product" in types(n)]


def items(page: Selector, url: str) -> list[Node]:
    """Top-level items of any type, outside recommendation blocks."""
    found = MicrodataExtractor(nested=True, add_html_node=True).extract_items(page.root, url)
    return [_node(item) for item in found if not _inside_related(item["htmlNode"])]


def _inside_related(element: Any) -> bool:
    chain = [element, *element.iterancestors()]
    return any(
        _RELATED.search(f"{e.get('class', '')} {e.get('id', '')}") for e in chain if e.tag not in ("html", "body")
    )


def _node(item: Any) -> Any:
    if isinstance(item, list):
        return [_node(i) for i in item]
    if not isinstance(item, dict):
        return item
    node = {k: _node(v) for k, v in (item.get("properties") or {}).items()}
    node["@type"] = item.get("type")
    return node


def open_graph(page: Selector) -> dict[str, list[str]]:
    """`property` (or `name`) of each meta tag with a namespace, lower case, to its values in order."""
    found: dict[str, list[str]] = {}
    for meta in page.xpath("//meta[@content and (@property or @name or @itemprop)]"):
        name = (meta.attrib.get("property") or meta.attrib.get("name") or "").strip().lower()
        if ":" in name and meta.attrib["content"].strip():
            found.setdefault(name, []).append(meta.attrib["content"].strip())
    return found
