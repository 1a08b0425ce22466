"""The watch report: every crawl of every shop in time, and feeds of what changed from one to the next.

In: tables of a workspace. Out: `reports/watch.html` with lines of assortment, prices and availability, `watch.rss` and
`watch.json` (JSON Feed) beside it. A crawl that did not see its whole shop is drawn and named; the feeds leave out what
is uncertain ('not seen', 'first seen'). Currencies are never mixed. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from reports import static
from reports.assortment import of_stores
from reports.changes import KINDS, changes
from reports.crawls import Crawl, crawls, in_turn
from reports.feeds import Row, headline, json_feed, rss
from reports.written import Written, made_at, place, write

MOST_ENTRIES = 500  # in a feed; the newest
_UNCERTAIN = ("not_seen", "first_seen")
_TRENDS = """
WITH seen AS (
  SELECT store, crawl_id, nullif(try_cast(price AS DOUBLE), 'NaN') AS price, nullif(try_cast(list_price AS DOUBLE),
  'NaN') AS list_price,
    currency, availability FROM products
  QUALIFY row_number() OVER (PARTITION BY store, product_id, crawl_id ORDER BY fetched_at DESC NULLS LAST) = 1
), money AS (SELECT store, mode(currency) AS currency FROM seen WHERE price > 0 GROUP BY 1)
SELECT s.store, s.crawl_id, any_value(m.currency) AS currency, count(*) AS products,
  median(price) FILTER (price > 0 AND s.currency = m.currency) AS price,
  count(*) FILTER (list_price > price) / nullif(count(*) FILTER (price > 0), 0) AS discounted,
  count(*) FILTER (availability = 'InStock') / nullif(count(availability), 0) AS in_stock
FROM seen s LEFT JOIN money m ON m.store = s.store GROUP BY s.store, s.crawl_id
"""
_CHARTS = (
    ("products", "Assortment size", "Products seen in each crawl.", True),
    ("price", "Median price", "Of what a visitor pays, in each shop's main currency.", False),
    ("discounted", "Share discounted", "Of priced products, with a struck-through price above the price.", True),
    ("in_stock", "Share in stock", "Of products whose page says anything about it.", True),
)


def watch_report(
    ws: Workspace,
    *,
    out: Path | None = None,
    stores: Sequence[str] = (),
    partial: Collection[str] = (),
    progress: Progress = silent,
) -> Written:
    """Write page and feeds; `stores` and `partial` as in `catalogue_report`."""
    page = place(ws, out, "watch")
    found = of_stores(stores, crawls(ws, partial))
    entries, counts = _entries(ws, found, progress)
    now = datetime.now(UTC)
    files = [page.with_suffix(".rss"), page.with_suffix(".json")]
    write_atomically(files[0], rss(ws.settings.name, entries, now))
    write_atomically(files[1], json_feed(ws.settings.name, entries))
    values: dict[str, Any] = {
        "title": ws.settings.name,
        "kind": "watch",
        "facts": [("crawls", str(len(found))), ("made", made_at())],
        "contents": [("trends", "Trends"), ("crawls", "Crawls"), ("changes", "Newest changes")] if found else [],
        "empty": "" if found else "No shop has been crawled yet. Start with: modiste crawl URL -w WORKSPACE",
        "files": [file.name for file in files],
        "charts": _charts(ws, found),
        "crawls": [{"crawl": crawl, "counts": counts.get(crawl.crawl_id, {})} for crawl in found[::-1]],
        "entries": [
            {"text": headline(row), "url": row["url"], "at": row["fetched_at"], "store": row["store"]}
            for row in entries[:40]
        ],
    }
    said = {"crawls": len(found), "changes in the feeds": len(entries)} if found else {}
    return write(page, "watch.html.j2", values, said, files)


def _entries(ws: Workspace, found: Sequence[Crawl], progress: Progress) -> tuple[list[Row], dict[str, dict[str, int]]]:
    """(newest changes first, crawl id -> kind -> count)."""
    entries: list[Row] = []
    counts: dict[str, dict[str, int]] = {}
    turns = in_turn(found)
    for done, pair in enumerate(turns):
        tally = counts.setdefault(pair.after.crawl_id, dict.fromkeys(KINDS, 0))
        for table in changes(ws, [pair]):
            for row in table.group_by("kind").aggregate([([], "count_all")]).to_pylist():
                tally[row["kind"]] += row["count_all"]
            certain = [row for row in table.slice(0, 20 * MOST_ENTRIES).to_pylist() if row["kind"] not in _UNCERTAIN]
            entries = sorted([*entries, *certain], key=_newest)[:MOST_ENTRIES]
        progress(done + 1, len(turns))
    return entries, counts


def _newest(row: Row) -> tuple[float, str, str]:
    at = row["fetched_at"]
    return (-at.timestamp() if isinstance(at, datetime) else 0.0, str(row["product_id"]), str(row["kind"]))


def _charts(ws: Workspace, found: Sequence[Crawl]) -> list[dict[str, Any]]:
    at = {(crawl.store, crawl.crawl_id): crawl.at.timestamp() for crawl in found}
    rows = [row for row in ws.tables.query(_TRENDS).to_pylist() if (row["store"], row["crawl_id"]) in at]
    charts = []
    for column, title, caption, from_zero in _CHARTS:
        series: dict[str, list[tuple[float, float]]] = {}
        for row in rows:
            if row[column] is not None:
                name = f"{row['store']}, {row['currency']}" if column == "price" else row["store"]
                series.setdefault(name, []).append((at[row["store"], row["crawl_id"]], float(row[column])))
        drawn = static.lines(sorted(series.items()), from_zero=from_zero, share=title.startswith("Share"))
        if drawn:
            ends = [f"{crawl.at:%Y-%m-%d %H:%M}" for crawl in (min(found, key=_when), max(found, key=_when))]
            charts.append({"title": title, "caption": caption, "drawn": drawn, "ends": ends})
    return charts


def _when(crawl: Crawl) -> datetime:
    return crawl.at
