"""What a crawl of a shop and an import of a list share: the queue's place, the gate, how their parts run together.

In: a workspace, a queue, coroutines. Out: a `Gate` with the workspace's lists and take-downs; the parts run side by
side while the queue is committed and its rows are written. Never asks the network itself.
"""

from __future__ import annotations

import asyncio
import gc
import re
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crawlers.client import Client
from crawlers.fetcher import Fetcher
from crawlers.policy import Gate
from crawlers.queue import Queue
from crawlers.rows import Writer
from dataset.workspace import Workspace

COMMIT_S = 0.05
FLUSH_AT = 2_000  # rows; a commit to a table costs some 20 ms, and the queue keeps them safe meanwhile


def queue_path(ws: Workspace, name: str) -> Path:
    """The queue's file of a store or list; what a file name can't hold is written '_'."""
    return ws.scratch("crawl") / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}.sqlite"


def gate_for(ws: Workspace, client: Client) -> Gate:
    """The gate with this workspace's purpose, lists and take-downs."""
    written = ws.tables.version("takedowns") is not None
    rows = ws.tables.read("takedowns", columns=["kind", "value"]).to_pylist() if written else []
    crawl = ws.settings.crawl
    return Gate(
        client, deny_hosts=crawl.deny_hosts, only_hosts=crawl.only_hosts, licences=crawl.licences,
        purpose=ws.settings.purpose, taken_down={(r["kind"], r["value"]) for r in rows},
    )  # fmt: skip


def fetcher_for(ws: Workspace, queue: Queue, client: Client, gate: Gate, stamp: dict[str, Any]) -> Fetcher:
    """The image fetcher with this workspace's purpose and bounds; `stamp` are the columns its rows share."""
    crawl = ws.settings.crawl
    return Fetcher(
        queue, client, gate, ws.blobs, stamp, ws.settings.purpose, crawl.max_image_bytes, crawl.max_image_pixels,
        crawl.concurrency,
    )  # fmt: skip


def image_counts(queue: Queue) -> tuple[Counter[str], dict[str, int]]:
    """Images by status, and by coded reason, most frequent first."""
    images, reasons = Counter[str](), Counter[str]()
    for (status, reason), n in queue.outcomes().items():
        images[status] += n
        if reason:
            reasons[reason] += n
    return images, dict(reasons.most_common())


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Python's cycle collector looks through all that lives each time, and parsed pages make it look far too often:
    without it a crawl of 871 pages took 3 % and 11 % less CPU time in two pairs of runs."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def together(queue: Queue, writer: Writer, *work: Coroutine[Any, Any, None]) -> None:
    """Run `work` side by side until all has ended. What breaks one part stops the others, and is raised itself."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(COMMIT_S)
            queue.commit()
            await writer.flush(at_least=FLUSH_AT)

    try:
        async with asyncio.TaskGroup() as parts:
            crawling = [parts.create_task(part) for part in work]
            keeping = parts.create_task(keep())
            await asyncio.wait(crawling)
            keeping.cancel()
    except* Exception as group:
        raise _first(group) from None
    await writer.flush()


async def last_one_out(queue: Queue, writer: Writer) -> None:
    """Wait for the other workers of a shared crawl; one of them writes what workers that died have left."""
    queue.leave()
    while not queue.alone():
        await asyncio.sleep(0.2)
    crawl_id = queue.state("crawl_id")
    if queue.settle(f"finisher of {crawl_id}", queue.name) == queue.name:
        queue.adopt()
        await writer.reconcile()
        await writer.flush()


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """What went wrong first, out of the group that holds it."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
