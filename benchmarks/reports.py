"""Seconds and memory of the catalogue report on made tables: two crawls of one shop, changes planted by rule.

    python -m benchmarks.reports --products 1000000 --json reports.json

Two crawls of N products, each with a picture's fetch and two labels: of every 100, one goes, one comes, five move in
price, two change stock. The report runs in a child process on two cores at most; its own seconds, CPU seconds and peak
memory are taken, and the counts it finds are held against those planted. With --bare no pictures and labels are made.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from dataset.workspace import Workspace

START = datetime(2026, 1, 1, tzinfo=UTC)
_CHUNK = 250_000
_PRODUCTS = """
SELECT 'big.example' AS store, 'P' || lpad(i::VARCHAR, 9, '0') AS product_id, 'https://big.example/p/' || i AS url,
  'Product number ' || i AS name, 'Brand ' || i % 400 AS brand,
  format('{:.2f}', (10 + i % 190) * if($new AND i % 100 BETWEEN 10 AND 14, 0.8, 1)) AS price,
  NULL::VARCHAR AS list_price, 'G' || i // 3 AS variant_group, lpad((i * 7)::VARCHAR, 13, '0') AS gtin,
  'EUR' AS currency, if($new AND i % 100 IN (20, 21), 'OutOfStock', 'InStock') AS availability,
  ['Women', 'Category ' || i % 37] AS categories, 'Colour ' || i % 14 AS colour, $crawl AS crawl_id,
  $at::TIMESTAMPTZ AS fetched_at
FROM range($first::BIGINT, $last::BIGINT) t(i) WHERE i % 100 <> if($new, 0, 1)
"""
_FETCHES = """
SELECT 'c2' AS crawl_id, 'big.example' AS store, 'P' || lpad(i::VARCHAR, 9, '0') AS product_id, 'u' || i AS url,
  0::BIGINT AS position, 'ok' AS status, sha256(i::VARCHAR) AS sha256, $at::TIMESTAMPTZ AS fetched_at
FROM range($first::BIGINT, $last::BIGINT) t(i)
"""
_LABELS = """
SELECT sha256(i::VARCHAR) AS sha256, field, field || ' ' || i % 17 AS value, source, 1.0::FLOAT AS confidence
FROM range($first::BIGINT, $last::BIGINT) t(i), (VALUES ('type', 'store'), ('colour', 'rule')) l(field, source)
"""


def make(ws: Workspace, products: int, bare: bool = False) -> None:
    """`products` rows in each crawl, and one list page read in both."""
    numbers = products * 100 // 99
    for new, crawl, at in ((False, "c1", START), (True, "c2", START + timedelta(days=7))):
        append(ws, "products", _PRODUCTS, numbers, new=new, crawl=crawl, at=at)
        page = {"crawl_id": crawl, "store": "big.example", "url": "https://big.example/sitemap.xml", "kind": "sitemap",
                "found": "sitemap", "status": "ok", "fetched_at": at}  # fmt: skip
        ws.tables.append("pages", [page])
    if not bare:
        append(ws, "fetches", _FETCHES, numbers, at=START)
        append(ws, "labels", _LABELS, numbers)


def append(ws: Workspace, table: str, sql: str, numbers: int, **given: Any) -> None:
    for first in range(0, numbers, _CHUNK):
        with duckdb.connect() as connection:
            part = {**given, "first": first, "last": min(first + _CHUNK, numbers)}
            ws.tables.append(table, connection.sql(sql, params=part).to_arrow_table())


def planted(products: int) -> dict[str, int]:
    """What `make` changes."""
    numbers = products * 100 // 99

    def of(*rests: int) -> int:
        return sum(len(range(rest, numbers, 100)) for rest in rests)

    return {"gone": of(0), "new": of(1), "price_down": of(10, 11, 12, 13, 14), "availability": of(20, 21)}


def measure(folder: Path) -> dict[str, Any]:
    """One report, here: call it in a process of its own."""
    from reports.assortment import catalogue_report

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    began, cpu = time.perf_counter(), time.process_time()
    written = catalogue_report(Workspace.open(folder))
    return {"wall_s": round(time.perf_counter() - began, 1), "cpu_s": round(time.process_time() - cpu, 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "html_bytes": written.bytes,
            "products": written.said["products"], "found": _found(folder)}  # fmt: skip


def _found(folder: Path) -> dict[str, int]:
    path = folder / "reports" / "catalogue-changes.parquet"
    with duckdb.connect() as connection:
        return dict(
            connection.execute("SELECT kind, count(*) FROM read_parquet($1) GROUP BY 1", [str(path)]).fetchall()
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--bare", action="store_true", help="no pictures, no labels")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        ws = Workspace.init(folder, name="big", contact="x@x.example", crawl={"max_pages": 10_000_000})
        make(ws, given.products, given.bare)
        command = [sys.executable, "-m", "benchmarks.reports", "--measure", folder]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    result["bare"] = given.bare
    result["planted"] = planted(given.products)
    result["all_found_none_invented"] = result["found"] == result["planted"]
    print(json.dumps(result, indent=2))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
