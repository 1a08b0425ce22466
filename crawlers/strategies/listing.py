"""Listings: pages read for the products they show and followed to further ones, as a visitor would go.

In: any HTML page of the shop. Out: its products, what it says about its images, and its links: the listing's next
pages first, then what looks like products, menus, the rest. Products are recognised by what their page contains.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urljoin

from parsel import Selector

from crawlers import links, optout
from crawlers.extract.page import extract
from crawlers.job import MAX_DEPTH, Job
from crawlers.queue import PageTask
from crawlers.strategies.keep import opted_out
from crawlers.strategies.patterns import Pagination, Patterns
from crawlers.strategies.strategy import Front, Link, PageAnswer, Reading

_MIN_TILES = 4
_PAGER = "contains(@class,'pager') or contains(@id,'pager') or contains(@class,'paginat') or contains(@id,'paginat')"
_LEADS = "@href and not(starts-with(@href,'#')) and not(starts-with(@href,'javascript:'))"
_EMPTY_PAGER = f"//*[self::div or self::nav or self::ul][{_PAGER}][not(.//a[{_LEADS}])]"


class Listings:
    """`leaf` pages are read the same way and not followed."""

    name: ClassVar[str] = "listing"
    kinds: ClassVar[frozenset[str]] = frozenset({"listing", "leaf"})

    def __init__(self) -> None:
        self.patterns = Patterns()
        self._pagination = Pagination()
        self._seen: set[int] = set()

    def recognise(self, front: Front) -> str | None:
        if front.site and front.site.product_links:
            return f"sites/ holds a file for {front.site.host}"
        return "links are followed"

    def seeds(self, front: Front) -> list[str]:
        asked = front.scope
        return [links.clean(urljoin(asked.url, asked.only) if asked.only else asked.url)]

    def memory(self, front: Front) -> dict[str, str]:
        return {}

    def accepts(self, answer: PageAnswer) -> str | None:
        return None if answer.status in (200, 304) else f"the first page answered {answer.status}"

    async def read(self, job: Job, task: PageTask, answer: PageAnswer) -> Reading:
        page = answer.page
        if page is None:
            return Reading("other", failed="not_html")
        kind = answer.headers.get("Content-Type")
        read = extract(answer.body, answer.url, content_type=kind, site=job.site, page=page)
        found = self._links(job, task, answer, bool(read.products)) if task.kind == "listing" else []
        return Reading(read.kind, read.products, found, opted_out(job, answer))

    def _links(self, job: Job, task: PageTask, answer: PageAnswer, is_product: bool) -> list[Link]:
        page, tags = answer.page, answer.headers.getall("X-Robots-Tag", [])
        if page is None or task.depth >= MAX_DEPTH or not optout.follows_links(page, tags):
            return []
        found = list(links.find(page, answer.url, only=job.scope.only, site=job.site))
        if is_product and job.scope.only:  # beside a product stand related ones, which were not asked for
            found = [link for link in found if links.in_scope(link[0], job.scope.only)]
        following = self._following(page, answer.url, found)
        self._note(task.url, found, is_product)
        if job.frontier_is_full():
            return []
        return [
            (url, kind, task.depth + (priority != links.NEXT), _ranked(priority, task.depth))
            for url, kind, priority in [*following, *found]
            if job.site or priority == links.PRODUCT or self.patterns.admits(url)
        ]

    def _following(self, page: Selector, url: str, found: list[links.Found]) -> list[links.Found]:
        """Pages of this listing that no link leads to."""
        tiles = [address for address, _, priority in found if priority == links.PRODUCT]
        numbered = [address for address, _, priority in found if priority == links.NEXT]
        has_pager = not numbered and len(tiles) >= _MIN_TILES and bool(page.xpath(_EMPTY_PAGER))
        untold = self._pagination.read(url, tiles, numbered, has_pager=has_pager)
        return [(links.clean(address), "listing", links.NEXT) for address in untold]

    def _note(self, url: str, found: list[links.Found], is_product: bool) -> None:
        """Count what the page brought: itself a product, or products' addresses that no page had named."""
        tiles = {hash(address) for address, _, priority in found if priority == links.PRODUCT}
        fresh = tiles - self._seen
        if len(self._seen) < 1_000_000:
            self._seen |= fresh
        self.patterns.read(url, brought=is_product or bool(fresh))


def _ranked(priority: int, depth: int) -> int:
    """What is no product and no next page comes the later, the deeper it was found."""
    return priority if priority >= links.PRODUCT else priority - depth
