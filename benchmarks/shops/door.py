"""A door before a shop that counts who comes in: forwards TCP on loopback and writes down each request line.

In: the shop's port. Out: `requests`, the targets asked for in order (a body that looks like a request line would count;
crawlers send none). It changes no byte, so the shop sees the Host that was asked for.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_REQUEST = re.compile(rb"^(?:GET|HEAD|POST|OPTIONS) (\S+) HTTP/1\.[01]\r$", re.M)


class Door:
    """`url` is the address to crawl while `open_door` holds it open."""

    def __init__(self, shop_port: int) -> None:
        self.shop_port, self.url = shop_port, ""
        self.requests: list[str] = []

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            shop_reader, shop_writer = await asyncio.open_connection("127.0.0.1", self.shop_port)
            await asyncio.gather(self._pump(reader, shop_writer, count=True), self._pump(shop_reader, writer))
        except OSError:
            writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, count: bool = False) -> None:
        rest = b""
        with suppress(OSError):
            while piece := await source.read(65_536):
                if count:
                    rest = self._count(rest + piece)
                sink.write(piece)
                await sink.drain()
        sink.close()

    def _count(self, seen: bytes) -> bytes:
        """Write down the whole lines of `seen`; what is left of it, for the next piece."""
        whole, _, rest = seen.rpartition(b"\n")
        self.requests += [target.decode("latin-1") for target in _REQUEST.findall(whole)]
        return rest


@contextmanager
def open_door(shop_port: int) -> Iterator[Door]:
    """A door on a free port, kept by a thread of its own until the block ends."""
    door, loop = Door(shop_port), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(door.forward, "127.0.0.1", 0))
    door.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
