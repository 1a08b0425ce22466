"""Microdata, read with extruct and given the shape of JSON-LD nodes.

In: a parsed page. Out: items of any type that stand for the page itself: one inside another item (a recommendation
inside the product, a list's tile) or inside a carousel, a related-products block or a footer is left out.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from parsel import Selector

from crawlers.extract.jsonld import Node

_RELATED = re.compile(
    r"related|recommend|also[-_]?(bought|like|viewed)|upsell|cross[-_]?sell|carousel|recently|similar", re.I
)
_MOST_ITEMS, _DEEPEST, _MOST_NESTED = 400, 250, 30


def items(page: Selector, url: str) -> list[Node]:
    """Top-level items of any type, outside recommendation blocks. A page with more than 400 items is a list: none."""
    marked = page.root.xpath("//@itemscope/..")
    if not marked or len(marked) > _MOST_ITEMS or _too_nested(marked):
        return []
    from extruct.w3cmicrodata import MicrodataExtractor  # brings every format of extruct's along: 0.15 s

    found = MicrodataExtractor(nested=True, add_html_node=True).extract_items(page.root, url)
    return [_node(item) for item in found if not _inside_related(item["htmlNode"])]


def _too_nested(marked: list[Any]) -> bool:
    """Items nested dozens deep are an attack, not a shop; extruct reads them by recursion."""
    depth: dict[Any, int] = {}
    for element in marked:
        owner = next((a for a in islice(element.iterancestors(), _DEEPEST) if a in depth), None)
        depth[element] = depth.get(owner, 0) + 1
    return max(depth.values()) > _MOST_NESTED


def _inside_related(element: Any) -> bool:
    chain = [element, *islice(element.iterancestors(), _DEEPEST)]
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
