"""Which of a page's nodes stand for the page itself, and what kind of page it is.

In: the Product nodes of all sources, what the page says of itself, the visible page. Out: the nodes to believe; the
kind. A listing's tiles, recommended goods, goods an article reviews and a front page's feature are not the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urljoin

from parsel import Selector
from w3lib.url import canonicalize_url

from crawlers.extract import fields, jsonld, nodes, opengraph
from crawlers.extract.jsonld import Node
from crawlers.extract.product import Kind
from crawlers.extract.visible import Visible

Found = list[tuple[str, Node]]
_ARTICLES = {
    "article",
    "newsarticle",
    "blogposting",
    "recipe",
    "howto",
    "reportagenewsarticle",
    "techarticle",
    "liveblogposting",
}
_LISTS = {"itemlist", "collectionpage", "offercatalog", "searchresultspage"}
_OTHERS = {
    "jobposting", "event", "musicevent", "sportsevent", "theaterevent", "hotel", "lodgingbusiness", "apartment",
    "house", "residence",
    "singlefamilyresidence", "realestatelisting", "accommodation", "vacationrental", "softwareapplication",
    "webapplication",
    "mobileapplication", "course", "qapage", "profilepage", "recipe", "touristtrip", "restaurant", "movie", "service",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page says it is about: its title and heading (folded), its addresses, the types of its top nodes."""

    title: str
    words: frozenset[str]
    heading: str
    addresses: frozenset[str]
    url: str
    types: frozenset[str]
    graph: opengraph.Graph

    @property
    def is_article(self) -> bool:
        return opengraph.kind(self.graph) == "article" or bool(_ARTICLES & self.types)


def subject(
    page: Selector, url: str, own_url: str, found: Found, graph: opengraph.Graph, heading: str | None
) -> Subject:
    spots = [*page.root.xpath("//title/text()")[:2], *graph.get("og:title", [])[:2], heading or ""]
    headings = [" ".join(islice(h.itertext(), 60)) for h in page.root.xpath("//h1")[:5]]
    written = " ".join(s[:600] for s in [*spots, *headings])
    kinds = frozenset(t for _, n in found for t in jsonld.types(n))
    addresses = frozenset({canonicalize_url(own_url), canonicalize_url(url)})
    return Subject(folded(written), _words(written), folded(heading or ""), addresses, url, kinds, graph)


def own(found: Found, about: Subject, seen: Visible) -> Found:
    """The nodes that stand for this page; several goods that nothing tells apart are a listing: none."""
    kept: Found = []
    for origin in dict.fromkeys(o for o, _ in found):
        kept += [(origin, n) for n in _of_one_origin([n for o, n in found if o == origin], about)]
    kept = _agreeing(kept, about)
    if kept and not _believable(kept, about, seen):
        return []
    return kept


def kind_without_product(found: Found, about: Subject, seen: Visible) -> Kind:
    if about.is_article or "review" in about.types or (seen.article >= 2 and not seen.is_listing):
        return "article"
    if _LISTS & about.types or len({folded(_name(n)) for n in _tops([n for _, n in found])}) > 1:
        return "listing"
    return "listing" if seen.counts_goods or (seen.tiled > 2 and not seen.is_front) else "other"


def is_product_without_nodes(about: Subject, seen: Visible) -> bool:
    """OpenGraph says product and price, or the visible page plainly is one; never where markup says another."""
    if is_other(about) or _LISTS & about.types or _ARTICLES & about.types:
        return False
    if opengraph.is_product(about.graph):
        return seen.points > 0 or not seen.block.tiles
    return seen.is_product


def is_other(about: Subject) -> bool:
    """Something that is sold or read, but no shop's product."""
    return bool(_OTHERS & about.types) and not nodes.PRODUCT_TYPES & about.types


def folded(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w{2,}", text.lower()))


def _name(node: Node) -> str:
    return fields.text(node.get("name")) or ""


def _tops(found: list[Node]) -> list[Node]:
    """Product nodes at the top, or the main entity of a page node; an ItemList's members stay inside it."""
    tops: list[Node] = []
    for node in found:
        main = node.get("mainEntity")
        if nodes.is_product(node):
            tops.append(node)
        elif isinstance(main, dict) and nodes.is_product(main) and not _LISTS & set(jsonld.types(node)):
            tops.append(main)
    return tops


def _of_one_origin(found: list[Node], about: Subject) -> list[Node]:
    tops = _tops(found)
    named = [n for n in tops if _name(n)]
    if not named:
        return tops if len(tops) == 1 and about.heading and nodes.candidates(tops[0]).get("price") else []
    for narrower in (lambda n: True, lambda n: _matches(n, about), lambda n: folded(_name(n)) == about.heading):
        fitting = [n for n in named if narrower(n)]
        if len({folded(_name(n)) for n in fitting}) == 1:
            return fitting
    fitting = [n for n in named if _matches(n, about)] or named
    shortest = min(fitting, key=lambda n: len(_name(n)))
    if len(folded(_name(shortest))) > 3 and all(folded(_name(n)).startswith(folded(_name(shortest))) for n in fitting):
        return [shortest, *[n for n in fitting if n is not shortest and folded(_name(n)) == folded(_name(shortest))]]
    return []


def _agreeing(kept: Found, about: Subject) -> Found:
    """Of sources that name different goods, those that name the same as the first that fits the page."""
    if len({folded(_name(n)) for _, n in kept if _name(n)}) < 2:
        return kept
    first = next((n for _, n in kept if _matches(n, about)), None)
    if first is None:
        return []
    return [(o, n) for o, n in kept if not _name(n) or _same(n, first) or _addressed(n, about)]


def _same(one: Node, other: Node) -> bool:
    a, b = folded(_name(one)), folded(_name(other))
    if a in b or b in a:
        return True
    x, y = _words(_name(one)), _words(_name(other))
    return bool(x | y) and len(x & y) / len(x | y) >= 0.5


def _addressed(node: Node, about: Subject) -> bool:
    spot = node.get("url") or node.get("@id")
    if not isinstance(spot, str) or not spot.startswith(("http", "/")):
        return False
    return canonicalize_url(urljoin(about.url, spot)) in about.addresses


def _matches(node: Node, about: Subject) -> bool:
    return _addressed(node, about) or (bool(folded(_name(node))) and folded(_name(node)) in about.title)


def _believable(kept: Found, about: Subject, seen: Visible) -> bool:
    priced = any(nodes.candidates(n).get("price") for _, n in kept)
    if _ARTICLES & about.types and not seen.is_buyable:
        return False
    if about.is_article and not priced:
        return False
    if ("softwareapplication" in about.types or seen.is_listing) and not seen.is_buyable:
        return False
    named = [n for _, n in kept if _name(n)]
    strange = named and about.words and not any(_words(_name(n)) & about.words or _matches(n, about) for n in named)
    return not strange or seen.is_product or not about.heading
