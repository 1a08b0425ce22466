"""kill -9 at random moments of one crawl, again and again, then the same crawl run to its end: what was lost, what was
done twice, what was asked for twice.

In: how many kills, a seed. Out: a table, and JSON with `--json FILE`. The store is a process on loopback that answers
every request after `ANSWER_S` and writes down when; each crawl is a process killed by its id, a random `KILL_S` after
its first request. Rows go to the tables in commits of `FLUSH_AT`, far oftener than usual, so that kills fall into those
too. After each kill the crawl's queue file tells what was done: asking for that again would be a fault. What was
answered but not yet done (in flight, or in a group of commits not yet closed) is asked again; that is counted.

    python benchmarks/kills.py --kills 20 --json kills.json
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import sqlite3
import struct
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crawlers import session
from crawlers.run import crawl
from dataset.workspace import Workspace

IMAGES = 3
ANSWER_S = 0.04
KILL_S = (0.05, 0.45)
FLUSH_AT = 40
LIMIT_S = 300.0


@dataclass
class Tally:
    """Counts over the whole crawl.

    `*_asked_again` counts requests for what the queue held as done at an earlier kill: each is a fault. `*_repeated`
    are all requests beyond one for each URL; `page_age_s` is how long before its kill the oldest repeated page had
    been answered.
    """

    products: int
    kills: int
    products_lost: int = 0
    products_twice: int = 0
    images_lost: int = 0
    images_twice: int = 0
    blobs_lost: int = 0
    pages_lost: int = 0
    pages_twice: int = 0
    crawl_ids: int = 0
    pages_asked_again: int = 0
    images_asked_again: int = 0
    pages_repeated: int = 0
    images_repeated: int = 0
    page_age_s: float = 0.0
    wall_s: float = 0.0

    def faults(self) -> int:
        lost = self.products_lost + self.images_lost + self.pages_lost + self.blobs_lost
        twice = self.products_twice + self.images_twice + self.pages_twice
        return lost + twice + self.pages_asked_again + self.images_asked_again + (self.crawl_ids != 1)


# the store ------------------------------------------------------------------------------------------------------------
def page(number: int) -> bytes:
    node = {"@type": "Product", "name": f"Dress {number}", "sku": f"S{number}",
            "image": [f"/img/{number}-{k}.jpg" for k in range(IMAGES)],
            "offers": {"price": "10.00", "priceCurrency": "EUR"}}  # fmt: skip
    markup = f'<script type="application/ld+json">{json.dumps(node)}</script>'
    return f"<html><head>{markup}</head><body><h1>Dress {number}</h1></body></html>".encode()


def jpeg(name: str) -> bytes:
    """A JPEG header and the name: enough for a header check, and different for each image."""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 64, 48, 1) + b"\x01\x11\x00"
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(name)) + name.encode()
    return b"\xff\xd8" + comment + frame + b"\xff\xd9"


class Store:
    """Runs in a process of its own; `log` is [path, asked at, answered at or None], times by the monotonic clock."""

    def __init__(self, products: int) -> None:
        self._products, self.log = products, list[list[object]]()

    def _answer(self, path: str, port: int) -> tuple[str, bytes]:
        if path == "/-/log":
            return "application/json", json.dumps(self.log).encode()
        if path == "/sitemap.xml":
            rows = (f"<url><loc>http://127.0.0.1:{port}/p/{n}</loc></url>" for n in range(self._products))
            return "text/xml", f"<urlset>{''.join(rows)}</urlset>".encode()
        if path.startswith("/p/"):
            return "text/html", page(int(path[3:]))
        return ("image/jpeg", jpeg(path)) if path.startswith("/img/") else ("", b"")

    async def _serve(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                entry: list[object] = [path, time.monotonic(), None]
                if path != "/-/log":
                    self.log.append(entry)
                    await asyncio.sleep(ANSWER_S)
                kind, body = self._answer(path, out.get_extra_info("sockname")[1])
                status = "200 OK" if body else "404 Not Found"
                kind, length = kind or "text/plain", len(body)
                head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
                out.write(head.encode() + body)
                await out.drain()
                entry[2] = time.monotonic()
        out.close()

    async def run(self, told: int) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        os.write(told, str(server.sockets[0].getsockname()[1]).encode())
        os.close(told)
        await server.serve_forever()


def child(work: object) -> int:
    """Fork, run `work` there and leave without cleaning up; the process id. The parent has no threads."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()  # type: ignore[operator]
        os._exit(0)
    except BaseException as error:
        print(f"child: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


# the crawl ------------------------------------------------------------------------------------------------------------
def log_of(url: str) -> list[list]:
    with urllib.request.urlopen(f"{url}/-/log", timeout=30) as answer:
        return json.load(answer)


def life(root: Path, url: str) -> None:
    logging.getLogger("scrapy").setLevel(logging.ERROR)
    session.FLUSH_AT = FLUSH_AT
    crawl(Workspace.open(root), url, store="kills")


def killed(root: Path, url: str, before: int, after_s: float) -> bool:
    """One life of the crawl, ended `after_s` after its first request; False where it ended by itself."""
    pid = child(lambda: life(root, url))
    limit = time.monotonic() + LIMIT_S
    while len(log_of(url)) == before and os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < limit:
        time.sleep(0.01)
    time.sleep(after_s)
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        return os.WIFSIGNALED(status)
    return False


def done(root: Path, what: str) -> set[str]:
    """Paths that the queue's file holds as done: 'pages' or 'images'."""
    database = sqlite3.connect(root / "crawl" / "kills.sqlite")
    with contextlib.closing(database):
        rows = database.execute(f"SELECT url FROM {what} WHERE status='done'").fetchall()
    return {"/" + url.split("/", 3)[3] for (url,) in rows}


def run(root: Path, products: int, kills: int, seed: int) -> Tally:
    """Kill, look, go on; then to the end, and count."""
    randomly, begun = random.Random(seed), time.monotonic()
    reads, writes = os.pipe()
    server = child(lambda: asyncio.run(Store(products).run(writes)))
    os.close(writes)
    url = f"http://127.0.0.1:{os.read(reads, 9).decode()}"
    try:
        tally = Tally(products, 0)
        Workspace.init(root, contact="kills@x.example")
        finished: dict[str, set[str]] = {"pages": set(), "images": set()}
        died_at: list[float] = []
        while tally.kills < kills:
            before = len(log_of(url))
            if not killed(root, url, before, randomly.uniform(*KILL_S)):
                break
            died_at.append(time.monotonic())
            tally.kills += 1
            _asked_again(tally, log_of(url)[before:], finished)
            finished = {what: done(root, what) for what in finished}
        before = len(log_of(url))
        _, status = os.waitpid(child(lambda: life(root, url)), 0)
        if status:
            raise SystemExit("the last run failed")
        log = log_of(url)
        _asked_again(tally, log[before:], finished)
        _repeated(tally, log, died_at)
        _counted(tally, Workspace.open(root))
        tally.wall_s = round(time.monotonic() - begun, 1)
        return tally
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


def _asked_again(tally: Tally, life: list[list], finished: dict[str, set[str]]) -> None:
    paths = [entry[0] for entry in life]
    tally.pages_asked_again += sum(path in finished["pages"] for path in paths)
    tally.images_asked_again += sum(path in finished["images"] for path in paths)


def _repeated(tally: Tally, log: list[list], died_at: list[float]) -> None:
    """Requests beyond the first of each URL; how old the first one's answer was when its life ended."""
    first: dict[str, list] = {}
    for entry in log:
        path = str(entry[0])
        if path in first and path.startswith(("/p/", "/img/")):
            is_page = path.startswith("/p/")
            tally.pages_repeated += is_page
            tally.images_repeated += not is_page
            death = min((t for t in died_at if t >= first[path][1]), default=0.0)
            if is_page and first[path][2]:
                tally.page_age_s = max(tally.page_age_s, round(death - first[path][2], 3))
        first[path] = entry


def _counted(tally: Tally, ws: Workspace) -> None:
    products = Counter(row["product_id"] for row in ws.tables.read("products").to_pylist())
    fetched = [row for row in ws.tables.read("fetches").to_pylist() if row["status"] == "ok"]
    images = Counter((row["url"], row["product_id"]) for row in fetched)
    visited = [row for row in ws.tables.read("pages").to_pylist() if row["status"] == "ok" and "/p/" in row["url"]]
    pages = Counter(row["url"] for row in visited)
    ids = {row["crawl_id"] for row in fetched + visited}
    tally.products_lost, tally.products_twice = tally.products - len(products), products.total() - len(products)
    tally.images_lost, tally.images_twice = IMAGES * tally.products - len(images), images.total() - len(images)
    tally.pages_lost, tally.pages_twice = tally.products - len(pages), pages.total() - len(pages)
    tally.blobs_lost = sum(not ws.blobs.has(row["sha256"]) for row in fetched)
    tally.crawl_ids = len(ids)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--products", type=int, default=300, help=f"with {IMAGES} images each")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder) / "ws", given.products, given.kills, given.seed)
    for name, value in asdict(tally).items():
        print(f"{name:20} {value}")
    print(f"{'faults':20} {tally.faults()}")
    if given.json:
        given.json.write_text(json.dumps({**asdict(tally), "faults": tally.faults(), "seed": given.seed}, indent=1))


if __name__ == "__main__":
    main()
