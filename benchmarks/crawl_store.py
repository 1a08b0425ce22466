"""The loopback store of the crawl benchmark: a process of its own that answers from memory; its CPU is never counted.

In: pages, images, a folder of photographs (`street/photos/*.jpg` of the shared data; drawn ones without it). Out: an
HTTP/1.1 server with keep-alive on 127.0.0.1, a file of all image URLs, and a count of what was asked (`/-/asked`).
Every image is a different file: a comment segment behind the JPEG's first two bytes, the photograph's own bytes as they
are. Never slows down, compresses or fails an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import crawl_identity
from crawl_pages import IMAGES_OF_850, catalogue, robots, sitemap, write_pages

_DRAWN = 24
_SINCE = "Sun, 01 Mar 2026 08:00:00 GMT"


@dataclass(frozen=True)
class Store:
    """A running store. `pages` counts the front page, listings and products; `urls` is a file, an image URL a line.

    `trusted` is a PEM bundle that vouches for it over https; None over http.
    """

    url: str
    pages: int
    images: int
    urls: Path
    trusted: Path | None = None

    def asked(self) -> dict[str, int]:
        """Requests since the last call: `pages`, `images`, `other`, and `distinct_images`."""
        trust = ssl.create_default_context(cafile=self.trusted) if self.trusted else None
        with urllib.request.urlopen(f"{self.url}/-/asked", timeout=10, context=trust) as answer:
            return dict(json.load(answer))


@contextmanager
def serving(
    products: int, data: Path | None, folder: Path, *, images: int | None = None, https: bool = False
) -> Iterator[Store]:
    """A store in another process; `images` follows from `products` unless given. `folder` takes the list of URLs."""
    count = round(products * IMAGES_OF_850 / 850) if images is None else images
    urls = folder / f"urls-{products}-{count}.txt"
    words = ["--products", str(products), "--images", str(count), "--urls", str(urls)]
    words += ["--https"] if https else []
    command = [sys.executable, __file__, *words, *(["--data", str(data)] if data else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline().split()
        if not said:
            raise SystemExit("the store did not start; its own error stands above")
        yield Store(said[0], int(said[1]), count, urls, crawl_identity.trusted(folder) if https else None)
    finally:
        process.terminate()
        process.wait()


class _Answers:
    """What the store says to a path. Images are put together when asked for, so that memory holds each photo once."""

    def __init__(self, photos: list[bytes]) -> None:
        self._photos = photos
        self._fixed: dict[str, tuple[str, bytes]] = {}
        self._images: dict[str, int] = {}
        self.forget()

    def forget(self) -> None:
        self.asked = {"pages": 0, "images": 0, "other": 0}
        self.distinct: set[str] = set()

    def add_text(self, path: str, text: str, kind: str) -> None:
        self._fixed[path] = (kind, text.encode())

    def add_image(self, path: str) -> None:
        self._images[path] = len(self._images)

    def to(self, target: str) -> tuple[str, str, bytes]:
        """(status, headers, body)."""
        path = target.split("?")[0]
        if path in self._images:
            self.asked["images"] += 1
            self.distinct.add(path)
            return "200 OK", _headers("image/jpeg", f"i{self._images[path]}"), self._image(self._images[path])
        if path == "/-/asked":
            said = json.dumps({**self.asked, "distinct_images": len(self.distinct)}).encode()
            self.forget()
            return "200 OK", _headers("application/json"), said
        kind, body = self._fixed.get(path, ("", b""))
        self.asked["pages" if kind.startswith("text/html") else "other"] += 1
        return (
            ("200 OK", _headers(kind, f"p{hash(path)}"), body)
            if kind
            else ("404 Not Found", _headers("text/html"), b"gone")
        )

    def _image(self, number: int) -> bytes:
        photo, comment = self._photos[number % len(self._photos)], f"picture {number}".encode()
        return b"".join((photo[:2], b"\xff\xfe", (len(comment) + 2).to_bytes(2, "big"), comment, memoryview(photo)[2:]))


def _headers(kind: str, tag: str = "") -> str:
    if not tag:
        return f"Content-Type: {kind}\r\n"
    kept = f'ETag: "{tag}"\r\nLast-Modified: {_SINCE}\r\nCache-Control: public, max-age=3600\r\n'
    return f"Content-Type: {kind}\r\n{kept}Server: store\r\nVary: Accept-Encoding\r\n"


class _Connection(asyncio.Protocol):
    """One kept-alive connection; requests carry no body."""

    def __init__(self, answers: _Answers) -> None:
        self._answers, self._waiting = answers, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            request, self._waiting = self._waiting.split(b"\r\n\r\n", 1)
            method, target, *_ = request.decode("latin-1").split(" ", 2)
            status, headers, body = self._answers.to(target)
            head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode()
            self._transport.write(head if method == "HEAD" else head + body)


def photographs(data: Path | None) -> list[bytes]:
    """Original bytes of the street photos, or of drawn JPEGs of like size (550 x 825 px, some 60 kB)."""
    if data is not None:
        return [path.read_bytes() for path in sorted((data / "street" / "photos").glob("*.jpg"))]
    return [_drawn(number) for number in range(_DRAWN)]


def _drawn(number: int) -> bytes:
    from PIL import Image, ImageFilter

    draw = random.Random(number)
    coarse = Image.frombytes("RGB", (110, 165), draw.randbytes(110 * 165 * 3))
    out = io.BytesIO()
    coarse.resize((550, 825)).filter(ImageFilter.BoxBlur(2)).save(out, "JPEG", quality=80)
    return out.getvalue()


async def _serve(products: int, images: int, data: Path | None, urls: Path, https: bool) -> None:
    answers = _Answers(photographs(data))
    shown = crawl_identity.shown(urls.parent) if https else None
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(answers), "127.0.0.1", 0, ssl=shown)
    url = f"{'https' if shown else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    goods = catalogue(products, images)
    pages = write_pages(goods, url)
    for path, text in pages.items():
        answers.add_text(path, text, "text/html; charset=utf-8")
    answers.add_text("/sitemap.xml", sitemap(list(pages), url), "application/xml")
    answers.add_text("/robots.txt", robots(url), "text/plain; charset=utf-8")
    paths = [path for each in goods for path in each.images]
    for path in paths:
        answers.add_image(path)
    urls.write_text("".join(f"{url}{path}\n" for path in paths))
    print(url, len(pages), flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, required=True)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--urls", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--https", action="store_true")
    words = parser.parse_args()
    asyncio.run(_serve(words.products, words.images, words.data, words.urls, words.https))


if __name__ == "__main__":
    main()
