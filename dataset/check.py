"""The step `check`: facts, perceptual hash and quality scores of every image fetched and not yet measured.

In: `fetches` (status ok or unchanged) and the blobs. Out: one row of `images` per sha256, committed some 500 at a
time; bytes that are no usable image become a row with status bad and a coded reason. A blob that is gone is counted
and tried again next time. Never deletes, repairs or re-encodes an image.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from dataset import quality
from dataset.blobs import BlobStore
from dataset.colour_signature import colour_grid
from dataset.columns import add_missing
from dataset.engine import LOCAL, Engine, batches_of, require_reachable, run
from dataset.errors import DataError, EmptyError, ImageError
from dataset.hashes import perceptual_hash
from dataset.images import decode
from dataset.made_images import NO_MARK, look_for_marks
from dataset.progress import Progress, silent
from dataset.quality_copies import sampled, working_copy
from dataset.source_mark import is_made_term, source_type_of
from dataset.tables import conform
from dataset.thresholds import Limits, count_issues
from dataset.thresholds import issues as issues_of
from dataset.workspace import Workspace

CHECKER = "3"  # raise it when a measure changes: every image is then measured again
_BATCH_ROWS, _COMMIT_ROWS = 32, 500
_POOL_PAYS_FROM = 200  # starting processes costs more than measuring fewer images than this
_UNREADABLE = "blob_unreadable"  # on the way from a worker only: such a row is never kept

_PENDING = """
    SELECT DISTINCT sha256 FROM fetches
    WHERE status IN ('ok', 'unchanged') AND sha256 IS NOT NULL
      AND sha256 NOT IN (SELECT sha256 FROM images WHERE checker = ? AND sha256 IS NOT NULL)
    ORDER BY sha256
"""


@dataclass(frozen=True)
class CheckResult:
    """What this run did; `reasons` counts bad images by code, `issues` good ones by issue. `all_issues` counts every
    image ever measured, by the thresholds that were asked for."""

    checked: int
    bad: int
    unreadable: int
    packshots: int
    reasons: dict[str, int] = field(default_factory=dict)
    issues: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    made: int = 0  # pictures that say software made or changed them: they may be learned from, never judged on
    all_issues: dict[str, int] | None = None

    def line(self) -> str:
        told = "" if self.all_issues is None else f"; by these thresholds, of all images: {_counts(self.all_issues)}"
        return self._line() + told

    def _line(self) -> str:
        if not self.checked + self.unreadable:
            return "nothing new to check"
        parts = [f"{self.checked} images checked in {self.elapsed_s:.1f} s", f"{self.packshots} packshots"]
        parts += [f"{self.bad} bad ({_counts(self.reasons)})"] if self.bad else ["none bad"]
        parts += [f"flagged: {_counts(self.issues)}"] if self.issues else []
        parts += [f"{self.made} made or edited by software: train only"] if self.made else []
        parts += [f"{self.unreadable} with blobs gone or changed: crawl again"] if self.unreadable else []
        return ", ".join(parts)


def check(
    ws: Workspace,
    *,
    workers: int | None = None,
    engine: Engine = LOCAL,
    thresholds: Limits | None = None,
    progress: Progress = silent,
) -> CheckResult:
    """Measure what is new. With `thresholds` the issues of all images are counted by them, from the stored scores.
    Raises EmptyError where nothing was ever fetched, UsageError where the engine's workers can't reach the blobs."""
    started = time.monotonic()
    require_reachable(engine, ws.blobs)
    add_missing(ws, "images")
    look_for_marks(ws)
    pending = ws.tables.query(_PENDING, parameters=[CHECKER])
    if not pending.num_rows and ws.tables.version("fetches") is None:
        raise EmptyError("no image was fetched yet", where=str(ws.root), cure="Run `modiste crawl` first")
    if workers is None and pending.num_rows < _POOL_PAYS_FROM and engine.kind == "local":
        workers = 1
    results = run(
        partial(check_batch, blobs=ws.blobs.root),
        batches_of(pending, _BATCH_ROWS),
        engine=engine,
        workers=workers,
        progress=progress,
        total=pending.num_rows,
    )
    counts: Counter[tuple[str, str]] = Counter()
    waiting: list[dict[str, Any]] = []
    for result in results:
        rows = result.to_pylist()
        counts.update(_tally(rows))
        waiting += [row for row in rows if row["reason"] != _UNREADABLE]
        if len(waiting) >= _COMMIT_ROWS:
            ws.tables.upsert("images", waiting)
            waiting = []
    ws.tables.upsert("images", waiting)
    result = _result(counts, time.monotonic() - started)
    return result if thresholds is None else replace(result, all_issues=count_issues(ws, thresholds))


def check_batch(batch: pa.RecordBatch, *, blobs: str) -> pa.RecordBatch:
    """Rows of `images` for a batch with a column `sha256`, in its order. `blobs` is the blob store's root."""
    store = BlobStore(blobs)
    rows = [_check_one(store, sha256) for sha256 in batch.column("sha256").to_pylist()]
    return conform("images", rows).combine_chunks().to_batches()[0]


def measured(data: bytes) -> dict[str, Any]:
    """Facts, hash, scores and view of an encoded image, as columns of `images`. Raises ImageError."""
    image = decode(data)
    grey = quality.luma(image.rgb)
    few, small = sampled(image.rgb), working_copy(grey)
    scores = quality.measure(image.rgb, grey, few, small)
    return {
        "status": "ok",
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "mode": image.mode,
        "orientation": image.orientation,
        "has_alpha": image.alpha is not None,
        "frames": image.frames,
        "phash": perceptual_hash(small),
        "colour_grid": colour_grid(few),
        "view": quality.view_of(scores["uniformity"]),
        **scores,
    }


def _check_one(store: BlobStore, sha256: str) -> dict[str, Any]:
    row: dict[str, Any] = {"sha256": sha256, "status": "bad", "checked_at": datetime.now(UTC), "checker": CHECKER}
    try:
        data = store.get(sha256)
    except DataError:
        return row | {"reason": _UNREADABLE}
    try:
        return row | {"bytes": len(data), "source_type": source_type_of(data) or NO_MARK} | measured(data)
    except ImageError as error:
        return row | {"bytes": len(data), "reason": error.code}


def _tally(rows: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["reason"] == _UNREADABLE:
            counts["unreadable", ""] += 1
            continue
        counts["checked", ""] += 1
        if row["status"] == "bad":
            counts["bad", row["reason"]] += 1
            continue
        counts["packshots", ""] += row["view"] == "packshot"
        counts["made", ""] += is_made_term(row["source_type"])
        counts.update(("issue", name) for name in issues_of(row))
    return counts


def _result(counts: Counter[tuple[str, str]], elapsed_s: float) -> CheckResult:
    reasons = {code: n for (kind, code), n in sorted(counts.items()) if kind == "bad"}
    issues = {name: n for (kind, name), n in sorted(counts.items()) if kind == "issue"}
    return CheckResult(
        checked=counts["checked", ""],
        bad=sum(reasons.values()),
        unreadable=counts["unreadable", ""],
        packshots=counts["packshots", ""],
        made=counts["made", ""],
        reasons=reasons,
        issues=issues,
        elapsed_s=elapsed_s,
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
