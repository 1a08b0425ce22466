"""Changes as feeds: RSS 2.0 and JSON Feed 1.1, for a reader that polls a file.

In: rows of `reports.changes`. Out: bytes of the two files. Text is one plain line (no markup, no direction characters),
links are http(s) or left out, an entry's id stays the same however often it is written. Never fetches anything.
Sources: rssboard.org/rss-specification, jsonfeed.org/version/1.1
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from reports.changes import KINDS
from reports.wording import in_words, plain, web_address

Row = dict[str, Any]


def headline(row: Row) -> str:
    """One plain line: what happened to which product."""
    name = plain(row["name"] or row["product_id"] or "?", 120)
    said = KINDS.get(str(row["kind"]), str(row["kind"]))
    if row["old"] is None and row["new"] is None:
        return f"{said}: {name}"
    moved = f"{_cell(row['old'])} to {_cell(row['new'])}"
    money = f" {plain(row['currency'], 8)}" if row["currency"] and str(row["kind"]).startswith("price") else ""
    return f"{said}: {name}, {moved}{money}"


def rss(title: str, rows: Iterable[Row], made_at: datetime) -> bytes:
    """RSS 2.0; guids are no permalinks."""
    rows, root = list(rows), ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    for tag, text in (
        ("title", plain(title)),
        ("link", _home(rows)),
        ("description", f"Changes of {plain(title)} between crawls"),
        ("lastBuildDate", format_datetime(made_at)),
        ("generator", "Modiste"),
    ):
        ElementTree.SubElement(channel, tag).text = text
    for row in rows:
        item = ElementTree.SubElement(channel, "item")
        ElementTree.SubElement(item, "title").text = headline(row)
        if link := web_address(row["url"]):
            ElementTree.SubElement(item, "link").text = plain(link, 2000)
        ElementTree.SubElement(item, "description").text = _more(row)
        ElementTree.SubElement(item, "guid", isPermaLink="false").text = _id(row)
        ElementTree.SubElement(item, "pubDate").text = format_datetime(_at(row))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def json_feed(title: str, rows: Iterable[Row]) -> bytes:
    """JSON Feed 1.1; the content is text, never HTML."""
    items = []
    for row in rows:
        item = {
            "id": _id(row),
            "title": headline(row),
            "content_text": _more(row),
            "date_published": _at(row).isoformat(),
            "tags": [str(row["kind"]), plain(row["store"], 60)],
        }
        if link := web_address(row["url"]):
            item["url"] = plain(link, 2000)
        items.append(item)
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": plain(title), "items": items}
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _home(rows: list[Row]) -> str:
    """The first shop's address; RSS wants one."""
    for row in rows:
        if link := web_address(row["url"]):
            return plain(f"{urlsplit(link).scheme}://{urlsplit(link).netloc}/", 200)
    return "urn:modiste"


def _cell(value: object) -> str:
    return "unsaid" if value is None else plain(in_words(str(value)) if str(value).isalpha() else value, 30)


def _more(row: Row) -> str:
    facts = [plain(row["store"], 60), plain(row["category"] or "", 60), plain(row["evidence"] or "", 160)]
    return " · ".join(fact for fact in facts if fact)


def _id(row: Row) -> str:
    key = "|".join(str(row[name]) for name in ("store", "crawl_id", "product_id", "kind", "old", "new"))
    return "modiste:" + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]


def _at(row: Row) -> datetime:
    at = row["fetched_at"]
    return at.astimezone(UTC) if isinstance(at, datetime) else datetime.fromtimestamp(0, UTC)
