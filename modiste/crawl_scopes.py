"""Which crawls were asked for a part of a shop only, or have not finished: the crawl queues know, the tables don't.

In: the queues a crawl leaves under `crawl/*.sqlite`. Out: crawl ids. Opens them read-only and never waits for a lock;
a queue that can't be read says nothing. Only the newest crawl of each shop is known to its queue.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dataset.workspace import Workspace


def partial_crawls(ws: Workspace) -> set[str]:
    """Ids of crawls run with --only or --max-products, and of unfinished ones."""
    return {crawl_id for path in (ws.root / "crawl").glob("*.sqlite") if (crawl_id := _partial(path))}


def _partial(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            state = dict(database.execute("SELECT key, value FROM state").fetchall())
    except sqlite3.Error:
        return None
    # 'asked' is "URL ONLY MAX_PRODUCTS MAX_PAGES" with None for what was not given, see crawlers.run.
    words = str(state.get("asked", "")).rsplit(" ", 3)
    whole = len(words) == 4 and words[1:3] == ["None", "None"] and state.get("status") == "finished"
    return None if whole else state.get("crawl_id")
