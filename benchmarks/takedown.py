"""Seconds and memory of snapshots, their comparison, lineage and a take-down, on made rows.

In: how many images (`python -m benchmarks.takedown 300000`). Out: one Markdown row a step: wall and CPU seconds. The
rows are made: ten shops, three images a product, one label an image, no pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from dataset.lineage import lineage
from dataset.snapshot import create_snapshot, fingerprint, load_snapshot
from dataset.snapshot_diff import snapshot_diff
from dataset.takedown import takedown
from dataset.workspace import Workspace

Result = TypeVar("Result")


def made(root: Path, n: int) -> Workspace:
    """A workspace of `n` images, and a run on the snapshot 'all', which is still to be taken."""
    ws, now = Workspace.init(root), datetime(2026, 1, 1, tzinfo=UTC)
    names = [hashlib.sha256(str(k).encode()).hexdigest() for k in range(n)]
    shops = [f"shop{k % 10}.example" for k in range(n)]
    seen = {"crawl_id": "c", "fetched_at": now}
    fetches, products = [], []
    for k, (sha256, shop) in enumerate(zip(names, shops, strict=True)):
        page, url = f"https://{shop}/p/{k // 3}", f"https://{shop}/i/{k}.jpg"
        told = {"store": shop, "product_id": str(k // 3)}
        shown = {"page_url": page, "url": url, "final_url": url, "status": "ok", "sha256": sha256, "position": 0}
        fetches.append(seen | told | shown)
        if k % 3 == 0:
            products.append(seen | told | {"url": page, "brand": f"B{k % 100}", "image_urls": [url]})
    ws.tables.append("fetches", fetches)
    ws.tables.append("products", products)
    ws.tables.append("images", [{"sha256": name, "status": "ok", "sharpness": 0.5} for name in names])
    ws.tables.append("groups", [{"sha256": s, "group_id": s, "cluster_id": s, "split": "train"} for s in names])
    label = {"field": "type", "value": "dress", "word": "dress", "source": "store"}
    ws.tables.append("labels", [{"sha256": name, **label} for name in names])
    run = ws.runs / "run-1"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"snapshot": "all", "recipe": {}, "task": "tagging"}))
    return ws


FIGURES: list[dict[str, object]] = []


def timed(name: str, n: int, step: Callable[[], Result]) -> Result:
    wall, cpu = time.perf_counter(), time.process_time()
    result = step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"| {name} | {n} | {wall:.2f} | {cpu:.2f} |", flush=True)
    FIGURES.append({"step": name, "wall_s": wall, "cpu_s": cpu})
    return result


def main(n: int, file: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ws = made(Path(folder) / "ws", n)
        print("| step | images | wall s | CPU s |\n|---|---|---|---|")
        rows = timed("snapshot", n, lambda: create_snapshot(ws, "all")).rows
        timed("fingerprint", n, lambda: fingerprint(rows))
        timed("load a snapshot", n, lambda: load_snapshot(ws, "all"))
        create_snapshot(ws, "most", where="store <> 'shop1.example'")
        timed("snapshot diff", n, lambda: snapshot_diff(ws, "all", "most"))
        timed("lineage of a run", n, lambda: lineage(ws, "run-1"))
        timed("lineage of an address", n, lambda: lineage(ws, "https://shop3.example/i/3.jpg"))
        timed("take-down of a shop, dry", n, lambda: takedown(ws, "domain", "shop1.example", "measured"))
        found = timed("take-down of a shop", n, lambda: takedown(ws, "domain", "shop1.example", "measured", yes=True))
        timed("snapshot after it", n, lambda: create_snapshot(ws, "after"))
    print(f"taken down: {found.before['images']} images, {found.before['rows']} rows; left: {found.after['rows']} rows")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory: {peak_mib} MiB")
    if file:
        told = {"images": n, "steps": FIGURES, "before": found.before, "after": found.after, "peak_mib": peak_mib}
        file.write_text(json.dumps(told, indent=1, default=str))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int, nargs="?", default=100_000, help="made rows")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    main(asked.images, asked.json)
