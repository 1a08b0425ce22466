"""Embedded state: the product a page keeps in its scripts and attributes for its own JavaScript, as schema.org nodes.

In: a parsed page and its URL. Out: nodes shaped like `crawlers.extract.jsonld`'s, each with `@origin` (which state it
came from: shopify, woocommerce, magento, prestashop, bigcommerce, squarespace, next, nuxt, apollo, remix, ...,
datalayer), the strongest first, trackers last. Only the product that stands for this page: never a tile, a cart line
or a menu's teaser. Runs no script, asks no network, raises nothing for what a page wrote.
"""

from __future__ import annotations

from parsel import Selector

from crawlers.extract import (
    state_events,
    state_magento,
    state_scripts,
    state_shape,
    state_shopify,
    state_systems,
    state_woocommerce,
)
from crawlers.extract.jsonld import Node
from crawlers.extract.state_context import Context
from crawlers.extract.state_scripts import State

_ORIGINS = (
    ("__NEXT_DATA__", "next"), ("__next_f", "next"), ("__NUXT", "nuxt"), ("__APOLLO_STATE__", "apollo"),
    ("remixContext", "remix"), ("reactRouterContext", "remix"), ("wix-warmup-data", "wix"), ("ng-state", "angular"),
    ("serverApp-state", "angular"), ("__PRELOADED_STATE__", "preloaded"), ("__INITIAL_STATE__", "initial-state"),
    ("__STATE__", "vtex"), ("x-magento-init", "magento"), ("BCData", "bigcommerce"),
)  # fmt: skip
_OF_STATE = (state_shopify.read, state_systems.bigcommerce, state_systems.squarespace, state_events.read)
_RANKS = {"custom": 1, "attribute": 2, "datalayer": 3}
_MAX_NODES = 8


def nodes(page: Selector, url: str) -> list[Node]:
    """At most eight nodes, all of them this page's product; [] on the pages that embed none."""
    try:
        return _nodes(page, Context(page, url))
    except RecursionError:  # a thousand levels of nesting where a text belongs: written to break readers
        return []


def _nodes(page: Selector, context: Context) -> list[Node]:
    found = [*state_woocommerce.read(context), *state_systems.prestashop(context)]
    states = [s for s in state_scripts.states(page) if not (found and s.before.startswith("data-product"))]
    found += state_magento.read(states, context)
    for state in states:
        found += _of_state(state, context)
        if len(found) >= 4 * _MAX_NODES:
            break
    found.sort(key=lambda node: _RANKS.get(node["@origin"], 0))
    return [_with_currency(node, context) for node in _different(found)[:_MAX_NODES]]


def origin(state: State) -> str:
    """Which kind of state it is, by the text before it."""
    if state.tag is not None and state.tag.tag != "script":
        return "attribute"
    return next((name for mark, name in _ORIGINS if mark in state.before), "custom")


def _of_state(state: State, context: Context) -> list[Node]:
    """The first system that knows the state reads it alone; what none knows is searched by shape."""
    for reader in _OF_STATE:
        if (found := reader(state, context)) is not None:
            return found
    if origin(state) == "magento":
        return []
    node = state_shape.product(state.dicts, context.subject, origin(state))
    return [node] if node else []


def _different(found: list[Node]) -> list[Node]:
    """Nodes that say the same are one: the first."""
    kept: dict[str, Node] = {}
    for node in found:
        kept.setdefault(repr({k: v for k, v in node.items() if k != "@origin"}), node)
    return list(kept.values())


def _with_currency(node: Node, context: Context) -> Node:
    offers = [o for n in (node, *node.get("hasVariant", [])) if isinstance(o := n.get("offers"), dict)]
    code = node.get("offers", {}).get("priceCurrency") or (context.currency if offers else None)
    for offer in offers:
        if code and "price" in offer:
            offer.setdefault("priceCurrency", code)
    return node
