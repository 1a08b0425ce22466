"""From the durable queue to the tables, in batches, each row once.

In: rows the queue holds as unwritten. Out: commits to `products`, `fetches` and `pages`. A kill between a commit
and the queue's mark would write rows twice: so the first write of a run looks whether the tables hold them already.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from crawlers.queue import ROWS, Queue
from dataset.workspace import Workspace

BATCH = 2_000


class Writer:
    """Writes in a thread, so that asking goes on meanwhile; one write at a time."""

    def __init__(self, ws: Workspace, queue: Queue, crawl_id: str) -> None:
        self._ws, self._queue, self._crawl_id = ws, queue, crawl_id
        self._busy = asyncio.Lock()

    async def reconcile(self) -> None:
        """Mark what a killed run had committed but not marked. Asks the tables only where something is unwritten."""
        async with self._busy:
            for kind, table in ROWS.items():
                rows, keys = self._queue.unwritten(kind, 1_000_000), _KEYS[kind]
                if rows:
                    there = await asyncio.to_thread(self._there, table, keys)
                    self._queue.mark_written(kind, [k for k, row in rows if _key(_timed(row), keys) in there])

    async def flush(self, *, at_least: int = 1) -> None:
        """Write every unwritten row, if there are `at_least` so many."""
        if (self._busy.locked() and at_least > 1) or self._queue.waiting() < at_least:
            return
        await asyncio.shield(asyncio.ensure_future(self._write()))

    async def _write(self) -> None:
        """Never cut off between a table's commit and the queue's mark: who waits may be cancelled, the thread may not,
        and the next flush would write the same rows again.
        """
        async with self._busy:
            for kind, table in ROWS.items():
                self._queue.commit()  # what a table holds, the queue must hold too
                while rows := self._queue.unwritten(kind, BATCH):
                    await asyncio.to_thread(self._ws.tables.append, table, [_timed(row) for _, row in rows])
                    self._queue.mark_written(kind, [key for key, _ in rows])

    def _there(self, name: str, keys: list[str]) -> set[tuple[Any, ...]]:
        crawl_id = self._crawl_id.replace("'", "''")
        rows = self._ws.tables.read(name, columns=keys, where=f"crawl_id = '{crawl_id}'").to_pylist()
        return {_key(row, keys) for row in rows}


_KEYS = {"products": ["product_id"], "attempts": ["url", "product_id", "fetched_at"], "visits": ["url", "fetched_at"]}


def _key(row: dict[str, Any], keys: list[str]) -> tuple[Any, ...]:
    return tuple(row[k].timestamp() if isinstance(row[k], datetime) else row[k] for k in keys)


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "fetched_at": datetime.fromisoformat(row["fetched_at"])}
