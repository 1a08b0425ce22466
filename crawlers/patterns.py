"""Path patterns of robots.txt, tdmrep.json, ai.txt and RSL: a prefix in which `*` stands for anything and a final `$`
for the end of the path (RFC 9309, 2.2.2 and 2.2.3).

In: a pattern, a URL. Out: whether it matches, and how specific the pattern is. Linear in the length of the path, so a
file full of `*` can't keep a crawl busy.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from urllib.parse import quote, urlsplit

_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_KEPT = "%/?:@!&'()+,;=~-._[]"  # not * and $: where they are meant verbatim, patterns escape them


def path_of(url: str) -> str:
    """Path and query in the one spelling that patterns are compared in."""
    parts = urlsplit(url)
    return _spelled((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def matches(pattern: str, path: str) -> bool:
    """True where `pattern` covers `path`, which is `path_of` a URL. An empty pattern covers nothing."""
    parts, to_end = _parsed(pattern)
    if not pattern or not path.startswith(parts[0]):
        return False
    if len(parts) == 1:
        return not to_end or path == parts[0]
    at = len(parts[0])
    for part in parts[1:-1]:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    last = parts[-1]
    return path.endswith(last) and len(path) - len(last) >= at if to_end else path.find(last, at) >= 0


@lru_cache(maxsize=4_096)
def _parsed(pattern: str) -> tuple[list[str], bool]:
    to_end = pattern.endswith("$")
    return [_spelled(part) for part in pattern.removesuffix("$").split("*")], to_end


def _spelled(path: str) -> str:
    """Escapes of unreserved characters undone, the others in upper case, everything else escaped (RFC 9309, 2.2.2)."""
    return _ESCAPE.sub(_respell, quote(path, safe=_KEPT))


def _respell(found: re.Match[str]) -> str:
    plain = chr(int(found[1], 16))
    return plain if plain in _UNRESERVED else found[0].upper()
