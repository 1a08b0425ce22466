"""The category, colour and pattern mix of each shop, from labels, with error bars where a model is the source.

In: `labels`, `fetches`, the newest crawl of each shop, run folders. Out: plain rows. A product counts once a value,
whatever its number of pictures. What the shop or a rule says is a count, not an estimate; a model's share is corrected
by its own test (`reports.intervals`) or, where its run has no test, shown with the sampling interval alone, and says
so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataset.errors import ModisteError
from dataset.workspace import Workspace
from reports.changes import SHARD_ROWS, shards_of
from reports.crawls import Crawl
from reports.intervals import Share, corrected, wilson
from reports.runs import confusions_of
from train.record import read_run

FIELDS = ("type", "colour", "pattern")
_SQL = """
WITH now AS (SELECT unnest($1::VARCHAR[]) AS store, unnest($2::VARCHAR[]) AS crawl_id),
shown AS (
  SELECT DISTINCT f.store, f.product_id, f.sha256 FROM fetches f
  WHERE f.sha256 IS NOT NULL AND hash(f.product_id) % $5::UBIGINT = $4::UBIGINT AND EXISTS (
    FROM products p JOIN now ON now.store = p.store AND now.crawl_id = p.crawl_id
    WHERE p.store = f.store AND p.product_id = f.product_id)
), said AS (
  SELECT sha256, field, value, CASE WHEN source IN ('store', 'rule', 'person') THEN source
    WHEN source LIKE 'model:%' THEN source ELSE 'import' END AS source
  FROM labels WHERE value IS NOT NULL AND list_contains($3::VARCHAR[], field)
), told AS (SELECT DISTINCT s.store, s.product_id, l.field, l.value, l.source FROM shown s JOIN said l USING (sha256)),
base AS (SELECT store, field, source, count(DISTINCT product_id) AS n FROM told GROUP BY ALL)
SELECT t.store, t.field, t.source, t.value, count(DISTINCT t.product_id) AS hits, any_value(b.n) AS n
FROM told t JOIN base b ON b.store = t.store AND b.field = t.field AND b.source = t.source
GROUP BY ALL
"""


@dataclass(frozen=True)
class Mixed:
    """One value's share of a shop's products that have this field from this source."""

    store: str
    field: str
    source: str
    value: str
    hits: int
    n: int
    share: Share


def mix(
    ws: Workspace, newest: Sequence[Crawl], fields: Sequence[str] = FIELDS, shard_rows: int = SHARD_ROWS
) -> list[Mixed]:
    """Every value of `fields` in the newest crawl of each shop, the most frequent first; about `shard_rows` products
    are counted at a time."""
    rows = _counted(ws, newest, fields, shards_of(newest, shard_rows))
    tests = {source: _tests(ws, source) for source in {row["source"] for row in rows}}
    return [Mixed(**row, share=_share(row, tests[row["source"]])) for row in rows]


def _counted(ws: Workspace, newest: Sequence[Crawl], fields: Sequence[str], shards: int) -> list[dict[str, Any]]:
    """Rows of `_SQL` over all shards. A product is in one of them, so counts of products add up."""
    parameters = [[c.store for c in newest], [c.crawl_id for c in newest], list(fields)]
    hits, bases = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for shard in range(shards):
        seen = set()
        for row in ws.tables.query(_SQL, parameters=[*parameters, shard, shards]).to_pylist():
            base = (row["store"], row["field"], row["source"])
            hits[*base, row["value"]] += row["hits"]
            bases[base] += 0 if base in seen else row["n"]
            seen.add(base)
    found = [
        {"store": store, "field": field, "source": source, "value": value, "hits": n, "n": bases[store, field, source]}
        for (store, field, source, value), n in hits.items()
    ]
    return sorted(found, key=lambda row: (row["field"], -row["hits"], row["value"], row["store"], row["source"]))


def _share(row: dict[str, Any], tests: dict[str, dict[str, Any]]) -> Share:
    hits, n = row["hits"], row["n"]
    if not str(row["source"]).startswith("model:"):
        return Share(hits / n, hits / n, hits / n, hits / n, "counted")
    test = tests.get(row["field"])
    if test is None or row["value"] not in test["classes"]:
        return Share(hits / n, hits / n, *wilson(hits, n), "as said")
    place, matrix = test["classes"].index(row["value"]), test["matrix"]
    right, positives = matrix[place][place], sum(matrix[place])
    said, total = sum(line[place] for line in matrix), sum(sum(line) for line in matrix)
    return corrected(hits, n, right, positives, said - right, total - positives)


def _tests(ws: Workspace, source: str) -> dict[str, dict[str, Any]]:
    """field -> its confusion on the test part, of the run behind `model:<run>`."""
    name = source.removeprefix("model:")
    if name == source or "/" in name or name.startswith("."):
        return {}
    try:
        return {test["name"].split(" ")[0]: test for test in confusions_of(read_run(ws.runs / name).evaluation)}
    except (ModisteError, KeyError, TypeError, ValueError, AttributeError, OSError):
        return {}
