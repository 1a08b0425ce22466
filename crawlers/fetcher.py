"""The image fetcher: takes URLs from the durable queue, asks politely, keeps original bytes, writes down every
attempt.

In: a queue, a client, the gate. Out: blobs, and a result per attempt: ok, unchanged, failed or refused with a coded
reason. An image that opts out by header is never read, let alone stored. Never decodes: the first bytes are
checked, the rest is `check`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from crawlers import client as client_module
from crawlers import optout, sniff
from crawlers.client import Answer, Client, Failure, Headers
from crawlers.pace import MAX_WAIT_S, ComeBackLater, retry_after_s
from crawlers.policy import Decision, Gate
from crawlers.queue import ImageTask, Known, Queue
from dataset.blobs import BlobStore, sha256_of
from dataset.progress import Progress, silent

REASONS = {
    **client_module.REASONS,
    **sniff.REASONS,
    "http_<status>": "answered with that status, e.g. http_404",
    "redirect_loop": "redirects that come back to themselves, or too many of them",
    "retry_later": "the host asks for more patience than a crawl has",
}
MAX_REDIRECTS = 5
MAX_HOSTS = 64  # asked at a time; a list of images may name thousands
CLAIMED_AT_ONCE = 32
INLINE_BYTES = 1024 * 1024
MAX_ATTEMPTS = 3
BACKOFF_S = 1.0
_TRANSIENT = {"timeout", "connection", "http_429", "http_500", "http_502", "http_503", "http_504"}
_KEPT = (
    "content-type",
    "content-length",
    "etag",
    "last-modified",
    "x-robots-tag",
    "tdm-reservation",
    "tdm-policy",
    "content-usage",
    "content-signal",
    "link",
    "retry-after",
)


@dataclass(frozen=True)
class Outcome:
    """One attempt. `row` holds columns of `fetches`; `known` what makes the next request conditional."""

    row: dict[str, Any]
    known: Known | None = None
    again_in_s: float | None = None


@dataclass
class Fetcher:
    """`stamp` are the columns every row of this crawl shares, `concurrency` holds for each host.

    `changed` is set when images come in or pages end; `progress` hears of every attempt.
    """

    queue: Queue
    client: Client
    gate: Gate
    blobs: BlobStore
    stamp: dict[str, Any]
    purpose: str
    max_bytes: int
    max_pixels: int
    concurrency: int
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    pages_ended: bool = False
    progress: Progress = silent
    attempted: int = 0
    _working: Counter[str] = field(default_factory=Counter)
    _waiting: dict[str, deque[ImageTask]] = field(default_factory=dict)

    async def run(self) -> None:
        """Until the pages have ended and no image is left to ask for."""
        async with asyncio.TaskGroup() as workers:
            while not (self.pages_ended and not self._working and not self.queue.images_left()):
                self._staff(workers)
                with contextlib.suppress(TimeoutError):  # wait_for would swallow a cancelling that comes with the event
                    async with asyncio.timeout(0.5):  # postponed images come due by the clock
                        await self.changed.wait()
                self.changed.clear()

    def _staff(self, workers: asyncio.TaskGroup) -> None:
        """As many workers to a host as it may be asked by at a time, while it has images to ask for."""
        for host in self.queue.image_hosts(MAX_HOSTS - len(self._working)):
            while self._working[host] < self.concurrency and (task := self._next(host)):
                self._working[host] += 1
                workers.create_task(self._work(task))
            if not self._working[host]:
                del self._working[host]

    async def _work(self, first: ImageTask) -> None:
        task: ImageTask | None = first
        try:
            while task:
                await self._one(task)
                task = self._next(task.host)
        finally:
            self._working[first.host] -= 1
            if not self._working[first.host]:
                del self._working[first.host]
            self.changed.set()

    def _next(self, host: str) -> ImageTask | None:
        waiting = self._waiting.setdefault(host, deque())
        if not waiting:
            waiting.extend(self.queue.claim_images(host, CLAIMED_AT_ONCE))
        if waiting:
            return waiting.popleft()
        del self._waiting[host]
        return None

    async def _one(self, task: ImageTask) -> None:
        outcome = await self.attempt(task)
        again = None if outcome.again_in_s is None else time.time() + outcome.again_in_s
        row = {**self.stamp, "url": task.url, "fetched_at": datetime.now(UTC).isoformat(), **outcome.row}
        self.queue.image_attempted(task.url, row, again_at=again, known=outcome.known)
        self.attempted += 1
        self.progress(self.attempted, None)

    async def attempt(self, task: ImageTask) -> Outcome:
        """Ask for one image once, redirects included."""
        begun, url, seen = time.monotonic(), task.url, set[str]()
        known = self.queue.known(task.url)
        while True:
            decision = await self.gate.check(url, image=True)
            if decision.reason:
                return Outcome(_refused(url, decision))
            seen.add(url)
            try:
                answer = await self.client.get(
                    url, cap=self.max_bytes, headers=known.headers() if known else {}, peek=self._peek
                )
            except ComeBackLater as later:
                return Outcome(_failed(url, begun, "retry_later", detail=str(later)))
            except Failure as failure:
                return self._unanswered(url, begun, failure, task)
            to = answer.headers.get("Location") if answer.status in (301, 302, 303, 307, 308) else None
            if answer.stopped or to is None:
                return await self._judge(url, begun, answer, known, task, decision)
            try:
                url = urljoin(url, to)
            except ValueError:
                return Outcome(_failed(url, begun, "bad_url", answer))
            if url in seen or len(seen) > MAX_REDIRECTS:
                return Outcome(_failed(url, begun, "redirect_loop", answer))

    def _peek(self, status: int, headers: Headers) -> str | None:
        refused = self._opted_out(headers) if status in (200, 304) else None  # a 404's noindex speaks of itself
        return refused.reason if refused else None

    def _opted_out(self, headers: Headers) -> optout.OptOut | None:
        said = [*headers.getall("Content-Usage", []), *headers.getall("Content-Signal", [])]
        tags = headers.getall("X-Robots-Tag", [])
        return optout.from_headers(tags, headers.get("tdm-reservation"), self.purpose, said)

    async def _judge(
        self, url: str, begun: float, answer: Answer, known: Known | None, task: ImageTask, decision: Decision
    ) -> Outcome:
        if answer.status in (200, 304) and (refused := self._opted_out(answer.headers)):
            return _opted(url, begun, answer, refused)
        if answer.status == 304 and known and self.gate.tombstones.against_bytes(known.sha256):
            return _taken_down(url, begun, answer)
        if answer.status == 304 and known:
            row = {"status": "unchanged", "sha256": known.sha256, "bytes": known.bytes, "policy": decision.as_json()}
            return Outcome({**_answered(url, begun, answer), **row})
        if answer.stopped or answer.status != 200:
            reason = answer.stopped or f"http_{answer.status}"
            return Outcome(
                _failed(url, begun, reason, answer), again_in_s=_again(reason, task, answer.headers.get("Retry-After"))
            )
        if refused := optout.from_bytes(answer.body, self.purpose):
            return _opted(url, begun, answer, refused)
        if wrong := sniff.refusal(answer.body, self.max_pixels):
            return Outcome({**_failed(url, begun, wrong, answer), "bytes": len(answer.body)})
        if self.gate.tombstones and self.gate.tombstones.against_bytes(sha256_of(answer.body)):
            return _taken_down(url, begun, answer)
        sha256 = await self._keep(answer.body)
        row = {"status": "ok", "sha256": sha256, "bytes": len(answer.body), "policy": decision.as_json()}
        kept = Known(answer.headers.get("ETag"), answer.headers.get("Last-Modified"), sha256, len(answer.body))
        return Outcome({**_answered(url, begun, answer), **row}, kept if kept.headers() else None)

    async def _keep(self, body: bytes) -> str:
        """A thread costs more than writing a picture of ordinary size to a local disk."""
        if self.blobs.is_local and len(body) <= INLINE_BYTES:
            return self.blobs.put(body)
        return await asyncio.to_thread(self.blobs.put, body)

    def _unanswered(self, url: str, begun: float, failure: Failure, task: ImageTask) -> Outcome:
        if failure.reason == "private_address":
            return Outcome(_refused(url, Decision("private_address", failure.detail)))
        row = _failed(url, begun, failure.reason, detail=failure.detail)
        return Outcome(row, again_in_s=_again(failure.reason, task, None))


def _again(reason: str, task: ImageTask, retry_after: str | None) -> float | None:
    """Seconds until the next try of what may pass by itself; None for what won't, or was tried often enough."""
    if reason not in _TRANSIENT or task.attempts + 1 >= MAX_ATTEMPTS:
        return None
    asked = retry_after_s(retry_after)
    if asked is not None and asked > MAX_WAIT_S:
        return None
    return asked if asked is not None else BACKOFF_S * 2**task.attempts


def _answered(url: str, begun: float, answer: Answer) -> dict[str, Any]:
    kept = {name: ", ".join(answer.headers.getall(name)) for name in _KEPT if name in answer.headers}
    elapsed = round(1000 * (time.monotonic() - begun))
    return {"final_url": url, "http_status": answer.status, "headers": json.dumps(kept), "elapsed_ms": elapsed}


def _failed(url: str, begun: float, reason: str, answer: Answer | None = None, detail: str = "") -> dict[str, Any]:
    known = (
        _answered(url, begun, answer)
        if answer
        else {"final_url": url, "elapsed_ms": round(1000 * (time.monotonic() - begun))}
    )
    row = {**known, "status": "failed", "reason": reason}
    return {**row, "policy": Decision(None, detail).as_json()} if detail else row


def _opted(url: str, begun: float, answer: Answer, refused: optout.OptOut) -> Outcome:
    return Outcome({**_answered(url, begun, answer), **_refused(url, Decision(refused.reason, refused.evidence))})


def _taken_down(url: str, begun: float, answer: Answer) -> Outcome:
    """Bytes that a take-down forbids, wherever they lie now."""
    return Outcome({**_answered(url, begun, answer), **_refused(url, Decision("taken_down", "takedowns: sha256"))})


def _refused(url: str, decision: Decision) -> dict[str, Any]:
    return {"status": "refused", "reason": decision.reason, "policy": decision.as_json(), "final_url": url}
