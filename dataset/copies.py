"""Copies that no hash of the whole picture finds: cropped, turned, framed, mirrored, in another shop's look.

In: names of good images and the blobs. Out: pairs of them that were verified: candidates by shared local features
(`copies_candidates`), laid on one another (`copies_align`) and compared block by block in shape and colour
(`copies_pixels`). Each picture is read once and each pair laid together once, whatever comes later (`copies_kept`).
An unreadable picture is a coded row. Never joins anything: `duplicates` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dataset.blobs import BlobStore
from dataset.copies_align import align
from dataset.copies_candidates import candidates
from dataset.copies_kept import GONE, PAIRS, POINTS, Kept, packed
from dataset.copies_pixels import Verdict, compare
from dataset.copies_points import KEPT, SIDE_PX, Pixels, Points, points_of, working_copy
from dataset.engine import LOCAL, Engine, batches_of, require_reachable, run
from dataset.errors import DataError, ImageError
from dataset.images import decode
from dataset.progress import Progress, silent
from dataset.workspace import Workspace

LEAST_PLACES = 15
CODES = {
    "copy": "shapes and colours agree over most of both",
    "not_aligned": "fewer than 15 places agree on an alignment",
    "small_overlap": "too little of one is shown by the other, or it shows too little",
    "other_shapes": "aligned, but too many blocks under the overlap show something else",
    "other_colour": "the same shapes in other colours than any tone curve of a shop makes",
}  # or a code of dataset.images.REASONS, of the first of the two that can't be decoded
_BATCH_PICTURES, _BATCH_PAIRS, _KEEP_ROWS = 32, 16, 512
_POOL_PAYS_FROM = 200

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Copies:
    """Verified pairs (i, j) of places in the list of names, i < j, with scores in [0, 1]; `codes` counts the verdicts
    on all candidates, `unread` pictures by code."""

    i: Whole
    j: Whole
    scores: NDArray[np.float32]
    codes: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)


def verified_copies(
    ws: Workspace,
    names: Sequence[str],
    *,
    joined: Whole | None = None,
    engine: Engine = LOCAL,
    workers: int | None = None,
    progress: Progress = silent,
) -> Copies:
    """Copies among the images `names` (sha256, sorted). Pairs with equal labels in `joined` (n,) are known to be
    together and not asked. Raises UsageError where the engine's workers can't reach the blobs."""
    require_reachable(engine, ws.blobs)
    kept = Kept(ws)
    points, unread = _all_points(ws, kept, names, engine, workers, progress)
    here = [k for k, name in enumerate(names) if points.get(name) is not None]
    found = candidates([one for name in names if (one := points.get(name)) is not None], progress=progress)
    pairs = [(here[a], here[b]) for a, b in found]
    if joined is not None:
        pairs = [(a, b) for a, b in pairs if joined[a] != joined[b]]
    verdicts = _all_verdicts(ws, kept, [(names[a], names[b]) for a, b in pairs], engine, workers, progress)
    rows = [verdicts[names[a], names[b]] for a, b in pairs]
    copies = [(a, b, row["score"]) for (a, b), row in zip(pairs, rows, strict=True) if row["code"] == "copy"]
    return Copies(
        np.array([a for a, _, _ in copies], np.int64),
        np.array([b for _, b, _ in copies], np.int64),
        np.array([score for _, _, score in copies], np.float32),
        dict(Counter(row["code"] for row in rows)),
        unread,
    )


def points_batch(batch: pa.RecordBatch, *, blobs: str) -> pa.RecordBatch:
    """Rows of `copies_kept.POINTS` for a batch with a column `sha256`."""
    store = BlobStore(blobs)
    rows = []
    for sha256 in batch.column("sha256").to_pylist():
        small, reason = _read(store, sha256)
        rows.append(packed(sha256, None if small is None else points_of(small, KEPT), reason))
    return _as_batch(rows, POINTS)


def pairs_batch(batch: pa.RecordBatch, *, blobs: str) -> pa.RecordBatch:
    """Rows of `copies_kept.PAIRS` for a batch with columns `a` and `b`."""
    look = lru_cache(maxsize=32)(partial(_looked, BlobStore(blobs)))
    pairs = zip(batch.column("a").to_pylist(), batch.column("b").to_pylist(), strict=True)
    return _as_batch([{"a": a, "b": b} | _judged(look(a), look(b)) for a, b in pairs], PAIRS)


Look = tuple[Pixels, Points]


def look_of(rgb: Pixels) -> Look:
    """What is compared of a picture, (H, W, 3) uint8 RGB: its working copy and points."""
    small = working_copy(rgb)
    return small, points_of(small)


def judged(a: Look, b: Look) -> tuple[Verdict, int, bool]:
    """The verdict on two pictures, the places that agree on their alignment, and whether one is mirrored."""
    how = align(a[1], b[1], least=LEAST_PLACES)
    if how is None:
        return Verdict("not_aligned"), 0, False
    return compare(a[0], b[0], how), how.places, how.mirrored


def _looked(store: BlobStore, sha256: str) -> Look | str:
    small, reason = _read(store, sha256)
    return str(reason) if small is None else (small, points_of(small))


def _judged(a: Look | str, b: Look | str) -> dict[str, Any]:
    if isinstance(a, str) or isinstance(b, str):
        return {"code": a if isinstance(a, str) else b}
    verdict, places, mirrored = judged(a, b)
    less, more = verdict.cover
    return {
        "code": verdict.code, "score": verdict.score, "places": places, "mirrored": mirrored, "cover_less": less,
        "cover_more": more, "coloured": verdict.coloured,
    }  # fmt: skip


def _read(store: BlobStore, sha256: str) -> tuple[Pixels | None, str | None]:
    """The working copy, or why there is none."""
    try:
        return working_copy(decode(store.get(sha256), shorter_side_px=SIDE_PX).rgb), None
    except ImageError as error:
        return None, error.code
    except DataError:
        return None, GONE


def _all_points(
    ws: Workspace, kept: Kept, names: Sequence[str], engine: Engine, workers: int | None, progress: Progress
) -> tuple[dict[str, Points | None], dict[str, int]]:
    known = kept.points()
    table = pa.table({"sha256": [name for name in names if name not in known]})
    if workers is None and table.num_rows < _POOL_PAYS_FROM and engine.kind == "local":
        workers = 1
    results = run(
        partial(points_batch, blobs=ws.blobs.root),
        batches_of(table, _BATCH_PICTURES),
        engine=engine, workers=workers, progress=progress, total=table.num_rows,
    )  # fmt: skip
    unread = Counter(row["reason"] for row in _kept_as_they_come(kept, "points", results, POINTS) if row["reason"])
    return kept.points(), dict(unread)


def _all_verdicts(
    ws: Workspace,
    kept: Kept,
    pairs: list[tuple[str, str]],
    engine: Engine,
    workers: int | None,
    progress: Progress,
) -> dict[tuple[str, str], dict[str, Any]]:
    known = kept.pairs()
    new = [pair for pair in pairs if pair not in known]
    if workers is None and len(new) < _POOL_PAYS_FROM and engine.kind == "local":
        workers = 1
    table = pa.table({"a": [a for a, _ in new], "b": [b for _, b in new]})
    results = run(
        partial(pairs_batch, blobs=ws.blobs.root),
        batches_of(table, _BATCH_PAIRS),
        engine=engine, workers=workers, progress=progress, total=table.num_rows,
    )  # fmt: skip
    fresh = {(row["a"], row["b"]): row for row in _kept_as_they_come(kept, "pairs", results, PAIRS)}
    return known | fresh


def _kept_as_they_come(
    kept: Kept, what: str, results: Iterable[pa.RecordBatch], schema: pa.Schema
) -> list[dict[str, Any]]:
    """All rows, kept some hundreds at a time: a killed run goes on from there."""
    every: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for result in results:
        waiting += result.to_pylist()
        if len(waiting) >= _KEEP_ROWS:
            kept.add(what, waiting, schema)
            every, waiting = every + waiting, []
    kept.add(what, waiting, schema)
    return every + waiting


def _as_batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.Table.from_pylist(rows, schema=schema).combine_chunks().to_batches()[0]
