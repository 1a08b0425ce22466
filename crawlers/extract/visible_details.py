"""What the product's block says in labelled lines and form fields: SKU, GTIN, MPN, brand, colour, sizes, categories.

In: the product's block and the parsed page. Out: {field: (value, confidence)}, absent ones missing. A label counts with
a mark ('SKU: A-1'), in a cell or definition of its own, or in an attribute named after it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from lxml import etree
from parsel import Selector

from crawlers.extract import fields, lines
from crawlers.extract.block import Block, in_tile
from crawlers.extract.lines import Line

_CODE = r"[A-Za-z0-9][\w./+\-]{1,38}"
_LABELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("gtin", re.compile(
        r"^(?:gtin(?:-?\d+)?|ean(?:-?\d+)?(?: ?code)?|upc(?: ?code)?|barcode|jan(?:コード)?|"
        r"isbn(?:-?1[03])?|code[- ]barres|strichcode|kod (?:ean|kreskowy))$", re.I)),
    ("mpn", re.compile(
        r"^(?:mpn|m\.p\.n\.?|manufacturer(?:'s)? (?:part(?: (?:number|no\.?|#))?|no\.?|number|code)|"
        r"mfr\.? ?(?:part)? ?(?:#|no\.?|number)?|mfg\.? ?(?:part)? ?(?:#|no\.?|number)|part (?:number|no\.?|"
        r"#)|hersteller(?:-?art)?\.?-?(?:nr|nummer)\.?|herstellernummer|référence fabricant|kod producenta)$", re.I)),
    ("sku", re.compile(
            r"^(?:asin|(?:product |item )?sku(?: ?(?:#|no\.?|number|code|id))?|item ?(?:#|no\.?|nr\.?|number|"
            r"code|id|model)|(?:product|article|catalog(?:ue)?|stock|style|design|order|web) ?(?:#|no\.?|nr\.?|"
            r"number|code|id|ref(?:erence)?\.?)"
            r"|style|art\.?(?:ikel)?[- ]?(?:nr|nummer|no|number)\.?|artikel-?(?:nr|nummer|code)?\.?|"
            r"best(?:ell)?\.?-?(?:nr|nummer)\.?|produkt-?(?:nr|nummer|kod|code)\.?|artnr\.?|ref(?:\.|erence|"
            r"erencia|erência)?(?: ?(?:no|nr)?\.?)|réf(?:\.|érence)?(?: (?:produit|article))?|referenza|"
            r"cod(?:\.|ice|e)?(?: (?:prodotto|articolo|art\.?|produit|produs))?|código(?: (?:do produto|"
            r"de producto))?|codigo|artikelnummer|varenummer|varenr\.?|tuotenumero|nr (?:katalogowy|artykułu|"
            r"produktu)|symbol|indeks|kod(?: (?:produktu|towaru|výrobku|zboží))?|artikul|артикул|"
            r"код(?: товара)?|cikkszám|termékkód|stok kodu|ürün kodu|tootekood|prekės kodas|preces kods|"
            r"vörunúmer|šifra|katalogové číslo|číslo (?:produktu|tovaru|zboží)|item|κωδικός|"
            r"品番|商品(?:番号|コード)|商品编号|货号|品號|상품코드)$", re.I)),
    ("model", re.compile(
        r"^(?:model(?: ?(?:#|no\.?|nr\.?|number|code|name))?|"
        r"modell(?:nummer|nr\.?)?|modelo|modèle|modello|型番)$", re.I)),
    ("brand", re.compile(
        r"^(?:brand|marke|hersteller|manufacturer|marque|fabricant|marca|fabricante|merk|producent|marka|"
        r"märke|varumärke|mærke|merke|valmistaja|výrobce|značka|бренд|производитель|by|designer|vendor|"
        r"ブランド|メーカー|品牌|브랜드)$", re.I)),
    ("colour", re.compile(
        r"^(?:(?:selected )?colou?r(?:way)?(?: ?name)?|farbe|couleur|coloris|color|colore|cor|kleur|kolor|"
        r"färg|farve|farge|väri|barva|цвет|カラー|色|颜色|顏色|색상)$", re.I)),
)  # fmt: skip
_SPLIT = re.compile(r"\s*[:：#|]\s*|\s+[–—-]\s+")
_JOINED = re.compile(
    rf"\b(SKU|Best(?:ell)?\.?-?(?:Nr|Nummer)\.?|Varenr\.?|Varenummer|Produktnr\.?|"
    rf"Item ?(?:#|No\.?|Number|Code)|Style ?(?:#|No\.?|Number)|Art\.?-?(?:Nr|No)\.?|"
    rf"Artikel-?(?:nr|nummer)\.?|Product (?:Code|ID|#|No\.?)|(?:Item|Style)(?=\s+[A-Z]{{0,4}}\d{{3}})|"
    rf"Model(?: ?(?:#|No\.?|Number))?|"
    rf"Ref\.?(?:erence)?|Réf\.?(?:érence)?|Артикул|品番|商品番号|型番)\s*[:：#]?\s*[#:]?\s*({_CODE})(?=$|"
    rf"[\s,;|)\]])",
    re.I,
)
_SIZE_NAMES = re.compile(
    r"\bsizes?\b|größe|groesse|grösse|taille|pointure|talla|taglia|maat|rozmiar|storlek|størrelse|koko|"
    r"velikost|размер|サイズ|尺码|尺寸|사이즈|tamanho",
    re.I,
)
_COLOUR_NAMES = re.compile(r"colou?r|farbe|couleur|coloris|kleur|kolor|färg|farve|farge|カラー|цвет|\bcor\b", re.I)
_NO_CHOICE = re.compile(
    r"^(?:-+|\W*(?:please )?(?:select|choose|pick|bitte|wähle|auswählen|choisi|sélection|elige|elegir|"
    r"selecciona|seleziona|scegli|kies|wybierz|välj|vælg|velg|valitse|vyberte|选择|選択)|size|größe|"
    r"taille|talla|option|--)",
    re.I,
)
_QUANTITY = re.compile(r"(?:qty|quantity|menge|anzahl|quantité|cantidad|quantità|aantal|ilość|множ|количество)\b", re.I)
_SERVICE = re.compile(r"\s+(?:remove|clear|change|edit|entfernen|ändern|effacer|borrar|×)$", re.I)
HOME = {"home", "start", "startseite", "accueil", "inicio", "homepage", "home page", "início", "strona główna",
"hem", "forside", "ホーム", "トップ", "главная", "hjem", "back", "shop", "etusivu", "úvod", "domů", "zurück",
"strona głowna", "domov", "hlavná stránka", "hlavní stránka", "pagina principală", "kezdőlap", "anasayfa", "首页",
"首頁", "etusivulle", "main page", "homepagina"}  # fmt: skip
_NO_CRUMB = re.compile(
    r"^(?:(?:return|back|go back|continue) to\b|back$|zurück (?:zu|zum|zur)\b|retour(?:ner)? (?:à|au|aux|vers)\b|"
    r"volver (?:a|al)\b|torna (?:a|al|alla)\b|terug naar|tilbage til|tilbake til|tillbaka till|powrót do|"
    r"e-?mail|print|drucken|imprimer|imprimir|stampa|afdrukken|drukuj|share|teilen|partager|tweet|twitter|facebook|"
    r"pin ?(?:it|terest)|google ?\+|whatsapp|reddit|instagram|linkedin)",
    re.I,
)
_CRUMBS = "//*[contains(@class,'readcrumb') or contains(@id,'readcrumb') or contains(@aria-label,'readcrumb')]"
_SKU_INPUTS = {"sku", "product_sku", "item_number", "itemNumber", "productCode", "articleNumber", "ASIN"}
_CODED = etree.XPath("//@data-product-sku/.. | //@data-sku/..")  # by attribute: a fifth of the time of `//*[@…]`
_PRICES = ("data-price", "data-product-price", "data-price-amount", "content")
_PRICED = etree.XPath("//@data-price/.. | //@data-product-price/.. | //@data-price-amount/..")
Found = dict[str, tuple[Any, float]]


def read(block: Block, page: Selector) -> Found:
    found: Found = {}
    near = block.near()
    for name, value in _labelled(near):
        cleaned = _usable(name, value)
        if name == "gtin" and cleaned is None and (code := _usable("sku", value)) and "sku" not in found:
            found["sku"] = (code, 0.5)  # a shop's own code in the field for a barcode
        if cleaned and name not in found:
            found[name] = (cleaned, 0.7 if name != "brand" else 0.6)
    model = found.pop("model", None)
    for line in near:
        joined = _JOINED.search(line.text) if len(line.text) < 200 else None
        if joined and "sku" not in found and (code := _usable("sku", joined[2])):
            found["sku"] = (code, 0.6)
    if model is not None:
        found.setdefault("sku", (model[0], 0.55))  # the maker's number stands in where the shop gives none
    _numbered(block, found)
    _from_attributes(page, block, found)
    if "colour" not in found and (colour := _chosen_colour(block)):
        found["colour"] = (colour, 0.55)
    if sizes := _sizes(block):
        found["sizes"] = (sizes, 0.6)
    if crumbs := breadcrumb(page, block):
        found["categories"] = (crumbs, 0.65)
    return found


def breadcrumb(page: Selector, block: Block) -> list[str]:
    """Names from general to special, without the shop's front page and the product itself."""
    own = block.name or ""
    trails = [e for bits, e in block.seen.marked if bits & lines.CRUMBS] or [s.root for s in page.xpath(_CRUMBS)[:4]]
    for trail in trails[:4]:
        links = [(a, _cleaned("".join(islice(a.itertext(), 20)))) for a in islice(trail.iter("a"), 30)]
        kept = [
            t
            for n, (a, t) in enumerate(links)
            if 0 < len(t) < 60 and not _is_home(a.get("href", ""), t, n) and t != own and not _NO_CRUMB.match(t)
        ]
        if kept:
            return list(dict.fromkeys(kept))
    return _written_trail(block)


def is_step(name: str) -> bool:
    """Whether a breadcrumb's name is a category: neither the front page nor a service beside the trail."""
    return name.lower() not in HOME and not _NO_CRUMB.match(name)


def _written_trail(block: Block) -> list[str]:
    """'Departments > Footwear > Lotto' as linked text shortly above the heading."""
    at = block.heading or 0
    for line in block.seen.lines[max(0, at - 12) : at + 1]:
        parts = [_cleaned(p) for p in re.split(r"\s*(?:>|»|›|→|::|\s/\s|\s\\\s)\s*", line.text)]
        if line.flags & lines.LINK and len(parts) > 1 and len(line.text) < 200:
            return [p for n, p in enumerate(parts) if p and p != block.name and not (n == 0 and p.lower() in HOME)]
    return []


def _cleaned(text: str) -> str:
    return " ".join(text.split()).strip(" /›»>|:\\")


def _is_home(href: str, text: str, position: int) -> bool:
    root = re.fullmatch(r"(?:https?://[^/]+)?/?(?:index\.\w+|home/?)?(?:[?#].*)?", href.strip()) is not None
    return text.lower() in HOME or (position == 0 and root and href.strip() not in ("", "#"))


def _labelled(near: list[Line]) -> list[tuple[str, str]]:
    """(field, text) of 'Label: text' lines, and of a label's line followed by its value's."""
    found: list[tuple[str, str]] = []
    for n, line in enumerate(near):
        if len(line.text) > 140:
            continue
        for part in re.split(r"\s*[|•]\s*", line.text)[:6]:
            pieces = _SPLIT.split(part, maxsplit=1)
            name = _name_of(pieces[0])
            if name and len(pieces) > 1 and pieces[1].strip():
                found.append((name, pieces[1].strip()))
        following = near[n + 1] if n + 1 < len(near) else None
        alone = _name_of(line.text.rstrip(" :：#."))
        if alone and following and not line.flags & (lines.HEADING | lines.LINK) and lines.kin(line, following):
            found.append((alone, following.text))
    return found


def _name_of(label: str) -> str | None:
    stripped = label.strip().rstrip(":：").strip()
    if not 1 < len(stripped) < 32 and stripped not in ("色",):
        return None
    return next((name for name, pattern in _LABELS if pattern.match(stripped)), None)


def _usable(name: str, value: str) -> str | None:
    written = " ".join(value.split()).strip(" :#")
    if name == "gtin":
        return fields.gtin(written)
    if name == "model":
        name = "sku"
    if name in ("sku", "mpn") and len(written) > 40:
        return None
    if name in ("sku", "mpn") and written.lower() in ("n/a", "na", "none", "null", "-"):
        return None
    if name in ("sku", "mpn"):
        code = re.match(rf"{_CODE}(?:[ ]{_CODE}){{0,2}}$", written)
        return (
            written
            if (code and re.search(r"\d", written)) or re.fullmatch(r"[A-Z0-9][A-Z0-9\-_/.]{2,30}", written)
            else None
        )
    if name == "colour":
        written = _SERVICE.sub("", written)
        usable = 1 < len(written) < 40 and not _NO_CHOICE.match(written) and _name_of(written) is None
        return written if usable and not _QUANTITY.match(written) else None
    return written if 1 < len(written) < 50 and not written.endswith((".", ":", "?")) else None


def _numbered(block: Block, found: Found) -> None:
    """'#84682' on a line of its own right below the heading."""
    first = (block.heading or 0) + 1
    for line in block.seen.lines[first : first + 4]:
        if (
            "sku" not in found
            and (number := re.fullmatch(rf"#\s?({_CODE})", line.text))
            and re.search(r"\d{3}", line.text)
        ):
            found["sku"] = (number[1], 0.5)


def _from_attributes(page: Selector, block: Block, found: Found) -> None:
    props = block.seen.props
    spots = [
        (n, props.get(p, []), 0.75) for n, p in (("sku", "sku"), ("mpn", "mpn"), ("gtin", "gtin13"), ("gtin", "gtin"))
    ]
    spots.append(("sku", [e for bits, e in block.seen.marked if bits & lines.CODE], 0.65))
    spots.append(("sku", [e for e, _ in block.seen.fields if e.get("name") in _SKU_INPUTS], 0.6))
    if "sku" not in found:
        spots.append(("sku", _CODED(page.root)[:20], 0.5))
    for name, elements, confidence in spots:
        if name in found:
            continue
        spots_here = [e for e in elements[:20] if not in_tile(e, block.tiles)]
        values = {v for element in spots_here if (v := _usable(name, _attribute_or_text(element)))}
        if len(values) == 1:
            found[name] = (values.pop(), confidence)


def priced_attributes(page: Selector, block: Block, found: Found) -> None:
    """The one price that attributes outside tiles give, where scripts write the visible one."""
    spots = [e for e in (*block.seen.props.get("price", []), *_PRICED(page.root)[:20]) if not in_tile(e, block.tiles)]
    written = (next((v for n in _PRICES if (v := e.get(n))), None) for e in spots)
    values = {p for v in written if v and (p := fields.price(v))}
    if len({float(v) for v in values}) == 1:
        found["price"] = (max(values, key=len), 0.5)
        codes = {e.get("data-currency") or "" for e in spots}
        codes |= {e.get("content") or "" for e in block.seen.props.get("priceCurrency", [])}
        if code := next((c for c in sorted(codes) if re.fullmatch(r"[A-Z]{3}", c)), None):
            found["currency"] = (code, 0.5)


def _attribute_or_text(element: Any) -> str:
    named = ("content", "value", "data-product-sku", "data-sku")
    written = next((v for a in named if (v := element.get(a))), None)
    return re.sub(r"^[^:]{2,20}:\s*", "", written or " ".join("".join(islice(element.itertext(), 20)).split()))


def _sizes(block: Block) -> list[str]:
    """Choices of the select, radio group or swatches that is named after size, near the heading or the buy control."""
    first = block.heading or 0
    last = max(first, block.buy.order if block.buy else 0) + 60
    radios: list[str] = []
    for element, order in block.seen.fields:
        if not first - 10 <= order <= min(last, block.related):
            continue
        named = " ".join(
            element.get(a, "") for a in ("name", "id", "class", "aria-label", "data-option-name", "data-attribute_name")
        )
        if (
            element.tag == "select"
            and _SIZE_NAMES.search(f"{named} {_before(block, order)}")
            and not _COLOUR_NAMES.search(named)
        ):
            if sizes := _options(element):
                return sizes
        elif element.get("type") == "radio" and _SIZE_NAMES.search(named) and len(element.get("value", "")) < 20:
            radios.append(element.get("value", "").strip())
    radios += [c.text for c in block.seen.controls if c.element.get("role") == "radio" and _is_size_group(c.element)]
    return list(dict.fromkeys(r for r in radios if r and r != "on" and not _NO_CHOICE.match(r)))


def _is_size_group(button: Any) -> bool:
    group = next((e for e in islice(button.iterancestors(), 3) if e.get("role") == "radiogroup"), None)
    return group is not None and bool(_SIZE_NAMES.search(group.get("aria-label", "")))


def _chosen_colour(block: Block) -> str | None:
    """The only choice, or the one chosen beforehand, of a list or of radio buttons named after colour."""
    first, last = block.heading or 0, block.related
    chosen: list[str] = []
    for element, order in block.seen.fields:
        named = f"{element.get('name', '')} {element.get('id', '')} {element.get('data-attribute_name', '')}"
        if not first <= order <= last or not _COLOUR_NAMES.search(f"{named} {_before(block, order)}"):
            continue
        if element.tag == "select":
            every = _options(element)
            marked = [o for o in islice(element.iter("option"), 80) if o.get("selected") is not None]
            chosen += every if len(every) == 1 else [" ".join("".join(o.itertext()).split()) for o in marked]
        elif element.get("type") == "radio" and element.get("checked") is not None and _COLOUR_NAMES.search(named):
            chosen.append(element.get("value", ""))
    usable = [u for c in chosen if (u := _usable("colour", c)) and not re.search(r"\d", u)]
    return usable[0] if len(usable) == 1 else None


def _before(block: Block, order: int) -> str:
    return " ".join(x.text for x in block.seen.lines[max(0, order - 1) : order] if len(x.text) < 40)


def _options(select: Any) -> list[str]:
    written = [" ".join("".join(o.itertext()).split()) for o in islice(select.iter("option"), 80)]
    values = [o.get("value") for o in islice(select.iter("option"), 80)]
    kept = [
        re.split(r"\s+[-–(]\s*|\s*\(", w)[0].strip()
        for w, v in zip(written, values, strict=True)
        if w and v != "" and not _NO_CHOICE.match(w)
    ]
    return [k for k in dict.fromkeys(kept) if 0 < len(k) < 25]
