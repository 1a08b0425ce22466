"""What the search for copies has found out already, so that no picture is read and no pair is laid together twice.

In and out: rows per picture (its strongest points, or why there are none) and per pair (the verdict). Kept as Parquet
files in the workspace's folder `copies`, apart from the tables since all of it can be made anew: deleting the folder
loses time only. About 13 kB a picture. Files of another `VERSION` are not read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dataset.blobs import write_atomically
from dataset.copies_points import Points
from dataset.workspace import Workspace

VERSION = "1"  # raise it when points or verdicts change
FOLDER = "copies"
GONE = "blob_unreadable"  # never kept: the blob may come back

POINTS = pa.schema(
    [
        ("sha256", pa.string()),
        ("reason", pa.string()),  # of dataset.images.REASONS; null where the picture was read
        ("width", pa.int32()),  # px of the working copy
        ("height", pa.int32()),
        ("places", pa.binary()),  # float32, x and y by turns
        ("descriptors", pa.binary()),  # uint8, 128 a point
    ]
)
PAIRS = pa.schema(
    [
        ("a", pa.string()),  # sha256, the smaller first
        ("b", pa.string()),
        ("code", pa.string()),  # copy, or why not: see dataset.copies.CODES
        ("score", pa.float32()),  # share of the overlap that agrees in shape and colour
        ("places", pa.int32()),  # that agree on the alignment
        ("mirrored", pa.bool_()),
        ("cover_less", pa.float32()),  # share of each picture's blocks that the other shows
        ("cover_more", pa.float32()),
        ("coloured", pa.float32()),  # share of agreeing blocks in another colour
    ]
)


class Kept:
    """The rows in a workspace. `points` sha256 -> Points or None, `pairs` (a, b) -> row."""

    def __init__(self, ws: Workspace) -> None:
        self._folder = ws.scratch(FOLDER)

    def points(self) -> dict[str, Points | None]:
        rows = (row for table in self._tables("points") for row in table.to_pylist())
        return {row["sha256"]: None if row["reason"] else unpacked(row) for row in rows}

    def pairs(self) -> dict[tuple[str, str], dict[str, Any]]:
        rows = (row for table in self._tables("pairs") for row in table.to_pylist())
        return {(row["a"], row["b"]): row for row in rows}

    def add(self, what: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
        """Keep rows of `points` or `pairs`, but for those of blobs that couldn't be read."""
        rows = [row for row in rows if GONE not in (row.get("reason"), row.get("code"))]
        if not rows:
            return
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
        body = sink.getvalue().to_pybytes()
        write_atomically(self._folder / f"{what}-{VERSION}-{hashlib.sha256(body).hexdigest()[:16]}.parquet", body)

    def _tables(self, what: str) -> list[pa.Table]:
        return [_read(path) for path in sorted(self._folder.glob(f"{what}-{VERSION}-*.parquet"))]


def packed(sha256: str, points: Points | None, reason: str | None = None) -> dict[str, Any]:
    """A row of POINTS."""
    if points is None:
        return {"sha256": sha256, "reason": reason}
    places, descriptors = points.places.astype(np.float32).tobytes(), points.descriptors.tobytes()
    return {
        "sha256": sha256, "width": points.width, "height": points.height, "places": places, "descriptors": descriptors,
    }  # fmt: skip


def unpacked(row: dict[str, Any]) -> Points:
    return Points(
        np.frombuffer(row["places"], np.float32).reshape(-1, 2),
        np.frombuffer(row["descriptors"], np.uint8).reshape(-1, 128),
        row["width"],
        row["height"],
    )


def _read(path: Path) -> pa.Table:
    return pq.ParquetFile(path).read(use_threads=False)
