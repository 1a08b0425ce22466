"""The spider for any shop: asks for the queue's pages and hands each answer to the strategy that can read it.

In: page tasks from the frontier. Out: one transaction per page, by `crawlers.strategies`. It starts with nothing
(`crawlers.strategies.choose` seeds the queue) and reads nothing itself.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from multidict import CIMultiDict
from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DontCloseSpider
from scrapy.http import Response

from crawlers.browser import needs_javascript
from crawlers.download import Refused
from crawlers.job import Job
from crawlers.policy import REASONS as POLICY_REASONS
from crawlers.queue import PageTask
from crawlers.strategies.choose import Chooser
from crawlers.strategies.keep import end
from crawlers.strategies.strategy import PageAnswer
from dataset.errors import ModisteError

_BY_EXCEPTION = {
    "DownloadTimeoutError": "timeout", "CannotResolveHostError": "dns", "DownloadConnectionRefusedError": "connection",
    "DownloadFailedError": "connection",
}  # fmt: skip


class ShopSpider(Spider):
    name = "shop"

    def __init__(self, job: Job, chooser: Chooser, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job, self.chooser = job, chooser

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> ShopSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.when_idle, signal=signals.spider_idle)
        return spider

    def when_idle(self) -> None:
        """Pages that other workers hold may name more, or come back when a worker dies."""
        counts = self.job.queue.counts()
        if (counts.claimed or counts.pending) and not self.job.is_over():
            raise DontCloseSpider

    async def start(self) -> Any:
        """Nothing to start with: the frontier holds what was seeded, or what an interrupted run left."""
        for request in list[Request]():
            yield request

    def request_for(self, task: PageTask | None) -> Request | None:
        """A page's request, conditional where an earlier crawl kept the page; of the next one where pages like it
        have brought nothing for long; None where that was the last.

        `dont_filter`: the queue knows what was seen.
        """
        while task and self.chooser.is_worn_out(task):
            end(self.job, task, "refused", "nothing_new", words="pages of this pattern have brought nothing new")
            task = None if self.job.is_over() else self.job.queue.claim_page()
        if task is None:
            return None
        known = self.job.queue.known(task.url) if task.kind != "sitemap" else None
        return Request(
            task.url,
            headers=known.headers() if known else None,
            callback=self.parse_page,
            errback=self.page_failed,
            meta={"page": task, "known": known, "handle_httpstatus_all": False, "handle_httpstatus_list": [304]},
            dont_filter=True,
        )

    async def parse_page(self, response: Response) -> None:
        """Read a page, or, where it has not changed, the one kept."""
        task, known = response.meta["page"], response.meta["known"]
        try:
            unchanged = response.status == 304 and known is not None
            body = zlib.decompress(self.job.blobs.get(known.sha256)) if unchanged else response.body
            answer = PageAnswer(response.url, response.status, body, _headers(response))
            await self.chooser.settle(task, await self._rendered(answer))
        except ModisteError as error:
            self.job.error = error
            raise CloseSpider("error") from error

    async def _rendered(self, answer: PageAnswer) -> PageAnswer:
        """The answer, its scripts run where a browser was asked for and the page is nothing without."""
        browser = self.job.browser
        if browser is None or answer.page is None or not needs_javascript(answer.page):
            return answer
        body = await browser.render(answer.url, answer.body, answer.headers.get("Content-Type"))
        headers = answer.headers.copy()
        headers["Content-Type"] = "text/html; charset=utf-8"
        return PageAnswer(answer.url, answer.status, body, headers, is_rendered=True)

    def page_failed(self, failure: Any) -> None:
        """A page that brought nothing: refused by the gate or failed, with its reason."""
        task: PageTask = failure.request.meta["page"]
        error = failure.value
        if isinstance(error, asyncio.CancelledError):
            return  # Ctrl-C: the page is still to be done
        response = getattr(error, "response", None)
        answer = PageAnswer(response.url, response.status, b"") if response is not None else None
        if isinstance(error, Refused):
            reason = error.decision.reason or "refused"
            status = "refused" if reason in POLICY_REASONS else "failed"
            end(self.job, task, status, reason, words=error.decision.evidence)
        elif "max redirections" in str(error):
            end(self.job, task, "failed", "redirect_loop", answer)
        else:
            reason = f"http_{answer.status}" if answer else _BY_EXCEPTION.get(type(error).__name__, "connection")
            reason = self.chooser.broke_off(task, reason)
            end(self.job, task, "failed", reason, answer, words="" if answer else str(error))


def _headers(response: Response) -> CIMultiDict[str]:
    return CIMultiDict(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in (values if isinstance(values, list) else [values])
    )
