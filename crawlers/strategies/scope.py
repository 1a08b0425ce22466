"""Which part of a shop a crawl is for: all of it, or what lies under a path.

In: a `Scope`. Out: the path of the part, or None for the whole shop. A language's or a script's front page is the
whole shop's.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from crawlers.job import Scope

_FRONT = re.compile(r"/?([a-z]{2}([-_][a-z]{2,4})?/?)?((index|default|home)\.\w{3,5})?", re.I)


def part(asked: Scope) -> str | None:
    """`--only`, else the path of the address where it is not a front page."""
    if asked.only:
        return "/" + asked.only.strip("/") + "/"
    parts = urlsplit(asked.url)
    routed = any(key in ("route", "main_page") and value not in ("common/home", "index")
                 for key, value in parse_qsl(parts.query))  # fmt: skip
    return None if _FRONT.fullmatch(parts.path) and not routed else parts.path
