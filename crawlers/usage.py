"""Usage preferences: may content be used to train models? `Content-Signal` (Cloudflare, contentsignals.org) and
`Content-Usage` (IETF aipref: draft-ietf-aipref-attach, draft-ietf-aipref-vocab), in robots.txt and as headers.

In: the lines of our robots.txt group or header values. Out: the words that refuse training, or nothing. Of robots.txt
rules the longest path that covers the URL holds; where equal ones differ, the refusal does, as the draft says. Labels
of older drafts are understood; an unknown label or value says nothing. Signals about search or AI input don't bind us.
"""

from __future__ import annotations

from collections.abc import Iterable

from crawlers.patterns import matches, path_of
from crawlers.robots import Line

FIELDS = ("content-signal", "content-usage")
_LABELS = frozenset({"ai-train", "train-ai", "train-genai", "genai", "ai", "tdm", "bots", "all"})


def against_training(value: str) -> bool | None:
    """What one value such as 'search=yes, ai-train=no' says: True refuses, False allows, None says nothing."""
    said = set()
    for part in value.replace(";", ",").split(","):
        label, _, answer = part.strip().lower().partition("=")
        if label.strip() in _LABELS and answer.strip() in ("no", "n", "yes", "y"):
            said.add(answer.strip().startswith("n"))
    return True if True in said else (False if said else None)


def in_robots(lines: Iterable[Line], url: str) -> str | None:
    """The robots.txt line that keeps `url` from training."""
    path, best, found = path_of(url), -1, None
    for line in lines:
        if line.field not in FIELDS:
            continue
        pattern, preference = _split(line.value)
        refuses = against_training(preference)
        if refuses is None or len(pattern) < best or not matches(pattern, path):
            continue
        if len(pattern) > best or refuses:
            best, found = len(pattern), line if refuses else None
    return f"line {found.number}: {found.field.title()}: {found.value}" if found else None


def in_headers(values: Iterable[str]) -> str | None:
    """The header value that refuses training."""
    return next((value for value in values if against_training(value)), None)


def _split(value: str) -> tuple[str, str]:
    """Path and preference; a rule without a path holds for the whole host."""
    first, _, rest = value.partition(" ")
    return (first, rest) if first.startswith("/") else ("/", value)
