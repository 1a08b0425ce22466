"""Pages that need JavaScript, rendered in Chromium, which has no network of its own: every request is answered here,
by the crawl's own client, after the gate.

In: a page as it came and its address. Out: the page as its scripts leave it. So robots.txt, private addresses, byte
caps and each host's pace hold for scripts and data too. Pictures, fonts and films are never asked for, cookies and
storage are thrown away with the page, downloads, sockets and service workers are refused. Needs the extra 'browser'.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import time
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

from parsel import Selector

from crawlers.client import Client, Failure
from crawlers.pace import ComeBackLater
from crawlers.policy import Gate
from dataset.errors import UsageError

MAX_BYTES = 8 * 1024 * 1024
MAX_REQUESTS = 150
SETTLE_S = 10.0  # from the page's start until its requests are still for half a second, at most
STILL_S = 0.5
PAGES_AT_ONCE = 2
MAX_REDIRECTS = 4
_UNSEEN = {"image", "media", "font", "websocket", "manifest", "ping", "eventsource", "texttrack"}
_SHELL = "//*[@id='root' or @id='app' or @id='__next' or @id='__nuxt' or @id='___gatsby' or @id='svelte']"
_FLAGS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--no-pings", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp", "--disable-features=DnsOverHttps",
]  # fmt: skip
_SENT = ("accept", "content-type", "x-requested-with", "authorization")
_DROPPED = {"content-encoding", "content-length", "transfer-encoding", "set-cookie", "connection", "alt-svc"}


def needs_javascript(page: Selector) -> bool:
    """True for a page whose content comes by script: an empty application shell, or one that says so itself."""
    text = " ".join(
        page.xpath("//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]").getall()
    )
    words, scripts = len(text.split()), len(page.xpath("//script[@src]"))
    if not scripts:
        return False
    told = " ".join(page.xpath("//noscript//text()").getall()).lower()
    shell = page.xpath(_SHELL)
    hollow = any(len(" ".join(s.xpath(".//text()").getall()).split()) < 20 for s in shell)
    asks = re.search(r"(enable|activate|turn on|requires?|need) javascript|javascript (is )?(required|disabled)", told)
    return words < 60 and bool(hollow or asks or words < 15)


class Browser:
    """Use as `async with`; Chromium starts with the first page that needs it. UsageError where there is none."""

    def __init__(self, client: Client, gate: Gate) -> None:
        self._client, self._gate = client, gate
        self._playwright: Any = None
        self._chromium: Any = None
        self._starting = asyncio.Lock()
        self._turn = asyncio.Semaphore(PAGES_AT_ONCE)

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._chromium is not None:
            await self._chromium.close()
        if self._playwright is not None:
            await self._playwright.stop()

    async def render(self, url: str, body: bytes, content_type: str | None) -> bytes:
        """The page at `url`, which came as `body`, after its scripts have run; UTF-8. It is not asked for again."""
        async with self._turn:
            await self._start()
            context = await self._chromium.new_context(
                user_agent=self._client.agent, accept_downloads=False, service_workers="block",
                viewport={"width": 1280, "height": 2_000},
            )  # fmt: skip
            try:
                return await self._rendered(await context.new_page(), url, body, content_type)
            finally:
                await context.close()

    async def _start(self) -> None:
        async with self._starting:
            if self._chromium is not None:
                return
            try:
                from playwright.async_api import Error, async_playwright
            except ImportError as error:
                raise UsageError("a browser needs playwright", cure="pip install 'modiste[browser]'") from error
            self._playwright = await async_playwright().start()
            try:
                self._chromium = await self._playwright.chromium.launch(
                    executable_path=shutil.which("chromium") or shutil.which("chromium-browser"), args=_FLAGS
                )
            except Error as error:
                raise UsageError(
                    f"no Chromium starts: {str(error).splitlines()[0]}",
                    cure="apt-get install chromium, or: playwright install chromium",
                ) from error

    async def _rendered(self, page: Any, url: str, body: bytes, content_type: str | None) -> bytes:
        visit = _Visit(self._client, self._gate, url, body, content_type)
        await page.route("**/*", visit.answer)
        await page.route_web_socket("**/*", lambda socket: socket.close())
        await page.goto(url, wait_until="commit", timeout=SETTLE_S * 1000)
        deadline = time.monotonic() + SETTLE_S
        await visit.rest(deadline)
        await page.evaluate("window.scrollTo(0, document.body ? document.body.scrollHeight : 0)")
        await visit.rest(deadline)  # for what waits to be seen
        return str(await page.content()).encode("utf-8", errors="replace")


class _Visit:
    """One page's requests: itself answered from `body`, scripts and data by the client, the rest not at all."""

    def __init__(self, client: Client, gate: Gate, url: str, body: bytes, content_type: str | None) -> None:
        self._client, self._gate = client, gate
        self._url, self._body, self._type = url, body, content_type or "text/html; charset=utf-8"
        self._asked, self._open, self._still_since = 0, 0, time.monotonic()

    async def rest(self, deadline: float) -> None:
        """Until nothing has been under way for half a second, or the deadline (monotonic s)."""
        while time.monotonic() < deadline and (self._open or time.monotonic() - self._still_since < STILL_S):
            await asyncio.sleep(0.05)

    async def answer(self, route: Any, request: Any) -> None:
        self._asked, self._open = self._asked + 1, self._open + 1
        try:
            found = await self._answered(request)
            with contextlib.suppress(_error()):  # the page was closed meanwhile
                await (route.abort() if found is None else route.fulfill(**found))
        finally:
            self._open, self._still_since = self._open - 1, time.monotonic()

    async def _answered(self, request: Any) -> dict[str, Any] | None:
        """What to fulfil the request with; None is 'as if offline'."""
        if request.is_navigation_request():  # a page that moves on by script is read where it stands; frames stay empty
            first = self._asked == 1 and request.url == self._url
            return {"status": 200, "body": self._body, "content_type": self._type} if first else {"status": 204}
        refused = self._asked > MAX_REQUESTS or request.resource_type in _UNSEEN
        return None if refused or request.method not in ("GET", "POST") else await self._fetched(request)

    async def _fetched(self, request: Any) -> dict[str, Any] | None:
        url, data = request.url, request.post_data_buffer
        kept = {name: value for name, value in request.headers.items() if name in _SENT}
        for _ in range(MAX_REDIRECTS):
            if (await self._gate.check(url)).reason:
                return None
            try:
                found = await self._client.get(url, cap=MAX_BYTES, headers=kept, data=data)
            except (Failure, ComeBackLater):
                return None
            to = found.headers.get("Location") if found.status in (301, 302, 303, 307, 308) else None
            if to is None:
                headers = {k: v for k, v in found.headers.items() if k.lower() not in _DROPPED}
                return None if found.stopped else {"status": found.status, "headers": headers, "body": found.body}
            url, data = urljoin(url, to), None
        return None


def _error() -> type[Exception]:
    from playwright.async_api import Error

    return Error
