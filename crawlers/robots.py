"""robots.txt (RFC 9309) as it concerns us: what is disallowed, the pace asked for, and the lines that say what the
content may be used for.

In: the bytes of the file, its address. Out: a `Robots`. Protego decides what may be fetched; the lines of our group
are kept beside it, because it knows neither usage rules nor which line an answer came from. Never asks the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from protego import Protego

from crawlers.patterns import matches, path_of

MAX_BYTES = 512 * 1024  # RFC 9309, 2.5: at least 500 KiB are read; what comes after is left unread, not the whole file
AGENT = "modiste"
_SITE_WIDE = ("sitemap", "host", "license")


@dataclass(frozen=True)
class Line:
    """`number` counts from 1, `field` is in lower case."""

    number: int
    field: str
    value: str


@dataclass(frozen=True)
class Robots:
    """What a host's robots.txt says to us.

    `rules` is None where there is no file, `refusal` a reason to keep out; `lines` are those of our group, `licences`
    the addresses of its RSL documents, `delay_s` the pause it asks for.
    """

    rules: Protego | None = None
    refusal: str | None = None
    evidence: str = "no robots.txt"
    lines: tuple[Line, ...] = ()
    licences: tuple[str, ...] = ()
    delay_s: float | None = None

    def allows(self, url: str) -> bool:
        return self.rules is None or self.rules.can_fetch(url, AGENT)

    def line_against(self, url: str) -> str:
        """The longest Disallow line that covers `url`, for the evidence; '' where none of ours does."""
        path = path_of(url)
        found = [line for line in self.lines if line.field == "disallow" and matches(line.value, path)]
        best = max(found, key=lambda line: len(line.value), default=None)
        return f"line {best.number}: Disallow: {best.value}" if best else ""


def read(body: bytes, address: str) -> Robots:
    """A file that was found. A byte-order mark, wrong bytes and unknown lines do no harm."""
    text = body.decode("utf-8-sig", errors="replace")
    rules = Protego.parse(text)
    every = list(_lines(text))
    licences = tuple(line.value for _, line in every if line.field == "license" and line.value)
    return Robots(rules, None, address, tuple(_ours(every)), licences, _delay_s(rules))


def _delay_s(rules: Protego) -> float | None:
    """Seconds between two requests, out of Crawl-delay or Request-rate; nonsense counts as none."""
    rate = rules.request_rate(AGENT)
    asked = rules.crawl_delay(AGENT) or (rate.seconds / rate.requests if rate and rate.requests else None)
    return float(asked) if asked and math.isfinite(asked) and asked > 0 else None


def _lines(text: str) -> Iterator[tuple[tuple[str, ...], Line]]:
    """Each line with the agents of its group; () for what stands before the first group."""
    agents: tuple[str, ...] = ()
    opened = False  # the line before named an agent, so another agent joins its group
    for number, written in enumerate(text.splitlines(), 1):
        field, colon, value = written.partition("#")[0].partition(":")
        field, value = field.strip().lower(), value.strip()
        if not colon:
            continue
        if field in ("user-agent", "useragent"):
            agents = (*agents, value.lower()) if opened else (value.lower(),)
            opened = True
            continue
        opened = opened and field in _SITE_WIDE
        yield agents, Line(number, field, value)


def _ours(every: list[tuple[tuple[str, ...], Line]]) -> Iterator[Line]:
    """Lines of the group that names us best, as Protego chooses it, and those that stand before any group."""
    named = {a for agents, _ in every for a in agents if a and AGENT.startswith(a)}
    chosen = max(named, key=len, default="*")
    for agents, line in every:
        if chosen in agents or (not agents and line.field not in _SITE_WIDE):
            yield line
