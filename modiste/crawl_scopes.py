"""Which crawls can't tell what is gone: asked for a part of a shop, cut by a limit, not finished, begun elsewhere.

In: the notes that crawls leave in `crawl/scopes/`, and for crawls of an older Modiste, which left none, their queues
under `crawl/*.sqlite`. Out: crawl ids, each with the reason. Opens queues read-only and never waits for a lock; a queue
knows the newest crawl of its shop alone, and one that can't be read says nothing.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from dataset.crawl_notes import CrawlNote, read_notes
from dataset.workspace import Workspace


def partial_crawls(ws: Workspace) -> dict[str, str]:
    """crawl_id -> why an absent product may still be there."""
    notes = read_notes(ws)
    for path in sorted((ws.root / "crawl").glob("*.sqlite")):
        if (note := _of_queue(path)) and note.crawl_id not in notes:
            notes[note.crawl_id] = note
    found = {crawl_id: why for crawl_id, note in notes.items() if (why := note.cut_short())}
    ordered = sorted(notes.values(), key=lambda note: (note.store, note.crawl_id))  # an id holds its time
    for before, after in pairwise(ordered):
        if before.store == after.store and _begun(before) != _begun(after):
            found.setdefault(after.crawl_id, f"begun at {_begun(after)}, the crawl before at {_begun(before)}")
    return found


def _begun(note: CrawlNote) -> str:
    """Host and path of the start, so that http, www and a last slash make no difference."""
    parts = urlsplit(note.url)
    return f"{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}"


def _of_queue(path: Path) -> CrawlNote | None:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            state = dict(database.execute("SELECT key, value FROM state").fetchall())
            products = database.execute("SELECT count(*) FROM products").fetchone()[0]
            pages = database.execute("SELECT count(*) FROM pages WHERE status <> 'pending'").fetchone()[0]
    except sqlite3.Error:
        return None
    # 'asked' is "URL ONLY MAX_PRODUCTS MAX_PAGES" with None for what was not given, see crawlers.run.
    words = str(state.get("asked", "")).rsplit(" ", 3)
    if not state.get("crawl_id") or len(words) != 4:
        return None
    url, only, most, budget = words
    part, finished = _part(url, None if only == "None" else only), state.get("status") == "finished"
    crawl_id = state["crawl_id"]
    store = crawl_id.rsplit("-", 2)[0]
    return CrawlNote(crawl_id, store, url, part, _whole(most), products, _whole(budget), pages, finished)


def _part(url: str, only: str | None) -> str | None:
    from crawlers.job import Scope
    from crawlers.strategies.scope import part

    return part(Scope(url, "", only, None, 1))


def _whole(word: str) -> int | None:
    return int(word) if word.isdigit() else None
