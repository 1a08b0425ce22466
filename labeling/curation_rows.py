"""What curation shows of each image, gathered from the tables: plain rows and files a viewer can open.

In: images, labels, masks, groups, products, fetches, reviews. Out: `Row`s, and under `<workspace>/curation/` one link
per
image (blobs have no suffix, and viewers go by it) and one class-map PNG per mask. Never changes a table or a blob.
"""

from __future__ import annotations

import io
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from dataset.blobs import write_atomically
from dataset.images import decode
from dataset.masks import from_png, to_index
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from labeling.workers import in_workers

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}  # what every browser shows as it is
MASK_TRUST = ("review", "cutout", "import", "model", "grabcut")
LABEL_TRUST = ("person", "import", "store", "rule", "model")

FACTS = """
WITH pages AS (SELECT sha256, arg_min(store, fetched_at) AS store, arg_min(product_id, fetched_at) AS product_id
               FROM fetches WHERE sha256 IS NOT NULL GROUP BY sha256),
latest AS (SELECT store, product_id, arg_max(url, fetched_at) AS product_url, arg_max(name, fetched_at) AS product_name
           FROM products GROUP BY store, product_id),
sizes AS (SELECT cluster_id, count(*) AS cluster_size FROM groups GROUP BY cluster_id),
verdicts AS (SELECT sha256, arg_max(verdict, created_at) AS review FROM reviews GROUP BY sha256)
SELECT i.sha256, i.width, i.height, i.bytes, i.format, i.sharpness, i.exposure, pages.store, product_url, product_name,
       g.group_id, g.split, g.cluster_id, cluster_size, review
FROM images i LEFT JOIN pages USING (sha256) LEFT JOIN latest USING (store, product_id)
LEFT JOIN groups g USING (sha256) LEFT JOIN sizes ON sizes.cluster_id = g.cluster_id LEFT JOIN verdicts USING (sha256)
WHERE i.status = 'ok' ORDER BY i.sha256
"""


@dataclass(frozen=True)
class Row:
    """One image. `mask` is a class-map PNG (0, 1, 2); `labels` maps a field to (value, confidence)."""

    sha256: str
    filepath: Path
    width: int
    height: int
    bytes: int
    mask: Path | None = None
    flags: list[str] = field(default_factory=list)
    labels: dict[str, tuple[str, float]] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)


def curation_rows(ws: Workspace, *, progress: Progress = silent) -> list[Row]:
    """Rows of every usable image, sorted by sha256; makes the files that are missing."""
    facts = ws.tables.query(FACTS).to_pylist()
    masks, labels = _best_masks(ws), _best_labels(ws)
    maps = _class_maps(ws, sorted({mask["mask_sha256"] for mask in masks.values()}), progress)
    return [_row(ws, fact, masks.get(fact["sha256"]), labels.get(fact["sha256"], {}), maps) for fact in facts]


def _row(
    ws: Workspace, fact: dict[str, Any], mask: dict[str, Any] | None, labels: dict[str, Any], maps: dict[str, Path]
) -> Row:
    scalars = {name: fact[name] for name in fact if name not in ("sha256", "width", "height", "bytes", "format")}
    if mask is not None:
        scalars |= {"mask_quality": mask["quality"], "mask_source": mask["source"], "mask_sha256": mask["mask_sha256"]}
    return Row(
        fact["sha256"], _picture(ws, fact["sha256"], fact["format"]), fact["width"], fact["height"], fact["bytes"],
        maps[mask["mask_sha256"]] if mask else None, (mask["flags"] or []) if mask else [], labels, scalars,
    )  # fmt: skip


def _best_masks(ws: Workspace) -> dict[str, dict[str, Any]]:
    rows = ws.tables.read("masks", where="kind = 'composite' AND status = 'ok'").to_pylist()
    rows.sort(key=lambda row: MASK_TRUST.index(row["source"].split(":")[0]), reverse=True)
    return {row["sha256"]: row for row in rows}


def _best_labels(ws: Workspace) -> dict[str, dict[str, tuple[str, float]]]:
    """{sha256: {field: (value, confidence)}} by source, then confidence."""
    rows = ws.tables.read("labels", where="value IS NOT NULL").to_pylist()
    rows = [row for row in rows if row["source"].split(":")[0] in LABEL_TRUST]
    rows.sort(key=lambda row: (-LABEL_TRUST.index(row["source"].split(":")[0]), row["confidence"] or 0.0, row["value"]))
    best: dict[str, dict[str, tuple[str, float]]] = defaultdict(dict)
    for row in rows:
        best[row["sha256"]][row["field"]] = (row["value"], row["confidence"])
    return best


def _picture(ws: Workspace, sha256: str, kind: str) -> Path:
    """A file with the right suffix: a hard link to the blob if that can be, else a copy; PNG where browsers need it."""
    path = ws.scratch("curation/images") / f"{sha256}{SUFFIXES.get(kind, '.png')}"
    if path.exists():
        return path
    if kind in SUFFIXES and ws.blobs.is_local:
        try:
            os.link(ws.blobs.path(sha256), path)
            return path
        except OSError:  # another disk, or a file system without links
            pass
    data = ws.blobs.get(sha256)
    write_atomically(path, data if kind in SUFFIXES else _as_png(decode(data).rgb))
    return path


def _class_maps(ws: Workspace, blobs: list[str], progress: Progress) -> dict[str, Path]:
    """{mask blob: class-map PNG}; FiftyOne draws class numbers, and 0 stays clear."""
    folder = ws.scratch("curation/masks")
    paths = {blob: folder / f"{blob}.png" for blob in blobs}
    missing = [blob for blob in blobs if not paths[blob].exists()]
    results = in_workers(_class_map, (ws.blobs.get(blob) for blob in missing), total=len(missing))
    for number, (blob, png) in enumerate(zip(missing, results, strict=True), start=1):
        write_atomically(paths[blob], png)
        progress(number, len(missing))
    return paths


def _class_map(composite_png: bytes) -> bytes:
    return _as_png(to_index(from_png(composite_png)))


def _as_png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
