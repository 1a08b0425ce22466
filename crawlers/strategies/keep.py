"""From a reading to the durable queue: products, images, links and the page's own row in one transaction.

In: the task, its answer, what a strategy read. Out: `Found` in the queue, the page's bytes in the blob store. Budgets
and opt-outs are applied here, so no strategy can forget them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crawlers import licences, optout
from crawlers.job import Job
from crawlers.licences import PageLicences
from crawlers.optout import OptOut
from crawlers.policy import REASONS, Decision
from crawlers.queue import Found, Known, PageTask
from crawlers.strategies.strategy import PageAnswer, Reading


def keep(job: Job, task: PageTask, answer: PageAnswer, reading: Reading) -> int:
    """How many products were new."""
    if reading.failed:
        end(job, task, "failed", reading.failed, answer)
        return 0
    room = job.room_for_products()
    if room == 0 and reading.products:
        job.queue.page_ended(task.url, "pending", "budget")
        return 0
    stones = job.gate.tombstones
    allowed = [p for p in reading.products if not stones.against_product(job.scope.store, p.key, p.brand)]
    if reading.products and not allowed:
        end(job, task, "refused", "taken_down", answer, words="takedowns: its product or brand")
        return 0
    products = allowed if room is None else allowed[:room]
    sha256 = job.keep_page(answer.body) if products and len(allowed) == len(reading.products) else ""
    stated = licences.mentioned(answer.body, answer.page, answer.url)
    images = [image for product in products for image in product.images]
    opted = reading.opted or job.gate.unlicensed(stated, images)
    decision = Decision(opted.reason, opted.evidence) if opted else None
    visit = job.visit(
        task, "unchanged" if answer.status == 304 else "ok", found=reading.found, products=len(products),
        sha256=sha256 or None, policy=decision.as_json() if decision else None, **_answered(answer),
    )  # fmt: skip
    rows = [(_licensed(job.row(product, sha256), stated), product.images) for product in products]
    found = Found(reading.links, rows, visit, _refusal(job, decision) if decision else None)
    return job.queue.page_done(task.url, found, _known(answer, sha256))


def end(job: Job, task: PageTask, status: str, reason: str, answer: PageAnswer | None = None, words: str = "") -> None:
    """A page that brought nothing, and its row."""
    evidence = {"policy": Decision(reason, words).as_json()} if words else {}
    visit = job.visit(task, status, reason, products=0, **evidence, **(_answered(answer) if answer else {}))
    job.queue.page_ended(task.url, status, reason, visit)


def note(job: Job, task: PageTask, answer: PageAnswer, found: str, opted: OptOut | None = None) -> None:
    """The row of a page that was looked at, never queued: the front page, a seed in vain, one sampled for opt-outs."""
    decision = Decision(opted.reason, opted.evidence).as_json() if opted else None
    status, reason = ("ok", None) if answer.status == 200 else ("failed", f"http_{answer.status}")
    visit = job.visit(task, status, reason, found=found, products=0, policy=decision, **_answered(answer))
    job.queue.page_ended(task.url, "done", "", visit)


def note_unanswered(job: Job, task: PageTask, reason: str, words: str) -> None:
    """The same where no answer came: refused by the gate, or failed."""
    status = "refused" if reason in REASONS else "failed"
    visit = job.visit(task, status, reason, products=0, policy=Decision(reason, words).as_json())
    job.queue.page_ended(task.url, "done", "", visit)


def opted_out(job: Job, answer: PageAnswer) -> OptOut | None:
    """What an HTML page and its headers say about its images."""
    tags, tdm = answer.headers.getall("X-Robots-Tag", []), answer.headers.get("tdm-reservation")
    said = [*answer.headers.getall("Content-Usage", []), *answer.headers.getall("Content-Signal", [])]
    if answer.page is None:
        return optout.from_headers(tags, tdm, job.purpose, said)
    by_host = job.gate.reserved(answer.url)
    return optout.of_page(answer.page, tags, tdm, job.purpose, said=said, by_host=by_host)


def _licensed(row: dict[str, Any], stated: PageLicences) -> dict[str, Any]:
    """With the licence that the page states for the images, where the product's own markup names none."""
    return {**row, "licence": row["licence"] or licences.stated(stated, row["image_urls"])}


def _refusal(job: Job, decision: Decision) -> dict[str, Any]:
    from_now = {"fetched_at": datetime.now(UTC).isoformat(), "reason": decision.reason, "policy": decision.as_json()}
    return {**job.fetcher.stamp, **from_now}


def _known(answer: PageAnswer, sha256: str) -> Known | None:
    """What to ask by next time, where the page was kept and its server gave something."""
    if not sha256:
        return None
    known = Known(answer.headers.get("ETag"), answer.headers.get("Last-Modified"), sha256, len(answer.body))
    return known if known.headers() else None


def _answered(answer: PageAnswer) -> dict[str, Any]:
    """What an answer says of itself, as columns of `pages`."""
    return {"final_url": answer.url, "http_status": answer.status, "rendered": answer.is_rendered}
