"""Image URLs of the command line, by the crawl's own fetcher: robots.txt, opt-outs, take-downs, private addresses, byte
and pixel bounds, redirects judged hop by hop.

In: a workspace's settings where there is one, else the defaults. Out: the bytes of one URL at a time. A refusal or a
failure is an ImageError with the fetcher's coded reason. Keeps nothing: a picture that is yours but refused to crawlers
is best downloaded by you and given as a file.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

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
from dataset.errors import ImageError
from dataset.settings import Settings
from dataset.workspace import Workspace


class UrlReader:
    """Use as `with UrlReader(ws) as read: read(url)`. One client and one gate for all of them, one URL at a time."""

    def __init__(self, ws: Workspace | None = None) -> None:
        self._ws, self._settings = ws, ws.settings if ws else Settings()
        self._closing = ExitStack()

    def __enter__(self) -> UrlReader:
        folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="modiste-cutout-")))
        self._queue = SqliteQueue(folder / "queue.sqlite")
        self._closing.callback(self._queue.close)
        self._blobs = BlobStore(folder / "blobs")
        self._runner = self._closing.enter_context(asyncio.Runner())
        self._client = self._runner.run(self._opened())
        self._closing.callback(lambda: self._runner.run(self._client.__aexit__(None, None, None)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def __call__(self, url: str) -> bytes:
        """Raises ImageError, `code` the fetcher's reason."""
        try:
            host, port = host_port(url)
        except ValueError as error:
            raise ImageError("bad_url", str(error), where=url) from error
        outcome = self._runner.run(self._fetcher.attempt(ImageTask(url, f"{host}:{port}", 0)))
        if outcome.row["status"] != "ok":
            raise ImageError(str(outcome.row.get("reason")), str(outcome.row.get("policy") or "refused"), where=url)
        sha256 = str(outcome.row["sha256"])
        data = self._blobs.get(sha256)
        self._blobs.delete(sha256)
        return data

    async def _opened(self) -> Client:
        crawl = self._settings.crawl
        client = Client(
            agent(self._settings.contact), AddressGuard(None, crawl.allow_hosts),
            HostPace(crawl.delay_s, target=1.0), timeout_s=crawl.timeout_s, concurrency=1,
        )  # fmt: skip
        await client.__aenter__()
        gate = gate_for(self._ws, client) if self._ws else Gate(
            client, deny_hosts=crawl.deny_hosts, taken_down=set(), purpose=self._settings.purpose
        )  # fmt: skip
        self._fetcher = Fetcher(
            self._queue, client, gate, self._blobs, {}, self._settings.purpose, crawl.max_image_bytes,
            crawl.max_image_pixels, 1,
        )  # fmt: skip
        return client
