"""The step `faces`: how many faces each usable image shows and where, counted once an image and detector.

In: rows of `images` (status ok) and the blobs. Out: `faces`, `face_boxes` and `face_detector` of those rows, committed
some 500 at a time. `faces_of` gives the boxes that a blur needs and counts on the way what was never counted, so
nothing leaves unblurred because a step was forgotten. Never keeps a picture of a face and never tells two apart.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from dataset.blobs import BlobStore
from dataset.columns import add_missing
from dataset.engine import batches_of, run
from dataset.errors import DataError, EmptyError
from dataset.face_boxes import Box, as_text, from_text
from dataset.faces import WEIGHT, detector_name, find_faces
from dataset.images import decode
from dataset.package_files import path_of
from dataset.progress import Progress, silent
from dataset.workspace import Workspace

_BATCH_ROWS, _COMMIT_ROWS = 16, 500
_POOL_PAYS_FROM = 60  # a process takes some two seconds to start and to load the network
_COUNTED = pa.schema([("sha256", pa.string()), ("faces", pa.int32()), ("face_boxes", pa.string())])
_PENDING = """
SELECT sha256 FROM images WHERE status = 'ok' AND (? OR face_detector IS DISTINCT FROM ?) {among} ORDER BY sha256
"""
_AMONG = "AND sha256 IN (SELECT unnest(?::VARCHAR[]))"


@dataclass(frozen=True)
class FacesResult:
    """What this run counted; `unreadable` blobs are gone or changed and stay uncounted."""

    counted: int
    with_faces: int
    faces: int
    unreadable: int
    detector: str
    elapsed_s: float = 0.0

    def line(self) -> str:
        if not self.counted + self.unreadable:
            return "no new image to count faces in"
        text = f"{self.faces} faces in {self.with_faces} of {self.counted} images, counted in {self.elapsed_s:.1f} s"
        return text + (f", {self.unreadable} with blobs gone or changed: crawl again" if self.unreadable else "")


def count_faces(
    ws: Workspace,
    *,
    among: Iterable[str] | None = None,
    again: bool = False,
    workers: int | None = None,
    progress: Progress = silent,
) -> FacesResult:
    """Count what this detector has not counted yet (everything with `again`), `among` these images or among all.

    Raises EmptyError where nothing was ever checked, MissingWeights where the network was not fetched.
    """
    started = time.monotonic()
    if ws.tables.version("images") is None:
        raise EmptyError("no image was checked yet", where=str(ws.root), cure="Run `modiste check` first")
    chosen = [] if among is None else [sorted(set(among))]
    sql = _PENDING.format(among="" if among is None else _AMONG)
    pending = ws.tables.query(sql, parameters=[again, detector_name(), *chosen])
    if not pending.num_rows:
        return FacesResult(0, 0, 0, 0, detector_name())
    path_of(WEIGHT)  # a missing one is told here, by its own error, and not by a worker
    add_missing(ws, "images")
    function = partial(count_batch, blobs=ws.blobs.root)
    few = workers is None and pending.num_rows < _POOL_PAYS_FROM
    results = run(
        function, batches_of(pending, _BATCH_ROWS), workers=1 if few else workers, progress=progress,
        total=pending.num_rows,
    )  # fmt: skip
    rows = _committed(ws, results)
    counts = [row["faces"] for row in rows if row["faces"] is not None]
    return FacesResult(
        len(counts), sum(n > 0 for n in counts), sum(counts), len(rows) - len(counts), detector_name(),
        time.monotonic() - started,
    )  # fmt: skip


def count_batch(batch: pa.RecordBatch, *, blobs: str) -> pa.RecordBatch:
    """Columns sha256, faces, face_boxes for a batch with a column `sha256`; null where the blob is gone or damaged."""
    store = BlobStore(blobs)
    rows = [{"sha256": sha256} | _count_one(store, sha256) for sha256 in batch.column("sha256").to_pylist()]
    return pa.RecordBatch.from_pylist(rows, schema=_COUNTED)


def faces_of(ws: Workspace, sha256s: Iterable[str], progress: Progress = silent) -> dict[str, list[Box]]:
    """{sha256: boxes, surest first} of all these images that can be had; what was never counted is counted now.

    Raises as `count_faces`. An image that is missing from the answer must not be shown as if it had no face.
    """
    wanted = sorted(set(sha256s))
    count_faces(ws, among=wanted, progress=progress)
    sql = f"SELECT sha256, face_boxes FROM images WHERE face_boxes IS NOT NULL AND face_detector = ? {_AMONG}"
    rows = ws.tables.query(sql, parameters=[detector_name(), wanted]).to_pylist()
    return {row["sha256"]: from_text(row["face_boxes"]) for row in rows}


def _count_one(store: BlobStore, sha256: str) -> dict[str, Any]:
    try:
        boxes = find_faces(decode(store.get(sha256)).rgb)
    except DataError:
        return {"faces": None, "face_boxes": None}
    return {"faces": len(boxes), "face_boxes": as_text(boxes)}


def _committed(ws: Workspace, results: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    """Every row counted, after its commit."""
    done: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for result in results:
        waiting += result.to_pylist()
        if len(waiting) >= _COMMIT_ROWS:
            _keep(ws, waiting)
            done, waiting = done + waiting, []
    _keep(ws, waiting)
    return done + waiting


def _keep(ws: Workspace, rows: Sequence[dict[str, Any]]) -> None:
    """The table merges whole rows, so each is read just before. A `check` that measures it anew in that very moment is
    overwritten, `checker` too, and so measures again; one that comes later empties these columns: counted again."""
    found = {row["sha256"]: row for row in rows if row["faces"] is not None}
    if not found:
        return
    sql = "SELECT * FROM images WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))"
    here = ws.tables.query(sql, parameters=[list(found)]).to_pylist()
    ws.tables.upsert("images", [row | found[row["sha256"]] | {"face_detector": detector_name()} for row in here])
