"""`crawl`: a shop's address in; products, image bytes and coded attempts in the workspace. One asyncio loop, two
workers: Scrapy asks for pages (without a Twisted reactor, so a process may crawl more than once), the fetcher asks
for images.

Everything is remembered in `crawl/<store>.sqlite`: after Ctrl-C or kill -9 the same command goes on where it stood,
a finished crawl asks nothing, `recrawl` asks conditionally. Never uses Scrapy's JOBDIR (it loses items) or its
robots middleware (it leaks).
"""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from scrapy.crawler import AsyncCrawlerRunner

from crawlers.addresses import AddressGuard, host_port, is_loopback
from crawlers.browser import Browser
from crawlers.client import Client, pace_key
from crawlers.job import Job, Scope
from crawlers.pace import HostPace
from crawlers.queue import Queue
from crawlers.redis_queue import RedisQueue
from crawlers.rows import Writer
from crawlers.session import fetcher_for, gate_for, image_counts, last_one_out, queue_path, seldom_collected, together
from crawlers.settings import agent, scrapy_settings
from crawlers.site_config import SiteConfig, site_for
from crawlers.spiders.shop import ShopSpider
from crawlers.sqlite_queue import SqliteQueue
from crawlers.strategies.choose import Chooser, reasons_of
from crawlers.strategies.scope import part
from dataset.crawl_notes import CrawlNote, write_note
from dataset.errors import EmptyError, FetchError, UsageError
from dataset.progress import Progress, silent
from dataset.workspace import Workspace


@dataclass(frozen=True)
class CrawlResult:
    """Counts over the whole crawl, resumed or not.

    `reasons`: coded reason -> images; `page_reasons`: the same for pages; `why`: what made `strategy` be chosen, and
    what gave way to it.
    """

    store: str
    crawl_id: str
    strategy: str
    pages: int
    products: int
    images_ok: int
    images_unchanged: int
    images_failed: int
    images_refused: int
    reasons: dict[str, int] = field(default_factory=dict)
    page_reasons: dict[str, int] = field(default_factory=dict)
    was_finished: bool = False
    why: str = ""

    def line(self) -> str:
        """One line for a person."""
        unchanged = f", {self.images_unchanged} unchanged" if self.images_unchanged else ""
        said = ", ".join(f"{reason} {n}" for reason, n in self.reasons.items())
        counts = (
            f"{self.store}: {self.products} products on {self.pages} pages ({self.strategy}); images: "
            f"{self.images_ok} ok{unchanged}, "
            f"{self.images_failed} failed, {self.images_refused} refused{f' ({said})' if said else ''}"
        )
        counts += "".join(f". {said}" for said in self.why.split("; ") if re.search(" gave way to | broke off ", said))
        return f"crawled already, nothing asked. {counts}. --recrawl looks for changes" if self.was_finished else counts

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def crawl(
    ws: Workspace, url: str, *, store: str | None = None, max_products: int | None = None, only: str | None = None,
    recrawl: bool = False, browser: bool = False, frontier: str | None = None, progress: Progress = silent,
) -> CrawlResult:  # fmt: skip
    """Crawl the shop at `url` into `ws`, or go on with it. `only` keeps to pages under a path; `store` names the rows.

    `browser` runs the scripts of pages that are nothing without; `frontier` is the redis:// address of a queue that
    several workers share, each with this same call.

    Raises UsageError (no address, or crawled by another process now), FetchError (can't be reached, or keeps us out),
    EmptyError (no product found). Counts cover all runs of this crawl.
    """
    url = _address(url)
    name = store or urlsplit(url).netloc.lower()
    site = site_for(urlsplit(url).netloc, [ws.root / "sites"])
    budget = min(ws.settings.crawl.max_pages, (site and site.max_pages) or ws.settings.crawl.max_pages)
    scope = Scope(url, name, only, max_products, budget)
    queue: Queue = RedisQueue(frontier, name) if frontier else SqliteQueue(queue_path(ws, name))
    try:
        _begin(queue, scope, recrawl)
        _note(ws, queue, scope)  # a crawl that is killed is known as unfinished
        if queue.state("status") == "finished":
            return _result(queue, scope, was_finished=True)
        with seldom_collected():
            asyncio.run(_crawl(ws, queue, scope, site, browser, progress))
        _note(ws, queue, scope)
        return _result(queue, scope)
    finally:
        queue.close()


def _address(url: str) -> str:
    full = url if "://" in url else f"https://{url}"
    try:
        host_port(full)
    except ValueError:
        full = ""
    if not full.startswith(("http://", "https://")):
        raise UsageError(f"'{url}' is no shop address", expected="such as https://shop.example")
    return full if urlsplit(full).path else f"{full}/"


def _begin(queue: Queue, scope: Scope, recrawl: bool) -> None:
    """A new crawl, the interrupted one, or the finished one widened to another scope; `crawl_id` stays with it."""
    status, asked = queue.state("status"), f"{scope.url} {scope.only} {scope.max_products} {scope.max_pages}"
    if status == "finished" and recrawl:
        queue.begin_anew()
        status = None
    if status is None:
        crawl_id = f"{scope.store}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        if queue.settle("crawl_id", crawl_id) == crawl_id:
            queue.set_state(status="running", asked=asked, strategy="", why="[]")
    elif (before := queue.state("asked")) != asked:
        queue.widen()
        if str(before).rsplit(" ", 2)[0] != asked.rsplit(" ", 2)[0]:  # another part of the shop: choose again
            queue.set_state(strategy="", why="[]", left_out="{}")
        queue.set_state(status="running", asked=asked)


def _note(ws: Workspace, queue: Queue, scope: Scope) -> None:
    """Write down what was asked: a report calls nothing gone that lies outside of it."""
    counts, finished = queue.counts(), queue.state("status") == "finished"
    asked = (scope.store, scope.url, part(scope), scope.max_products, counts.products, scope.max_pages, counts.tried)
    write_note(ws, CrawlNote(str(queue.state("crawl_id")), *asked, finished=finished))


async def _crawl(
    ws: Workspace, queue: Queue, scope: Scope, site: SiteConfig | None, browser: bool, progress: Progress
) -> None:
    settings = ws.settings.crawl
    loopback = is_loopback(scope.url)
    delay_s = site.delay_s if site and site.delay_s is not None else settings.delay_s
    pace = HostPace(delay_s, target=max(1.0, settings.concurrency / 2))
    pace.set_delay(pace_key(scope.url), 0.0 if loopback else delay_s)
    guard = AddressGuard(scope.url, settings.allow_hosts)
    client_for = partial(Client, timeout_s=settings.timeout_s, concurrency=settings.concurrency)
    async with client_for(agent(ws.settings.contact), guard, pace) as client, AsyncExitStack() as both:
        job = _job(ws, queue, scope, site, client, progress)
        job.browser = await both.enter_async_context(Browser(client, job.gate)) if browser else None
        await job.writer.reconcile()
        chooser = Chooser(job)
        await chooser.begin()
        runner = AsyncCrawlerRunner(scrapy_settings(ws.settings, delay_s=delay_s, loopback=loopback))
        await together(queue, job.writer, _pages(job, chooser, runner), job.fetcher.run())
        await last_one_out(queue, job.writer)
    _finish(job)


def _job(ws: Workspace, queue: Queue, scope: Scope, site: SiteConfig | None, client: Client, progress: Progress) -> Job:
    crawl_id = str(queue.state("crawl_id"))
    gate = gate_for(ws, client)
    stamp = {"crawl_id": crawl_id, "store": scope.store, "source": "crawl"}
    fetcher = fetcher_for(ws, queue, client, gate, stamp)
    writer = Writer(ws, queue, crawl_id)
    host = host_port(scope.url)[0]
    return Job(
        scope, crawl_id, host, queue, client, gate, fetcher, writer, ws.blobs, ws.settings.purpose, site, progress
    )


async def _pages(job: Job, chooser: Chooser, runner: AsyncCrawlerRunner) -> None:
    """Read pages until none is left, by one strategy after the other; the images go on after that."""
    is_left = True
    while is_left:
        await runner.crawl(ShopSpider, job=job, chooser=chooser)
        if job.error:
            raise job.error
        is_left = await chooser.give_way()
    job.fetcher.pages_ended = True
    job.fetcher.changed.set()


def _finish(job: Job) -> None:
    """Mark the crawl finished, unless the host wants us back later, or nothing was found."""
    queue, where = job.queue, job.scope.url
    reasons = queue.page_reasons()
    if postponed := queue.postponed():
        wait = job.client.pace.wait_s(pace_key(where))
        raise FetchError(
            f"the shop asks to come back in {wait:.0f} s" if wait else "the shop is too busy to answer",
            where=where,
            cure=f"Run the same command then: {postponed} pages are left",
        )
    if queue.counts().products:
        queue.set_state(status="finished")
        return
    pages = queue.counts().done
    queue.begin_anew()
    said = ", ".join(f"{reason} {n}" for reason, n in reasons.items())
    leaves = {r: n for r, n in reasons.items() if r != "http_404"}
    if leaves and set(leaves) == {"robots"} and not pages:
        raise FetchError(
            "its robots.txt forbids every page to us",
            where=where,
            cure="Ask the shop for leave, or for an export to import",
        )
    if not pages:
        raise FetchError(
            f"no page could be read ({said or 'none was found'})",
            where=where,
            cure="Check the address, or try again later",
        )
    raise EmptyError(
        f"no product on {pages} pages{f' ({said})' if said else ''}", where=where,
        cure="Give the address of a listing, or describe the store in sites/*.yaml",
    )  # fmt: skip


def _result(queue: Queue, scope: Scope, *, was_finished: bool = False) -> CrawlResult:
    images, reasons = image_counts(queue)
    return CrawlResult(
        scope.store, str(queue.state("crawl_id")), str(queue.state("strategy")), queue.counts().done,
        queue.counts().products, images["ok"], images["unchanged"], images["failed"], images["refused"],
        reasons, queue.page_reasons(), was_finished, reasons_of(queue),
    )  # fmt: skip
