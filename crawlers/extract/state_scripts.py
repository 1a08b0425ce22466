"""The data that lies in a page's scripts and attributes, as Python values with the place they came from.

In: a parsed page. Out: `State`s in document order: JSON scripts, values assigned or passed to a function in
JavaScript, the payloads of frameworks (unpacked), JSON in attributes. Only text that speaks of a price is read; at
most 2 MB of it a page, and half a megabyte where JSON's own reader fails and ours has to look. Never raises for what
a page wrote.
"""

from __future__ import annotations

import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from parsel import Selector

from crawlers.extract import state_literals, state_unpack

MAX_SCRIPT_CHARS = 2_000_000
_MAX_VALUES = 300
_MAX_CONTAINERS = 60_000
_MAX_DEPTH = 40
_MAX_ATTRIBUTES = 60
_BEFORE_CHARS = 120
_DECODER = json.JSONDecoder(strict=False)
# Where a value may begin in JavaScript: after an assignment, a colon, a bracket or a comma of a call.
_VALUE = re.compile(
    r"""[=(,:?|]\s{0,20}(?:JSON\.parse\(\s{0,20})?"""
    r"""(?=\{\s{0,20}["'\w$}]|\[\s{0,20}[{\["']|["'][{\[]|JSON\.parse\(|decodeURIComponent\()"""
)
_JSON = re.compile(r"\{\s*\"|\[\s*[{\[\"]|\"")
_PRICE = re.compile("rice|PRICE|mount")
_REACH = 30_000
_ANGULAR = (("&q;", '"'), ("&s;", "'"), ("&l;", "<"), ("&g;", ">"), ("&a;", "&"))
_ATTRIBUTES = "//@*[starts-with(., '{') or starts-with(., '[')]"


@dataclass(frozen=True)
class State:
    """`before`: the text just before the value, the script's id, or the attribute's name; `tag`: its element."""

    before: str
    value: Any
    tag: Any

    @cached_property
    def dicts(self) -> list[dict[Any, Any]]:
        """Every dict in the value, outermost first."""
        return list(containers(self.value))


def containers(value: Any) -> Iterator[dict[Any, Any]]:
    """Every dict in it, the shallow ones first, each once."""
    waiting: deque[tuple[Any, int]] = deque([(value, 0)] if isinstance(value, dict | list) else [])
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_CONTAINERS:
        held, depth = waiting.popleft()
        if id(held) in seen:
            continue
        seen.add(id(held))
        if isinstance(held, dict):
            yield held
        if depth < _MAX_DEPTH:
            inner: Iterable[Any] = held.values() if isinstance(held, dict) else held
            waiting.extend((v, depth + 1) for v in inner if isinstance(v, dict | list) and v)


def states(page: Selector) -> list[State]:
    """Every value found, at most 300."""
    found: list[State] = []
    for state in _all(page):
        found.append(state)
        if len(found) >= _MAX_VALUES:
            break
    return found


def _all(page: Selector) -> Iterator[State]:
    left = MAX_SCRIPT_CHARS
    flight: list[str] = []
    budget = _Budget()
    for tag in page.root.iter("script"):
        written = tag.text or ""
        kind = (tag.get("type") or "").lower()
        flown = "__next_f" in written
        if "ld+json" in kind or len(written) > left or not (flown or speaks_of_price(written)):
            continue
        left -= len(written)
        if flown:
            flight += state_unpack.flight_parts(written)
        else:
            yield from _script(tag, written.strip(), budget)
    for value in state_unpack.flight("".join(flight)):
        yield State("__next_f", value, None)
    priced = (a for a in page.root.xpath(_ATTRIBUTES) if len(a) > 20 and speaks_of_price(a))
    for attribute in islice(priced, _MAX_ATTRIBUTES):
        if len(attribute) <= left and isinstance(value := _json(str(attribute)), dict | list):
            left -= len(attribute)
            yield State(str(attribute.attrname), value, attribute.getparent())


def speaks_of_price(written: str) -> bool:
    """Whether a text could hold a priced product at all: two fast scans."""
    return "rice" in written or "PRICE" in written or "mount" in written


@dataclass
class _Budget:
    """What may still be spent on this page: characters read in vain by JSON's reader and by our own, slower one;
    members of packed states, which can name one another without end.
    """

    json_chars: int = 2 * MAX_SCRIPT_CHARS
    literal_chars: int = 300_000
    unpacked_members: int = 200_000

    def is_left(self) -> bool:
        return self.json_chars > 0 or self.literal_chars > 0

    def unpacked(self, value: Any) -> Any:
        made, spent = state_unpack.unpacked(value, self.unpacked_members)
        self.unpacked_members -= spent
        return made


def _script(tag: Any, written: str, budget: _Budget) -> Iterator[State]:
    name = " ".join(tag.get(key) or "" for key in ("id", "class", "data-varname", "type"))
    parent = tag.getparent()
    if parent is not None and parent.tag == "template":
        name += f" {parent.get('data-varname') or ''}"
    if written[:1] in ("{", "[") and (value := _json(written)) is not None:
        yield State(name, budget.unpacked(value), tag)
    else:
        for before, value in _assigned(written, budget):
            yield State(before, value, tag)


def _json(written: str) -> Any:
    for attempt in (written, *_escaped_twice(written)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _escaped_twice(written: str) -> Iterator[str]:
    """Angular's own escapes, and attributes whose entities were escaped twice."""
    if written.startswith(("{&q;", "[{&q;")):
        for mark, meant in _ANGULAR:
            written = written.replace(mark, meant)
        yield written
    elif "&quot;" in written[:200]:
        yield html.unescape(written)


def _assigned(written: str, budget: _Budget) -> Iterator[tuple[str, Any]]:
    """(text before, value) of the values in a piece of JavaScript; inside a value that was read nothing is sought."""
    yield from state_unpack.functions(written)
    at, priced = 0, _next_price(written, 0)
    while priced >= 0 and budget.is_left() and (found := _VALUE.search(written, at)) is not None:
        if priced < found.start():
            priced = _next_price(written, found.start())
        value, end = _value(written, found.end(), budget, near=0 <= priced - found.start() < _REACH)
        at = max(end, found.end())
        if isinstance(value, str):
            value = _json(value)
        if isinstance(value, dict | list) and value and speaks_of_price(written[found.end() : end]):
            yield written[max(0, found.start() - _BEFORE_CHARS) : found.end()], budget.unpacked(value)


def _next_price(written: str, at: int) -> int:
    found = _PRICE.search(written, at)
    return found.start() if found else -1


def _value(written: str, at: int, budget: _Budget, near: bool) -> tuple[Any, int]:
    """(value, its end), or (None, `at`); our own reader is asked only where a price stands near."""
    if written[at] in '{["' and budget.json_chars > 0 and _JSON.match(written, at):
        try:
            return _DECODER.raw_decode(written, at)
        except json.JSONDecodeError as error:
            budget.json_chars -= error.pos - at + error.pos // 20 + 50  # the error counts lines up to it
        except RecursionError:
            budget.json_chars -= 20_000
    if budget.literal_chars <= 0 or not near:
        return None, at
    try:
        value, end = state_literals.read(written, at)
    except state_literals.Unreadable as error:
        budget.literal_chars -= error.chars + 50
        return None, at
    budget.literal_chars -= end - at
    return value, end
