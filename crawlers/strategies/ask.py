"""One page asked for outside of Scrapy's stream: the front page, a strategy's first page, a sampled product page.

In: a URL. Out: a `PageAnswer`, or an `Unanswered` with a coded reason. Through gate, pace and the guarded client like
every other request; redirects are judged hop by hop and stay on the shop's host; a busy server is asked again, twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin

from multidict import CIMultiDict

from crawlers.addresses import host_port
from crawlers.client import Answer, Failure
from crawlers.job import Job
from crawlers.pace import ComeBackLater
from crawlers.settings import MAX_PAGE_BYTES
from crawlers.strategies.strategy import PageAnswer

REDIRECTS = 5
TRIES = 3
_MOVED = (301, 302, 303, 307, 308)
_BUSY = (429, 500, 502, 503, 504)
_AGAIN_AFTER_S = 0.5


@dataclass(frozen=True)
class Unanswered:
    """`reason` is coded as in `pages`, `words` say it to a person."""

    reason: str
    words: str


async def ask(job: Job, url: str, *, cap: int = MAX_PAGE_BYTES) -> PageAnswer | Unanswered:
    """The answer, whatever its status, after redirects; `cap` bounds it, in bytes."""
    address = url
    for _ in range(REDIRECTS + 1):
        try:
            if host_port(address)[0].removeprefix("www.") != job.host.removeprefix("www."):
                return Unanswered("offsite", f"it leads to {address[:200]}")
        except ValueError:
            return Unanswered("bad_url", f"it leads to {address[:200]}")
        decision = await job.gate.check(address)
        if decision.reason:
            return Unanswered(decision.reason, decision.evidence)
        answer = await _patiently(job, address, cap)
        if isinstance(answer, Unanswered):
            return answer
        to = answer.headers.get("Location") if answer.status in _MOVED else None
        if not to:
            return PageAnswer(address, answer.status, answer.body, CIMultiDict(answer.headers))
        address = urljoin(address, to)
    return Unanswered("redirect_loop", f"{REDIRECTS} redirects lead nowhere")


async def _patiently(job: Job, address: str, cap: int) -> Answer | Unanswered:
    """One URL; a busy or broken server gets another chance, a `Retry-After` is kept by the pace."""
    said: Answer | Unanswered = Unanswered("connection", address)
    for attempt in range(TRIES):
        await asyncio.sleep(_AGAIN_AFTER_S * attempt)
        try:
            said = await job.client.get(address, cap=cap)
        except ComeBackLater as later:
            return Unanswered("retry_later", str(later))
        except Failure as failure:
            said = Unanswered(failure.reason, str(failure))
            if failure.reason not in ("timeout", "connection"):
                return said
            continue
        if said.stopped:
            return Unanswered(said.stopped, f"{address}: {said.stopped}")
        if said.status not in _BUSY:
            return said
    return said
