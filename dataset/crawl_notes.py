"""What each crawl was asked for, and whether it came to its end: one JSON file a crawl, in `crawl/scopes/`.

In: a `CrawlNote` from whoever crawls, when it begins and when it ends. Out: the notes, for reports: a product that lies
outside of what was asked can't be called gone. A note that can't be read counts as a crawl that was cut short. Never
decides what is gone.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields

from dataset.blobs import write_atomically
from dataset.workspace import Workspace

FOLDER = "crawl/scopes"


@dataclass(frozen=True)
class CrawlNote:
    """`part` is the path asked for, None for the whole shop; `products` and `pages` are how many there were so far,
    beside their limits (None is none)."""

    crawl_id: str
    store: str
    url: str
    part: str | None
    max_products: int | None
    products: int
    max_pages: int | None
    pages: int
    finished: bool

    def cut_short(self) -> str:
        """Why it can't tell what a shop no longer offers; '' where it was asked for all and came to its end."""
        if not self.finished:
            return "not finished"
        if self.part is not None:
            return f"asked for {self.part} only"
        if self.max_products is not None and self.products >= self.max_products:
            return f"asked for {self.max_products:,} products at most"
        spent = self.max_pages is not None and self.pages >= self.max_pages
        return f"stopped at the limit of {self.max_pages:,} pages" if spent else ""


def write_note(ws: Workspace, note: CrawlNote) -> None:
    """Put the newest note of a crawl in place of the one before."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", note.crawl_id)
    text = json.dumps(asdict(note), indent=1, ensure_ascii=False) + "\n"
    write_atomically(ws.scratch(FOLDER) / f"{name}.json", text.encode())


def read_notes(ws: Workspace) -> dict[str, CrawlNote]:
    """crawl_id -> its note. Of one that can't be read only the file's name is known, and that it tells nothing."""
    found = {}
    for path in sorted((ws.root / FOLDER).glob("*.json")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            note = CrawlNote(**{field.name: values[field.name] for field in fields(CrawlNote)})
        except (OSError, ValueError, KeyError, TypeError):
            note = CrawlNote(path.stem, "", "", None, None, 0, None, 0, finished=False)
        found[note.crawl_id] = note
    return found
