"""Values of a product as the states of many systems name them: prices, availability, pictures, options.

In: a dict from a page's state, its keys folded (`folded`). Out: plain values, None or [] where nothing is said.
Amounts stay as written, save where the state itself says that they are in minor units. Never looks at the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from crawlers.extract import fields

Folded = dict[str, Any]
_SURE = ("finalprice", "currentprice", "pricecurrent", "nowprice", "actualprice", "sellingprice", "spotprice")
_REDUCED = ("saleprice", "specialprice", "offerprice", "discountedprice", "promoprice", "promotionprice", "pricesale",
            "promotionalprice", "reducedprice", "markdownprice", "discountprice", "salespriceamount")  # fmt: skip
_PLAIN = ("price", "priceamount", "unitprice", "prices", "pricing", "priceinfo", "pricerange", "pricedata", "itemprice",
          "productprice", "pricemoney", "displayprice", "minprice", "lowprice", "fromprice", "pricemin", "priceinclvat",
          "pricewithtax", "grossprice", "priceincents", "variantprice", "commertialoffer", "sellers",
          "priceinformation", "pricev2", "calculatedprice", "productunitprice", "baseprice")  # fmt: skip
_LISTED = ("listprice", "compareatprice", "originalprice", "regularprice", "wasprice", "oldprice", "msrp", "rrp",
           "strikethroughprice", "fullprice", "pricebeforediscount", "pricewithoutdiscount", "undiscountedprice",
           "compareprice", "compareat",
           "previousprice", "retailprice", "recommendedretailprice", "priceoriginal", "beforeprice",
           "displayregularprice", "crossedprice", "compareatpricev2", "oldpriceamount")  # fmt: skip
_INNER_PAID = ("sale", "special", "current", "final", "now", "discounted", "selling", "offer", "reduced", "net")
_INNER_PLAIN = ("decimalvalue", "value", "amount",
                "price", "centamount", "min", "minimum", "minvariantprice", "minimumprice", "low",
                "gross", "withtax", "inclvat", "base", "default", "raw", "numeric", "number", "decimal",
                "formatted")  # fmt: skip
_INNER_LISTED = ("list", "regular", "original", "was", "old", "full", "compareat", "retail", "before", "strikethrough",
                 "rrp", "msrp", "previous", "undiscounted")  # fmt: skip
_CURRENCY = ("currency", "currencycode", "pricecurrency", "currencyiso", "currencyisocode", "isocode", "iso4217")
_SPOKEN = ("text", "formatted", "formattedvalue", "formattedprice", "display", "displayvalue", "symbol", "sign")
_YES = ("instock", "isinstock", "available", "isavailable", "availableforsale", "availableforpurchase", "issalable",
        "issaleable", "salable", "saleable", "purchasable", "ispurchasable", "hasstock", "orderable",
        "inventoryavailable", "isorderable")  # fmt: skip
_NO = ("soldout", "issoldout", "outofstock", "isoutofstock", "unavailable", "issold")
_WORDS = ("availability", "stockstatus", "stocklevelstatus", "availabilitystatus", "inventorystatus", "stock", "status",
          "seoavailability", "inventory", "stocklevel")  # fmt: skip
_COUNTS = ("stockquantity", "inventoryquantity", "quantityavailable", "availablequantity", "qtyinstock", "stocklevel",
           "stock", "totalinventory", "instockquantity", "stockcount")  # fmt: skip
_PICTURE_LISTS = ("images", "media", "mediagallery", "gallery", "galleryimages", "pictures", "photos", "imageurls",
                  "imagelist", "productimages", "mediagalleryentries", "imagegroups", "assets", "imageset",
                  "visuals", "allimages")  # fmt: skip
_PICTURES = ("image", "mainimage", "featuredimage", "primaryimage", "imageurl", "imagesrc", "fullsrc", "picture",
             "photo", "defaultimage", "cover", "coverimage", "heroimage", "featuredmedia", "imgurl", "img", "thumbnail",
             "thumbnailurl", "thumbnailimage")  # fmt: skip
_RENDITIONS = ("fullsrc", "fullurl", "zoom", "zoomurl", "xxlarge", "xlarge", "superzoom", "original", "originalsrc",
               "originalurl", "full", "large", "largeurl", "hires", "master", "src", "url", "contenturl", "href",
               "imageurl", "link", "path", "uri", "image", "previewimage", "file", "img", "node", "attributes", "data",
               "medium", "small", "asset", "filename", "value")  # fmt: skip
_CENTS = ("cents", "minorunits")
_CENTS_IN_KEY = re.compile(r"(?:in)?(?:cents|minorunits)$")
_PICTURE_URL = re.compile(r"^(https?:)?//\S{3,}|^/\S{3,}|^[\w./~%-]+\.(jpe?g|png|webp|avif|gif)(\?\S*)?$", re.I)
_MAX_PICTURES = 100


class Money(NamedTuple):
    """`paid` and `listed` as the state writes them or as decimal text; `code` ISO 4217."""

    paid: Any = None
    listed: Any = None
    code: str | None = None


@lru_cache(maxsize=20_000)
def fold(key: str) -> str:
    """A key in lower case without marks and without GraphQL arguments: `compare_at_price`, `compareAtPrice` are one."""
    return re.sub(r"[^a-z0-9]", "", key.split("(", 1)[0].lower())


def folded(node: dict[Any, Any]) -> Folded:
    """The members that say something, by folded key; the first of two that fold alike.

    `priceCents` and its like are given as the amount, too.
    """
    found: Folded = {}
    for key, value in node.items():
        if value is not None and value != "" and isinstance(key, str) and len(key) <= 80:
            found.setdefault(fold(key), value)
    for key in [k for k in found if k.endswith(_CENTS) and isinstance(found[k], int)]:
        found.setdefault(_CENTS_IN_KEY.sub("", key), minor(found[key]))
    return {k: v for k, v in found.items() if v is not None}


def members(value: Any) -> list[Any]:
    """The entries of a list in any of its guises: GraphQL's edges and nodes, `items`, `data`, a dict by identifier."""
    if isinstance(value, list):
        return [entry["node"] if isinstance(entry, dict) and isinstance(entry.get("node"), dict) else entry
                for entry in value]  # fmt: skip
    if isinstance(value, dict):
        for key in ("nodes", "edges", "items", "data", "results", "values"):
            if isinstance(value.get(key), list | dict):
                return members(value[key])
        if value and all(isinstance(v, dict) for v in value.values()):
            return list(value.values())
    return []


def first(node: Folded, names: Iterable[str]) -> str | None:
    """Text of the first of these members that has one; a dict gives its name, label or value."""
    for name in names:
        value = node.get(name)
        if isinstance(value, dict):
            inner = folded(value)
            value = next((inner[k] for k in ("name", "label", "displayname", "title", "value") if inner.get(k)), None)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and (text := fields.text(value)):
            return text
    return None


def money(node: Folded, depth: int = 0) -> Money:
    """What is paid and what is struck through, from members of the node or the price objects in it."""
    spoken = (*_CURRENCY, *(_SPOKEN if depth else ()))
    code = next((c for k in spoken if (c := fields.currency(first(node, [k])))), None)
    inner = depth > 0
    sure, _, code_1 = _picked(node, (*_SURE, *(_INNER_PAID if inner else ())), depth)
    reduced, before, code_2 = _picked(node, _REDUCED, depth)
    plain, nested_list, code_3 = _picked(node, (*_PLAIN, *(_INNER_PLAIN if inner else ())), depth)
    listed, _, code_4 = _picked(node, (*_LISTED, *(_INNER_LISTED if inner else ())), depth)
    if inner and "centamount" in node:
        plain = minor(node["centamount"], node.get("fractiondigits", 2))
    elif isinstance(digits := node.get("currencyminorunit"), int):
        sure, reduced, plain, listed = (minor(v, digits) for v in (sure, reduced, plain, listed))
    paid = sure or min((v for v in (reduced, plain) if v), key=_number, default=None) or (listed if inner else None)
    above = next((v for v in (listed, nested_list, before, plain) if v and paid and _number(v) > _number(paid)), None)
    return Money(paid, above, code or code_1 or code_2 or code_3 or code_4)


def _picked(node: Folded, names: Iterable[str], depth: int) -> Money:
    for name in names:
        value = node.get(name)
        if name == "priceincents":
            value = minor(value, 2)
        found = _amount(value, depth)
        if found.paid is not None:
            return found
    return Money()


def _amount(value: Any, depth: int) -> Money:
    """A number or a text with a positive price stands for itself; an object or list is looked into, three deep."""
    if isinstance(value, list):
        value = next((v for v in value[:20] if isinstance(v, dict | int | float | str)), None)
    if isinstance(value, dict):
        return money(folded(value), depth + 1) if depth < 4 else Money()
    if isinstance(value, bool) or not isinstance(value, int | float | str) or _number(value) <= 0:
        return Money()
    return Money(value, None, fields.currency(value) if isinstance(value, str) else None)


def _number(value: Any) -> Decimal:
    if isinstance(value, str) and len(value) > 60:
        return Decimal(0)
    try:
        return Decimal(fields.price(value) or 0)
    except (InvalidOperation, ValueError, OverflowError):
        return Decimal(0)


def minor(value: Any, digits: Any = 2) -> str | None:
    """Decimal text of an amount in minor units (cents where `digits` is 2)."""
    written = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,15}(\.0+)?", written) or digits not in (0, 1, 2, 3):
        return None
    return f"{Decimal(written.split('.')[0]).scaleb(-digits):f}" if float(written) > 0 else None


def availability(node: Folded) -> str | None:
    """schema.org's name of whether it can be had: words first, then yes and no, then counts."""
    for name in _WORDS:
        value = node.get(name)
        if isinstance(value, dict):
            if found := availability(folded(value)):
                return found
        elif isinstance(value, str) and (found := fields.availability(value) or _in_words(value)):
            return found
    for names, yes in ((_NO, "OutOfStock"), (_YES, "InStock")):
        for name in names:
            if isinstance(value := _truth(node.get(name)), bool):
                return yes if value else ("InStock" if yes == "OutOfStock" else "OutOfStock")
    counts = [node[k] for k in _COUNTS if isinstance(node.get(k), int | float) and not isinstance(node[k], bool)]
    return ("InStock" if counts[0] > 0 else "OutOfStock") if counts else None


def _truth(value: Any) -> Any:
    if isinstance(value, str):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(value.lower())
    return bool(value) if value in (0, 1) else value


def _in_words(value: str) -> str | None:
    flat = re.sub(r"[^a-z]", "", value.lower())
    if flat in ("outofstock", "soldout", "unavailable", "notavailable", "nostock", "notinstock"):
        return "OutOfStock"
    return "InStock" if flat in ("instock", "lowstock", "available", "inventoryinstock", "lowinventory") else None


def pictures(node: Folded) -> list[str]:
    """URLs as written, each once: those of the first list that has any, else a single one."""
    for name in _PICTURE_LISTS:
        if found := _urls(node.get(name)):
            return found
    for name in _PICTURES:
        if found := _urls(node.get(name)):
            return found
    return []


def _urls(value: Any, depth: int = 0) -> list[str]:
    if isinstance(value, str):
        written = value.strip()
        return [written] if _PICTURE_URL.match(written) and len(written) < 2_000 else []
    if depth > 5:
        return []
    if isinstance(value, dict):
        node = folded(value)
        kind = str(node.get("mediatype") or node.get("mediacontenttype") or node.get("type") or "").lower()
        if "video" in kind or "model" in kind:
            return []
        for name in _RENDITIONS:
            if found := _urls(node.get(name), depth + 1):
                return found
    found = [url for entry in members(value)[:_MAX_PICTURES] for url in _urls(entry, depth + 1)]
    return list(dict.fromkeys(found))


def options(node: Folded) -> dict[str, str]:
    """{colour, size} of a variant from its members, `selectedOptions`, `attributes` or name-and-value pairs."""
    found: dict[str, str] = {}
    for key, names in (("color", COLOURS), ("size", SIZES)):
        if value := first(node, names):
            found[key] = value
    for holder in (
        "selectedoptions",
        "options",
        "attributes",
        "optionvalues",
        "variationvalues",
        "variationattributes",
    ):
        for name, value in _pairs(node.get(holder)):
            kind = option_kind(name)
            if kind and (text := fields.text(value)):
                found.setdefault(kind, text)
    return found


def _pairs(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and not all(isinstance(v, dict) for v in value.values()):
        return [(str(k), v) for k, v in list(value.items())[:30] if isinstance(v, str | int | float)]
    found = []
    for entry in members(value)[:30]:
        if isinstance(entry, dict):
            pair = folded(entry)
            name = first(pair, ("name", "optionname", "group", "label", "key", "id", "attribute"))
            text = first(pair, ("value", "optionvalue", "displayvalue", "option")) or (
                first(pair, ("name",)) if "group" in pair else None
            )
            if pair.get("group"):
                name, text = str(pair["group"]), first(pair, ("name",))
            if name and text:
                found.append((name, text))
    return found


COLOURS = ("color", "colour", "colorname", "colourname", "colordescription", "maincolor", "basecolor", "farbe",
           "couleur", "colore", "kleur")  # fmt: skip
SIZES = ("size", "sizename", "sizelabel", "sizecode", "displaysize", "grosse", "taille", "taglia", "talla", "maat")
_OPTION_KINDS = (
    ("color", re.compile(r"colou?r|farbe|couleur|colore|kleur|färg|farve|farge|väri|barva|kolor|цвет|renk|颜色", re.I)),
    ("size", re.compile(r"\bsize|_size|größe|groesse|taille|talla|taglia|maat|storlek|rozmiar|velikost|tamanho|размер|"
                        r"beden|koko\b|尺码", re.I)),
)  # fmt: skip


def option_kind(name: str) -> str | None:
    """`color` or `size` where an option's name says so, in the languages shops are written in."""
    return next((kind for kind, pattern in _OPTION_KINDS if pattern.search(name)), None)
