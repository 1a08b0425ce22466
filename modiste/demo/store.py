"""Serves a catalogue over real HTTP on loopback, with everything a crawler meets: paging, robots, a redirect, dead
and opted-out things.

Comes in: a Catalogue. Goes out: pages, images (the largest rendition is the file's own bytes), 304s, and `requests`,
the record of
who asked for what. Never listens on another interface, never writes to the catalogue's folder.
"""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from PIL import Image

from modiste.demo import pages
from modiste.demo.goods import Catalogue, Product

PER_PAGE = 12
BUILT = 1_767_225_600  # 2026-01-01 UTC: a fixed Last-Modified, so that a page is the same in every run
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One request as it was answered; `headers` with lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    status: int


@dataclass(frozen=True)
class Reply:
    status: int
    kind: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def _width(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


@lru_cache(maxsize=1024)
def _resized(path: Path, width: int) -> bytes:
    with Image.open(path) as picture:
        size = (width, max(1, round(picture.height * width / picture.width)))
        out = io.BytesIO()
        picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=86)
    return out.getvalue()


class Shop:
    """What is answered to a path; knows nothing of sockets. `url` is the address without a slash at its end."""

    def __init__(self, catalogue: Catalogue, url: str) -> None:
        self.catalogue, self.url = catalogue, url
        self._by_path = {product.path: product for product in catalogue.products}
        self._by_sku = {product.sku.lower(): product for product in catalogue.products}
        self._listings = {pages.slug(name): name for name in pages.categories(catalogue)}
        self._open = [product for product in catalogue.products if product.trouble != "private"]

    def answer(self, target: str) -> Reply:
        split = urlsplit(target)
        parts = split.path.strip("/").split("/")
        if split.path in self._by_path:
            return self._product(self._by_path[split.path])
        if split.path == "/":
            hero = pages.image_path(self._open[0], 0)
            return Reply(200, HTML, pages.home(self.catalogue, self._cards(self._open[:8]), hero))
        if parts[0] == "category" and len(parts) == 2 and parts[1] in self._listings:
            return self._listing(parts[1], parse_qs(split.query).get("page", ["1"])[0])
        if parts[0] == "image" and len(parts) == 4:
            return self._image(parts)
        return self._plain(split.path)

    def _plain(self, path: str) -> Reply:
        if path == "/robots.txt":
            text = f"User-agent: *\nDisallow: /private/\n\nSitemap: {self.url}/sitemap.xml\n"
            return Reply(200, "text/plain; charset=utf-8", text.encode())
        if path == "/sitemap.xml":
            return Reply(200, "application/xml", self._sitemap())
        if path == "/old/best-seller":
            return Reply(301, HTML, b"Moved", {"Location": self._open[0].path})
        if path == "/private/":
            links = "".join(
                f'<li><a href="{p.path}">{escape(p.name)}</a></li>'
                for p in self.catalogue.products
                if p.trouble == "private"
            )
            return Reply(200, HTML, pages.page(self.catalogue, "Trade", f"<h1>Trade customers</h1><ul>{links}</ul>"))
        return Reply(
            404,
            HTML,
            pages.page(
                self.catalogue, "Not found", "<h1>We can't find that page</h1><p>It may have sold out for good.</p>"
            ),
        )

    def _cards(self, products: list[Product]) -> str:
        return "".join(pages.card(product, self._widths(product)[0]) for product in products)

    def _widths(self, product: Product) -> list[int]:
        return [400 if p.trouble in ("missing", "html") else _width(self.catalogue.file_of(p)) for p in product.images]

    def _listing(self, name: str, asked: str) -> Reply:
        word = self._listings[name]
        found = [product for product in self.catalogue.products if word in product.category]
        last = max(1, -(-len(found) // PER_PAGE))
        number = int(asked) if asked.isdecimal() else 0
        if not 1 <= number <= last:
            return self._plain("/nothing")
        cards = self._cards(found[(number - 1) * PER_PAGE : number * PER_PAGE])
        if number == 1 and word == next(iter(self._listings.values())):
            cards += '<a class="card" href="/old/best-seller"><b>Last season\'s best seller</b></a>'
            cards += '<a class="card" href="/product/gone-for-good"><b>Archive piece</b></a>'
        return Reply(200, HTML, pages.listing(self.catalogue, word, cards, number, last))

    def _product(self, product: Product) -> Reply:
        opted_out = {"X-Robots-Tag": "noai"} if product.trouble == "noai" else {}
        return Reply(200, HTML, pages.product_page(self.catalogue, product, self._widths(product), self.url), opted_out)

    def _image(self, parts: list[str]) -> Reply:
        product, number, size = self._by_sku.get(parts[1]), parts[2], parts[3].removesuffix(".jpg")
        if product is None or not number.isdecimal() or int(number) >= len(product.images):
            return Reply(404, "text/plain", b"no such image")
        picture = product.images[int(number)]
        if picture.trouble == "missing":
            return Reply(404, "text/plain", b"no such image")
        if picture.trouble == "html":
            return Reply(200, HTML, b"<!doctype html><title>Sorry</title><p>This image is being prepared.</p>")
        path = self.catalogue.file_of(picture)
        opted_out = {"X-Robots-Tag": "noai, noimageai"} if picture.trouble == "noai" else {}
        if size == "full":
            return Reply(200, "image/jpeg", path.read_bytes(), opted_out)
        if size not in {f"w{width}" for width in pages.WIDTHS}:
            return Reply(404, "text/plain", b"no such size")
        return Reply(200, "image/jpeg", _resized(path, int(size[1:])), opted_out)

    def _sitemap(self) -> bytes:
        where = ["/", *(f"/category/{name}" for name in self._listings), *(product.path for product in self._open)]
        rows = "".join(f"<url><loc>{escape(self.url + path)}</loc></url>" for path in where)
        return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'.encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ModisteDemo", ""
    disable_nagle_algorithm = True
    store: ClassVar[DemoStore]

    def do_GET(self) -> None:
        reply = self.store.shop.answer(self.path)
        etag = f'"{hashlib.sha256(reply.body).hexdigest()[:24]}"'
        if reply.status == 200 and self._fresh(etag):
            reply = Reply(304, reply.kind, b"", reply.headers)
        self.store.note(Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, reply.status))
        self.send_response(reply.status)
        if reply.status != 304:
            self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.status in (200, 304):
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", formatdate(BUILT, usegmt=True))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_HEAD = do_GET

    def _fresh(self, etag: str) -> bool:
        known = self.headers.get("If-None-Match")
        if known is not None:
            return known.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in known.split(","))
        try:
            return parsedate_to_datetime(self.headers["If-Modified-Since"]).timestamp() >= BUILT
        except (TypeError, ValueError, KeyError):
            return False

    def log_message(self, format: str, *args: object) -> None:
        """Silent: `requests` is the log."""


class DemoStore:
    """`with DemoStore(catalogue) as store: store.url`. `port` 0 takes a free one; loopback only."""

    def __init__(self, catalogue: Catalogue, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"store": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.shop = Shop(catalogue, self.url)
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def __enter__(self) -> DemoStore:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
