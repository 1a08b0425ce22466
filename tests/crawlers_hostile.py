"""A hostile server on loopback, speaking raw sockets: what no HTTP library would send, a crawler must survive.

`Hostile.answers` maps a path to the raw bytes of a response, or to a coroutine function that writes one to the socket.
Every request is written down in `asked`; `bodies_sent` counts bytes, so a test can say how much was taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import struct
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, kind: str = "text/html; charset=utf-8", status: str = "200 OK", **headers: str) -> bytes:
    """A whole, honest response; `headers` may take the length back: `Content_Length='99'`."""
    named = {"Content-Type": kind, "Content-Length": str(len(body))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{head}Connection: close\r\n\r\n".encode("latin-1") + body


def redirect(to: str) -> bytes:
    return answer(b"", status="302 Found", Location=to)


def drip(head: bytes, every_s: float = 0.1) -> Behaviour:
    """A byte now and then, for ever."""

    async def write(out: asyncio.StreamWriter) -> None:
        out.write(head)
        while True:
            out.write(b"\xff")
            await out.drain()
            await asyncio.sleep(every_s)

    return write


def endless(kind: str, start: bytes = b"") -> Behaviour:
    """Chunks without end, as fast as they are taken."""

    async def write(out: asyncio.StreamWriter) -> None:
        out.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for chunk in [start, *[b"x" * 65_536] * 100_000]:
            out.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunk else b"")
            await out.drain()

    return write


async def silent(out: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await asyncio.sleep(3_600)


async def reset(out: asyncio.StreamWriter) -> None:
    """Cuts the connection hard, in the middle of the headers."""
    out.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await out.drain()
    sock = out.get_extra_info("socket")
    sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER 0: a reset in place of a farewell
    out.close()


def flood(headers: int) -> bytes:
    lines = b"".join(b"X-%d: %b\r\n" % (n, b"y" * 100) for n in range(headers))
    return b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 2\r\n\r\nhi"


def gzip_bomb(megabytes: int) -> bytes:
    """A gzip stream of zeros, a thousandth of its size."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as file:
        for _ in range(megabytes):
            file.write(bytes(1024 * 1024))
    return out.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A PNG header of that size over one row of data: some hundred bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    )


def picture(kind: str, colour: int = 0, frames: int = 1, side_px: int = 16) -> bytes:
    """A drawn image of a Pillow format; animated where `frames` are more than one."""
    drawn = [Image.new("RGB", (side_px, side_px), (colour, 60 * n % 256, 90)) for n in range(frames)]
    out = io.BytesIO()
    drawn[0].save(out, kind, **({"save_all": True, "append_images": drawn[1:]} if frames > 1 else {}))
    return out.getvalue()


def product(name: str, images: list[str], before: str = "", after: str = "") -> bytes:
    """A product page; `before` and `after` stand around its markup in the body."""
    node = {"@context": "https://schema.org", "@type": "Product", "name": f"Dress {name}", "sku": name, "image": images,
            "offers": {"@type": "Offer", "price": "10.00", "priceCurrency": "EUR"}}  # fmt: skip
    markup = f'<script type="application/ld+json">{json.dumps(node)}</script>'
    return f"<html><head>{markup}</head><body>{before}<h1>Dress {name}</h1>{after}</body></html>".encode()


@dataclass
class Hostile:
    url: str = ""
    answers: dict[str, bytes | Behaviour] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fallback: Callable[[str], bytes] = lambda path: answer(b"gone", status="404 Not Found")

    async def serve(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split(b" ", 2)[1].decode("latin-1")
            self.asked.append(path)
            given = self.answers[path] if path in self.answers else self.fallback(path)
            if isinstance(given, bytes):
                out.write(given)
                await out.drain()
            else:
                await given(out)
        with contextlib.suppress(ConnectionError):
            out.close()


@contextmanager
def hostile() -> Iterator[Hostile]:
    server, loop, ready = Hostile(), asyncio.new_event_loop(), threading.Event()

    async def main() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await listening.serve_forever()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(5)
