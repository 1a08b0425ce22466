"""JavaScript object literals as Python values: what shops assign in their scripts and JSON cannot read.

In: script text and where a value begins. Out: the value and where it ends; an expression that cannot be known without
running the script is None. Nothing is executed. Every character is read once; depth and length are bounded, and what
never closes raises `Unreadable`. chompjs loses the whole object at `'a' + 'b'`, `x ? 1 : 2` or `\\x41`, and cannot
put in the arguments of Nuxt's function; hence a reader of our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

MAX_LITERAL_CHARS = 500_000
_MAX_DEPTH = 60
_BLANK = re.compile(r"\s*+(?://[^\n]*+\s*+)*+")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|`(?:[^`\\]|\\.)*+`)"""
    r"|(?P<number>0[xX][0-9a-fA-F]{1,12}|(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?)"
    r"|(?P<name>[A-Za-z_$][\w$]*+(?:\??\.[A-Za-z_$][\w$]*+)*+)"
    r"|(?P<mark>\|\||\?\?|=>|&&|[^\w\s])",
    re.S,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|(.))", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "", "\n": ""}
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None, "Infinity": None}
_TRANSPARENT = {"Number", "String", "parseFloat", "parseInt", "Object.freeze", "Object.assign"}
_CLOSING = {"{": "}", "[": "]", "(": ")"}


def read(written: str, at: int = 0, names: Mapping[str, Any] | None = None) -> tuple[Any, int]:
    """(value, end) of the literal at `at`; `names` gives known identifiers. Raises Unreadable."""
    reader = _Reader(written, at, names or {})
    return reader.primary(0), reader.at


def call_arguments(written: str, at: int) -> list[Any]:
    """Values of the arguments after the `(` that stands at `at`."""
    reader = _Reader(written, at, {})
    reader.take()
    return reader.items(")", 0)


class Unreadable(ValueError):
    """What stands there is no literal; `chars`: how far it was looked at."""

    def __init__(self, why: str, chars: int) -> None:
        super().__init__(f"{why} (character {chars})")
        self.chars = chars


class _Reader:
    def __init__(self, written: str, at: int, names: Mapping[str, Any]) -> None:
        self.written, self.names, self.start, self.at = written, names, at, at
        self.end = min(len(written), at + MAX_LITERAL_CHARS)
        self.seen: tuple[int, int, str, str] = (-1, at, "", "")  # the last token: where, its end, kind, text

    def take(self) -> tuple[str, str]:
        """The next token as (kind, text); comments and white space are passed over."""
        self._look()
        _, self.at, kind, token = self.seen
        return kind, token

    def peek(self) -> str:
        self._look()
        return self.seen[3]

    def _look(self) -> None:
        self.at = self._after_blank(self.at)
        if self.seen[0] == self.at:
            return
        found = _TOKEN.match(self.written, self.at, self.end)
        if found is None or found.group() in ('"', "'", "`"):
            raise self._unreadable("no JavaScript literal")
        self.seen = (self.at, found.end(), str(found.lastgroup), found.group())

    def _unreadable(self, why: str) -> Unreadable:
        return Unreadable(why, self.at - self.start)

    def _after_blank(self, at: int) -> int:
        while True:
            if at < self.end and self.written[at] in " \t\r\n/\u00a0":
                found = _BLANK.match(self.written, at, self.end)
                at = found.end() if found else at
            if not self.written.startswith("/*", at):
                return at
            end = self.written.find("*/", at + 2, self.end)
            if end < 0:
                raise Unreadable("a comment never closes", self.end - self.start)
            at = end + 2

    def expression(self, depth: int) -> Any:
        """A primary, `+` on texts and numbers, the other side of `||` and `??`; any other operator makes it unknown."""
        if depth > _MAX_DEPTH:
            raise self._unreadable("nested too deep")
        value = self.primary(depth)
        while (mark := self._operator()) not in ("", ",", "}", "]", ")", ";", ":"):
            self.take()
            if mark in ("||", "??"):
                other = self.primary(depth)
                value = value or other
            elif mark == "+" and isinstance(value, str):
                other = self.primary(depth)
                value = value + str(other) if isinstance(other, str | int | float) else None
            else:
                self._skip()
                return None
        return value

    def _operator(self) -> str:
        """What follows a primary, "" at the end of the text."""
        self.at = self._after_blank(self.at)
        return self.peek() if self.at < self.end else ""

    def primary(self, depth: int) -> Any:
        kind, token = self.take()
        if kind == "string":
            return _unescaped(token[1:-1])
        if kind == "number":
            return _number(token)
        if kind == "name":
            return self._named(token, depth)
        if token == "{":
            return self._object(depth)
        if token == "[":
            return self.items("]", depth)
        if token == "!":
            value = self.primary(depth + 1) if depth < _MAX_DEPTH else None
            return None if value is None else not value
        if token in ("-", "+"):
            value = self.primary(depth + 1) if depth < _MAX_DEPTH else None
            return -value if token == "-" and isinstance(value, int | float) else value
        if token == "(":
            inner = self.items(")", depth)
            return inner[0] if len(inner) == 1 else None
        raise self._unreadable(f"unexpected {token!r}")

    def _named(self, token: str, depth: int) -> Any:
        if token in ("function", "async", "class", "new", "typeof", "void", "await"):
            self._skip()
            return None
        if self._operator() == "(":
            self.take()
            arguments = self.items(")", depth)
            return _called(token, arguments)
        return _CONSTANTS[token] if token in _CONSTANTS else self.names.get(token)

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            kind, token = self.take()
            if token == "}":
                return found
            if token == ",":
                continue
            key = _unescaped(token[1:-1]) if kind == "string" else token
            after = self.peek()
            if after == ":" and kind in ("string", "number", "name"):
                self.take()
                found[key] = self.expression(depth + 1)
            elif kind == "name" and after in (",", "}"):
                found[key] = self.names.get(key)
            else:
                self._skip()

    def items(self, closing: str, depth: int) -> list[Any]:
        """Members up to `closing`, the opening mark being read already."""
        found: list[Any] = []
        while (token := self.peek()) != closing:
            if token == ",":
                self.take()
                continue
            found.append(self.expression(depth + 1))
            if self.peek() not in (",", closing):
                self._skip()
        self.take()
        return found

    def _skip(self) -> None:
        """Passes over the rest of an expression: to the `,` or closing mark of the level it stands in."""
        open_marks: list[str] = []
        while self._operator() != "":
            token = self.peek()
            if not open_marks and token in (",", "}", "]", ")", ";"):
                return
            self.take()
            if token in _CLOSING:
                open_marks.append(_CLOSING[token])
            elif open_marks and token == open_marks[-1]:
                open_marks.pop()


def _called(name: str, arguments: list[Any]) -> Any:
    first = arguments[0] if arguments else None
    if name == "JSON.parse" and isinstance(first, str):
        try:
            return json.loads(first, strict=False)
        except (ValueError, RecursionError):
            return None
    if name.endswith(("decodeURIComponent", "unescape")) and isinstance(first, str):
        return unquote(first)
    if name in _TRANSPARENT:
        return _number(first) if isinstance(first, str) and name != "String" else first
    return None


def _number(written: str) -> int | float | None:
    try:
        return int(written, 16) if written[:2] in ("0x", "0X") else json.loads(written)
    except ValueError:
        try:
            return float(written)
        except ValueError:
            return None


def _unescaped(written: str) -> str:
    if "\\" not in written:
        return written

    def one(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        if code:
            return chr(min(int(code, 16), 0x10FFFF))
        return _ESCAPED.get(found[4], found[4])

    # Characters beyond the 16-bit plane come as two surrogates; the round trip joins them and drops lone ones.
    return _ESCAPE.sub(one, written).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
