"""The durable queue of one store's crawl: pages, images and rows not yet in the tables, in one SQLite file (WAL).

In: what a page held, what an attempt brought, each in one transaction. Out: what is still to do. `kill -9` at any
moment loses nothing that was committed: a page is done in the same transaction that queues what it held. One
process at a time (a file lock).
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dataset.errors import UsageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS pages (
  url TEXT PRIMARY KEY, kind TEXT, depth INT, priority INT, status TEXT DEFAULT 'pending', reason TEXT);
CREATE INDEX IF NOT EXISTS pages_todo ON pages (status, priority DESC);
CREATE TABLE IF NOT EXISTS products (product_id TEXT PRIMARY KEY, row TEXT, written INT DEFAULT 0);
CREATE TABLE IF NOT EXISTS images (
  url TEXT PRIMARY KEY, host TEXT, status TEXT DEFAULT 'pending',
  attempts INT DEFAULT 0, not_before REAL DEFAULT 0, result TEXT);
CREATE INDEX IF NOT EXISTS images_todo ON images (status, host);
CREATE TABLE IF NOT EXISTS uses (
  url TEXT, product_id TEXT, page_url TEXT, position INT, PRIMARY KEY (url, product_id));
CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY, row TEXT, written INT DEFAULT 0);
CREATE INDEX IF NOT EXISTS attempts_todo ON attempts (written);
CREATE TABLE IF NOT EXISTS known (url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, sha256 TEXT, bytes INT);
"""


@dataclass(frozen=True)
class PageTask:
    url: str
    kind: str
    depth: int


@dataclass(frozen=True)
class ImageTask:
    url: str
    host: str
    attempts: int


@dataclass(frozen=True)
class Known:
    """What an earlier fetch of a URL left for asking conditionally. `sha256` is the stored body's blob."""

    etag: str | None
    last_modified: str | None
    sha256: str
    bytes: int

    def headers(self) -> dict[str, str]:
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Found:
    """What one page held.

    `products` are (row, image URLs); `refusal` is the attempt row's part for images it opted out.
    """

    links: list[tuple[str, str, int, int]] = field(default_factory=list)
    products: list[tuple[dict[str, Any], list[str]]] = field(default_factory=list)
    refusal: dict[str, Any] | None = None


class Queue:
    """Opened at `path`; a crawl that runs already holds the lock: UsageError."""

    def __init__(self, path: Path) -> None:
        self._lock = open(path.with_suffix(".lock"), "w")  # noqa: SIM115  # held as long as the queue is open
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise UsageError(
                "this store is being crawled already", where=str(path), cure="Wait for it, or stop it"
            ) from error
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        self._db.execute("UPDATE pages SET status='pending' WHERE status='claimed'")
        self._db.execute("UPDATE images SET status='pending', not_before=0 WHERE status IN ('claimed', 'pending')")

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    def state(self, key: str) -> str | None:
        found = self._db.execute("SELECT value FROM state WHERE key=?", (key,)).fetchone()
        return found[0] if found else None

    def set_state(self, **values: str) -> None:
        self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", list(values.items()))

    def begin_anew(self) -> None:
        """Forget what the last crawl did; what is known for conditional requests stays."""
        with self._transaction():
            for table in ("pages", "products", "images", "uses", "attempts", "state"):
                self._db.execute(f"DELETE FROM {table}")

    def widen(self) -> None:
        """Ask again for the pages that name other pages: the scope has changed, so they may name more."""
        self._db.execute(
            "UPDATE pages SET status='pending' WHERE kind IN ('sitemap', 'listing') OR reason='retry_later'"
        )

    # pages ----------------------------------------------------------------------------------------------------------
    def add_page(self, url: str, kind: str, depth: int = 0, priority: int = 0) -> bool:
        """False if it is there already."""
        sql = "INSERT OR IGNORE INTO pages (url, kind, depth, priority) VALUES (?, ?, ?, ?)"
        return self._db.execute(sql, (url, kind, depth, priority)).rowcount > 0

    def follow_instead(self, url: str) -> None:
        """Start over from `url` as a listing, following the links of what was only read so far."""
        with self._transaction():
            self._db.execute("UPDATE pages SET kind='listing', status='pending' WHERE kind='leaf' AND status='done'")
            self._db.execute("INSERT OR IGNORE INTO pages (url, kind, depth) VALUES (?, 'listing', 0)", (url,))

    def claim_page(self) -> PageTask | None:
        sql = "SELECT url, kind, depth FROM pages WHERE status='pending' ORDER BY priority DESC, rowid LIMIT 1"
        row = self._db.execute(sql).fetchone()
        if row is None:
            return None
        self._db.execute("UPDATE pages SET status='claimed' WHERE url=?", (row[0],))
        return PageTask(*row)

    def page_done(self, url: str, found: Found, known: Known | None = None) -> int:
        """Commit what a page held and mark it done, at once; returns how many products were new."""
        with self._transaction():
            for link in found.links:
                self.add_page(*link)
            new = sum(self._add_product(row, images, found.refusal) for row, images in found.products)
            if known:
                self._remember(url, known)
            self._db.execute("UPDATE pages SET status='done' WHERE url=?", (url,))
        return new

    def page_ended(self, url: str, status: str, reason: str) -> None:
        """`status` is failed or refused; reason 'retry_later' stays to be done by the next run."""
        self._db.execute("UPDATE pages SET status=?, reason=? WHERE url=?", (status, reason, url))

    def postponed(self) -> int:
        """Put pages that asked to be asked later back among the pending; returns how many."""
        sql = "UPDATE pages SET status='pending', reason=NULL WHERE reason='retry_later'"
        return self._db.execute(sql).rowcount

    def _add_product(self, row: dict[str, Any], images: list[str], refusal: dict[str, Any] | None) -> int:
        sql = "INSERT OR IGNORE INTO products (product_id, row) VALUES (?, ?)"
        new = self._db.execute(sql, (row["product_id"], json.dumps(row))).rowcount
        if not new:
            return 0
        for position, url in enumerate(images):
            use = {"product_id": row["product_id"], "page_url": row["url"], "position": position}
            if refusal:
                self._attempt({"url": url, "status": "refused", **refusal}, use)
            else:
                self._add_image(url, use)
        return new

    def _add_image(self, url: str, use: dict[str, Any]) -> None:
        host = urlsplit(url).netloc.lower()
        self._db.execute("INSERT OR IGNORE INTO images (url, host) VALUES (?, ?)", (url, host))
        values = (url, use["product_id"], use["page_url"], use["position"])
        self._db.execute("INSERT OR IGNORE INTO uses VALUES (?, ?, ?, ?)", values)
        done = self._db.execute("SELECT result FROM images WHERE url=? AND status='done'", (url,)).fetchone()
        if done:  # fetched for another product before: its result is this one's too
            self._attempt(json.loads(done[0]), use)

    # images ---------------------------------------------------------------------------------------------------------
    def image_hosts(self) -> list[str]:
        """Hosts with an image that may be asked for now."""
        sql = "SELECT DISTINCT host FROM images WHERE status='pending' AND not_before<=?"
        return [row[0] for row in self._db.execute(sql, (time.time(),))]

    def claim_images(self, host: str, limit: int) -> list[ImageTask]:
        sql = """SELECT url, host, attempts FROM images WHERE status='pending' AND host=? AND not_before<=?
                 ORDER BY rowid LIMIT ?"""
        tasks = [ImageTask(*row) for row in self._db.execute(sql, (host, time.time(), limit))]
        self._db.executemany("UPDATE images SET status='claimed' WHERE url=?", [(t.url,) for t in tasks])
        return tasks

    def images_left(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM images WHERE status!='done'").fetchone()[0])

    def image_attempted(
        self, url: str, result: dict[str, Any], *, again_at: float | None, known: Known | None = None
    ) -> None:
        """Commit one attempt: a row for each product that shows the image.

        `again_at` (unix s) leaves it to be tried again.
        """
        uses = self._db.execute("SELECT product_id, page_url, position FROM uses WHERE url=?", (url,)).fetchall()
        with self._transaction():
            for product_id, page_url, position in uses:
                self._attempt(result, {"product_id": product_id, "page_url": page_url, "position": position})
            status = "done" if again_at is None else "pending"
            sql = "UPDATE images SET status=?, attempts=attempts+1, not_before=?, result=? WHERE url=?"
            self._db.execute(sql, (status, again_at or 0, json.dumps(result), url))
            if known:
                self._remember(url, known)

    def known(self, url: str) -> Known | None:
        row = self._db.execute("SELECT etag, last_modified, sha256, bytes FROM known WHERE url=?", (url,)).fetchone()
        return Known(*row) if row else None

    def _remember(self, url: str, known: Known) -> None:
        values = (url, known.etag, known.last_modified, known.sha256, known.bytes)
        self._db.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?)", values)

    def _attempt(self, result: dict[str, Any], use: dict[str, Any]) -> None:
        self._db.execute("INSERT INTO attempts (row) VALUES (?)", (json.dumps({**result, **use}),))

    # rows on their way to the tables --------------------------------------------------------------------------------
    def unwritten(self, table: str, limit: int) -> list[tuple[Any, dict[str, Any]]]:
        """(key, row) of `products` or `attempts` not yet in the tables, oldest first."""
        key = "product_id" if table == "products" else "id"
        sql = f"SELECT {key}, row FROM {table} WHERE written=0 ORDER BY rowid LIMIT ?"
        return [(k, json.loads(row)) for k, row in self._db.execute(sql, (limit,))]

    def mark_written(self, table: str, keys: Iterable[Any]) -> None:
        key = "product_id" if table == "products" else "id"
        with self._transaction():
            self._db.executemany(f"UPDATE {table} SET written=1 WHERE {key}=?", [(k,) for k in keys])

    # counts ---------------------------------------------------------------------------------------------------------
    def count(self, table: str, where: str = "1") -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])

    def outcomes(self) -> dict[tuple[str, str | None], int]:
        """(status, reason) of each image use's last attempt -> how many."""
        sql = """SELECT json_extract(row, '$.status'), json_extract(row, '$.reason'), count(*) FROM attempts
                 WHERE id IN (
                   SELECT max(id) FROM attempts GROUP BY json_extract(row, '$.url'), json_extract(row, '$.product_id'))
                 GROUP BY 1, 2"""
        return {(status, reason): n for status, reason, n in self._db.execute(sql)}

    def page_reasons(self) -> dict[str, int]:
        sql = "SELECT reason, count(*) FROM pages WHERE status IN ('failed', 'refused') GROUP BY reason ORDER BY 2 DESC"
        return {str(reason): n for reason, n in self._db.execute(sql)}

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN … COMMIT, or ROLLBACK where the block raised."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("ROLLBACK" if kind else "COMMIT")
