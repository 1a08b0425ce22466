"""The queue of one store's crawl in Redis, for several workers at once, on one machine or many.

In and out: `crawlers.queue.Queue`. Every step is one Lua script, so it happens whole or not at all; what a worker
claims is its own as long as its heartbeat (`ALIVE_S`) lasts, then goes back to all. Rows lie in a stream of the
worker that found them until it has written them; a dead worker's are taken over. How durable it is, is the server's
setting (`appendonly yes`). Never keeps bytes: blobs and tables must be where every worker reaches them.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterable
from typing import Any

from crawlers import redis_scripts as lua
from crawlers.queue import ROWS, Counts, Found, ImageTask, Known, PageTask, host_of
from dataset.errors import FetchError, UsageError

ALIVE_S = 15
BEAT_S = 3.0
_SCRIPTS = ("ADD_PAGE", "CLAIM_PAGE", "PAGE_DONE", "PAGE_ENDED", "AGAIN", "DROP_PENDING", "ADD_IMAGES", "CLAIM_IMAGES",
            "IMAGE_ATTEMPTED", "ADOPT")  # fmt: skip
_PER_CRAWL = ("counts", "kind", "score", "seq", "status", "reason", "reasons", "todo", "products", "images",
              "results", "outcomes", "hosts", "state")  # fmt: skip


class RedisQueue:
    """`address` is redis://host:port/db. UsageError without the 'cluster' extra; FetchError where nobody answers."""

    def __init__(self, address: str, store: str, *, worker: str | None = None) -> None:
        try:
            import redis
        except ImportError as error:
            raise UsageError(
                "a shared frontier needs redis-py", cure="pip install 'modiste[cluster]'", where=address
            ) from error
        self._gone = redis.RedisError
        try:
            self._db: Any = redis.Redis.from_url(address, decode_responses=True)
        except ValueError as error:
            raise UsageError(f"--frontier {address}", expected="an address such as redis://host:6379/0") from error
        self._prefix = f"modiste:{store}:"
        self.name = worker or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._beat_at = 0.0
        try:
            self._do = {name: self._db.register_script(getattr(lua, name)) for name in _SCRIPTS}
            self._beat()
        except redis.ConnectionError as error:
            raise FetchError("no Redis answers", where=address, cure="Start one, or mend the address") from error
        self.adopt()

    def close(self) -> None:
        """Give back what is claimed. Rows not written stay for whoever comes next."""
        self._run("ADOPT", self.name, self.name, "claims")
        self._db.delete(self._key(f"beat:{self.name}"))
        if not self.waiting():
            self._db.srem(self._key("workers"), self.name)
        self._db.close()

    def commit(self) -> None:
        if time.monotonic() - self._beat_at > BEAT_S:
            self._beat()
            for dead in self._dead():
                self._run("ADOPT", self.name, dead, "claims")

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        self._db.set(self._key(f"beat:{self.name}"), 1, ex=ALIVE_S)
        self._db.sadd(self._key("workers"), self.name)

    def adopt(self) -> None:
        self._beat()
        for dead in self._dead():
            self._run("ADOPT", self.name, dead, "rows")

    def alone(self) -> bool:
        alive = [w for w in self._db.smembers(self._key("workers")) if self._db.exists(self._key(f"beat:{w}"))]
        return set(alive) <= {self.name}

    def _dead(self) -> list[str]:
        """Workers without a heartbeat, and those of this machine whose process is gone."""
        workers = self._db.smembers(self._key("workers")) - {self.name}
        return [w for w in workers if _is_gone(w) or not self._db.exists(self._key(f"beat:{w}"))]

    def leave(self) -> None:
        self._db.srem(self._key("workers"), self.name)
        self._db.delete(self._key(f"beat:{self.name}"))
        self._beat_at = float("inf")  # and `commit` beats no more

    # state ----------------------------------------------------------------------------------------------------------
    def state(self, key: str) -> str | None:
        found = self._db.hget(self._key("state"), key)
        return None if found is None else str(found)

    def set_state(self, **values: str) -> None:
        if values:
            self._db.hset(self._key("state"), mapping=values)

    def settle(self, key: str, value: str) -> str:
        self._db.hsetnx(self._key("state"), key, value)
        return str(self._db.hget(self._key("state"), key))

    def begin_anew(self) -> None:
        uses = list(self._db.scan_iter(match=f"{self._prefix}uses:*", count=1_000))
        todo = list(self._db.scan_iter(match=f"{self._prefix}imgtodo:*", count=1_000))
        for key in [*uses, *todo, *map(self._key, _PER_CRAWL)]:
            self._db.delete(key)

    def widen(self) -> None:
        kinds, reasons = self._db.hgetall(self._key("kind")), self._db.hgetall(self._key("reason"))
        again = [u for u, kind in kinds.items() if not kind.startswith("leaf ") or reasons.get(u) == "retry_later"]
        self._put_back(again)

    def follow_instead(self, url: str) -> None:
        status = self._db.hgetall(self._key("status"))
        leaves = [(u, k) for u, k in self._db.hgetall(self._key("kind")).items() if k.startswith("leaf ")]
        again = [u for u, _ in leaves if status.get(u) == "done"]
        for page, kind in leaves:
            if status.get(page) == "done":
                self._db.hset(self._key("kind"), page, f"listing {kind.split()[1]}")
        self._put_back(again)
        self.add_page(url, "listing")

    def postponed(self) -> int:
        reasons = self._db.hgetall(self._key("reason"))
        return self._put_back([u for u, reason in reasons.items() if reason == "retry_later"])

    def _put_back(self, urls: list[str]) -> int:
        for start in range(0, len(urls), 1_000):
            self._run("AGAIN", *urls[start : start + 1_000])
        return len(urls)

    # pages ----------------------------------------------------------------------------------------------------------
    def add_page(self, url: str, kind: str, depth: int = 0, priority: int = 0) -> bool:
        return bool(self._run("ADD_PAGE", url, kind, depth, priority))

    def drop_pending(self, kind: str) -> int:
        return int(self._run("DROP_PENDING", kind))

    def claim_page(self) -> PageTask | None:
        found = self._run("CLAIM_PAGE", self.name)
        if not found:
            return None
        kind, depth = found[1].rsplit(" ", 1)
        return PageTask(found[0], kind, int(depth))

    def page_done(self, url: str, found: Found, known: Known | None = None) -> int:
        products = [
            {"row": {"product_id": row["product_id"], "url": row["url"]}, "json": json.dumps(row), "images": images}
            for row, images in found.products
        ]
        hosts = {image: host_of(image) for _, images in found.products for image in images}
        refusal = json.dumps(found.refusal) if found.refusal else None
        told = {"links": found.links, "products": products, "refusal": refusal}
        visit = json.dumps(found.visit) if found.visit else ""
        return int(self._run("PAGE_DONE", self.name, url, json.dumps(told), json.dumps(hosts), _plain(known), visit))

    def page_ended(self, url: str, status: str, reason: str, visit: dict[str, Any] | None = None) -> None:
        self._run("PAGE_ENDED", self.name, url, status, reason, json.dumps(visit) if visit else "")

    def counts(self) -> Counts:
        found = {name: int(n) for name, n in self._db.hgetall(self._key("counts")).items() if name != "images"}
        return Counts(**found)

    # images ---------------------------------------------------------------------------------------------------------
    def add_images(self, images: Iterable[tuple[str, dict[str, Any]]]) -> None:
        told = [{"url": url, "host": host_of(url), "use": use} for url, use in images]
        self._run("ADD_IMAGES", self.name, json.dumps(told))

    def image_hosts(self, limit: int) -> list[str]:
        return list(self._db.srandmember(self._key("hosts"), limit)) if limit > 0 else []

    def claim_images(self, host: str, limit: int) -> list[ImageTask]:
        found = self._run("CLAIM_IMAGES", self.name, host, time.time(), limit)
        return [ImageTask(url, host, int(attempts)) for url, attempts in found]

    def images_left(self) -> int:
        return int(self._db.hget(self._key("counts"), "images") or 0)

    def image_attempted(
        self, url: str, result: dict[str, Any], *, again_at: float | None, known: Known | None = None
    ) -> None:
        again = "" if again_at is None else str(again_at)
        self._run("IMAGE_ATTEMPTED", self.name, url, host_of(url), json.dumps(result), again, _plain(known))

    def known(self, url: str) -> Known | None:
        found = self._db.hget(self._key("known"), url)
        return Known(**json.loads(found)) if found else None

    # rows -----------------------------------------------------------------------------------------------------------
    def unwritten(self, kind: str, limit: int) -> list[tuple[Any, dict[str, Any]]]:
        return [(key, json.loads(told["row"])) for key, told in self._db.xrange(self._rows(kind), count=limit)]

    def waiting(self) -> int:
        return sum(int(self._db.xlen(self._rows(kind))) for kind in ROWS)

    def mark_written(self, kind: str, keys: Iterable[Any]) -> None:
        if marked := list(keys):
            self._db.xdel(self._rows(kind), *marked)

    # counts ---------------------------------------------------------------------------------------------------------
    def outcomes(self) -> dict[tuple[str, str | None], int]:
        found: dict[tuple[str, str | None], int] = {}
        for _, about in self._db.hscan_iter(self._key("outcomes"), count=1_000):
            status, _, reason = about.partition(" ")
            found[status, reason or None] = found.get((status, reason or None), 0) + 1
        return found

    def page_reasons(self) -> dict[str, int]:
        found = {reason: int(n) for reason, n in self._db.hgetall(self._key("reasons")).items() if int(n) > 0}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _rows(self, kind: str) -> str:
        return self._key(f"rows:{self.name}:{kind}")

    def _run(self, name: str, *values: Any) -> Any:
        try:
            return self._do[name](keys=[self._prefix], args=values)
        except self._gone as error:
            raise FetchError(
                f"the shared frontier can't be reached: {error}", where=self._prefix,
                cure="Start Redis again, then run the same command: it goes on from there",
            ) from error  # fmt: skip


def _plain(known: Known | None) -> str:
    return json.dumps(vars(known)) if known else ""


def _is_gone(worker: str) -> bool:
    """True for a worker of this machine whose process has ended: no need to wait for its heartbeat to run out."""
    host, pid, _ = worker.rsplit(":", 2)
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
