"""What changed in a shop between two crawls: new, gone, back, prices, discounts, availability, each with its evidence.

In: `products`, `pages` and pairs of crawls. Out: Arrow tables, one row a change, in shards of about 250,000 products so
that memory is bounded whatever the shop's size. A product whose page failed is 'not seen', never 'gone'; one the older
crawl may have missed is 'first seen', never 'new'. What one side leaves unsaid is no change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from dataset.workspace import Workspace
from reports.crawls import Crawl, Pair

SQL = Path(__file__).with_name("changes.sql")
SHARD_ROWS = 250_000
# kind -> words for people; the order is that of the report.
KINDS: dict[str, str] = {
    "new": "new",
    "back": "back after an absence",
    "gone": "gone",
    "price_down": "price down",
    "price_up": "price up",
    "discount_began": "discount began",
    "discount_ended": "discount ended",
    "discount_changed": "discount changed",
    "availability": "availability",
    "currency": "currency",
    "not_seen": "not seen (may still be there)",
    "first_seen": "first seen (may be older)",
}


def changes(ws: Workspace, chosen: Sequence[Pair], shard_rows: int = SHARD_ROWS) -> Iterator[pa.Table]:
    """Tables of [store, kind, product_id, name, url, category, price, list_price, currency, old, new, ratio, evidence,
    crawl_id, fetched_at]; `ratio` is the relative move of a price, or the move of a discount in points / 100.

    One table a shard, at least one; names are cut at 500 characters.
    """
    shards = shards_of([crawl for pair in chosen for crawl in (pair.before, pair.after)], 2 * shard_rows)
    lists = [
        [pair.before.store for pair in chosen],
        [pair.before.crawl_id for pair in chosen],
        [pair.after.crawl_id for pair in chosen],
        [pair.before.is_whole for pair in chosen],
        [pair.after.is_whole for pair in chosen],
        [pair.before.at for pair in chosen],
    ]
    sql = SQL.read_text("utf-8")
    for shard in range(shards):
        yield ws.tables.query(sql, parameters=[*lists, shard, shards])


def shards_of(crawls: Sequence[Crawl], shard_rows: int) -> int:
    """So many parts that each holds about `shard_rows` of the crawls' products."""
    return max(1, -(-sum(crawl.products for crawl in crawls) // shard_rows))


class Tally:
    """Counts by shop and kind, and the most telling rows of each kind, kept while shards go by."""

    def __init__(self, most: int) -> None:
        self.most, self.counts = most, dict[tuple[str, str], int]()
        self._kept: dict[tuple[str, str], list[dict[str, object]]] = {}

    def add(self, table: pa.Table) -> None:
        found = table.group_by(["store", "kind"]).aggregate([([], "count_all")]).to_pylist()
        for row in found:
            key = (row["store"], row["kind"])
            self.counts[key] = self.counts.get(key, 0) + row["count_all"]
        for key, rows in _most_telling(table, self.most).items():
            self._kept[key] = sorted([*self._kept.get(key, []), *rows], key=_telling)[: self.most]

    def rows(self, store: str, kind: str) -> list[dict[str, object]]:
        """At most `most` rows, the largest moves first, else by product."""
        return self._kept.get((store, kind), [])

    def total(self, kind: str) -> int:
        return sum(count for (_, each), count in self.counts.items() if each == kind)


def _telling(row: dict[str, object]) -> tuple[float, str]:
    ratio = row["ratio"]
    return (-abs(ratio) if isinstance(ratio, float) else 0.0, str(row["product_id"]))


def _most_telling(table: pa.Table, most: int) -> dict[tuple[str, str], list[dict[str, object]]]:
    import duckdb

    with duckdb.connect(config={"enable_external_access": False}) as connection:
        connection.register("found", table)
        rows = connection.sql(
            """FROM found QUALIFY row_number() OVER (PARTITION BY store, kind
            ORDER BY abs(coalesce(ratio, 0)) DESC, product_id) <= $1""",
            params=[most],
        ).to_arrow_table()
    kept: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in rows.to_pylist():
        kept.setdefault((row["store"], row["kind"]), []).append(row)
    return kept
