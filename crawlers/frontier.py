"""Scrapy's scheduler over the durable queue: requests come out of SQLite, so a kill loses none and a resume repeats
none.

In: requests of the spider (new pages) and of Scrapy itself (retries and redirects of a page in flight, which live
in memory, because their page stays undone in the queue). Out: the next request. Respects the page and product
budgets.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import Crawler


class Frontier:
    """`spider.job` carries the queue and the budgets."""

    def __init__(self) -> None:
        self._again: deque[Request] = deque()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Frontier:
        return cls()

    def open(self, spider: Spider) -> None:
        self._job: Any = spider.job  # type: ignore[attr-defined]
        self._spider: Any = spider

    def close(self, reason: str) -> None:
        self._again.clear()

    def has_pending_requests(self) -> bool:
        return bool(self._again) or (not self._job.is_over() and self._job.queue.counts().pending > 0)

    def enqueue_request(self, request: Request) -> bool:
        if "page" in request.meta:  # a retry or a redirect of a page in flight
            self._again.append(request)
            return True
        return bool(self._job.queue.add_page(request.url, request.meta.get("kind", "listing")))

    def next_request(self) -> Request | None:
        if self._again:
            return self._again.popleft()
        room, counts = self._job.room_for_products(), self._job.queue.counts()
        if counts.tried + counts.claimed >= self._job.scope.max_pages:
            return None  # pages in flight spend the budget
        if room is not None and counts.claimed >= max(room, 1):
            return None  # pages in flight may fill the budget already
        task = None if self._job.is_over() else self._job.queue.claim_page()
        return self._spider.request_for(task) if task else None
