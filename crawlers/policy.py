"""The gate: may this URL be asked for, and may its bytes be kept? Every answer is a coded decision with its evidence.

In: URLs, the workspace's purpose, lists and takedowns. Out: `Decision`s. robots.txt of a host is read before anything
else of that host, once, and whoever asks meanwhile waits for it (Scrapy 2.19's own obeying leaks those requests).
Where the purpose is training, what a host's files reserve (`crawlers.reservations`) keeps its images from being asked
for. Pages are read nevertheless, for their facts, as with a page's own `noai`; what their host reserves for them is
`reserved`'s answer, and refuses the images they show. An image host's own files hold for its images.

A file that can't be had (404, 5xx, no JSON) reserves nothing, and the evidence says so: tdmrep.json's protocol says it
in so many words, and unlike robots.txt's 5xx (keep out, RFC 9309) these files are absent nearly everywhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from crawlers import licences, reservations, robots
from crawlers.addresses import is_loopback
from crawlers.client import Client, pace_key
from crawlers.host_files import TRIES, HostFiles
from crawlers.licences import PageLicences
from crawlers.optout import OptOut
from crawlers.reservations import Reservations
from crawlers.robots import AGENT, Robots
from dataset.tombstones import Tombstones

REASONS = {
    "robots": "robots.txt disallows it",
    "robots_unavailable": "robots.txt can't be read (server error), which means: keep out for now",
    "noai": "opted out of AI by header or meta",
    "noimageai": "opted out of AI on images by header or meta",
    "noml": "opted out of machine learning by header or meta",
    "noindex": "not to be indexed, by header or meta",
    "noimageindex": "images not to be indexed, by header or meta",
    "unavailable": "no longer to be shown: unavailable_after has passed",
    "tdm_reserved": "text and data mining reserved, by tdmrep.json, header or meta",
    "ai_txt": "ai.txt keeps it from training",
    "usage_reserved": "training refused by Content-Signal or Content-Usage, in robots.txt or by header",
    "rsl_prohibits": "the RSL terms that robots.txt names don't allow training for nothing",
    "image_metadata": "metadata inside the image refuses training",
    "licence_missing": "the page states no licence for it, and the workspace asks for one",
    "licence_not_free": "its licence is not among the free ones the workspace asks for",
    "private_address": "leads into a private network",
    "denied_host": "on the workspace's deny list",
    "host_not_listed": "the workspace names the hosts that may be asked, and not this one",
    "taken_down": "a takedown forbids it",
    "scheme": "no http or https address",
    "bad_url": "no URL that can be asked",
    "offsite": "a page of another host",
    "nothing_new": "pages of its pattern have brought nothing new",
}


@dataclass(frozen=True)
class Decision:
    """`reason` is None where it is allowed; `evidence` is what the decision rests on."""

    reason: str | None
    evidence: str = ""

    def as_json(self) -> str:
        return json.dumps({"decision": self.reason or "allowed", "evidence": self.evidence})


class Gate:
    """Asks the hosts' files through `client`; `taken_down` holds (kind, value) of the takedowns table.

    `only_hosts`, where given, are the domains that may be asked besides the host the user named; `purpose` and
    `licences` are the workspace's.
    """

    def __init__(
        self, client: Client, *, deny_hosts: Collection[str], taken_down: set[tuple[str, str]],
        only_hosts: Collection[str] = (), purpose: str = "training", licences: str = "any",
    ) -> None:  # fmt: skip
        self._client, self._files, self._trains = client, HostFiles(client), purpose == "training"
        self._licences = licences
        self._deny, self._only = {h.lower() for h in deny_hosts}, {h.lower() for h in only_hosts}
        self.tombstones = Tombstones.of(taken_down)
        self._robots: dict[str, asyncio.Future[Robots]] = {}
        self._reservations: dict[str, asyncio.Future[Reservations]] = {}

    async def check(self, url: str, *, image: bool = False) -> Decision:
        """Every rule that can be known before asking; the host's files last, because they cost requests."""
        try:
            refused, parts = self._listed(url), urlsplit(url)
        except ValueError as error:
            return Decision("bad_url", f"{url[:200]}: {error}")
        if refused:
            return refused
        rules = await self.robots(url)
        if rules.refusal:
            return Decision(rules.refusal, rules.evidence)
        if not rules.allows(url):
            line = rules.line_against(url)
            words = f"{rules.evidence} disallows {parts.path or '/'} for {AGENT}"
            return Decision("robots", f"{words} ({line})" if line else words)
        if not self._trains:
            return Decision(None, rules.evidence)
        stated = await self._stated(url, rules)
        if image and (reserved := stated.against(url)):
            return Decision(reserved.reason, reserved.evidence)
        return Decision(None, stated.evidence)

    def reserved(self, url: str) -> OptOut | None:
        """What the files of its host reserve for a page that `check` has passed; None where nothing was read."""
        asked = self._reservations.get(_origin(url))
        return asked.result().against(url) if asked and asked.done() else None

    def unlicensed(self, found: PageLicences, images: Collection[str]) -> OptOut | None:
        """Why the workspace's licence policy refuses the images of a page that states `found`."""
        return licences.refusal(found, images, self._licences)

    async def robots(self, url: str) -> Robots:
        """The host's robots.txt, asked for once; its Crawl-delay becomes the host's pace."""
        key = _origin(url)
        if key not in self._robots:
            self._robots[key] = asyncio.ensure_future(self._load(urljoin(url, "/robots.txt")))
        asked = self._robots[key]
        return asked.result() if asked.done() else await asyncio.shield(asked)

    def _listed(self, url: str) -> Decision | None:
        """What the workspace's own lists, the address and the URL itself say."""
        try:
            parts = urlsplit(url)
        except ValueError as error:  # such as half an IPv6 address
            return Decision("scheme", f"{url[:200]}: {error}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return Decision("scheme", url[:200])
        host = parts.hostname.lower()
        if _within(host, self._deny) or parts.netloc.lower() in self._deny:
            return Decision("denied_host", f"deny_hosts: {host}")
        if kind := self.tombstones.against_url(url):
            return Decision("taken_down", f"takedowns: {kind} {host}")
        if self._only and not self._is_listed(parts, host):
            return Decision("host_not_listed", f"only_hosts: {host}")
        if address := self._client.guard.refuses_literal(url):
            return Decision("private_address", address)
        form = self._client.guard.refuses_form(url)
        return Decision("bad_url", form) if form else None

    def _is_listed(self, parts: SplitResult, host: str) -> bool:
        return _within(host, self._only) or parts.netloc.lower() in self._only or self._client.guard.is_named(host)

    async def _load(self, address: str) -> Robots:
        pace, host = self._client.pace, pace_key(address)
        if is_loopback(address):
            pace.set_delay(host, 0.0)
        found = await self._files.get(address, robots.MAX_BYTES, tries=TRIES)
        if found.failure.startswith("private_address"):
            return Robots(refusal="private_address", evidence=found.said())
        if found.status is None or found.is_busy:
            return Robots(refusal="robots_unavailable", evidence=found.said())
        if not found.is_there:
            return Robots(evidence=f"{found.said()}, so nothing is disallowed (RFC 9309)")
        read = robots.read(found.body, address)
        if read.delay_s:
            pace.set_delay(host, max(pace.delay(host), read.delay_s))
        return read

    async def _stated(self, url: str, rules: Robots) -> Reservations:
        key = _origin(url)
        if key not in self._reservations:
            self._reservations[key] = asyncio.ensure_future(reservations.read(self._files, url, rules))
        asked = self._reservations[key]
        return asked.result() if asked.done() else await asyncio.shield(asked)


def contact_warning(contact: str, url: str) -> str | None:
    """A line for the person at the keyboard, where `url` is asked by an agent that names nobody to write to.

    None where there is a contact, or the shop is on this machine.
    """
    if contact.strip() or is_loopback(url):
        return None
    return (
        "no contact in modiste.yaml: shops can't ask you to slow down, so they block. "
        "Set `contact:` to an e-mail address or a page that says who crawls and why"
    )


def _origin(url: str) -> str:
    return f"{urlsplit(url).scheme}://{pace_key(url)}"


def _within(host: str, domains: set[str]) -> bool:
    """True for a domain and everything below it."""
    labels = host.split(".")
    return any(".".join(labels[i:]) in domains for i in range(len(labels)))
