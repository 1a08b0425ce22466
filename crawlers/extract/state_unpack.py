"""Frameworks that pack their state: Nuxt 2's function, Nuxt 3's and React Router's flat arrays, Next.js's flight rows.

In: script text or parsed JSON. Out: plain nested values: trees, whatever a page shares or turns in circles, at most 40
levels deep and as large as the caller allows. What cannot be unpacked is returned as it came.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from crawlers.extract import state_literals

_DECODER = json.JSONDecoder(strict=False)
_MAX_FLAT = 200_000
_MAX_DEPTH = 40
_NUXT2 = re.compile(r"([\w$.]{1,60})\s*=\s*\(?function\s*\(([\w$,\s]{0,20000})\)\s*\{")
_PART = re.compile(r"__next_f\.push\(\[1,\s*(?=\")")
_ROW = re.compile(r"^[0-9a-f]{1,6}:(?=[\[{])", re.M)
_WRAPPERS = {"Reactive", "ShallowReactive", "Ref", "ShallowRef", "NuxtError"}
_OPAQUE = {"D", "Date", "E", "Z", "RegExp", "R", "Y", "N", "U", "BigInt", "B", "EmptyRef", "EmptyShallowRef", "null"}


def unpacked(value: Any, limit: int) -> tuple[Any, int]:
    """(value, members spent): a flat array of Nuxt 3 (devalue) or React Router (turbo-stream) nested; others unread."""
    if not isinstance(value, list) or not 2 < len(value) <= _MAX_FLAT:
        return value, 0
    root = value[0]
    indices = _links(root) if isinstance(root, dict | list) else []
    if not indices or not all(isinstance(i, int) and -10 < i < len(value) for i in indices):
        return value, 0
    return tree(_Flat(value).revived(), limit)


def _links(root: dict[str, Any] | list[Any]) -> list[Any]:
    if isinstance(root, dict):
        return list(root.values())
    return root[1:] if root and root[0] in _WRAPPERS else root


class _Flat:
    """Values of an array whose members name one another by position; a key `_12` names its text so, too."""

    def __init__(self, flat: list[Any]) -> None:
        self.flat, self.made = flat, dict[int, Any]()
        self.waiting: list[int] = []

    def revived(self) -> Any:
        root = self._at(0)
        while self.waiting:
            self._fill(self.waiting.pop())
        return root

    def _at(self, index: Any, hops: int = 0) -> Any:
        if not isinstance(index, int) or not 0 <= index < len(self.flat):
            return None
        held = self.flat[index]
        if isinstance(held, list) and held and isinstance(held[0], str):
            if held[0] in _WRAPPERS or held[0] in ("P", "S_"):
                return self._at(held[1], hops + 1) if len(held) > 1 and hops < 20 else None
            if held[0] in _OPAQUE:
                return None
        if not isinstance(held, dict | list):
            return held
        if index not in self.made:
            self.made[index] = {} if isinstance(held, dict) else []
            self.waiting.append(index)
        return self.made[index]

    def _fill(self, index: int) -> None:
        held, made = self.flat[index], self.made[index]
        if isinstance(held, dict):
            made.update({self._key(k): self._at(v) for k, v in held.items()})
        else:
            made.extend(self._at(v) for v in held if not isinstance(v, str))

    def _key(self, key: str) -> str:
        if re.fullmatch(r"_\d{1,6}", key) and isinstance(name := self._at(int(key[1:])), str):
            return name
        return key


def tree(graph: Any, limit: int) -> tuple[Any, int]:
    """(copy in which nothing is shared or turns in circles, its members); what is past `limit` is left out."""
    root: list[Any] = []
    waiting: deque[tuple[Any, Any, Any, int]] = deque([(graph, root, None, 0)])
    spent = 0
    while waiting and spent < limit:
        held, parent, key, depth = waiting.popleft()
        spent += 1
        made: Any = held
        if isinstance(held, dict | list):
            made = {} if isinstance(held, dict) else []
            members = held.items() if isinstance(held, dict) else enumerate(held)
            if depth < _MAX_DEPTH and len(waiting) + spent < limit:
                waiting.extend((v, made, k, depth + 1) for k, v in members)
        if isinstance(parent, dict):
            parent[key] = made
        else:
            parent.append(made)
    return (root[0] if root else None), spent


def functions(written: str) -> Iterator[tuple[str, Any]]:
    """(name, value) of `name = (function(a, b){return {…}}(1, 2))`: the arguments put where the letters stand."""
    found = _NUXT2.search(written)
    start = written.find("return", found.end()) if found else -1
    if found is None or start < 0:
        return
    at = start + len("return")
    try:
        _, end = state_literals.read(written, at)
        opening = written.index("(", end)
        parameters = [name.strip() for name in found[2].split(",")]
        names = dict(zip(parameters, state_literals.call_arguments(written, opening), strict=False))
        value, _ = state_literals.read(written, at, names)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict | list):
        yield found[1], value


def flight_parts(written: str) -> list[str]:
    """The text pieces that a page of Next.js's app router pushes to the browser."""
    found: list[str] = []
    for match in _PART.finditer(written):
        try:
            part, _ = _DECODER.raw_decode(written, match.end())
        except ValueError:
            continue
        if isinstance(part, str):
            found.append(part)
    return found


def flight(rows: str) -> Iterator[Any]:
    """The JSON values of the rows `id:value` of such a text."""
    at = 0
    while (match := _ROW.search(rows, at)) is not None:
        at = match.end()
        try:
            value, at = _DECODER.raw_decode(rows, at)
        except (ValueError, RecursionError):
            continue
        yield value
