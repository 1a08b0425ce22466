"""One value per field out of several sources that may disagree, with where it came from and how sure it is.

In: the nodes to believe (best origin first), OpenGraph's fields, the visible page. Out: fields and their sources.
What a visitor sees and would pay beats what the markup says; agreement makes surer, disagreement less sure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from parsel import Selector

from crawlers.extract import currencies, fields, nodes, opengraph, visible_stock
from crawlers.extract.jsonld import Node
from crawlers.extract.recognise import folded
from crawlers.extract.visible import Visible
from crawlers.extract.visible_price import Candidate

CONFIDENCE = {
    "selector": 0.95,
    "json-ld": 0.85,
    "microdata": 0.8,
    "rdfa": 0.75,
    "state": 0.75,
    "opengraph": 0.6,
    "visible": 0.6,
}
_STATE = {"datalayer": 0.5, "attribute": 0.65, "custom": 0.65}  # what no known system wrote is less sure
_PLAIN = (
    "brand",
    "sku",
    "gtin",
    "mpn",
    "colour",
    "sizes",
    "categories",
    "description",
    "variant_group",
    "variants",
    "licence",
)
_SURE_PRICE, _LIKELY_PRICE = 4.0, 2.0


@dataclass(slots=True)
class Claim:
    """What one source says of one field."""

    value: Any
    origin: str
    confidence: float


Claims = dict[str, list[Claim]]
Settled = dict[str, Claim]


def settle(own: list[tuple[str, Node]], graph: opengraph.Graph, seen: Visible, page: Selector, url: str) -> Settled:
    """`own` may start with ('selector', fields already in the row's form): those stand above all."""
    claims = _claims(own, graph, seen)
    found: Settled = {}
    for every in claims.values():
        every.sort(key=lambda c: c.origin == "state" and c.confidence < 0.6)  # what trackers are told goes last
    for name in _PLAIN:
        if claims.get(name):
            found[name] = _weighed(claims[name])
    trail = next((c for c in claims.get("categories", []) if c.origin == "visible"), None)
    if trail and found["categories"].origin != "selector":
        found["categories"] = _weighed([trail, *[c for c in claims["categories"] if c is not trail]])
    if claims.get("name"):
        codes = [c.value for c in claims.get("sku", []) if len(c.value) > 4]
        found["name"] = _name(sorted(claims["name"], key=lambda c: c.origin == "opengraph"), codes)
    _codes(found, claims)
    _price(found, claims, own, seen)
    _currency(found, claims, seen, page, url)
    _stock(found, claims, own, seen)
    return found


def _claims(own: list[tuple[str, Node]], graph: opengraph.Graph, seen: Visible) -> Claims:
    claims: Claims = {}
    for origin, node in own:
        values = node if origin == "selector" else nodes.candidates(node)
        _add(claims, origin, values.items(), _STATE.get(node.get("@origin", "")) if origin == "state" else None)
    _add(claims, "opengraph", opengraph.candidates(graph).items())
    for name, (value, confidence) in seen.fields.items():
        claims.setdefault(name, []).append(Claim(value, "visible", confidence))
    return claims


def _add(claims: Claims, origin: str, values: Iterable[tuple[str, Any]], confidence: float | None = None) -> None:
    for name, value in values:
        claims.setdefault(name, []).append(Claim(value, origin, confidence or CONFIDENCE[origin]))


def _weighed(claims: list[Claim]) -> Claim:
    """The first claim, surer for each other source that agrees and less sure for each that doesn't."""
    first = claims[0]
    others = {c.origin: c for c in claims[1:] if c.origin != first.origin}.values()
    agreeing = sum(_agree(first.value, c.value) for c in others)
    change = 0.05 * agreeing - 0.05 * (len(others) - agreeing)
    return Claim(first.value, first.origin, round(min(0.99, max(0.1, first.confidence + change)), 2))


def _name(claims: list[Claim], codes: list[str]) -> Claim:
    """The heading's own wording where it agrees with the markup: visitors read no variant, brand or shop there.

    `codes` are the product's SKUs.
    """
    taken = _weighed(claims)
    heading = next((c for c in claims if c.origin == "visible"), None)
    if heading is None or taken.origin in ("visible", "selector") or folded(heading.value) == folded(taken.value):
        return taken
    if any(code in heading.value and code not in taken.value for code in codes):
        return taken  # the heading's line goes on with the item number
    return Claim(heading.value, "visible", 0.85) if _agree(heading.value, taken.value) else taken


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, str) and isinstance(b, str):
        x, y = folded(a), folded(b)
        return bool(x and y) and (x in y or y in x)
    return bool(a == b)


def _codes(found: Settled, claims: Claims) -> None:
    """A part number or a barcode that markup gives as SKU gives way to what the page labels as the SKU."""
    said = next((c for c in claims.get("sku", []) if c.origin == "visible"), None)
    taken = found.get("sku")
    if said and taken and taken.origin not in ("visible", "selector") and said.value != taken.value:
        mpn = found.get("mpn")
        wrong = (mpn and mpn.value == taken.value) or fields.gtin(taken.value)
        if wrong and said.confidence >= 0.6:
            found["sku"] = Claim(said.value, "visible", 0.65)


def _price(found: Settled, claims: Claims, own: list[tuple[str, Node]], seen: Visible) -> None:
    marked = [c for c in claims.get("price", []) if c.value]
    shown = _shown_price(seen)
    if marked and (marked[0].origin == "selector" or shown is None):
        found["price"] = _weighed(_reduced(marked, claims))
    elif shown is not None:
        found["price"] = _chosen(marked, shown, own, seen) if marked else shown
    if "price" in found:
        _list_price(found, claims, marked, seen)


def _reduced(marked: list[Claim], claims: Claims) -> list[Claim]:
    """Without a visible price: of two the lower where some source gives the first as the price before the sale."""
    first = Decimal(marked[0].value)
    was = {Decimal(c.value) for c in claims.get("list_price", [])}
    lower = next((c for c in marked if Decimal(c.value) < first), None)
    if lower is None or first not in was or marked[0].origin == "selector":
        return marked
    return [lower, *[c for c in marked if c is not lower]]


def _shown_price(seen: Visible) -> Claim | None:
    best = seen.shown.price
    if best is None or best.score < _LIKELY_PRICE:
        return None
    sure = best.score >= _SURE_PRICE
    return Claim(_written(best.amount), "visible", 0.75 if sure and seen.block.strong else 0.65 if sure else 0.5)


def _chosen(marked: list[Claim], shown: Claim, own: list[tuple[str, Node]], seen: Visible) -> Claim:
    first, paid = marked[0], Decimal(shown.value)
    said = Decimal(first.value)
    if said == paid:
        same = _weighed([first, *marked[1:], shown])
        same.value = max(first.value, shown.value, key=len)  # '119' in markup, '119,00' on the page
        return same
    agreeing = next((c for c in marked[1:] if Decimal(c.value) == paid), None)
    variants = {Decimal(p) for _, n in own for p in nodes.prices(n)} if own else set()
    struck, plain = seen.shown.amounts(struck=True), seen.shown.amounts(struck=False)
    if agreeing or paid in variants:
        return Claim(shown.value, (agreeing or first).origin, 0.75)
    best = seen.shown.price
    clear = best is not None and best.score >= _SURE_PRICE and _is_money(best)
    rival = max((c.score for c in seen.shown.candidates if c.amount == said and not c.struck), default=-9.0)
    beaten = best is not None and best.score - rival >= 2.5
    if clear and ((said in struck and paid < said) or said not in plain or beaten):
        return Claim(shown.value, "visible", 0.65)
    return Claim(first.value, first.origin, round(first.confidence - 0.2, 2))


def _is_money(shown: Candidate) -> bool:
    """Whether a number is written as money: a bare '5' where a price stands may be a rating or a count."""
    return bool(shown.sign or shown.code) or shown.amount != int(shown.amount) or shown.amount >= 100


def _list_price(found: Settled, claims: Claims, marked: list[Claim], seen: Visible) -> None:
    """The struck sum on the page, else the markup's; a markup price that the page shows struck is one too."""
    paid = Decimal(found["price"].value)
    struck = seen.shown.amounts(struck=True)
    listed = [c for c in claims.get("list_price", []) if Decimal(c.value) > paid]
    listed += [c for c in marked if Decimal(c.value) > paid and Decimal(c.value) in struck]
    visible = seen.shown.listed
    agreed = visible is not None and seen.shown.price is not None and seen.shown.price.amount == paid
    if visible is not None and agreed and visible.amount > paid and not (listed and listed[0].origin == "selector"):
        same = next((c for c in listed if Decimal(c.value) == visible.amount), None)
        found["list_price"] = (
            Claim(max(same.value, _written(visible.amount), key=len), same.origin, 0.9)
            if same
            else Claim(_written(visible.amount), "visible", 0.65)
        )
    elif listed:
        found["list_price"] = listed[0]


def _currency(found: Settled, claims: Claims, seen: Visible, page: Selector, url: str) -> None:
    """The markup's code, unless the sign beside the visible price means another; without markup the sign is settled."""
    if "price" not in found:
        return
    marked = claims.get("currency", [])
    best = seen.shown.price
    if marked and (best is None or marked[0].origin == "selector"):
        found["currency"] = _weighed(marked)
        return
    shown = (best.code, 0.9) if best and best.code else None
    if shown is None and (not marked or (best and best.sign)):
        shown = currencies.settle(best.sign if best else "", page, url)
    if not marked:
        if shown:
            found["currency"] = Claim(shown[0], "visible", round(min(0.85, shown[1]), 2))
        return
    told = marked[0].value
    sure = best is not None and best.score >= _SURE_PRICE and Decimal(found["price"].value) == best.amount
    if shown and best and sure and shown[0] != told and not currencies.fits(best.code or best.sign, told):
        found["currency"] = Claim(shown[0], "visible", 0.6)
        return
    extra = [Claim(shown[0], "visible", shown[1])] if shown else []
    found["currency"] = _weighed([*marked, *extra])


def _stock(found: Settled, claims: Claims, own: list[tuple[str, Node]], seen: Visible) -> None:
    every = claims.get("availability", [])
    marked = [c for c in every if c.origin != "visible"]
    shown = next((c for c in every if c.origin == "visible"), None)
    if not marked or shown is None:
        if every:
            found["availability"] = _weighed(every)
        return
    said, clear = marked[0], visible_stock.clear(seen.block)
    if said.origin == "selector" or said.value == shown.value:
        found["availability"] = _weighed(every)
        return
    choice_left = said.value == "InStock" and any(len(nodes.states(n)) > 1 for o, n in own if o != "selector")
    finer = said.value in ("PreOrder", "BackOrder") and shown.value == "InStock"
    if clear == shown.value and not choice_left and not finer:
        found["availability"] = Claim(shown.value, "visible", 0.6)
    else:
        found["availability"] = Claim(said.value, said.origin, round(said.confidence - 0.15, 2))


def _written(amount: Decimal) -> str:
    return fields.price(f"{amount:f}") or f"{amount:f}"
