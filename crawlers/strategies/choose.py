"""Which strategy a shop is crawled by: asks for the front page, tries the strategies in their order, says why.

In: a job whose queue may hold an interrupted crawl. Out: the queue seeded by the first strategy that brings a
product, its name and the reasons in the queue's state. One that brings none gives way to the next, and that is said.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from crawlers import links
from crawlers.addresses import host_port
from crawlers.job import Job
from crawlers.queue import PageTask, Queue
from crawlers.settings import MAX_PAGE_BYTES, MAX_SITEMAP_BYTES
from crawlers.strategies.ask import Unanswered, ask
from crawlers.strategies.keep import end, keep, note, note_unanswered
from crawlers.strategies.listing import Listings
from crawlers.strategies.shopify import Shopify
from crawlers.strategies.sitemap import Sitemaps
from crawlers.strategies.strategy import Front, PageAnswer, Strategy
from crawlers.strategies.woocommerce import WooCommerce
from dataset.errors import FetchError, ModisteError

log = logging.getLogger(__name__)
_SEED_PRIORITY = 34
MAX_BARREN = 200  # pages that a sitemap names, read without any product
_LISTS = ("shopify", "woocommerce")
_FOR_NOW = ("timeout", "connection", "dns", "http_429", "http_500", "http_502", "http_503", "http_504")


class Chooser:
    """`strategies` in their order; the last one takes any shop."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.listings = Listings()
        self.strategies: list[Strategy] = [Shopify(), WooCommerce(), Sitemaps(), self.listings]
        self._by_kind = {kind: strategy for strategy in self.strategies for kind in strategy.kinds}
        self._front: Front | None = None
        self._is_second = False  # pages of a strategy that gave way are in the queue, read but not followed

    async def settle(self, task: PageTask, answer: PageAnswer) -> None:
        """Read an answer by the strategy that its page belongs to, and keep what it held; unreadable is a row too."""
        job = self._job
        try:
            keep(job, task, answer, await self._by_kind[task.kind].read(job, task, answer))
        except ModisteError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("%s can't be read: %r", answer.url, error)
            end(job, task, "failed", "unreadable", answer)
        if task.kind == "leaf" and not job.queue.counts().products and job.queue.counts().tried >= MAX_BARREN:
            job.queue.drop_pending("leaf")  # a sitemap of dead links must not spend the budget
        job.progress(job.queue.counts().done, None)
        job.fetcher.changed.set()

    def is_worn_out(self, task: PageTask) -> bool:
        """True where pages like this one have brought nothing for long."""
        return task.kind == "listing" and not self._job.site and self.listings.patterns.is_worn_out(task.url)

    def broke_off(self, task: PageTask, reason: str) -> str:
        """The reason to write down for a page without an answer. A shop's own list hangs on each of its pages: one
        that failed for now is asked for again by the next run, one that is refused is said.
        """
        if task.kind not in _LISTS:
            return reason
        if reason in _FOR_NOW:
            return "retry_later"
        said = json.loads(self._job.queue.state("why") or "[]")
        parts = urlsplit(task.url)
        said.append(f"{task.kind} broke off at {parts.path}?{parts.query}: {reason}")
        self._job.queue.set_state(why=json.dumps(said))
        return reason

    async def begin(self) -> None:
        """robots.txt, the front page, the strategy; nothing where an interrupted crawl has its strategy already.

        Raises FetchError where the shop can't be reached, keeps us out, or asks to come back later.
        """
        await self._enter()
        if not self._job.queue.state("strategy"):
            await self._start(self.strategies, [])

    async def give_way(self) -> bool:
        """After the pages have ended: True where another strategy takes over, because this one brought no product."""
        queue, counts = self._job.queue, self._job.queue.counts()
        names = [s.name for s in self.strategies]
        at = names.index(queue.state("strategy") or names[-1])
        unfinished = counts.products or counts.pending or counts.claimed or self._job.is_over()
        if unfinished or "retry_later" in queue.page_reasons() or at == len(names) - 1:
            return False
        said = ", ".join(f"{reason} {n}" for reason, n in queue.page_reasons().items())
        reason = f"no product on {counts.done} pages{f' ({said})' if said else ''}"
        self._is_second = True
        await self._start(self.strategies[at + 1 :], [(names[at], reason)])
        return True

    async def _enter(self) -> None:
        where = self._job.scope.url
        decision = await self._job.gate.check(where)
        if decision.reason == "robots_unavailable":
            raise FetchError(
                f"the shop can't be reached or keeps its robots.txt from us ({decision.evidence})", where=where,
                cure="Check the address, or try again later; what was done is kept",
            )  # fmt: skip
        if decision.reason and decision.reason != "robots":
            raise FetchError(f"refused: {decision.evidence}", where=where, cure=f"Reason: {decision.reason}")

    async def _start(self, candidates: Sequence[Strategy], failed: list[tuple[str, str]]) -> None:
        """Seed by the first of `candidates` that has something to read. `failed` are strategies and why."""
        front = self._front = self._front or await self._fetch_front()
        none_found: list[str] = []
        for strategy in candidates:
            why = strategy.recognise(front) if _fits(strategy, front) else None
            if why is None:
                continue
            refused = await self._seed(strategy, front)
            if refused is None:
                self._say(strategy.name, [*none_found, f"{strategy.name}: {why}"], failed)
                return
            if strategy.name == "sitemap" and not front.sitemaps:
                none_found = ["no sitemap at a usual address"]
            else:
                failed.append((strategy.name, refused))

    def _say(self, name: str, why: list[str], failed: list[tuple[str, str]]) -> None:
        names = [*(failing for failing, _ in failed), name]
        gave_way = [f"{a} gave way to {b}: {reason}" for (a, reason), b in zip(failed, names[1:], strict=True)]
        said = [*json.loads(self._job.queue.state("why") or "[]"), *gave_way, *why]
        self._job.queue.set_state(strategy=name, why=json.dumps(said))

    async def _fetch_front(self) -> Front:
        asked = self._job.scope
        answer = await ask(self._job, asked.url)
        if isinstance(answer, Unanswered):
            _come_back(answer, asked.url)
            if answer.reason == "offsite":
                cure = "Crawl that address, if it is the shop you mean"
                raise FetchError(f"not a page of this host: {answer.words}", where=asked.url, cure=cure)
        rules = (await self._job.gate.robots(asked.url)).rules
        named = [urljoin(asked.url, address) for address in (rules.sitemaps if rules else [])]
        own = tuple(address for address in dict.fromkeys(named) if _on_host(address, self._job.host))
        return Front(asked, self._job.site, answer if isinstance(answer, PageAnswer) else None, own)

    async def _seed(self, strategy: Strategy, front: Front) -> str | None:
        """Read the first seed whose answer is of use; why there is none, in words."""
        refused = "nothing to begin with"
        for url in strategy.seeds(front):
            task = PageTask(url, strategy.name, 0)
            is_front = strategy is self.listings and url == links.clean(front.scope.url)
            answer = front.answer if is_front and front.answer else await ask(self._job, url, cap=_cap(strategy))
            unusable = answer.words if isinstance(answer, Unanswered) else strategy.accepts(answer)
            if isinstance(answer, PageAnswer) and unusable is None:
                if not is_front and front.answer:
                    note(self._job, PageTask(front.scope.url, "front", 0), front.answer, "front")
                self._queue_seeds(strategy, front, url)
                await self.settle(task, answer)
                return None
            if strategy is self.listings:
                self._queue_seeds(strategy, front, url)  # asked by the spider, which says what became of it
                return None
            self._note_refusal(task, answer)
            refused = unusable or refused
        return refused

    def _queue_seeds(self, strategy: Strategy, front: Front, url: str) -> None:
        queue = self._job.queue
        queue.set_state(**strategy.memory(front))
        if strategy is self.listings:
            queue.follow_instead(url) if self._is_second else queue.add_page(url, "listing")
            return
        queue.add_page(url, strategy.name, 0, _SEED_PRIORITY)
        for address in front.sitemaps if "sitemap" in strategy.kinds else ():
            queue.add_page(address, "sitemap", 0, _SEED_PRIORITY)

    def _note_refusal(self, task: PageTask, answer: PageAnswer | Unanswered) -> None:
        if isinstance(answer, PageAnswer):
            note(self._job, task, answer, "other")
            return
        _come_back(answer, task.url)
        note_unanswered(self._job, task, answer.reason, answer.words)


def reasons_of(queue: Queue) -> str:
    """Why this strategy, in a sentence or several, parted by '; '."""
    said = json.loads(queue.state("why") or "[]")
    copies = json.loads(queue.state("left_out") or "{}")
    if copies:
        counted = ", ".join(f"{n} in {language}" for language, n in sorted(copies.items()))
        said.append(f"one language ({queue.state('language')}): copies left out: {counted}")
    return "; ".join(said)


def _cap(strategy: Strategy) -> int:
    return MAX_SITEMAP_BYTES if strategy.name == "sitemap" else MAX_PAGE_BYTES


def _fits(strategy: Strategy, front: Front) -> bool:
    """A site file wins: one with links is a listing's, one with selectors wants pages to be read."""
    site = front.site
    if site and site.product_links:
        return strategy.name == "listing"
    return not (site and site.selectors) or strategy.name in ("sitemap", "listing")


def _on_host(address: str, host: str) -> bool:
    try:
        return host_port(address)[0].removeprefix("www.") == host.removeprefix("www.")
    except ValueError:
        return False


def _come_back(answer: Unanswered, where: str) -> None:
    if answer.reason == "retry_later":
        raise FetchError(answer.words, where=where, cure="Run the same command then; what was done is kept")
