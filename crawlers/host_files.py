"""Small files of a host that must be read before its content: robots.txt, tdmrep.json, ai.txt, an RSL document.

In: addresses. Out: a `HostFile` each, asked for once a crawl through the crawl's client, so at the host's pace and past
the same address guard; whoever asks meanwhile waits for it. Redirects are followed, five at most (RFC 9309, 2.3.1.2).
Never raises for what a host does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin

from crawlers.client import Client, Failure, pace_key
from crawlers.pace import ComeBackLater

MAX_REDIRECTS = 5
TRIES = 3  # of a host that answers 429 or 5xx
AGAIN_S = 0.5  # the least pause before the next try
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class HostFile:
    """`status` is None where nothing answered; `failure` says why, with the client's code first."""

    address: str
    status: int | None
    body: bytes = b""
    failure: str = ""

    @property
    def is_there(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_busy(self) -> bool:
        """An error of the server's, which may pass."""
        return self.status is not None and (self.status >= 500 or self.status == 429)

    def said(self) -> str:
        """For the evidence: where, and what came."""
        return f"{self.address}: {self.failure or f'HTTP {self.status}'}"


class HostFiles:
    """`get` answers from memory after the first time. `cap` is in bytes; what is longer is cut there, not refused."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked: dict[str, asyncio.Future[HostFile]] = {}

    async def get(self, address: str, cap: int, *, tries: int = 1) -> HostFile:
        if address not in self._asked:
            self._asked[address] = asyncio.ensure_future(self._load(address, cap, tries))
        return await asyncio.shield(self._asked[address])

    async def _load(self, address: str, cap: int, tries: int) -> HostFile:
        found = await self._follow(address, cap)
        for _ in range(tries - 1):
            if not found.is_busy:
                break
            self._client.pace.pause(pace_key(address), AGAIN_S)
            found = await self._follow(address, cap)
        return found

    async def _follow(self, first: str, cap: int) -> HostFile:
        address, status = first, 0
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer = await self._client.get(address, cap=cap, cut=True)
                to = answer.headers.get("Location") if answer.status in _REDIRECTS else None
                if to is None:
                    return HostFile(first, answer.status, answer.body)
                address, status = urljoin(address, to), answer.status
            except ComeBackLater as later:
                return HostFile(first, None, failure=f"retry_later: {later}")
            except Failure as failure:
                return HostFile(first, None, failure=str(failure))
            except ValueError as error:
                return HostFile(first, None, failure=f"bad_url: {error}")
        return HostFile(first, status, failure="too many redirects")
