"""The product's own block on a visible page: its heading, the control that buys it, the tiles that are not it.

In: a parsed page, then its lines. Out: `Block`. Nothing here reads a value; it says where to read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree
from parsel import Selector

from crawlers.extract import image_urls, lines, walk, words
from crawlers.extract.lines import Control, Line, Seen

_BEFORE, _AFTER, _MOST_IN_TILE, _TILE_DEPTH = 60, 250, 150, 14
_TITLES = etree.XPath(
    "//title[not(ancestor::body)]/text() | //meta[@property='og:title']/@content", smart_strings=False
)
_HOME = re.compile(r"(?:https?://[^/]+)?/?(?:index\.\w+)?")
_CART_LINK = re.compile(r"add.?to.?cart|cart.?add|cart/add|addcart|basket.?add|[?&]action=(?:buy|add)|buy_now", re.I)


@dataclass(slots=True)
class Block:
    """`heading`, `related` are line indexes; `buy` is the control that buys or says why not, `strong` if surely so."""

    seen: Seen
    name: str | None
    heading: int | None
    buy: Control | None
    strong: bool
    related: int
    tiles: set[Any]

    def near(self, before: int = 5, after: int = 120) -> list[Line]:
        """Lines around heading and buy control, up to the first recommendation."""
        first = self.heading if self.heading is not None else (self.buy.order if self.buy else 0)
        last = max(first, self.buy.order if self.buy else 0) + after
        return self.seen.lines[max(0, first - before) : min(last, self.related)]


def main_heading(page: Selector, title: str) -> tuple[Any, bool]:
    """The `h1` most like the title, and whether it is like it; (None, False) where the page has none with text."""
    headings = [(h, t) for h in islice(page.root.iter("h1"), 12) if (t := _text(h)) and not _is_logo(h)]
    best = max(headings, key=lambda x: _likeness(x[1], title), default=None)
    if best is None:
        return None, False
    alike = _likeness(best[1], title) >= 0.5
    return (best if alike else headings[0])[0], alike


def _is_logo(heading: Any) -> bool:
    """Whether a heading leads to the front page: many themes write the shop's name as `h1` on every page."""
    links = islice(heading.iter("a"), 2)
    return any(_HOME.fullmatch(a.get("href", "#").strip()) for a in links)


def titled(page: Selector) -> str:
    found = _TITLES(page.root)[:3]
    return " ".join(text[:600] for text in found)[:600]


def find(seen: Seen, heading: Any, is_sure: bool, title: str, priced: list[Line]) -> Block:
    """`priced` are the lines that hold a sum of money; a line that repeats the title beats a heading that doesn't."""
    name, at = (_named(heading), seen.heading) if heading is not None else (None, None)
    if not is_sure and (
        line := _titling(seen.lines, title, heading is None)
        or (_above_price(seen, priced) if heading is None else None)
    ):
        heading, name, at = line.element, line.text, line.order
    above = set(islice(heading.iterancestors(), walk.DEEPEST)) if heading is not None else set()
    tiles = _tiles(priced, above | _around_buttons(seen))
    buy, strong = _buy(seen, at, tiles)
    return Block(seen, name, at, buy, strong, _related(seen, at or 0, buy), tiles)


def _above_price(seen: Seen, priced: list[Line]) -> Line | None:
    """On a page without heading and title: the first line of several words above the price by the only buy button."""
    buttons = [c for c in seen.controls if _is_strong(c) and _buys(c)]
    button = buttons[0] if len(buttons) == 1 else None
    near = [x for x in priced if button and abs(x.order - button.order) <= 15]
    if not near:
        return None
    above = seen.lines[max(0, near[0].order - 10) : near[0].order]
    fitting = [x for x in above if not x.flags & lines.LINK and 10 < len(x.text) < 160 and not x.text.endswith(":")]
    named = [x for x in fitting if not re.match(r"[^:]{2,20}:", x.text)]
    titles = [x for x in named if x.flags & lines.HEADING]
    return titles[-1] if titles else next((x for x in named if len(x.text.split()) > 2), None)


def _titling(every: list[Line], title: str, without_h1: bool) -> Line | None:
    """The line that says most of the title in its own words; without `h1` a linked heading is the shop's logo."""
    logo = lines.HEADING | lines.LINK if without_h1 else 1 << 30
    fitting = [
        (x, _likeness(x.text, title))
        for x in every
        if 3 < len(x.text) < 200 and x.flags & logo != logo and not _leads_home(x)
    ]
    good = [
        (x, s - 0.4 * bool(x.flags & lines.LINK) + 0.2 * bool(x.flags & lines.HEADING)) for x, s in fitting if s >= 0.8
    ]
    return max(good, key=lambda g: (g[1], -g[0].order), default=(None, 0))[0]


def _leads_home(line: Line) -> bool:
    """Whether a linked line leads to the front page: the shop's own name."""
    near = (line.element, *islice(line.element.iterancestors(), 3)) if line.flags & lines.LINK else ()
    return any(_HOME.fullmatch(a.get("href", "#").strip()) for a in near if a.tag == "a")


def _likeness(text: str, title: str) -> float:
    """Share of the text's words that the title has, and up to as much again for the share of the title they make up."""
    mine, whole = set(re.findall(r"\w+", text.lower())), set(re.findall(r"\w+", title.lower()))
    common = len(mine & whole)
    if not common or (common == 1 and len(whole) > 3 and not title.lower().startswith(text.lower())):
        return 0.0
    share = common / len(mine)
    start = 0.3 * folded(title).startswith(folded(text))
    return share + 0.5 * common / len(whole) + start if share >= 0.5 else 0.0


def in_tile(element: Any, tiles: set[Any]) -> bool:
    return bool(tiles) and any(e in tiles for e in (element, *islice(element.iterancestors(), _TILE_DEPTH)))


def buys_in_columns(block: Block) -> bool:
    """Whether two cells of one table row have the same buy button: a comparison."""
    rows: dict[tuple[Any, str], set[Any]] = defaultdict(set)
    for control in block.seen.controls:
        if control.is_button and words.BUY.search(control.text):
            cell = next((e for e in islice(control.element.iterancestors(), 5) if e.tag in ("td", "th")), None)
            if cell is not None:
                rows[(cell.getparent(), control.text)].add(cell)
    return any(len(cells) > 1 for cells in rows.values())


def buys_a_tile(block: Block) -> bool:
    """Whether what holds the buy control, but not the heading, links to another page with a picture."""
    heading = next((x.element for x in block.seen.lines if x.order == block.heading), None)
    kept = {heading, *heading.iterancestors()} if heading is not None else set()
    above = islice(block.buy.element.iterancestors(), 8) if block.buy else ()
    for element in above:
        if element in kept:
            return False
        if any(_links_away(a) for a in islice(element.iter("a"), 5)):
            return True
    return False


def _links_away(link: Any) -> bool:
    href = link.get("href", "#")
    pictured = link.find(".//img") is not None and not image_urls.PICTURE.search(href)
    return pictured and not href.startswith(("#", "javascript"))


def folded(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def _text(element: Any) -> str:
    return " ".join("".join(islice(element.itertext(), 60)).split())[:300]


def _named(heading: Any) -> str:
    """A heading's text without the badges in it ('New', '-20 %')."""
    if next(heading.iterchildren(), None) is None:
        return _text(heading)
    badges = [e for e in islice(heading.iterdescendants(), 20) if isinstance(e.tag, str) and _is_badge(e)]
    written = _text(heading)
    for badge in badges:
        said = _text(badge)
        if said and len(said) < 20 and written.endswith(said) and len(written) > len(said) + 3:
            written = written.removesuffix(said).rstrip()
    return written


def _is_badge(element: Any) -> bool:
    return bool(lines.flags_of(lines.named(element, "")) & lines.BADGE)


def _around_buttons(seen: Seen) -> set[Any]:
    """What holds the page's only buy button (or its twin): that is no tile."""
    buttons = [c.element for c in seen.controls if c.is_button and words.BUY.search(c.text) and len(c.text) < 40]
    if len(buttons) > 2 or (len(buttons) == 2 and _are_siblings(*buttons)):
        return set()
    return {a for b in buttons for a in islice(b.iterancestors(), 12)}


def _are_siblings(one: Any, other: Any) -> bool:
    """Whether two buttons stand in elements of one kind beside each other, each with a picture that leads away."""
    above = list(islice(other.iterancestors(), 12))
    mine = list(islice(one.iterancestors(), 12))
    common = next((e for e in mine if e in above), None)
    if common is None or common in (mine[0], above[0]):
        return False
    a, b = mine[mine.index(common) - 1], above[above.index(common) - 1]
    alike = a.tag == b.tag and _kind(a) == _kind(b)
    return alike and all(any(_links_away(link) for link in islice(e.iter("a"), 5)) for e in (a, b))


def _tiles(priced: Iterable[Line], above: set[Any]) -> set[Any]:
    """Elements that repeat beside each other, each with a sum and a link: a listing's or a carousel's members."""
    groups: dict[tuple[Any, str, str], set[Any]] = defaultdict(set)
    for line in islice(priced, 200):
        for element in (line.element, *islice(line.element.iterancestors(), _TILE_DEPTH)):
            parent = element.getparent()
            if parent is None or element in above:
                break
            groups[(parent, element.tag, _kind(element))].add(element)
    found: set[Any] = set()
    for members in groups.values():
        linked = [m for m in members if _links(m) and next(islice(m.iter(), _MOST_IN_TILE, None), None) is None]
        if len(linked) > 2 or (len(linked) == 2 and all(m.find(".//img") is not None for m in linked)):
            found.update(linked)
    return found


def _kind(element: Any) -> str:
    names = element.get("class", "").split()
    return names[0] if names else ""


def _links(element: Any) -> bool:
    return any(not a.get("href", "#").startswith(("#", "javascript")) for a in islice(element.iter("a"), 5))


def _buy(seen: Seen, heading: int | None, tiles: set[Any]) -> tuple[Control | None, bool]:
    """The first control after the heading that buys, says sold out or offers a notice; else the last one before it."""
    at = heading if heading is not None else 0
    fitting = [c for c in [*seen.controls, *_linked(seen)] if _buys(c) and not in_tile(c.element, tiles)]
    fitting.sort(key=lambda c: c.order)
    after = [c for c in fitting if at <= c.order <= at + _AFTER]
    before = [c for c in fitting if at - _BEFORE <= c.order < at]
    clear = [c for c in after if _is_strong(c)] or [c for c in before[::-1] if _is_strong(c)]
    chosen = next(iter(clear or after or before[::-1]), None)
    return chosen, chosen is not None and _is_strong(chosen)


def _buys(control: Control) -> bool:
    text = control.text
    if len(text) > 70:
        return False
    spoken = (words.BUY, words.SOLD_OUT, words.PRE_ORDER, words.TELL_ME, words.COMING)
    return control.named or any(p.search(text) for p in spoken)


def _is_strong(control: Control) -> bool:
    fits = any(p.search(control.text) for p in (words.BUY, words.PRE_ORDER, words.SOLD_OUT))
    plain = words.BUY.search(control.text) and words.CART.search(control.text)
    named = control.named and (fits or control.is_button or not control.text)
    return bool((control.is_button and fits) or plain or named)


def _linked(seen: Seen) -> list[Control]:
    """Links whose text buys; many shops' buttons are links."""
    return [
        Control(x.text, x.element, x.order, False, _bought_by(x), False, x.flags)
        for x in seen.lines
        if len(x.text) < 40 and x.flags & (lines.LINK | lines.BUYING) and words.BUY.search(x.text)
    ]


def _bought_by(line: Line) -> bool:
    """Whether the class of the line's element, or its link's class or address, says that it buys."""
    if line.flags & lines.BUYING:
        return True
    near = [e for e in (line.element, *islice(line.element.iterancestors(), 2)) if e.tag == "a"]
    return any(
        lines.flags_of(f"{a.get('class', '')} {a.get('id', '')}") & lines.BUYING or _CART_LINK.search(a.get("href", ""))
        for a in near
    )


def _related(seen: Seen, heading: int, buy: Control | None) -> int:
    """Index of the first line after the heading that opens recommendations; the number of lines where none does."""
    start = max(heading + 1, buy.order if buy and buy.order < heading + 150 else 0)
    for line in seen.lines[start:]:
        titled = line.flags & lines.HEADING or (len(line.text) < 45 and not line.flags & lines.LINK)
        if titled and len(line.text) < 70 and words.RELATED.search(line.text):
            return line.order
    return len(seen.lines)
