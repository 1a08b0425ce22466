"""Products found in any state by their shape: a name, a price and something that tells a product from a menu entry.

In: the dicts of a state, outermost first, and the page's `Subject`. Out: the one product that stands for the page, as
a schema.org node, or None. A list of products none of which is the page's own is a listing: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from crawlers.extract import fields, state_fields
from crawlers.extract.jsonld import Node
from crawlers.extract.state_fields import Folded, Money, first, fold, folded, members
from crawlers.extract.state_subject import Subject

_MAX_VARIANTS = 250
_MAX_RESOLVED = 20_000
_EXACT_NAME = 3  # what `Subject.fit` gives for a name that is the heading or title
_MAX_CANDIDATES = 5_000
_NAMES = ("name", "productname", "title", "producttitle", "displayname", "itemname", "fullname", "contentname",
          "productdisplayname", "headline", "h1", "label")  # fmt: skip
_LINKS = ("url", "producturl", "handle", "slug", "canonicalurl", "permalink", "link", "seourl", "urlkey", "urlpath",
          "pdpurl", "urlpart", "path", "pageurl", "relativeurl", "linktext", "canonical", "href", "fullurl",
          "onlinestoreurl", "uri")  # fmt: skip
_IDENTIFIERS = ("id", "productid", "sku", "code", "productcode", "articlenumber", "itemid", "stylecode", "masterid",
                "stylenumber", "productnumber", "articlecode", "modelcode", "partnumber", "defaultsku", "idproduct",
                "internalid", "objectid", "styleid", "pid", "reference", "ean", "gtin", "productreference")  # fmt: skip
_SKUS = ("sku", "productsku", "articlenumber", "articlecode", "itemnumber", "productcode", "stylenumber", "stylecode",
         "defaultsku", "skuid", "reference", "productnumber", "itemcode", "code", "selectedsku", "masterid",
         "modelcode", "productreference")  # fmt: skip
_GTINS = ("gtin", "gtin13", "ean", "ean13", "barcode", "upc", "gtin14", "gtin12", "gtin8", "eancode", "isbn")
_MPNS = ("mpn", "manufacturerpartnumber", "manufacturernumber", "modelnumber", "manufacturersku", "partnumber")
_BRANDS = ("brand", "brandname", "vendor", "manufacturer", "manufacturername", "designer", "designername", "brandlabel",
           "itembrand", "productbrand", "marke", "marca", "productvendor")  # fmt: skip
_DESCRIPTIONS = ("description", "descriptionhtml", "bodyhtml", "longdescription", "productdescription",
                 "fulldescription", "content", "shortdescription", "descriptionshort", "metadescription")  # fmt: skip
_CATEGORIES = ("category", "categories", "producttype", "categoryname", "categorypath", "itemcategory", "producttypes",
               "maincategory", "primarycategory", "defaultcategory", "breadcrumbs")  # fmt: skip
_VARIANTS = ("variants", "variations", "skus", "childproducts", "productvariants", "productitems", "variantlist",
             "items", "sizes", "sizevariants", "children", "skulist", "simples", "offers", "variantoptions",
             "availableskus", "availablesizes")  # fmt: skip
_LISTING = frozenset(("products", "productlist", "subcategories", "categoryid", "facets", "filters", "productcount",
                      "totalproducts", "hits", "numberofproducts", "showproducts", "collectionid"))  # fmt: skip
_OWN_KEYS = frozenset(("sku", "productid", "gtin", "ean", "skus", "articlenumber", "productcode"))
_SELECTED = ("selectedvariant", "selectedorfirstavailablevariant", "currentvariant", "defaultvariant", "firstvariant",
             "mastervariant", "selectedsku", "selectedproduct")  # fmt: skip
_EVIDENCE = frozenset((*_IDENTIFIERS, *_LINKS, *state_fields._PICTURE_LISTS, *state_fields._PICTURES, *_BRANDS))
_NAME_KEYS = frozenset(_NAMES)


def product(dicts: list[dict[Any, Any]], subject: Subject, origin: str) -> Node | None:
    """The node of the product that fits the page best; two different ones that fit alike give None."""
    scored: list[tuple[int, int, Folded]] = []
    for node in islice(_products(dicts), _MAX_CANDIDATES):
        fit = _fit(node, subject)
        if fit >= (1 if _EVIDENCE & set(node) else _EXACT_NAME):
            scored.append((fit, len(node), node))
    if not scored:
        return None
    best = max(fit for fit, _, _ in scored)
    alike = [(size, node) for fit, size, node in scored if fit == best]
    if best < 5 and len({first(node, _NAMES) for _, node in alike}) > 1:
        return None
    references = _References(_entries(dicts))
    for _, node in sorted(alike, key=lambda pair: -pair[0])[:5]:
        if made := as_node(references.resolved(node), subject, origin):
            return made
    return None


def _products(dicts: list[dict[Any, Any]]) -> Iterator[Folded]:
    """Dicts with a name and what may be a price; whether it is one shows when they become nodes."""
    for held in dicts:
        if len(held) < 3:
            continue
        keys = {fold(k) for k in held if isinstance(k, str) and len(k) <= 80}
        if keys & _NAME_KEYS and any("price" in k or "offer" in k or "variant" in k or k in _VARIANTS for k in keys):
            node = folded(held)
            if first(node, _NAMES) and not (keys & _LISTING and not keys & _OWN_KEYS):
                yield node


def _fit(node: Folded, subject: Subject) -> int:
    name, brand, colour = first(node, _NAMES) or "", first(node, _BRANDS), first(node, state_fields.COLOURS)
    names = [name, *(f"{brand} {name}" for _ in [0] if brand), *(f"{name} {colour}" for _ in [0] if colour)]
    own = first(node, ("productname", "producttitle"))
    links = [node.get(k) for k in _LINKS]
    identifiers = [str(v).rsplit("/", 1)[-1] for k in _IDENTIFIERS if isinstance(v := node.get(k), str | int)]
    return subject.fit([*names, own or ""], links, identifiers)


def _entries(dicts: list[dict[Any, Any]]) -> dict[str, Any]:
    """The entries of normalised caches (Apollo), by their own name: `Product:12`."""
    found: dict[str, Any] = {}
    for held in dicts:
        for key, inner in held.items():
            if isinstance(inner, dict) and isinstance(key, str) and (":" in key or "." in key or "__typename" in inner):
                found.setdefault(key, inner)
    return found


class _References:
    """The entries of a normalised cache; follows what names them, a bounded number of times."""

    def __init__(self, entries: dict[str, Any]) -> None:
        self.entries, self.left = entries, _MAX_RESOLVED

    def resolved(self, value: Any, depth: int = 0) -> Any:
        self.left -= 1
        if not self.entries or depth > 6 or self.left < 0:
            return value
        if isinstance(value, dict):
            name = value.get("__ref") or (value.get("id") if value.get("type") == "id" else None)
            if isinstance(name, str) and name in self.entries:
                return self.resolved(self.entries[name], depth + 1)
            return {k: self.resolved(v, depth + 1) for k, v in list(value.items())[:200]}
        if isinstance(value, list):
            return [self.resolved(v, depth + 1) for v in value[:_MAX_VARIANTS]]
        return value


def as_node(node: Folded, subject: Subject, origin: str) -> Node | None:
    """A schema.org Product of a folded dict; None without a price in it, its variants or their offers."""
    variants, chosen = _variants(node), _chosen(node)
    money = state_fields.money(chosen) if chosen else Money()
    money = money if money.paid is not None else state_fields.money(node)
    if money.paid is None:
        money = next((m for m in (state_fields.money(v) for v in variants) if m.paid is not None), Money())
    if money.paid is None:
        return None
    cents = subject.in_cents(money.paid)
    code = money.code or next((m.code for v in variants if (m := state_fields.money(v)).code), None)
    made = (described(chosen, origin) if chosen else {}) | described(node, origin)
    stock = state_fields.availability(node) or _any_stock([chosen, *variants])
    made["offers"] = offer(money._replace(code=code), stock, cents)
    family = [found for v in variants if (found := _variant(v, code, cents))]
    if family:
        made["hasVariant"] = family
    return {k: v for k, v in made.items() if v}


def _chosen(node: Folded) -> Folded:
    """The variant that the page shows first, where the state sets one apart; {} elsewhere."""
    return next((folded(v) for k in _SELECTED if isinstance(v := node.get(k), dict)), {})


def _any_stock(variants: list[Folded]) -> str | None:
    """One size sold out isn't the product sold out."""
    found = [s for v in variants if (s := state_fields.availability(v))]
    return "InStock" if "InStock" in found else next(iter(found), None)


def described(node: Folded, origin: str) -> Node:
    """All that isn't an offer: names, identifiers, texts, pictures."""
    sku = first(node, _SKUS)
    made: Node = {
        "@type": "Product", "@origin": origin, "name": first(node, _NAMES), "sku": sku,
        "productID": first(node, ("productid", "id", "idproduct", "internalid")),
        "gtin": gtin(node), "mpn": first(node, _MPNS),
        "brand": first(node, _BRANDS), "description": first(node, _DESCRIPTIONS), "category": _category(node),
        "image": state_fields.pictures(node), **state_fields.options(node),
    }  # fmt: skip
    return {k: v for k, v in made.items() if v}


def gtin(node: Folded) -> str | None:
    """A right GTIN under any of its names."""
    return next((g for k in _GTINS if (g := fields.gtin(node.get(k)))), None)


def offer(money: Money, availability: str | None, cents: bool = False) -> Node:
    """A schema.org Offer; `cents`: whole numbers are hundredths."""
    made: Node = {"@type": "Offer", "price": _exact(money.paid, cents), "priceCurrency": money.code,
                  "availability": f"https://schema.org/{availability}" if availability else None}  # fmt: skip
    if money.listed is not None:
        made["priceSpecification"] = {
            "@type": "UnitPriceSpecification", "priceType": "https://schema.org/ListPrice",
            "price": _exact(money.listed, cents),
        }  # fmt: skip
    return {k: v for k, v in made.items() if v is not None}


def _exact(amount: Any, cents: bool) -> Any:
    return state_fields.minor(amount) if cents and isinstance(amount, int) else amount


def _category(node: Folded) -> list[str] | str | None:
    for name in _CATEGORIES:
        value = node.get(name)
        texts = [t for v in members(value)[:12] if (t := first({"v": v}, ["v"]))]
        if texts:
            return texts
        if (text := first(node, [name])) and not text.isdigit():
            return text
    return None


def _variants(node: Folded) -> list[Folded]:
    """Members that can be bought one by one, of the first list of such."""
    for name in _VARIANTS:
        found = [folded(v) for v in members(node.get(name))[:_MAX_VARIANTS] if isinstance(v, dict)]
        if len(
            {v[k] for v in found for k in ("url", "handle", "slug", "urlkey") if isinstance(v.get(k), str)}
        ) > 1 and (len({first(v, _NAMES) for v in found}) > 1):
            continue  # each with a page and a name of its own: products of a list, not variants
        if found and any(state_fields.money(v).paid is not None or first(v, _SKUS) for v in found):
            return found
    return []


def _variant(node: Folded, code: str | None, cents: bool) -> Node | None:
    money, stock = state_fields.money(node), state_fields.availability(node)
    made: Node = {
        "@type": "Product", "sku": first(node, _SKUS), "gtin": gtin(node),
        **state_fields.options(node), "image": next(iter(state_fields.pictures(node)), None),
    }  # fmt: skip
    if money.paid is not None or stock:
        made["offers"] = offer(money._replace(code=money.code or code), stock, cents)
    made = {k: v for k, v in made.items() if v}
    return made if len(made) > 1 else None
