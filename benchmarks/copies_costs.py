"""What the second stage of `dedup`, copies by their pixels, costs: CPU a picture and a pair, bytes kept, growth.

    python -m benchmarks.copies_costs --data FOLDER --photos 4000 --json copies.json

In: photographs below FOLDER. Out: CPU time of one thread for reading a picture and finding its points, for seeking
candidates among n pictures at several n (so that the growth shows), and for laying a candidate pair together; 95 %
intervals by bootstrap over batches; bytes of what is kept; peak memory. Nothing is joined; no truth is needed.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from dataset.copies import pairs_batch, points_batch
from dataset.copies_candidates import candidates
from dataset.copies_kept import PAIRS, POINTS, Kept, unpacked
from dataset.copies_points import Points
from dataset.workspace import Workspace

KINDS = {".jpg", ".jpeg"}
BATCH = 32


def photographs(folder: Path, most: int) -> list[Path]:
    """`most` of them, the same ones every time, drawn evenly from the sorted list."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS)
    return [found[int(k)] for k in np.linspace(0, len(found) - 1, min(most, len(found)))]


def interval(values: list[float], seed: int = 0) -> list[float]:
    """95 % of the mean, batches drawn anew a thousand times."""
    rng, each = np.random.default_rng(seed), np.array(values)
    means = each[rng.integers(0, len(each), (1000, len(each)))].mean(axis=1)
    return [round(float(q), 2) for q in np.quantile(means, [0.025, 0.975])]


def timed(batches: list[pa.RecordBatch], work: Any) -> tuple[list[dict[str, Any]], list[float]]:
    """(rows, CPU ms a row of each batch)."""
    rows, spent = [], []
    for batch in batches:
        began = time.process_time()
        rows += work(batch).to_pylist()
        spent.append(1000 * (time.process_time() - began) / batch.num_rows)
    return rows, spent


def batches_of(columns: dict[str, list[str]], size: int) -> list[pa.RecordBatch]:
    return pa.table(columns).to_batches(max_chunksize=size)


def searched(points: list[Points], sizes: list[int]) -> list[dict[str, Any]]:
    """CPU of the search for candidates among the first n pictures."""
    found = []
    for n in sizes:
        began = time.process_time()
        pairs = candidates(points[:n])
        spent = time.process_time() - began
        found.append({"pictures": n, "cpu_s": round(spent, 1), "ms_a_picture": round(1000 * spent / n, 2),
                      "candidates": len(pairs)})  # fmt: skip
    return found


def measure(paths: list[Path], most_pairs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        ws = Workspace.init(folder)
        names = sorted({ws.blobs.put(path.read_bytes()) for path in paths})
        rows, reading = timed(batches_of({"sha256": names}, BATCH), partial(points_batch, blobs=ws.blobs.root))
        kept = Kept(ws)
        kept.add("points", rows, POINTS)
        good = [row for row in rows if not row["reason"]]
        points = [unpacked(row) for row in good]
        sizes = sorted({n for n in (500, 1000, 2000, 4000, 8000) if n < len(points)} | {len(points)})
        search = searched(points, sizes)
        pairs = candidates(points)[:most_pairs]
        columns = {"a": [good[a]["sha256"] for a, _ in pairs], "b": [good[b]["sha256"] for _, b in pairs]}
        verdicts, laying = timed(batches_of(columns, 16), partial(pairs_batch, blobs=ws.blobs.root))
        kept.add("pairs", verdicts, PAIRS)
        size = sum(path.stat().st_size for path in (ws.root / "copies").iterdir())
    codes = sorted({str(row["code"]) for row in verdicts})
    return {
        "pictures": len(names), "unread": len(rows) - len(good),
        "points_ms_a_picture": round(float(np.mean(reading)), 2), "points_interval": interval(reading),
        "search": search, "pairs": len(verdicts),
        "pair_ms": round(float(np.mean(laying)), 2) if laying else None,
        "pair_interval": interval(laying) if laying else None,
        "verdicts": {code: sum(row["code"] == code for row in verdicts) for code in codes},
        "kept_bytes_a_picture": round(size / len(names)),
        "descriptor_bytes_a_picture": round(float(np.mean([one.descriptors.nbytes for one in points]))),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def main() -> None:
    import faiss

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=1000, help="candidate pairs laid together at most")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)
    result = measure(photographs(given.data, given.photos), given.pairs)
    print(json.dumps(result, indent=2))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
