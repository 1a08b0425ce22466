"""What every request passes before any of it is read: the server's name, the asker's page, key, rate, queue, size.

An ASGI middleware around the application. In: scopes. Out: problems for what may not pass, security headers on every
answer, counts for the metrics. Bodies are bounded as they come in; small ones that are refused are read and thrown
away, so that the client gets to read why. Never logs a header.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modiste.api_keys import KeyFile
from modiste.api_limits import Buckets, Crowd, client_of
from modiste.api_metrics import Metrics
from modiste.api_problems import Problem

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
OPEN = ("/", "/v1/health", "/openapi.json", "/favicon.ico")  # without a key, as all below /web/
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
DRAINED_BYTES = 1_000_000
DRAIN_S = 2.0


@dataclass
class Guard:
    """`hosts` are names this server answers to, all where it is None; `origins` are other sites whose pages may ask."""

    app: ASGIApp
    crowd: Crowd
    metrics: Metrics
    hosts: Collection[str] | None = LOOPBACK_NAMES
    keys: KeyFile | None = None
    origins: Collection[str] = ()
    buckets: Buckets = field(init=False)

    def __post_init__(self) -> None:
        self.buckets = Buckets(self.crowd.limits.rate, self.crowd.limits.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._pass(scope, receive, sent)
        finally:
            path = getattr(scope.get("route"), "path", "none")
            self.metrics.answered(scope["method"], path, status, time.perf_counter() - begun)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        works = scope["method"] == "POST"
        try:
            self._refuse_stranger(headers)
            scope["modiste.client"] = self._client(scope, headers)
            if works:
                self._refuse_size(headers)
                self.crowd.enter()
        except Problem as problem:
            await _drain(headers, receive)
            await problem.response()(scope, receive, send)
            return
        body = _Body(receive, self.crowd)
        try:
            await self.app(scope, body if works else receive, send)
        finally:
            if works:
                self.crowd.leave(body.bytes)

    def _refuse_stranger(self, headers: Headers) -> None:
        """Names: against DNS rebinding. Origins: a page elsewhere may send a form here without asking."""
        host = _host(headers.get("host", ""))
        if self.hosts is not None and host not in self.hosts:
            raise Problem("wrong_host", f"it is not '{host[:80]}'")
        origin = headers.get("origin")
        if origin and origin not in self.origins and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            raise Problem("cross_origin")

    def _client(self, scope: Scope, headers: Headers) -> str:
        """The key's id, or the address; its bucket pays for the request."""
        address = client_of(scope["client"][0]) if scope.get("client") else "unknown"
        path = scope["path"]
        is_open = path in OPEN or path.startswith("/web/") or (scope["method"] == "OPTIONS" and self.origins)
        if self.keys is None or is_open:
            self.buckets.take(address)
            return address
        known = self.keys.known(_sent_key(headers))
        self.buckets.take(known or address)
        if known is None:
            raise Problem("no_key")
        return known

    def _refuse_size(self, headers: Headers) -> None:
        said = headers.get("content-length", "")
        if said.isdigit() and int(said[:20]) > self.crowd.limits.body_bytes:
            raise Problem("too_large", f"at most {self.crowd.limits.body_bytes} bytes a request")


class _Body:
    """A `receive` that counts."""

    def __init__(self, receive: Receive, crowd: Crowd) -> None:
        self._receive, self._crowd, self.bytes = receive, crowd, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            more = len(message.get("body", b""))
            self.bytes += more
            self._crowd.hold(more, self.bytes)
        return message


async def _drain(headers: Headers, receive: Receive) -> None:
    said = headers.get("content-length", "")
    if not said.isdigit() or not 0 < int(said[:20]) <= DRAINED_BYTES:
        return
    try:
        async with asyncio.timeout(DRAIN_S):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return


def _host(header: str) -> str:
    """The name without port and brackets, in lower case."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _sent_key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
