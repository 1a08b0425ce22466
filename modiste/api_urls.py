"""Images by URL, through the crawl's own client, gate and fetcher: robots.txt, opt-outs, take-downs, private addresses,
byte and pixel bounds, each redirect judged, the connection made to the very address that was judged.

In: the service's workspace (or none) and bounds. Out: bytes, or a `Problem` with the fetcher's coded reason. One opened
reader serves one request, so nothing that clients name piles up in memory. Keeps nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from crawlers.addresses import AddressGuard, host_port
from crawlers.client import Client
from crawlers.fetcher import Fetcher
from crawlers.pace import HostPace
from crawlers.policy import Gate
from crawlers.queue import ImageTask
from crawlers.session import gate_for
from crawlers.settings import agent
from crawlers.sqlite_queue import SqliteQueue
from dataset.blobs import BlobStore
from dataset.settings import Settings
from dataset.workspace import Workspace
from modiste.api_limits import Limits
from modiste.api_problems import Problem

ReadUrl = Callable[[str], Awaitable[bytes]]
AT_A_TIME = 4  # of one request


@asynccontextmanager
async def url_reader(ws: Workspace | None, limits: Limits) -> AsyncIterator[ReadUrl]:
    """`read(url)` raises Problem."""
    settings = ws.settings if ws else Settings()
    crawl = settings.crawl
    guard = AddressGuard(None, crawl.allow_hosts)
    pace = HostPace(crawl.delay_s, target=1.0)
    with tempfile.TemporaryDirectory(prefix="modiste-serve-") as folder:
        queue, blobs = SqliteQueue(Path(folder) / "queue.sqlite"), BlobStore(Path(folder) / "blobs")
        try:
            async with Client(
                agent(settings.contact),
                guard,
                pace,
                timeout_s=min(crawl.timeout_s, limits.url_s),
                concurrency=AT_A_TIME,
            ) as client:
                gate = gate_for(ws, client) if ws else Gate(
                    client, deny_hosts=crawl.deny_hosts, taken_down=set(), purpose=settings.purpose
                )  # fmt: skip
                fetcher = Fetcher(
                    queue, client, gate, blobs, {}, settings.purpose, min(crawl.max_image_bytes, limits.image_bytes),
                    min(crawl.max_image_pixels, limits.pixels), AT_A_TIME,
                )  # fmt: skip
                turns = asyncio.Semaphore(AT_A_TIME)

                async def read(url: str) -> bytes:
                    _refuse_form(url, guard)
                    async with turns:
                        return await _read(url, fetcher, blobs, limits.url_s)

                yield read
        finally:
            queue.close()


def _refuse_form(url: str, guard: AddressGuard) -> None:
    """Another scheme, a user's name, a port of another protocol."""
    try:
        scheme = urlsplit(url).scheme.lower()
        host_port(url)
        odd = guard.refuses_form(url)
    except ValueError as error:
        raise Problem("bad_url", str(error)) from error
    if scheme not in ("http", "https"):
        raise Problem("bad_url", f"the scheme is '{scheme[:20]}'")
    if odd:
        raise Problem("bad_url", odd)


async def _read(url: str, fetcher: Fetcher, blobs: BlobStore, deadline_s: float) -> bytes:
    host, port = host_port(url)
    try:
        async with asyncio.timeout(deadline_s):
            outcome = await fetcher.attempt(ImageTask(url, f"{host}:{port}", 0))
    except TimeoutError as error:
        raise Problem("timeout", f"nothing whole within {deadline_s:g} s") from error
    if outcome.row["status"] != "ok":
        raise Problem(str(outcome.row.get("reason")))
    sha256 = str(outcome.row["sha256"])
    data = blobs.get(sha256)
    blobs.delete(sha256)
    return data
