"""Scrapy's two doors to the network: every page request passes the gate, and goes out through our own client.

In: Scrapy requests. Out: Scrapy responses, or `Refused` with the gate's decision. Because redirects are requests of
their own in Scrapy, each hop is judged like the first one.
"""

from __future__ import annotations

import time
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from crawlers.addresses import host_port
from crawlers.client import Failure, pace_key
from crawlers.pace import ComeBackLater
from crawlers.policy import Decision
from crawlers.settings import MAX_PAGE_BYTES, MAX_SITEMAP_BYTES

_RETRIED = {"timeout": DownloadTimeoutError, "connection": DownloadFailedError, "dns": CannotResolveHostError,
            "refused": DownloadConnectionRefusedError}  # fmt: skip


class Refused(IgnoreRequest):
    """The gate said no, or the answer may not be read; `decision.reason` is coded."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        super().__init__(f"{decision.reason}: {decision.evidence}")


class GateMiddleware:
    """First in line: nothing is asked for that the gate refuses, nor a page that a redirect moved to another host."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GateMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        job: Any = self._crawler.spider.job  # type: ignore[union-attr]
        if host_port(request.url)[0].removeprefix("www.") != job.host.removeprefix("www."):
            raise Refused(Decision("offsite", request.url[:200]))
        decision = await job.gate.check(request.url)
        if decision.reason:
            raise Refused(decision)


class PageHandler:
    """Scrapy's download handler over `crawlers.client`: guarded addresses, byte cap, deadline, the host's pace."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PageHandler:
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        job: Any = self._crawler.spider.job  # type: ignore[union-attr]
        headers = {
            k.decode(): b", ".join(v).decode("latin-1") for k, v in request.headers.items() if k not in _OWN_HEADERS
        }
        try:
            await job.client.pace.turn(pace_key(request.url))
        except ComeBackLater as later:
            raise Refused(Decision("retry_later", str(later))) from later
        begun = time.monotonic()
        try:
            cap = MAX_SITEMAP_BYTES if request.meta["page"].kind == "sitemap" else MAX_PAGE_BYTES
            answer = await job.client.get(request.url, cap=cap, headers=headers, paced=True)
        except Failure as failure:
            if failure.reason in _RETRIED:
                raise _RETRIED[failure.reason](str(failure)) from failure
            raise Refused(Decision(failure.reason, failure.detail)) from failure
        request.meta["download_latency"] = time.monotonic() - begun
        if answer.stopped:
            raise Refused(Decision(answer.stopped, request.url))
        found = Headers(
            [(k, v) for k, v in answer.headers.items() if k.lower() not in ("content-encoding", "content-length")]
        )
        kind = responsetypes.from_args(headers=found, url=request.url, body=answer.body)
        return kind(url=request.url, status=answer.status, headers=found, body=answer.body, request=request)

    async def close(self) -> None:
        """The client is the crawl's, which closes it."""


_OWN_HEADERS = (b"User-Agent", b"Accept-Encoding")
