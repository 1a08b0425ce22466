"""The visible page read as a visitor would: heading, price, stock, codes, choices, and whether it is a product at all.

In: a parsed page. Out: `Visible`: fields with a confidence each, the sums of money shown, points of evidence. Never
reads scripts or markup made for machines, save where a field's own attribute holds the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lxml import etree
from parsel import Selector

from crawlers.extract import block as blocks
from crawlers.extract import fields, lines, money, visible_details, visible_price, visible_stock, walk, words
from crawlers.extract.block import Block
from crawlers.extract.lines import Control
from crawlers.extract.visible_price import Shown

_PRODUCT_BODY = re.compile(
    r"(?:^|[\s_-])(?:single-product|product-?(?:page|detail|details|template|show)?|template-product|"
    r"catalog-product-view|pdp|product-product|item-page|artikel|produkt|produit)(?=$|[\s_-])",
    re.I,
)
_POST_BODY = re.compile(
    r"(?:^|[\s_-])(?:single-post|blog(?:-post|-template)?|template-(?:article|blog)|article(?:-page)?|"
    r"post-template|news)(?=$|[\s_-])",
    re.I,
)
_MONTH = (
    r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|août|sep|oct|okt|nov|dec|dez|déc|janv|févr|mars|avr|"
    r"juin|juil|ene|abr|ago|dic|gen|mag|giu|lug|set|ott)[a-zéû]*\.?"
)
_DATE = (
    rf"(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? 20\d\d|\d{{1,2}}\.? (?:de )?{_MONTH},? (?:de )?20\d\d|"
    rf"20\d\d-\d\d-\d\d|\d{{1,2}}[./]\d{{1,2}}[./]20\d\d)"
)
_BYLINE = re.compile(
    rf"^(?:(?:by|von|par|por|di|posted|published|veröffentlicht|publié|"
    rf"publicado)\b.*)?\W*{_DATE}\W*(?:by .*|\d+ min.*|(?:by|von|par|por) .*)?$|"
    rf"\b\d+ min(?:ute)?s? read\b|^(?:posted|published|written) (?:by|on)\b",
    re.I,
)
_SURE = 4.0
_DATED = etree.XPath(
    "boolean(//article//time) or boolean(//@rel[.='author']) or boolean(//meta[@property='article:published_time'])"
)
_PICTURED = etree.XPath("boolean(//*[contains(@id, 'product-image') or contains(@class, 'product-image')]//img)")
_BODY = etree.XPath("/html/body/@class | /html/body/@id | /html/@class | //main/@class", smart_strings=False)
_QUANTITY = re.compile(r"qty|quantity|menge|anzahl|quantit|cantidad|ilosc|quantidade|antal|aantal|kolicina", re.I)


@dataclass(slots=True)
class Visible:
    """`fields` maps a field to (value, confidence); `points` is evidence for a product page, 5 being enough.

    `article` is evidence against, in the same points.
    `tiled` counts the sums in tiles above the first recommendation.
    """

    block: Block
    shown: Shown
    fields: dict[str, tuple[Any, float]] = field(default_factory=dict)
    points: float = 0.0
    article: float = 0.0
    tiled: int = 0
    is_front: bool = False

    @property
    def is_product(self) -> bool:
        named = self.block.name is not None and not words.NO_PRODUCT_NAME.match(self.block.name)
        return named and self.points - self.article >= 5 and not self.is_listing

    @property
    def is_listing(self) -> bool:
        """Says how many goods it shows or how to sort them, and no buy control stands outside its tiles."""
        if blocks.buys_in_columns(self.block):
            return True
        return self.counts_goods and (not self.block.strong or blocks.buys_a_tile(self.block))

    @property
    def counts_goods(self) -> bool:
        above = self.block.seen.lines[: self.block.related]
        return any(words.LISTING.search(x.text) for x in above if len(x.text) < 60)

    @property
    def is_buyable(self) -> bool:
        """A clear buy control and a price stand in the product's own block."""
        return self.block.strong and self.shown.price is not None


def read(page: Selector, *, is_front: bool = False) -> Visible:
    title = blocks.titled(page)
    heading, is_sure = blocks.main_heading(page, title)
    seen = walk.read(page.root, heading)
    priced = visible_price.priced(seen)
    block = blocks.find(seen, heading, is_sure, title, [line for line, _ in priced])
    found = Visible(block, visible_price.choose(block, priced), is_front=is_front)
    found.tiled = sum(
        x.order < block.related and len(x.text) < 40 and blocks.in_tile(x.element, block.tiles) for x, _ in priced
    )
    found.fields = visible_details.read(block, page)
    if found.shown.price is None or found.shown.price.score < _SURE:
        visible_details.priced_attributes(page, block, found.fields)
    if block.name:
        found.fields["name"] = (block.name, 0.75)
    if stock := visible_stock.read(block):
        found.fields["availability"] = stock
    if described := _description(block):
        found.fields["description"] = (described, 0.5)
    body = _body_names(page)
    found.points, found.article = _points(page, body, found, is_front), _article(page, body, found)
    return found


def _points(page: Selector, body: str, found: Visible, is_front: bool) -> float:
    block, price = found.block, found.shown.price
    points = 3.0 * block.strong + (_weak_buy(block.buy) if block.buy is not None and not block.strong else 0.0)
    points += 1.5 * visible_stock.is_said(block) + 0.5 * sum(
        n in found.fields for n in ("brand", "colour", "categories")
    )
    unseen = 2.0 if "price" in found.fields else -1.0
    points += _price_points(found) if price is not None else unseen
    points += 0.5 * (block.buy is None and price is not None and visible_stock.read(block) == ("OutOfStock", 0.85))
    points += 1.0 * any(_is_quantity(e) for e, _ in block.seen.fields)
    points += 1.0 * ("sku" in found.fields or "gtin" in found.fields) + 1.0 * ("sizes" in found.fields)
    points += 1.5 * bool(_PRODUCT_BODY.search(body)) - 3.0 * is_front
    points += 5.0 * (price is None and not block.tiles and _is_gone(page, block))
    subscriptions = sum(1 for x in block.near() if _is_per_month(x.text))
    points -= 2.0 * (block.buy is None and len(block.tiles) > 5)
    return points - 3.0 * (subscriptions > 1)


def _is_gone(page: Selector, block: Block) -> bool:
    """Whether a sentence says of the product itself that it can't be had, beside its own pictures."""
    at = block.heading or 0
    return any(words.GONE.search(x.text) for x in block.seen.lines[at + 1 : at + 60]) and bool(_PICTURED(page.root))


def _is_per_month(text: str) -> bool:
    return bool(money.HINT.search(text) and words.NOT_A_SHOP_PRICE.search(text) and money.find(text))


def _weak_buy(control: Control) -> float:
    """A control that offers a notice says as much of a product as half a buy button, 'Shop now' less."""
    return 2.0 if words.TELL_ME.search(control.text) or words.SOLD_OUT.search(control.text) else 1.0


def _price_points(found: Visible) -> float:
    """2 for a price, more for its markup and nearness to the heading, less for sections that lie between."""
    price, block = found.shown.price, found.block
    if price is None or price.score < 1.5:
        return -1.0
    points = 2.0 + 1.0 * bool(price.line.flags & lines.PRICED) + 0.5 * (found.shown.listed is not None)
    if block.heading is None:
        return points - 2.0
    away = price.line.order - block.heading
    between = [x for x in block.seen.lines[block.heading + 1 : price.line.order] if x.flags & lines.HEADING]
    points += 1.0 * (abs(away) <= 40) - 2.0 * (abs(away) > 150)
    points -= 1.0 * (len(between) > 1) + 1.5 * (len(between) > 3)
    return points - 5.0 * any(_is_another(x, block, price.line.order) for x in between[-2:])


def _is_another(heading: lines.Line, block: Block, at: int) -> bool:
    """Whether a linked heading shortly above the price names another product than the main heading does."""
    named = blocks.folded(heading.text) in blocks.folded(block.name or "")
    return bool(heading.flags & lines.LINK) and at - heading.order < 4 and not named


def _article(page: Selector, body: str, found: Visible) -> float:
    """Points against: a post's body class, a dated and signed article, much running text before the price."""
    price = found.shown.price
    until = price.line.order if price is not None else len(found.block.seen.lines)
    running = sum(1 for x in found.block.seen.lines[found.block.heading or 0 : until] if len(x.text) > 200)
    dated = bool(_DATED(page.root))
    at = found.block.heading or 0
    signed = any(len(x.text) < 60 and _BYLINE.search(x.text) for x in found.block.seen.lines[max(0, at - 2) : at + 5])
    return 2.0 * signed + 2.0 * bool(_POST_BODY.search(body)) + 1.0 * dated + 0.5 * min(running, 8) * (running > 2)


def _body_names(page: Selector) -> str:
    spots = _BODY(page.root)[:5]
    return " ".join(spots)[:1500]


def _is_quantity(element: Any) -> bool:
    return bool(_QUANTITY.search(f"{element.get('name', '')} {element.get('id', '')} {element.get('class', '')}"))


def _description(block: Block) -> str | None:
    """Text of what is marked as the description, where it has a sentence's length and no product page's."""
    marked = [e for bits, e in block.seen.marked if bits & lines.STORY and not blocks.in_tile(e, block.tiles)]
    for element in [*block.seen.props.get("description", []), *marked][:6]:
        written = " ".join("".join(islice(element.itertext(), 400)).split())
        if 30 <= len(written) <= 6000 and not written.startswith("{"):
            return fields.text(written)
    return None
