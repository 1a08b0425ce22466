"""JSON-LD: every node of a page's `application/ld+json` scripts, the near-valid ones repaired.

In: a parsed page. Out: top-level nodes as dicts with `@type` as a tuple of lower-case names; nodes that are one
another by `@id` are joined. extruct drops a whole page's JSON-LD when one script is broken, so the scripts are read
here one by one.
"""

from __future__ import annotations

import json
import re
from typing import Any

from parsel import Selector

Node = dict[str, Any]
_WRAPPERS = re.compile(r"^\s*(//|/\*)?\s*(<!\[CDATA\[|<!--)\s*(\*/)?|(//|/\*)?\s*(\]\]>|-->)\s*(\*/)?\s*;?\s*$")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_MAX_NODES, _MAX_SCRIPTS = 2_000, 200


def nodes(page: Selector) -> list[Node]:
    """Top-level nodes, `@graph` opened, in document order."""
    found: list[Node] = []
    for script in page.root.xpath('//script[contains(translate(@type, "JSONLD", "jsonld"), "ld+json")]')[:_MAX_SCRIPTS]:
        _open(_load(script.text or ""), found)
    return _joined(found[:_MAX_NODES])


def types(node: Any) -> tuple[str, ...]:
    """Lower-case type names without their namespace; () for what is no node."""
    kind = node.get("@type") if isinstance(node, dict) else None
    kinds = kind if isinstance(kind, list) else [kind]
    return tuple(re.split(r"[/#:]", str(k))[-1].strip().lower() for k in kinds if k)


def _load(written: str) -> Any:
    cleaned = written.strip().lstrip("\ufeff")
    if cleaned[:1] not in ("{", "[") or cleaned[-1:] not in ("}", "]"):
        for _ in range(2):
            cleaned = _WRAPPERS.sub("", cleaned).strip()
    for cure in (str, lambda written: _TRAILING_COMMA.sub(r"\1", written).rstrip(";")):
        try:
            return json.loads(cure(cleaned), strict=False)
        except (ValueError, RecursionError):
            continue
    return _first_value(cleaned)


def _first_value(written: str) -> Any:
    """Where several objects follow each other in one script, the ones that can be read."""
    decoder, at = json.JSONDecoder(strict=False), 0
    found: list[Any] = []
    while (at := written.find("{", at)) >= 0 and len(found) < 50:
        try:
            value, at = decoder.raw_decode(written, at)
        except (ValueError, RecursionError):
            break
        found.append(value)
    return found


def _open(value: Any, into: list[Node], depth: int = 0) -> None:
    if depth > 6:
        return
    if isinstance(value, list):
        for item in value:
            _open(item, into, depth + 1)
    elif isinstance(value, dict):
        if types(value):
            into.append(value)
        if "@graph" in value:
            _open(value["@graph"], into, depth + 1)
        elif not types(value) and isinstance(value.get("mainEntity"), dict):
            _open(value["mainEntity"], into, depth + 1)


def _joined(found: list[Node]) -> list[Node]:
    """Nodes with the same `@id` and type are one; a bare `{"@id": x}` reference in an offer or brand is filled in."""
    by_id: dict[str, Node] = {}
    kept: list[Node] = []
    for node in found:
        name = node.get("@id")
        if isinstance(name, str) and name in by_id and types(by_id[name]) == types(node):
            by_id[name].update({k: v for k, v in node.items() if k not in by_id[name]})
            continue
        if isinstance(name, str):
            by_id.setdefault(name, node)
        kept.append(node)
    for node in kept:
        for key, value in node.items():
            if isinstance(value, dict) and set(value) == {"@id"} and value["@id"] in by_id:
                node[key] = by_id[value["@id"]]
    return kept
