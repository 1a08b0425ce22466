"""Sitemaps: those robots.txt names, else the first of the usual addresses that holds one.

In: sitemap files. Out: pages to read, what looks like products first, each in one language. No page is left out for
its address alone, save copies in other languages; a million URLs are streamed to the queue until its frontier is full.
"""

from __future__ import annotations

import asyncio
import json
import re
from itertools import islice
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

from crawlers import links, sitemaps
from crawlers.job import Job
from crawlers.queue import PageTask
from crawlers.strategies import scope
from crawlers.strategies.languages import Languages, of_front, one_of_each
from crawlers.strategies.strategy import Front, PageAnswer, Reading

USUAL = ("/sitemap.xml", "/sitemap_index.xml", "/sitemap-index.xml", "/wp-sitemap.xml")
MAX_DEPTH = 3
_BATCH = 2_000
_PRODUCTS = re.compile(r"product|produkt|produit|producto|prodotto|artikel|item|goods|pdp", re.I)
_OTHERS = re.compile(
    r"blog|post|page|news|article|image|video|author|tag|categor|collection|brand|store|cms|static", re.I
)
_PRODUCT_PATH = re.compile(r"/(products?|produkte?|produits?|productos?|prodott[oi]|artikel|item|p|dp|pd|shop)/", re.I)


class Sitemaps:
    name: ClassVar[str] = "sitemap"
    kinds: ClassVar[frozenset[str]] = frozenset({"sitemap"})

    def __init__(self) -> None:
        self._languages: Languages | None = None

    def recognise(self, front: Front) -> str | None:
        asked = front.scope
        if scope.part(asked) is not None and not asked.only:
            return None
        return "robots.txt names one" if front.sitemaps else "it answers at a usual address"

    def seeds(self, front: Front) -> list[str]:
        named = list(front.sitemaps)
        page = front.answer.page if front.answer else None
        linked = page.xpath("//link[@rel='sitemap']/@href").getall() if page is not None else []
        return list(dict.fromkeys([*named, *(urljoin(front.url, address) for address in [*linked, *USUAL])]))

    def memory(self, front: Front) -> dict[str, str]:
        return of_front(front)

    def accepts(self, answer: PageAnswer) -> str | None:
        if answer.status not in (200, 304):
            return f"{urlsplit(answer.url).path} answered {answer.status}"
        return None if sitemaps.looks_like_one(answer.body) else f"{urlsplit(answer.url).path} is no sitemap"

    async def read(self, job: Job, task: PageTask, answer: PageAnswer) -> Reading:
        """Queues as it reads: a sitemap is done only when all it names is in the queue, and naming twice is no harm."""
        languages = self._of(job)
        entries, further = sitemaps.entries(answer.body), list[str]()
        while batch := await asyncio.to_thread(lambda: list(islice(entries, _BATCH))):
            further += [urljoin(answer.url, e.url) for e in batch if e.is_sitemap]
            pages = (languages.kept(e) for e in batch if not e.is_sitemap)
            if not _queue(job, task, [url for url in pages if url]):
                break
        _queue(job, task, languages.rest())
        if languages.left_out:
            job.queue.set_state(left_out=json.dumps(languages.left_out))
        nested = one_of_each(further, languages.own) if task.depth < MAX_DEPTH else []
        own = [url for url in nested if _host(url) == _host(job.scope.url)]
        return Reading("sitemap", links=[(u, "sitemap", task.depth + 1, _rank(u)) for u in own])

    def _of(self, job: Job) -> Languages:
        if self._languages is None:
            left_out = json.loads(job.queue.state("left_out") or "{}")
            self._languages = Languages(job.queue.state("language") or "", left_out)
        return self._languages


def _queue(job: Job, task: PageTask, found: list[str]) -> bool:
    """False where the frontier is full. With `--only`, what is found is followed too: a listing has its products
    elsewhere."""
    only, home = job.scope.only, urlsplit(job.scope.url)
    for url in found:
        if job.frontier_is_full():
            return False
        address = urljoin(job.scope.url, url)
        if _host(address) != home.netloc.lower().removeprefix("www."):
            continue
        if home.scheme == "https":
            address = re.sub(r"^http:", "https:", address)  # saves a redirect each
        if links.in_scope(address, only):
            job.queue.add_page(
                links.clean(address), "listing" if only else "leaf", task.depth + 1, _likely(task, address)
            )
    return True


def _likely(task: PageTask, url: str) -> int:
    """Priority of a page: what is named a product first, what speaks of something else last."""
    if _PRODUCT_PATH.search(url) or _PRODUCTS.search(urlsplit(task.url).path):
        return links.PRODUCT + 2
    return links.LATER if links.is_later(url) else links.PRODUCT


def _rank(url: str) -> int:
    """Sitemaps of products first; all of them before any page, since they are few and say which pages matter."""
    name = urlsplit(url).path
    return 34 if _PRODUCTS.search(name) else 30 if _OTHERS.search(name) else 32


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower().removeprefix("www.")
