"""One walk over a page's elements that yields its visible lines, controls and choices in order.

In: the root of a parsed page and its main heading. Out: `Seen`. Menus, footers, mini-carts, reviews, recommendations
and what is hidden are left out, unless they hold the heading or most of the page. Bounded in elements, lines and depth;
the tree stays as it is.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from lxml import etree

from crawlers.extract import lines
from crawlers.extract.lines import Control, Line, Seen

MOST_ELEMENTS, MOST_LINES, DEEPEST = 40_000, 6_000, 250
_REACH, _MOST_WEIGHINGS, _SHALLOW = 4, 100, 30
_SKIPPED = {
    "script", "style", "noscript", "template", "svg", "iframe", "head", "nav", "footer", "dialog", "textarea", "object",
    "audio", "video", "map", "canvas", "math", "datalist",
}  # fmt: skip
_INLINE = {
    "span", "b", "strong", "i", "em", "u", "sup", "sub", "small", "big", "font", "ins", "bdi", "bdo", "data",
    "abbr", "a",
    "label", "mark", "del", "s", "strike", "time", "var", "code", "q", "cite", "tt", "wbr", "price",
}  # fmt: skip
_LASTING = lines.LINK | lines.FORM | lines.HEADING | lines.STRUCK
_BY_TAG = {
    "del": lines.STRUCK, "s": lines.STRUCK, "strike": lines.STRUCK, "a": lines.LINK, "form": lines.FORM,
    "h1": lines.HEADING,
    "h2": lines.HEADING, "h3": lines.HEADING, "h4": lines.HEADING, "h5": lines.HEADING, "label": lines.OPTION,
    "sup": lines.CENTS,
}  # fmt: skip
# Flags that reach four levels down: a wrapper's class says little of what stands deep inside it.
_NEARBY = (
    lines.PRICED | lines.SALE | lines.WEAK | lines.STOCK | lines.OPTION | lines.BADGE | lines.STRUCK | lines.BUYING
)
_MARKS = lines.CRUMBS | lines.CODE | lines.STORY
_ROLES = {"navigation", "banner", "contentinfo", "dialog"}
_CHOICES = {"radio", "text", "number", "hidden", "tel"}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_CENTS = re.compile(r"\d\d(?!\d)")


def read(root: Any, heading: Any = None) -> Seen:
    """`heading` and what holds it are never cut out, whatever their class says."""
    kept = {heading, *islice(heading.iterancestors(), DEEPEST)} if heading is not None else set()
    return _Walk(kept, heading).run(root)


class _Walk:
    """`stack`: per open element (flags of its text, bits of its own name, bits of tags above that last)."""

    def __init__(self, kept: set[Any], heading: Any) -> None:
        self.kept, self.heading, self.seen = kept, heading, Seen()
        self.parts: list[str] = []
        self.first: Any = None
        self.flags, self.touching = 0, False
        self.stack: list[tuple[int, int, int]] = [(0, 0, 0)]
        self.most, self.weighings = 0, 0

    def run(self, root: Any) -> Seen:
        self.most = int(root.xpath("count(//*)")) // 3
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for count, (event, element) in enumerate(walk):
            if count > 2 * MOST_ELEMENTS or len(self.seen.lines) > MOST_LINES:
                break
            if event == "start":
                own = lines.flags_of(lines.named(element, element.tag))
                if self._is_cut(element, own):
                    walk.skip_subtree()
                    self.stack.append(self.stack[-1])
                else:
                    self._start(element, own)
            elif event == "end":
                self._end(element)
            elif element.tail and element.getparent() is not None:
                self._text(element.tail, element.getparent(), self.stack[-1][0])
        self._flush()
        return self.seen

    def _is_cut(self, element: Any, own: int) -> bool:
        tag, attributes = element.tag, element.attrib
        if own & _MARKS:
            self.seen.marked.append((own & _MARKS, element))
        if tag in _SKIPPED or len(self.stack) > DEEPEST:
            return element not in self.kept
        if tag in ("input", "select", "button"):
            return self._control(element, tag)
        if element in self.kept or tag in ("html", "body", "main"):
            return False
        if "hidden" in attributes or ("style" in attributes and _HIDDEN.search(attributes["style"])):
            return not self._is_most(element)
        if tag in ("header", "aside") or attributes.get("role") in _ROLES:
            return (tag != "aside" or element.find(".//button") is None) and not self._is_most(element)
        return bool(own & lines.CUT) and not self._is_most(element)

    def _is_most(self, element: Any) -> bool:
        """Whether an element holds over a third of the page: then it is the page, whatever its class says."""
        self.weighings += 1
        if self.weighings > _MOST_WEIGHINGS or len(self.stack) > _SHALLOW:
            return False
        return next(islice(element.iter(), self.most, None), None) is not None

    def _control(self, element: Any, tag: str) -> bool:
        """Keeps buttons and choices apart from the text; True, since their content is no line of the page."""
        kind = element.get("type", "submit" if tag == "button" else "text").lower()
        if tag == "button" or kind in ("submit", "button", "image"):
            self._flush()
            self._add_control(element, is_button=True)
        elif tag == "select" or kind in _CHOICES:
            self.seen.fields.append((element, len(self.seen.lines)))
        if prop := element.get("itemprop"):
            self.seen.props.setdefault(prop, []).append(element)
        return True

    def _add_control(self, element: Any, *, is_button: bool) -> None:
        picture = element.get("src", "").rsplit("/", 1)[-1]
        flags = lines.flags_of(f"{lines.named(element, '')} {element.get('name', '')} {picture}".strip())
        written = " ".join("".join(islice(element.itertext(), 20)).split()) if element.tag == "button" else ""
        spoken = " ".join(element.get(a, "") for a in ("value", "title", "aria-label", "alt") if element.get(a))
        off = element.get("disabled") is not None or element.get("aria-disabled") == "true"
        named, text = bool(flags & lines.BUYING), (written or spoken)[:120]
        order, flags = len(self.seen.lines), flags | self.stack[-1][0]
        self.seen.controls.append(Control(text, element, order, is_button, named, off, flags))

    def _start(self, element: Any, own: int) -> None:
        tag = element.tag
        by_tag = self.stack[-1][2] | (_BY_TAG.get(tag, 0) & _LASTING)
        if "line-through" in element.get("style", ""):
            by_tag |= lines.STRUCK
        if prop := element.get("itemprop"):
            self.seen.props.setdefault(prop, []).append(element)
            own |= lines.PRICED | lines.SALE if prop in ("price", "lowPrice") else 0
        own = (own & ~lines.CUT) | (_BY_TAG.get(tag, 0) & (lines.OPTION | lines.CENTS))
        near = own
        for _, above, _ in self.stack[-_REACH:]:
            near |= above & _NEARBY
        if not near & lines.PRICED:
            near &= ~(lines.STRUCK | lines.WEAK | lines.SALE)
        self.stack.append((near | by_tag, own, by_tag))
        if tag not in _INLINE or element is self.heading:
            self._flush()
        if element is self.heading:
            self.seen.heading = len(self.seen.lines)
        if tag == "a" and own & lines.BUYING:
            self._add_control(element, is_button=False)
        if element.text:
            self._text(element.text, element, near | by_tag)

    def _end(self, element: Any) -> None:
        self.stack.pop()
        if element.tag not in _INLINE:
            self._flush()
        if element.tail:
            self._text(element.tail, element.getparent(), self.stack[-1][0])

    def _text(self, text: str, element: Any, flags: int) -> None:
        folded = " ".join(text.split())
        if not folded:
            self.touching = False
            return
        if self.parts and (flags ^ self.flags) & lines.STRUCK:
            self._flush()
        if not self.parts:
            self.first, self.flags = element, flags
            self.parts.append(folded)
        else:
            self.parts.append(self._join(folded, flags, touching=self.touching and not text[0].isspace()))
        self.flags |= flags & (lines.PRICED | lines.SALE | lines.STOCK)
        self.touching = not text[-1].isspace()

    def _join(self, text: str, flags: int, *, touching: bool) -> str:
        """How a further piece goes on: a raised '99' after '29' makes 29.99, other numbers stay apart."""
        before = self.parts[-1]
        if before[-1:].isdigit() and text[:1].isdigit():
            if flags & lines.CENTS and _CENTS.match(text) and re.search(r"[.,]\d\d$", before) is None:
                return f".{text}"
            return f" {text}" if flags & lines.PRICED and re.search(r"[,.]\d{3}|\d{4}", text) is None else text
        return text if touching else f" {text}"

    def _flush(self) -> None:
        if self.parts:
            text = "".join(self.parts)
            self.seen.lines.append(Line(text, self.first, self.flags, len(self.seen.lines)))
            self.parts, self.flags = [], 0
        self.touching = False
