"""Whether the product can be had, as its buy control and the lines beside it say.

In: the product's block. Out: (schema.org name, confidence) or None. A size that is gone is not the product being gone:
options, swatches and labels don't count, nor do badges that themes keep in every page and hide by style.
"""

from __future__ import annotations

import re

from crawlers.extract import lines, words
from crawlers.extract.block import Block
from crawlers.extract.lines import Control, Line

_LONGEST = 90
_ALONE = re.compile(rf"\W*(?:{words.SOLD_OUT.pattern})\W*", re.I)
_BEFORE, _AFTER = 12, 15


def read(block: Block) -> tuple[str, float] | None:
    """The stock line that the shop marks as one; else the buy control; else any short line near it."""
    told = _by_control(block.buy) if block.buy else None
    marked = _by_lines([x for x in _near(block) if x.flags & lines.STOCK and not x.flags & lines.BADGE])
    plain = _by_lines([x for x in _near(block) if not x.flags & (lines.BADGE | lines.LINK)])
    if block.buy and block.buy.disabled and plain == "OutOfStock":
        return plain, 0.85
    if told and told != "InStock":
        return told, 0.85
    if told == "InStock" and _says_plainly(block):
        return "OutOfStock", 0.65
    if marked:
        return marked, 0.85 if told in (None, marked) else 0.65
    if told and block.strong:
        if plain in ("PreOrder", "BackOrder"):
            return plain, 0.6
        if block.buy and block.buy.disabled:
            return told, 0.5  # most often a size has still to be chosen
        return told, 0.8 if plain in (None, told) else 0.6
    if plain:
        return plain, 0.6
    return (told, 0.5) if told else None


def is_said(block: Block) -> bool:
    """Whether a line near heading and buy control, not the control itself, speaks of stock."""
    return _by_lines([x for x in _near(block) if not x.flags & (lines.BADGE | lines.LINK)]) is not None


def _says_plainly(block: Block) -> bool:
    """One line that says 'Out of stock' and nothing else, between heading and buy control; two are sizes."""
    found = [
        x
        for x in _near(block)
        if len(x.text) < 30 and not x.flags & (lines.BADGE | lines.LINK | lines.FORM) and _ALONE.fullmatch(x.text)
    ]
    return len(found) == 1 and block.buy is not None and found[0].order <= block.buy.order


def clear(block: Block) -> str | None:
    """What the buy control says beyond doubt: an enabled one that buys, or one that says why it can't."""
    told = _by_control(block.buy) if block.buy and block.strong else None
    return told if told != "InStock" or (block.buy and not block.buy.disabled) else None


def _by_control(control: Control) -> str | None:
    text = control.text
    for pattern, state in (
        (words.SOLD_OUT, "OutOfStock"), (words.PRE_ORDER, "PreOrder"), (words.BACK_ORDER, "BackOrder"),
        (words.BUY, "InStock"), (words.COMING, "OutOfStock"), (words.TELL_ME, "OutOfStock"),
    ):  # fmt: skip
        if pattern.search(text):
            return state
    return "InStock" if control.named and not control.disabled else None


def _near(block: Block) -> list[Line]:
    """Short lines from the heading to a little past the buy control, without options."""
    first = block.heading if block.heading is not None else (block.buy.order - _BEFORE if block.buy else 0)
    buy = block.buy.order if block.buy else first + 40
    last = min(max(first, buy) + _AFTER, block.related)
    found = block.seen.lines[max(0, min(first, buy - _BEFORE)) : last]
    return [x for x in found if 0 < len(x.text) <= _LONGEST and not x.flags & lines.OPTION and x.order != block.heading]


def _by_lines(found: list[Line]) -> str | None:
    for line in found:
        for pattern, state in (
            (words.SOLD_OUT, "OutOfStock"), (words.BACK_ORDER, "BackOrder"), (words.PRE_ORDER, "PreOrder"),
            (words.IN_STOCK, "InStock"),
        ):  # fmt: skip
            if pattern.search(line.text):
                return state
    return None
