"""Ten million rows (made) of `fetches` and `images` in Delta tables, filtered by shop and date through Tables.query.

In: a folder, rows, commits. Out: per query seconds (wall, the median of five), rows found, peak memory of a process of
its own, bytes a row. Each commit of `fetches` holds one crawl of one of 100 shops, half a day after the one before, as
`crawl` writes them; `pages` is the worst case: every commit holds all shops in turn, so
that no file can be left out by its shop. sha256 and URLs are random: nothing compresses better than it would.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from dataset_speed import peak_mb

from dataset.tables import Tables

START = np.datetime64("2026-01-01", "us")
SHOPS = 100
HEADERS = json.dumps({"content-type": "image/jpeg", "etag": '"5f3c"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"})
ONE_SHOP_ONE_MONTH = "store = 'shop007.example' AND fetched_at >= '2026-01-01' AND fetched_at < '2026-02-01'"
QUERIES = {
    "rows of one shop in one month, counted": f"SELECT count(*) FROM fetches WHERE {ONE_SHOP_ONE_MONTH}",
    "the same, sha256 and URL of each": f"SELECT sha256, url FROM fetches WHERE {ONE_SHOP_ONE_MONTH}",
    "one shop, all dates, by month": (
        "SELECT date_trunc('month', fetched_at), count(*) FROM fetches WHERE store = 'shop007.example' GROUP BY 1"
    ),
    "one week, by shop": (
        "SELECT store, count(*) FROM fetches WHERE fetched_at >= '2026-02-01' AND fetched_at < '2026-02-08' GROUP BY 1"
    ),
    "worst case, every commit of all shops; one shop in one month": (
        f"SELECT url FROM pages WHERE {ONE_SHOP_ONE_MONTH}"
    ),
    "packshots of one shop in one month that are sharp (join)": (
        f"SELECT sha256 FROM images WHERE view = 'packshot' AND sharpness > 0.9 AND sha256 IN "
        f"(SELECT sha256 FROM fetches WHERE {ONE_SHOP_ONE_MONTH})"
    ),
}


def make(root: Path, rows: int, commits: int) -> dict[str, float]:
    """Write the tables; seconds and bytes a row."""
    started = time.monotonic()
    tables, rng, each = Tables(str(root)), np.random.default_rng(0), rows // commits
    for number in range(commits):
        sha256 = _hexes(rng, each)
        tables.append("fetches", _fetches(number, each, sha256, rng))
        tables.append("images", _images(number, each, sha256, rng))
        tables.append("pages", _pages(number, each, sha256, rng))
    sizes = {
        f"{name} bytes a row": sum(file.stat().st_size for file in (root / name).rglob("*.parquet")) / (each * commits)
        for name in ("fetches", "images", "pages")
    }
    return {"rows": each * commits, "commits": commits, "written in s": time.monotonic() - started, **sizes}


def timed(root: Path, runs: int = 5) -> dict[str, dict[str, float]]:
    """Each query in a process of its own."""
    return {what: _elsewhere(root, sql, runs) for what, sql in QUERIES.items()}


def _elsewhere(root: Path, sql: str, runs: int) -> dict[str, float]:
    told = subprocess.run([sys.executable, __file__, str(root), sql, str(runs)],
                          capture_output=True, text=True, check=True)  # fmt: skip
    return dict(json.loads(told.stdout))


def _query(root: str, sql: str, runs: int) -> dict[str, float]:
    tables, seconds, rows = Tables(root), [], 0
    for _ in range(runs):
        started = time.monotonic()
        rows = tables.query(sql).num_rows
        seconds.append(time.monotonic() - started)
    peak = peak_mb()
    return {"first s": seconds[0], "median s": statistics.median(seconds), "rows": rows, "peak MB": peak}


def _hexes(rng: np.random.Generator, n: int) -> pa.Array:
    digits = rng.bytes(32 * n).hex()
    return pa.array([digits[start : start + 64] for start in range(0, 64 * n, 64)])


def _when(number: int, n: int) -> pa.Array:
    began = START + np.timedelta64(number * 12, "h")
    return pa.array(began + (np.arange(n) * 20_000).astype("timedelta64[us]"), pa.timestamp("us", tz="UTC"))


def _same(value: object, n: int) -> pa.Array:
    return pa.repeat(value, n)


def _fetches(number: int, n: int, sha256: pa.Array, rng: np.random.Generator) -> pa.Table:
    shop = f"shop{number % SHOPS:03d}.example"
    marks = rng.integers(0, 1 << 40, n)
    columns: dict[str, Any] = {
        "crawl_id": _same(f"crawl-{number}", n), "store": _same(shop, n), "status": _same("ok", n),
        "product_id": pa.array([f"SKU-{number}-{place // 4}" for place in range(n)]),
        "page_url": pa.array([f"https://{shop}/products/{number}-{place // 4}" for place in range(n)]),
        "url": pa.array([f"https://cdn.{shop}/media/{mark:x}.jpg" for mark in marks.tolist()]),
        "position": pa.array(np.arange(n) % 4), "http_status": _same(200, n), "headers": _same(HEADERS, n),
        "sha256": sha256, "bytes": pa.array(rng.integers(20_000, 400_000, n)),
        "elapsed_ms": pa.array(rng.integers(20, 900, n)), "fetched_at": _when(number, n), "source": _same("crawl", n),
    }  # fmt: skip
    return pa.table(columns)


def _pages(number: int, n: int, sha256: pa.Array, rng: np.random.Generator) -> pa.Table:
    shops = pa.array([f"shop{place % SHOPS:03d}.example" for place in range(n)])
    urls = pa.array([f"https://shop.example/products/{mark:x}" for mark in rng.integers(0, 1 << 40, n).tolist()])
    columns: dict[str, Any] = {
        "crawl_id": _same(f"crawl-{number}", n), "store": shops, "url": urls, "final_url": urls,
        "kind": _same("leaf", n), "found": _same("product", n), "status": _same("ok", n), "http_status": _same(200, n),
        "products": _same(1, n), "sha256": sha256, "fetched_at": _when(number, n),
    }  # fmt: skip
    return pa.table(columns)


def _images(number: int, n: int, sha256: pa.Array, rng: np.random.Generator) -> pa.Table:
    scores = ("sharpness", "exposure", "contrast", "compression", "resolution", "uniformity", "aspect", "overlay")
    hashes, grids = rng.bytes(8 * n).hex(), rng.bytes(48 * n).hex()
    columns: dict[str, Any] = {
        "sha256": sha256, "status": _same("ok", n), "bytes": pa.array(rng.integers(20_000, 400_000, n)),
        "width": pa.array(rng.integers(400, 2_000, n)), "height": pa.array(rng.integers(400, 2_000, n)),
        "format": _same("JPEG", n), "mode": _same("RGB", n), "orientation": _same(1, n), "has_alpha": _same(False, n),
        "frames": _same(1, n), "phash": pa.array([hashes[at : at + 16] for at in range(0, 16 * n, 16)]),
        "colour_grid": pa.array([grids[at : at + 96] for at in range(0, 96 * n, 96)]),
        "view": pa.array(np.where(rng.random(n) < 0.7, "packshot", "scene")), "checked_at": _when(number, n),
        "checker": _same("3", n), **{score: pa.array(rng.random(n, np.float32)) for score in scores},
    }  # fmt: skip
    return pa.table(columns)


if __name__ == "__main__":
    print(json.dumps(_query(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
