"""The gate: may this URL be asked for, and may its bytes be kept? Every answer is a coded decision with its evidence.

In: URLs, headers and pages, the workspace's purpose, lists and takedowns. Out: `Decision`s. robots.txt of a host is
fetched before anything else of that host, once, and whoever asks meanwhile waits for it (Scrapy 2.19's own obeying
leaks those requests).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from protego import Protego

from crawlers.addresses import is_loopback
from crawlers.client import Client, Failure, pace_key
from crawlers.optout import AGENT

REASONS = {
    "robots": "robots.txt disallows it",
    "robots_unavailable": "robots.txt can't be read (server error), which means: keep out for now",
    "noai": "opted out of AI by header or meta",
    "noimageai": "opted out of AI on images by header or meta",
    "noml": "opted out of machine learning by header or meta",
    "noindex": "not to be indexed, by header or meta",
    "noimageindex": "images not to be indexed, by header or meta",
    "tdm_reserved": "text and data mining reserved by header or meta",
    "private_address": "leads into a private network",
    "denied_host": "on the workspace's deny list",
    "taken_down": "a takedown forbids it",
    "scheme": "neither http nor https",
    "offsite": "a page of another host",
}
ROBOTS_BYTES = 512 * 1024
ROBOTS_REDIRECTS = 5


@dataclass(frozen=True)
class Decision:
    """`reason` is None where it is allowed; `evidence` is what the decision rests on."""

    reason: str | None
    evidence: str = ""

    def as_json(self) -> str:
        return json.dumps({"decision": self.reason or "allowed", "evidence": self.evidence})


@dataclass(frozen=True)
class Robots:
    """What a host's robots.txt says to us. `rules` is None where there is no file; `refusal` a reason to keep out."""

    rules: Protego | None = None
    refusal: str | None = None
    evidence: str = "no robots.txt"


class Gate:
    """Asks robots.txt through `client`; `taken_down` holds (kind, value) of the takedowns table."""

    def __init__(self, client: Client, *, deny_hosts: list[str], taken_down: set[tuple[str, str]]) -> None:
        self._client, self._deny = client, {h.lower() for h in deny_hosts}
        self._domains = {value.lower() for kind, value in taken_down if kind == "domain"}
        self._urls = {value for kind, value in taken_down if kind == "url"}
        self._robots: dict[str, asyncio.Future[Robots]] = {}

    async def check(self, url: str) -> Decision:
        """Every rule that can be known before asking; robots.txt last, because it costs a request."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return Decision("scheme", url[:200])
        host = parts.hostname.lower()
        if _within(host, self._deny) or parts.netloc.lower() in self._deny:
            return Decision("denied_host", f"deny_hosts: {host}")
        if url in self._urls or _within(host, self._domains) or parts.netloc.lower() in self._domains:
            return Decision("taken_down", f"takedowns: {host}")
        if address := self._client.guard.refuses_literal(url):
            return Decision("private_address", address)
        robots = await self.robots(url)
        if robots.refusal:
            return Decision(robots.refusal, robots.evidence)
        if robots.rules is not None and not robots.rules.can_fetch(url, AGENT):
            return Decision("robots", f"{robots.evidence} disallows {parts.path or '/'} for {AGENT}")
        return Decision(None, robots.evidence)

    async def robots(self, url: str) -> Robots:
        """The host's robots.txt, asked for once; its Crawl-delay becomes the host's pace."""
        key = f"{urlsplit(url).scheme}://{pace_key(url)}"
        if key not in self._robots:
            self._robots[key] = asyncio.ensure_future(self._load(urljoin(url, "/robots.txt"), pace_key(url)))
        return await asyncio.shield(self._robots[key])

    async def _load(self, address: str, host: str) -> Robots:
        first = address
        for _ in range(ROBOTS_REDIRECTS):
            try:
                answer = await self._client.get(address, cap=ROBOTS_BYTES)
            except Failure as failure:
                refusal = "private_address" if failure.reason == "private_address" else "robots_unavailable"
                return Robots(refusal=refusal, evidence=f"{first}: {failure}")
            if answer.status in (301, 302, 303, 307, 308) and (to := answer.headers.get("Location")):
                address = urljoin(address, to)
                continue
            return self._read(answer.status, answer.body, first, host)
        return Robots(evidence=f"{first}: too many redirects, taken as absent (RFC 9309)")

    def _read(self, status: int, body: bytes, address: str, host: str) -> Robots:
        if status >= 500 or status == 429:
            return Robots(refusal="robots_unavailable", evidence=f"{address}: HTTP {status}")
        if status != 200:
            return Robots(evidence=f"{address}: HTTP {status}, so nothing is disallowed (RFC 9309)")
        rules = Protego.parse(body.decode("utf-8", errors="replace"))
        asked = rules.crawl_delay(AGENT)
        if asked:
            self._client.pace.set_delay(host, max(self._client.pace.delay(host), float(asked)))
        elif is_loopback(address):
            self._client.pace.set_delay(host, 0.0)
        return Robots(rules, evidence=address)


def _within(host: str, domains: set[str]) -> bool:
    """True for a domain and everything below it."""
    labels = host.split(".")
    return any(".".join(labels[i:]) in domains for i in range(len(labels)))
