"""A shop on loopback for the crawler's tests: pages and images by path, every request written down in order."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(HTML))


@dataclass
class Shop:
    """`answers` maps path -> Answer, or a list of them given one by one (the last one stays)."""

    url: str = ""
    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    def page(self, path: str, body: str, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(body.encode(), status, {**HTML, **named})

    def picture(self, path: str, colour: int = 0, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(jpeg(colour), 200, {"Content-Type": "image/jpeg", **named})

    def product(self, number: int, images: list[str] | None = None, extra: str = "", **headers: str) -> str:
        """A product page at /p/<number>; returns its path. Its images are drawn too unless given."""
        if images is None:
            images = [f"/img/{number}.jpg"]
            self.picture(images[0], number)
        node = {"@type": "Product", "name": f"Dress {number}", "sku": f"S{number}", "image": images,
                "offers": {"price": "10.00", "priceCurrency": "EUR"}}  # fmt: skip
        markup = f'<script type="application/ld+json">{json.dumps(node)}</script>'
        self.page(
            f"/p/{number}", f"<html><head>{markup}{extra}</head><body><h1>Dress {number}</h1></body></html>", **headers
        )
        return f"/p/{number}"

    def sitemap(self, paths: list[str]) -> None:
        rows = "".join(f"<url><loc>{self.url}{path}</loc></url>" for path in paths)
        self.page("/sitemap.xml", f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>')


def jpeg(colour: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (colour % 256, colour // 256, 90)).save(out, "JPEG")
    return out.getvalue()


@contextmanager
def serving() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            shop.asked.append(self.path)
            shop.agents.add(self.headers.get("User-Agent", ""))
            given = shop.answers.get(self.path, Answer(b"gone", 404))
            answer = (given.pop(0) if len(given) > 1 else given[0]) if isinstance(given, list) else given
            unchanged = "ETag" in answer.headers and self.headers.get("If-None-Match") == answer.headers["ETag"]
            body = b"" if unchanged else answer.body
            self.send_response(304 if unchanged else answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
