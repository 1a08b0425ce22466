"""The durable queue of one store's crawl in one SQLite file (WAL), for one process at a time (a file lock).

In and out: `crawlers.queue.Queue`. Writes join a transaction that `commit` closes, and that closes itself after
`GROUP_S`: a commit per image would cost more than the image. `kill -9` loses at most that last group, whole: a page is
never done without the links, products and images it held. Claims live in memory, since they die with the process.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crawlers.queue import ROWS, Counts, Found, ImageTask, Known, PageTask, host_of
from dataset.errors import StorageError, UsageError

GROUP_S = 0.05
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS pages (
  url TEXT PRIMARY KEY, kind TEXT, depth INT, priority INT, status TEXT DEFAULT 'pending', reason TEXT);
CREATE INDEX IF NOT EXISTS pages_todo ON pages (priority DESC) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, product_id TEXT UNIQUE, row TEXT, written INT DEFAULT 0);
CREATE INDEX IF NOT EXISTS products_todo ON products (id) WHERE written = 0;
CREATE TABLE IF NOT EXISTS images (
  url TEXT PRIMARY KEY, host TEXT, status TEXT DEFAULT 'pending',
  attempts INT DEFAULT 0, not_before REAL DEFAULT 0, result TEXT);
CREATE INDEX IF NOT EXISTS images_todo ON images (host) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS uses (
  url TEXT, product_id TEXT, page_url TEXT, position INT, PRIMARY KEY (url, product_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY, row TEXT, written INT DEFAULT 0);
CREATE INDEX IF NOT EXISTS attempts_todo ON attempts (id) WHERE written = 0;
CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY, row TEXT, written INT DEFAULT 0);
CREATE INDEX IF NOT EXISTS visits_todo ON visits (id) WHERE written = 0;
CREATE TABLE IF NOT EXISTS known (url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, sha256 TEXT, bytes INT);
"""
# Hops through the index from host to host; DISTINCT would read every pending image.
_HOSTS = """
WITH RECURSIVE hosts(host) AS (
  SELECT min(host) FROM images WHERE status='pending' AND host>?
  UNION ALL
  SELECT (SELECT min(host) FROM images WHERE status='pending' AND host>hosts.host) FROM hosts WHERE host IS NOT NULL)
SELECT host FROM hosts LIMIT ?
"""
_PER_CRAWL = ("pages", "products", "images", "uses", "attempts", "visits", "state")


class SqliteQueue:
    """Opened at `path`; a crawl that runs already holds the lock: UsageError. A full disk raises StorageError."""

    name = "alone"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = open(path.with_suffix(".lock"), "w")  # noqa: SIM115  # held as long as the queue is open
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise UsageError(
                "this store is being crawled already", where=str(path), cure="Wait for it, or stop it"
            ) from error
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        except sqlite3.Error as error:
            self._lock.close()
            raise self._full(error) from error
        self._since, self._last_host = 0.0, ""
        self._write("UPDATE pages SET status='pending' WHERE status='claimed'")
        self._write("UPDATE images SET status='pending', not_before=0 WHERE status!='done'")
        self.commit()
        self._recount()

    def close(self) -> None:
        try:
            self.commit()
        finally:
            self._db.close()
            self._lock.close()

    def commit(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._full(error) from error

    def state(self, key: str) -> str | None:
        found = self._db.execute("SELECT value FROM state WHERE key=?", (key,)).fetchone()
        return found[0] if found else None

    def set_state(self, **values: str) -> None:
        for pair in values.items():
            self._write("INSERT OR REPLACE INTO state VALUES (?, ?)", pair)
        self.commit()

    def settle(self, key: str, value: str) -> str:
        self._write("INSERT OR IGNORE INTO state VALUES (?, ?)", (key, value))
        self.commit()
        return str(self.state(key))

    def alone(self) -> bool:
        return True

    def leave(self) -> None:
        """Nobody waits."""

    def adopt(self) -> None:
        """What an earlier process had claimed was given back when the file was opened."""

    def begin_anew(self) -> None:
        for table in _PER_CRAWL:
            self._write(f"DELETE FROM {table}")
        self.commit()
        self._recount()

    def widen(self) -> None:
        self._write("UPDATE pages SET status='pending' WHERE kind!='leaf' OR reason='retry_later'")
        self._recount()

    # pages ----------------------------------------------------------------------------------------------------------
    def add_page(self, url: str, kind: str, depth: int = 0, priority: int = 0) -> bool:
        sql = "INSERT OR IGNORE INTO pages (url, kind, depth, priority) VALUES (?, ?, ?, ?)"
        new = self._write(sql, (url, kind, depth, priority)) > 0
        self._counts.pending += new
        return new

    def follow_instead(self, url: str) -> None:
        self._write("UPDATE pages SET kind='listing', status='pending' WHERE kind='leaf' AND status='done'")
        self._write("INSERT OR IGNORE INTO pages (url, kind, depth) VALUES (?, 'listing', 0)", (url,))
        self._recount()

    def drop_pending(self, kind: str) -> int:
        dropped = self._write("DELETE FROM pages WHERE status='pending' AND kind=?", (kind,))
        self._counts.pending -= dropped
        return dropped

    def claim_page(self) -> PageTask | None:
        sql = "SELECT url, kind, depth FROM pages WHERE status='pending' ORDER BY priority DESC, rowid LIMIT 1"
        row = self._db.execute(sql).fetchone() if self._counts.pending else None
        if row is None:
            return None
        self._set_page(row[0], "pending", "claimed", None)
        return PageTask(*row)

    def page_done(self, url: str, found: Found, known: Known | None = None) -> int:
        self._open_group()
        for link in found.links:
            self.add_page(*link)
        new = sum(self._add_product(row, images, found.refusal) for row, images in found.products)
        self._counts.products += new
        if known:
            self._remember(url, known)
        self._end_page(url, "done", None, found.visit)
        self._close_group()
        return new

    def page_ended(self, url: str, status: str, reason: str, visit: dict[str, Any] | None = None) -> None:
        self._end_page(url, status, reason, visit)
        self._close_group()

    def _end_page(self, url: str, status: str, reason: str | None, visit: dict[str, Any] | None) -> None:
        before = self._db.execute("SELECT status FROM pages WHERE url=?", (url,)).fetchone()
        self._set_page(url, before[0] if before else None, status, reason)
        if visit is not None:
            self._waiting += self._write("INSERT INTO visits (row) VALUES (?)", (json.dumps(visit),))

    def _set_page(self, url: str, before: str | None, status: str, reason: str | None) -> None:
        self._write("UPDATE pages SET status=?, reason=? WHERE url=?", (status, reason, url))
        if before:
            setattr(self._counts, before, getattr(self._counts, before) - 1)
            setattr(self._counts, status, getattr(self._counts, status) + 1)

    def postponed(self) -> int:
        changed = self._write("UPDATE pages SET status='pending', reason=NULL WHERE reason='retry_later'")
        self._recount()
        return changed

    def _add_product(self, row: dict[str, Any], images: list[str], refusal: dict[str, Any] | None) -> int:
        sql = "INSERT OR IGNORE INTO products (product_id, row) VALUES (?, ?)"
        if not self._write(sql, (row["product_id"], json.dumps(row))):
            return 0
        self._waiting += 1
        for position, url in enumerate(images):
            use = {"product_id": row["product_id"], "page_url": row["url"], "position": position}
            if refusal:
                self._attempt({"url": url, "status": "refused", **refusal}, use)
            else:
                self._add_image(url, use)
        return 1

    def _add_image(self, url: str, use: dict[str, Any]) -> None:
        values = (url, use["product_id"] or "", use["page_url"], use["position"])
        if not self._write("INSERT OR IGNORE INTO uses VALUES (?, ?, ?, ?)", values):
            return
        if self._write("INSERT OR IGNORE INTO images (url, host) VALUES (?, ?)", (url, host_of(url))):
            self._left += 1
            return
        done = self._db.execute("SELECT result FROM images WHERE url=? AND status='done'", (url,)).fetchone()
        if done:  # fetched for another product before: its result is this one's too
            self._attempt(json.loads(done[0]), use)

    # images ---------------------------------------------------------------------------------------------------------
    def add_images(self, images: Iterable[tuple[str, dict[str, Any]]]) -> None:
        for url, use in images:
            self._add_image(url, use)
        self._close_group()

    def image_hosts(self, limit: int) -> list[str]:
        if not self._left:
            return []
        found = [host for (host,) in self._db.execute(_HOSTS, (self._last_host, limit)) if host]
        if self._last_host:
            found += [host for (host,) in self._db.execute(_HOSTS, ("", limit - len(found))) if host]
        self._last_host = found[-1] if len(found) >= limit and found else ""
        return list(dict.fromkeys(found))

    def claim_images(self, host: str, limit: int) -> list[ImageTask]:
        sql = """SELECT url, host, attempts FROM images WHERE status='pending' AND host=? AND not_before<=?
                 ORDER BY rowid LIMIT ?"""
        tasks = [ImageTask(*row) for row in self._db.execute(sql, (host, time.time(), limit))]
        for task in tasks:
            self._write("UPDATE images SET status='claimed' WHERE url=?", (task.url,))
        return tasks

    def images_left(self) -> int:
        return self._left

    def image_attempted(
        self, url: str, result: dict[str, Any], *, again_at: float | None, known: Known | None = None
    ) -> None:
        self._open_group()
        for product_id, page_url, position in self._db.execute(
            "SELECT product_id, page_url, position FROM uses WHERE url=?", (url,)
        ).fetchall():
            self._attempt(result, {"product_id": product_id or None, "page_url": page_url, "position": position})
        status, kept = ("done", json.dumps(result)) if again_at is None else ("pending", None)
        sql = "UPDATE images SET status=?, attempts=attempts+1, not_before=?, result=? WHERE url=?"
        self._write(sql, (status, again_at or 0, kept, url))
        self._left -= again_at is None
        if known:
            self._remember(url, known)
        self._close_group()

    def known(self, url: str) -> Known | None:
        if not self._knows:
            return None
        row = self._db.execute("SELECT etag, last_modified, sha256, bytes FROM known WHERE url=?", (url,)).fetchone()
        return Known(*row) if row else None

    def _remember(self, url: str, known: Known) -> None:
        values = (url, known.etag, known.last_modified, known.sha256, known.bytes)
        self._write("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?)", values)

    def _attempt(self, result: dict[str, Any], use: dict[str, Any]) -> None:
        self._waiting += self._write("INSERT INTO attempts (row) VALUES (?)", (json.dumps({**result, **use}),))

    # rows on their way to the tables --------------------------------------------------------------------------------
    def unwritten(self, kind: str, limit: int) -> list[tuple[Any, dict[str, Any]]]:
        sql = f"SELECT id, row FROM {kind} WHERE written=0 ORDER BY id LIMIT ?"
        return [(key, json.loads(row)) for key, row in self._db.execute(sql, (limit,))]

    def waiting(self) -> int:
        return self._waiting

    def mark_written(self, kind: str, keys: Iterable[Any]) -> None:
        self._open_group()
        marked = self._db.executemany(f"UPDATE {kind} SET written=1 WHERE id=?", [(key,) for key in keys])
        self._waiting -= max(0, marked.rowcount)
        self.commit()

    # counts ---------------------------------------------------------------------------------------------------------
    def counts(self) -> Counts:
        return self._counts

    def outcomes(self) -> dict[tuple[str, str | None], int]:
        sql = """SELECT json_extract(row, '$.status'), json_extract(row, '$.reason'), count(*) FROM attempts
                 WHERE id IN (
                   SELECT max(id) FROM attempts GROUP BY json_extract(row, '$.url'), json_extract(row, '$.product_id'))
                 GROUP BY 1, 2"""
        return {(status, reason): n for status, reason, n in self._db.execute(sql)}

    def page_reasons(self) -> dict[str, int]:
        sql = "SELECT reason, count(*) FROM pages WHERE status IN ('failed', 'refused') GROUP BY reason ORDER BY 2 DESC"
        return {str(reason): n for reason, n in self._db.execute(sql)}

    def _recount(self) -> None:
        """Counters that would cost a query each, from the file."""
        by_status = dict(self._db.execute("SELECT status, count(*) FROM pages GROUP BY status"))
        self._counts = Counts(**by_status, products=self._one("SELECT count(*) FROM products"))
        self._left = self._one("SELECT count(*) FROM images WHERE status!='done'")
        self._waiting = sum(self._one(f"SELECT count(*) FROM {kind} WHERE written=0") for kind in ROWS)
        self._knows = self._one("SELECT count(*) FROM known") > 0

    def _one(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0])

    # transactions ---------------------------------------------------------------------------------------------------
    def _write(self, sql: str, values: tuple[Any, ...] = ()) -> int:
        self._open_group()
        try:
            return self._db.execute(sql, values).rowcount
        except sqlite3.OperationalError as error:
            raise self._full(error) from error

    def _open_group(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
            self._since = time.monotonic()

    def _close_group(self) -> None:
        if time.monotonic() - self._since > GROUP_S:
            self.commit()

    def _full(self, error: sqlite3.Error) -> StorageError:
        return StorageError(
            f"the crawl's queue can't be written: {error}",
            where=str(self._path),
            cure="Free some space or mend the permissions, then run the same command again: it goes on from here",
        )
