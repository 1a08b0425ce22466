"""What a strategy is: it recognises its shop from the front page, says what to ask first, and reads the answers.

In: answers, as `PageAnswer`. Out: `Reading`s, which `crawlers.strategies.keep` hands to the queue. A strategy decides
nothing about the network: every address it names goes through gate and pace like any other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

from multidict import CIMultiDict
from parsel import Selector

from crawlers.extract.page import parse
from crawlers.extract.product import Product
from crawlers.job import Job, Scope
from crawlers.optout import OptOut
from crawlers.queue import PageTask
from crawlers.site_config import SiteConfig

Link = tuple[str, str, int, int]  # (URL, kind, depth, priority)


@dataclass
class PageAnswer:
    """An answer to a request for a page. `url` is the last one of its redirects, `body` decompressed.

    Where the page was unchanged (304), `body` is the one kept and `status` stays 304. Where a browser
    ran its scripts, `body` is what they left.
    """

    url: str
    status: int
    body: bytes
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    is_rendered: bool = False

    @cached_property
    def page(self) -> Selector | None:
        """The one parse that extraction, opt-outs and links share; None for what can't be a page."""
        return None if b"\x00" in self.body[:512] else parse(self.body, self.headers.get("Content-Type"))

    @cached_property
    def text(self) -> str:
        """The body for looking for words in it."""
        return self.body.decode("utf-8", errors="replace")

    def data(self) -> Any:
        """The body as JSON; None where it is none (a challenge page with status 200, say)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Reading:
    """What an answer held. `found` names it for the table `pages`; `failed` is the coded reason where it held nothing
    readable; `opted` is what the page says about its images.
    """

    found: str
    products: list[Product] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    opted: OptOut | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Front:
    """The shop's front page, or the address given, and what was asked for. `answer` is None where none came."""

    scope: Scope
    site: SiteConfig | None
    answer: PageAnswer | None
    sitemaps: tuple[str, ...] = ()  # those robots.txt names

    @property
    def url(self) -> str:
        return self.answer.url if self.answer else self.scope.url

    def holds(self, *words: str) -> str | None:
        """The first of `words` that stands in the page's text, in any case."""
        text = self.lowered
        return next((word for word in words if word.lower() in text), None)

    @cached_property
    def lowered(self) -> str:
        return self.answer.text.lower() if self.answer else ""

    def header(self, name: str) -> str:
        return self.answer.headers.get(name, "") if self.answer else ""


class Strategy(Protocol):
    """`name` is the kind of its first page too; `kinds` are all that it reads."""

    name: ClassVar[str]
    kinds: ClassVar[frozenset[str]]

    def recognise(self, front: Front) -> str | None:
        """The words of why this shop is one of its kind; None where it isn't."""

    def seeds(self, front: Front) -> list[str]:
        """Addresses to begin with, of which the first that `accepts` its answer is the right one."""

    def memory(self, front: Front) -> dict[str, str]:
        """What its reading will need of the front page, for the queue's state: a resumed crawl has no front page."""

    def accepts(self, answer: PageAnswer) -> str | None:
        """Why an answer to a seed is of no use, in words; None where it is."""

    async def read(self, job: Job, task: PageTask, answer: PageAnswer) -> Reading: ...
