"""The one HTTP client of a crawl: pages, robots.txt and images all go through it, so every byte passes the same
guards.

In: a URL and bounds. Out: an `Answer` whose body is capped, or a `Failure` with a coded reason. Keep-alive; a total
deadline from asking to the last byte; redirects never followed here (each hop is judged by the caller); no cookies,
no proxy from the environment.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import aiohttp
from multidict import CIMultiDictProxy

from crawlers.addresses import AddressGuard, GuardedResolver, PrivateAddress, host_port
from crawlers.pace import HostPace

Headers = CIMultiDictProxy[str]
Peek = Callable[[int, Headers], str | None]
REASONS = {
    "timeout": "no whole answer within the deadline",
    "connection": "refused, reset or cut off",
    "dns": "the host's name leads nowhere",
    "tls": "the certificate is not valid",
    "bad_url": "no URL that can be asked",
    "too_large": "longer than the cap; not read on",
    "private_address": "leads into a private network",
}


class Failure(Exception):
    """Nothing usable came; `reason` is coded."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


@dataclass(frozen=True)
class Answer:
    """`body` is b'' where `stopped` names the reason why it was not read (on)."""

    status: int
    headers: Headers
    body: bytes
    stopped: str | None = None


class Client:
    """Use as `async with`. `agent` is the User-Agent; `guard` decides addresses; `pace` keeps each host's turns."""

    def __init__(self, agent: str, guard: AddressGuard, pace: HostPace, *, timeout_s: float, concurrency: int) -> None:
        self.agent, self.guard, self.pace = agent, guard, pace
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(10.0, timeout_s))
        self._concurrency = concurrency

    async def __aenter__(self) -> Client:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self.guard),
            limit=0,
            limit_per_host=2 * self._concurrency,
        )
        headers = {"User-Agent": self.agent, "Accept-Encoding": "gzip, deflate"}
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=headers, max_field_size=65_536
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(
        self,
        url: str,
        *,
        cap: int,
        headers: dict[str, str] | None = None,
        peek: Peek | None = None,
        paced: bool = False,
        cut: bool = False,
        data: bytes | None = None,
    ) -> Answer:
        """Ask once. `cap` bounds the body after decompression, in bytes; `peek(status, headers)` may stop it unread.

        `paced` says that the caller has taken the host's turn already, `cut` that a body over the cap is cut there
        and not refused. `data` makes it a POST, which a page's own scripts may ask for.
        """
        try:
            host, _ = host_port(url)
            address = self.guard.refuses_literal(url)
        except ValueError as error:
            raise Failure("bad_url", str(error)) from error
        if address:
            raise Failure("private_address", address)
        if not paced:
            await self.pace.turn(pace_key(url))
        try:
            return await self._ask(url, cap, headers or {}, peek, cut, data)
        except TimeoutError as error:
            raise Failure("timeout") from error
        except aiohttp.InvalidURL as error:
            raise Failure("bad_url", str(error)) from error
        except aiohttp.ClientConnectorDNSError as error:
            private = isinstance(error.__cause__, PrivateAddress) or isinstance(error.os_error, PrivateAddress)
            raise Failure("private_address" if private else "dns", f"{host}: {error}") from error
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise Failure("tls", str(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Failure("connection", f"{type(error).__name__}: {error}") from error

    async def _ask(
        self, url: str, cap: int, headers: dict[str, str], peek: Peek | None, cut: bool, data: bytes | None
    ) -> Answer:
        begun, method = time.monotonic(), "GET" if data is None else "POST"
        async with self._session.request(
            method, url, headers=headers, data=data, allow_redirects=False, timeout=self._timeout
        ) as response:
            latency_s = time.monotonic() - begun
            self.pace.answered(pace_key(url), latency_s, response.status, response.headers.get("Retry-After"))
            stopped = peek(response.status, response.headers) if peek else None
            if not stopped and not cut and (response.content_length or 0) > cap:
                stopped = "too_large"
            if stopped:
                response.close()
                return Answer(response.status, response.headers, b"", stopped)
            body = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                body += chunk
                if len(body) > cap:
                    response.close()
                    kept = (bytes(body[:cap]), None) if cut else (b"", "too_large")
                    return Answer(response.status, response.headers, *kept)
            return Answer(response.status, response.headers, bytes(body))


def pace_key(url: str) -> str:
    """host:port, which is what one server is to us."""
    return "{}:{}".format(*host_port(url))
