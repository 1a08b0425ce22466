"""A large JSON file, one item of its arrays at a time: annotation files of millions of polygons need no memory.

In: a file whose top is an object of arrays (COCO and its kin) or one array (Label Studio). Out: (key, item's raw text)
or parsed items. Raises DataError, naming the place, for what is no JSON; never holds more than one item.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataset.errors import DataError

MAX_ITEM_CHARS = 64_000_000
_CHUNK = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class _Text:
    """A window that slides over the file; `peek` shows the next character that is no space."""

    def __init__(self, path: Path) -> None:
        self.name, self.file = path.name, path.open(encoding="utf-8-sig")
        self.window, self.place, self.passed, self.ended = "", 0, 0, False

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        chunk = "" if self.ended else self.file.read(max(_CHUNK, len(self.window) - self.place))
        self.ended = not chunk
        self.passed += self.place
        self.window, self.place = self.window[self.place :] + chunk, 0
        return bool(chunk)

    def peek(self) -> str:
        while True:
            found = _SPACE.match(self.window, self.place)
            self.place = found.end() if found else self.place
            if self.place < len(self.window):
                return self.window[self.place]
            if not self.more():
                return ""

    def take(self, expected: str) -> str:
        found = self.peek()
        if not found or found not in expected:
            raise self.fault(f"found {found!r}" if found else "the file ends", expected)
        self.place += 1
        return found

    def value(self) -> tuple[Any, str]:
        """The next value, parsed and as text. A number at the window's end may go on: it is read again with more."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.window, self.place)
                if end < len(self.window) or not self.more():
                    text = self.window[self.place : end]
                    self.place = end
                    return value, text
            except json.JSONDecodeError as error:
                if len(self.window) - self.place > MAX_ITEM_CHARS:
                    raise self.fault("one item is too long, or is no JSON", f"{MAX_ITEM_CHARS} characters") from error
                if not self.more():
                    raise self.fault(error.msg, "JSON") from error
            except RecursionError as error:
                raise self.fault("nested too deeply", "JSON") from error

    def fault(self, what: str, expected: str) -> DataError:
        where = f"{self.name}, character {self.passed + self.place}"
        return DataError(what, where=where, expected=expected, cure="Fetch or export the file again")


def starts_with(path: Path, bracket: str) -> bool:
    """Whether the file's top is an object ('{') or an array ('[')."""
    with path.open("rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == bracket.encode()


def items(path: Path, keys: tuple[str, ...]) -> Iterator[tuple[str, Any, str]]:
    """(key, item, its raw text) of the arrays called `keys` in the file's top object, in the file's order."""
    text = _Text(path)
    with text.file:
        try:
            yield from _members(text, keys)
        except UnicodeDecodeError as error:
            raise text.fault("is no UTF-8 text", "JSON") from error


def array(path: Path) -> Iterator[Any]:
    """Items of a file that is one array."""
    text = _Text(path)
    with text.file:
        try:
            for item, _ in _array(text):
                yield item
        except UnicodeDecodeError as error:
            raise text.fault("is no UTF-8 text", "JSON") from error


def _members(text: _Text, keys: tuple[str, ...]) -> Iterator[tuple[str, Any, str]]:
    text.take("{")
    while text.peek() != "}":
        key, _ = text.value()
        text.take(":")
        if key in keys and text.peek() == "[":
            for item, raw in _array(text):
                yield key, item, raw
        elif text.peek() == "[":
            for _ in _array(text):
                pass
        else:
            text.value()
        if text.peek() != "}":
            text.take(",")


def _array(text: _Text) -> Iterator[tuple[Any, str]]:
    text.take("[")
    while text.peek() != "]":
        yield text.value()
        if text.peek() != "]":
            text.take(",")
    text.take("]")
