"""The spider for any shop: reads sitemaps, listings and product pages, and hands each page's content to the durable
queue.

In: page tasks from the frontier. Out: one transaction per page. It starts with nothing: `crawlers.run` seeds the
queue. Where a sitemap led to no product, it goes over to listing pages, and says so.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from parsel import Selector
from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DontCloseSpider
from scrapy.http import Response

from crawlers import links, optout, sitemaps
from crawlers.download import Refused
from crawlers.extract.page import extract, parse
from crawlers.job import MAX_DEPTH, Job
from crawlers.policy import REASONS as POLICY_REASONS
from crawlers.policy import Decision
from crawlers.queue import Found, Known, PageTask
from dataset.errors import ModisteError

log = logging.getLogger(__name__)

_BY_EXCEPTION = {
    "DownloadTimeoutError": "timeout", "CannotResolveHostError": "dns", "DownloadConnectionRefusedError": "connection",
    "DownloadFailedError": "connection",
}  # fmt: skip


class ShopSpider(Spider):
    name = "shop"

    def __init__(self, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> ShopSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider._when_idle, signal=signals.spider_idle)
        return spider

    async def start(self) -> Any:
        """Nothing to start with: the frontier holds what was seeded, or what an interrupted run left."""
        for request in list[Request]():
            yield request

    def request_for(self, task: PageTask) -> Request:
        """A page's request, conditional where an earlier crawl kept the page.

        `dont_filter`: the queue knows what was seen.
        """
        known = self.job.queue.known(task.url) if task.kind != "sitemap" else None
        return Request(
            task.url,
            headers=known.headers() if known else None,
            callback=self.parse_sitemap if task.kind == "sitemap" else self.parse_page,
            errback=self.page_failed,
            meta={"page": task, "known": known, "handle_httpstatus_all": False, "handle_httpstatus_list": [304]},
            dont_filter=True,
        )

    def parse_sitemap(self, response: Response) -> None:
        task: PageTask = response.meta["page"]
        found: list[tuple[str, str, int, int]] = []
        room = 10 * self.job.scope.max_pages
        for url, is_sitemap in sitemaps.read(response.body):
            if len(found) >= room:
                break
            if is_sitemap and task.depth < 3:
                found.append((urljoin(response.url, url), "sitemap", task.depth + 1, 30))
            elif not is_sitemap and links.in_scope(url, self.job.scope.only):
                found.append((links.clean(url), "leaf", task.depth + 1, links.PRODUCT))
        visit = self.job.visit(task, "ok", found="sitemap", products=0, **_answered(response))
        self.job.queue.page_done(task.url, Found(links=found, visit=visit))

    def parse_page(self, response: Response) -> None:
        """Read a page (or, where it has not changed, the one kept) and commit what it holds."""
        task, known = response.meta["page"], response.meta["known"]
        unchanged = response.status == 304 and known is not None
        body = zlib.decompress(self.job.blobs.get(known.sha256)) if unchanged else response.body
        page = parse(body, _header(response, "Content-Type"))
        if page is None or b"\x00" in body[:512]:
            self._end(task, "failed", "not_html", response)
            return
        try:
            self._commit(task, response, body, page)
        except ModisteError as error:
            self.job.error = error
            raise CloseSpider("error") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("%s can't be read: %r", response.url, error)
            self._end(task, "failed", "unreadable", response)
        self.job.progress(self.job.queue.counts().done, None)
        self.job.fetcher.changed.set()

    def _end(self, task: PageTask, status: str, reason: str, response: Response | None = None, words: str = "") -> None:
        """A page that brought nothing, and its row."""
        evidence = {"policy": Decision(reason, words).as_json()} if words else {}
        visit = self.job.visit(
            task, status, reason, products=0, **evidence, **(_answered(response) if response else {})
        )
        self.job.queue.page_ended(task.url, status, reason, visit)

    def _commit(self, task: PageTask, response: Response, body: bytes, page: Selector) -> None:
        read = extract(body, response.url, content_type=_header(response, "Content-Type"), site=self.job.site)
        tags = [v.decode("latin-1") for v in response.headers.getlist("X-Robots-Tag")]
        opted = optout.from_headers(tags, _header(response, "tdm-reservation"), self.job.purpose)
        opted = opted or optout.from_page(page, self.job.purpose)
        room = self.job.room_for_products()
        if room == 0 and read.products:
            self.job.queue.page_ended(task.url, "pending", "budget")
            return
        products = read.products if room is None else read.products[:room]
        sha256 = self.job.keep_page(body) if products else ""
        rows = [(self.job.row(p, sha256), p.images) for p in products]
        decision = Decision(opted.reason, opted.evidence) if opted else None
        kept = (
            Known(_header(response, "ETag"), _header(response, "Last-Modified"), sha256, len(body)) if sha256 else None
        )
        visit = self.job.visit(
            task, "unchanged" if response.status == 304 else "ok", found=read.kind, products=len(products),
            sha256=sha256 or None, policy=decision.as_json() if decision else None, **_answered(response),
        )  # fmt: skip
        found = Found(
            self._links(task, response, page, tags), rows, visit, self._refusal(decision) if decision else None
        )
        self.job.queue.page_done(task.url, found, kept if kept and kept.headers() else None)

    def _links(
        self, task: PageTask, response: Response, page: Selector, tags: list[str]
    ) -> list[tuple[str, str, int, int]]:
        too_deep = task.kind != "listing" or task.depth >= MAX_DEPTH or self.job.frontier_is_full()
        if too_deep or not optout.follows_links(page, tags):
            return []
        found = links.find(page, response.url, only=self.job.scope.only, site=self.job.site)
        return [(url, kind, task.depth + (priority != links.NEXT), priority) for url, kind, priority in found]

    def _refusal(self, decision: Decision) -> dict[str, Any]:
        stamp = self.job.fetcher.stamp
        from_now = {"fetched_at": _now(), "reason": decision.reason, "policy": decision.as_json()}
        return {**stamp, **from_now}

    def page_failed(self, failure: Any) -> None:
        """A page that brought nothing: refused by the gate or failed, with its reason."""
        task: PageTask = failure.request.meta["page"]
        error = failure.value
        if isinstance(error, asyncio.CancelledError):
            return  # Ctrl-C: the page is still to be done
        response = getattr(error, "response", None)
        if isinstance(error, Refused):
            reason = error.decision.reason or "refused"
            self._end(task, "refused" if reason in POLICY_REASONS else "failed", reason, words=error.decision.evidence)
        elif "max redirections" in str(error):
            self._end(task, "failed", "redirect_loop", response)
        elif response is not None:
            self._end(task, "failed", f"http_{response.status}", response)
        else:
            self._end(task, "failed", _BY_EXCEPTION.get(type(error).__name__, "connection"), words=str(error))

    def _when_idle(self) -> None:
        """All pages are read. A sitemap that led to no product is no catalogue: try the listings."""
        queue = self.job.queue
        if queue.state("strategy") == "sitemap" and queue.counts().products == 0 and not self.job.is_over():
            queue.set_state(strategy="listing")
            start = links.clean(urljoin(self.job.scope.url, self.job.scope.only or self.job.scope.url))
            queue.follow_instead(start)
            self.crawler.engine.crawl(Request(start, meta={"kind": "listing"}))  # wakes the engine
            raise DontCloseSpider


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None


def _answered(response: Response) -> dict[str, Any]:
    """What an answer says of itself, as columns of `pages`."""
    return {"final_url": response.url, "http_status": response.status}


def _now() -> str:
    return datetime.now(UTC).isoformat()
