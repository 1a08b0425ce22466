"""What a visitor sees of a page, as lines of text in order, with what the markup around each one says.

In: class names, ids and tags. Out: the shapes `Line`, `Control` and `Seen` that `crawlers.extract.walk` fills, and
the bits that a name stands for. Judges nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from crawlers.extract import class_names

STRUCK, PRICED, LINK, OPTION, SALE, STOCK, WEAK, BADGE, HEADING, FORM = (1 << n for n in range(10))
CUT, BUYING, CENTS, CRUMBS, CODE, STORY, HIDDEN = (1 << n for n in range(10, 17))
_BY_CLASS = (
    (class_names.PRICE, PRICED), (class_names.STRUCK, STRUCK), (class_names.WEAK_STRUCK, WEAK),
    (class_names.SALE, SALE),
    (class_names.STOCK, STOCK), (class_names.OPTION, OPTION), (class_names.BADGE, BADGE), (class_names.RELATED, CUT),
    (class_names.NOISE, CUT), (class_names.BUY, BUYING), (class_names.CENTS, CENTS), (class_names.CRUMBS, CRUMBS),
    (class_names.CODE, CODE), (class_names.STORY, STORY), (class_names.HIDDEN, HIDDEN | BADGE),
)  # fmt: skip
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ABOUT = re.compile(r"(?<![a-z])(?:with|has|without|no|show|hide|if)[-_]+[\w-]*")
_LONGEST_NAME = 400


@dataclass(slots=True)
class Line:
    """One visible line; `element` holds its first piece, `flags` are this module's bits, `order` its index."""

    text: str
    element: Any
    flags: int
    order: int


@dataclass(slots=True)
class Control:
    """A button or link that may buy; `order` is the index of the line that follows it; `named`: its class says so."""

    text: str
    element: Any
    order: int
    is_button: bool
    named: bool
    disabled: bool
    flags: int


@dataclass(slots=True)
class Seen:
    """`fields` are selects, radio buttons and text inputs with the index of the line that follows; `heading` an index.

    `marked` are elements whose class says breadcrumb, code or description, with those bits; `props` the elements with
    an `itemprop`, by its name.
    """

    lines: list[Line] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    fields: list[tuple[Any, int]] = field(default_factory=list)
    heading: int | None = None
    marked: list[tuple[int, Any]] = field(default_factory=list)
    props: dict[str, list[Any]] = field(default_factory=dict)


def kin(a: Line, b: Line) -> bool:
    """Whether two lines' elements share a parent or a grandparent."""
    return bool(_close(a) & _close(b))


def named(element: Any, tag: str) -> str:
    """Class, id and custom tag name of an element, as `flags_of` reads them."""
    name: str = element.get("class", "")
    if own := element.get("id"):
        name = f"{name} {own}"
    return f"{tag} {name}" if "-" in tag else name


@lru_cache(maxsize=8192)
def flags_of(name: str) -> int:
    """Bits that a class, id and custom tag name stand for; 'with-old-price' says nothing of the element itself."""
    if not name:
        return 0
    split = _ABOUT.sub(" ", _CASE.sub("-", name[:_LONGEST_NAME]).lower())
    found = 0
    for pattern, bits in _BY_CLASS:
        if pattern.search(split):
            found |= bits
    return found


def _close(line: Line) -> set[Any]:
    parent = line.element.getparent()
    higher = parent.getparent() if parent is not None else None
    return {e for e in (line.element, parent, higher) if e is not None and e.tag != "body"}
