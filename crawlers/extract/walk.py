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

from crawlers.extract import lines, money
from crawlers.extract.lines import Control, Line, Seen

MOST_ELEMENTS, MOST_LINES, DEEPEST = 40_000, 6_000, 250
_REACH, _MOST_WEIGHINGS, _SHALLOW = 4, 100, 30
_SKIPPED = {
    "script", "style", "noscript", "template", "svg", "iframe", "head", "nav", "footer", "dialog", "textarea", "object",
    "audio", "video", "map", "canvas", "math", "datalist",
}  # fmt: skip
INLINE = {
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
_FULL_CENTS = re.compile(r"\d[.,]\d\d\W{1,3}$")
_SIGNED = re.compile(r"\d\W?[^\W\d_]{2,3}$")  # '899,90 TL'
_RANGE_OPEN = re.compile(r"(?:[-–—~〜/(]|\b(?:to|bis|à|a|do|до|from|ab|vanaf))\s*$", re.I)


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
            return element not in self.kept and not (tag == "template" and _is_fallback(element))
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
        if own & lines.STRUCK and not own & lines.PRICED and _is_sum(element):
            own |= lines.PRICED
        near = own
        for _, above, _ in self.stack[-_REACH:]:
            near |= above & _NEARBY
        if not near & lines.PRICED:
            near &= ~(lines.STRUCK | lines.WEAK | lines.SALE)
        self.stack.append((near | by_tag, own, by_tag))
        if tag not in INLINE or element is self.heading or own & lines.HIDDEN:
            self._flush()
        elif own & lines.PRICED and self.parts:
            self._begin_sum(element)
        if element is self.heading:
            self.seen.heading = len(self.seen.lines)
        if tag == "a" and own & lines.BUYING:
            self._add_control(element, is_button=False)
        if element.text:
            self._text(element.text, element, near | by_tag)

    def _begin_sum(self, element: Any) -> None:
        """A priced element with a sum of its own after a whole sum opens a line; a label right before goes with it."""
        written = " ".join("".join(islice(element.itertext(), 12)).split())
        if len(written) > 60 or not money.find(written):
            return
        label = [self.parts[-1]] if len(self.parts) > 1 and _is_label(self.parts[-1]) else []
        before = "".join(self.parts[: len(self.parts) - len(label)])
        if money.find(before) and not _RANGE_OPEN.search("".join(self.parts)):
            first, flags = self.first, self.flags
            self.parts = [before]
            self._flush()
            if label:
                self.parts, self.first, self.flags = [label[0].lstrip()], first, flags

    def _end(self, element: Any) -> None:
        _, own, _ = self.stack.pop()
        if element.tag not in INLINE or own & lines.HIDDEN:
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
        told = lines.PRICED | lines.SALE | lines.STOCK
        self.flags |= flags & (told | lines.WEAK if folded[-1:].isdigit() or folded[:1].isdigit() else told)
        self.touching = not text[-1].isspace()

    def _join(self, text: str, flags: int, *, touching: bool) -> str:
        """How a further piece goes on: a raised '99' after '29' makes 29.99, other numbers stay apart."""
        before = self.parts[-1]
        if before[-1:].isdigit() and text[:1].isdigit():
            if flags & lines.CENTS and _CENTS.match(text) and re.search(r"[.,]\d\d$", before) is None:
                return f".{text}"
            return f" {text}" if flags & lines.PRICED and re.search(r"[,.]\d{3}|\d{4}", text) is None else text
        apart = text[:1].isdigit() and (before[-1:].isalpha() or _FULL_CENTS.search(before))
        apart = apart or (text[:1].isalpha() and (before[-1:].isdigit() or _SIGNED.search(before)))
        return text if touching and not apart else f" {text}"

    def _flush(self) -> None:
        if self.parts:
            text = "".join(self.parts)
            self.seen.lines.append(Line(text, self.first, self.flags, len(self.seen.lines)))
            self.parts, self.flags = [], 0
        self.touching = False


def _is_label(text: str) -> bool:
    """Words without a number: what some shops say of the sum that follows, for those who can't see."""
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text)) and not money.only_sign(text.strip())


def _is_fallback(template: Any) -> bool:
    """A template that stands until a script has loaded its data, with markup for machines that read no scripts."""
    return template.get("x-if", "").startswith("!") and template.find(".//*[@itemprop]") is not None


def _is_sum(element: Any) -> bool:
    """Whether an element says one sum of money and little else: then 'was' in its class is said of a price."""
    written = " ".join("".join(islice(element.itertext(), 6)).split())
    return len(written) < 24 and len(money.find(written)) == 1
