"""What of a snapshot goes out: its images with their labels, parts and masks, and what was left out and why.

In: a workspace, a snapshot's name, which masks. Out: `Gathered`. Reads the masks at the versions that the snapshot
froze; leaves out what a take-down forbids since. Never opens an image: pixels are read when an item's turn comes.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from deltalake.exceptions import DeltaError

from dataset import masks
from dataset.errors import DataError, TableError, UsageError
from dataset.face_boxes import Box
from dataset.importers.layout import Region, Size
from dataset.importers.roles import label_map
from dataset.several import Label, label_of, values_in
from dataset.snapshot import Snapshot, load_snapshot
from dataset.splits import PARTS
from dataset.tombstones import Tombstones
from dataset.workspace import Workspace

KINDS = ("composite", "labels", "garment", "person", "none")
_COLUMN = {"composite": "mask_sha256", "garment": "garment_sha256", "person": "person_sha256"}
_CLASSES = {"composite": ["skin", "garment"], "garment": ["garment"], "person": ["person"], "none": []}
_LABEL_MAPS = """
SELECT sha256, mask_sha256, method, row_number() OVER (
         PARTITION BY sha256 ORDER BY CASE WHEN source = 'review' THEN 0 WHEN source = 'cutout' THEN 1
         WHEN source LIKE 'import:%' THEN 1 WHEN source LIKE 'model:%' THEN 2 ELSE 3 END, source) AS place
FROM masks WHERE kind = 'labels' AND status = 'ok' AND mask_sha256 IS NOT NULL QUALIFY place = 1
"""
_SHOWN = """
SELECT f.sha256, f.url, f.final_url, f.store, f.product_id, p.brand FROM fetches f
LEFT JOIN products p ON p.store = f.store AND p.product_id = f.product_id
WHERE f.sha256 IN (SELECT unnest(?::VARCHAR[]))
"""


@dataclass(frozen=True)
class Item:
    """One image to write. `name` is what all its files are called, without a suffix; `labels` {field: value, or sorted
    list of several}; `mask` its mask's blob; `faces` what is to be blurred, None where faces stay as they are."""

    sha256: str
    name: str
    part: str
    size: Size
    labels: dict[str, Label]
    row: dict[str, Any]
    mask: str | None = None
    method: str | None = None
    faces: tuple[Box, ...] | None = None

    def told(self) -> dict[str, Any]:
        """What may be told of it beside the pixels."""
        keys = ("store", "product_id", "product_name", "brand", "licence", "url", "view", "mask_source")
        return {"sha256": self.sha256, "split": self.part} | {key: self.row.get(key) for key in keys}


@dataclass(frozen=True)
class Gathered:
    """`items` are sorted by part, then sha256; `classes` are the masks' words, numbered from 1 in this order."""

    snapshot: Snapshot
    kind: str
    items: list[Item]
    classes: list[str]
    left_out: Counter[str] = field(default_factory=Counter)
    blurs_faces: bool = False

    def of(self, part: str) -> list[Item]:
        return [item for item in self.items if item.part == part]

    @property
    def parts(self) -> list[str]:
        """Parts that hold an image, in the usual order."""
        return [part for part in PARTS if any(item.part == part for item in self.items)]


def gather(ws: Workspace, name: str, kind: str) -> Gathered:
    """Raises SnapshotError for a snapshot that can't be loaded as frozen, UsageError for an unknown kind of mask."""
    if kind not in KINDS:
        raise UsageError(f"there are no '{kind}' masks to export", expected="one of " + ", ".join(KINDS))
    snapshot = load_snapshot(ws, name)
    rows = snapshot.rows.to_pylist()
    gone = _taken_down(ws, [row["sha256"] for row in rows])
    maps = _label_maps(ws, snapshot) if kind == "labels" else []
    drawn = {row["sha256"]: row for row in maps}
    short = len({row["sha256"][:16] for row in rows}) == len(rows)
    items = [_item(row, kind, drawn.get(row["sha256"]), short) for row in rows if row["sha256"] not in gone]
    left_out = Counter({"taken down": len(rows) - len(items)})
    classes = _CLASSES.get(kind) or sorted({word for item in items for word in _names(item)})
    order = {part: place for place, part in enumerate(PARTS)}
    items.sort(key=lambda item: (order.get(item.part, len(PARTS)), item.sha256))
    return Gathered(snapshot, kind, items, classes, +left_out)


def _taken_down(ws: Workspace, shas: list[str]) -> set[str]:
    """Images that a take-down forbids since, by any address or product that ever showed them."""
    tombstones = Tombstones.read(ws)
    if not tombstones:
        return set()
    shown = ws.tables.query(_SHOWN, parameters=[shas]).to_pylist()
    gone = {sha256 for sha256 in shas if tombstones.against_bytes(sha256)}
    for row in shown:
        product = tombstones.against_product(row["store"], row["product_id"], row["brand"])
        if product or tombstones.against_url(row["url"]) or tombstones.against_url(row["final_url"]):
            gone.add(row["sha256"])
    return gone


def _label_maps(ws: Workspace, snapshot: Snapshot) -> list[dict[str, Any]]:
    """The best map of labels of every image, as frozen; where a vacuum took that version, as the table is now."""
    try:
        return ws.tables.query(_LABEL_MAPS, versions=snapshot.meta["tables"]).to_pylist()
    except (UsageError, TableError, DeltaError, OSError):
        return ws.tables.query(_LABEL_MAPS).to_pylist()


def regions(ws: Workspace, item: Item, kind: str) -> list[Region]:
    """The item's objects, one a class, none empty. Raises DataError where the mask is gone or is none of its image."""
    if item.mask is None:
        return []
    png = ws.blobs.get(item.mask)
    if kind == "composite":
        composite = masks.from_png(png)
        found = [Region(masks.CLASSES[k], composite[:, :, k] == 255) for k in (masks.SKIN, masks.GARMENT)]
    elif kind == "labels":
        found = label_map(png, item.method or "{}")
    else:
        found = [Region(kind, masks.binary_from_png(png))]
    if any(region.mask.shape != item.size for region in found):
        raise DataError("the mask is of another size than its image", where=item.sha256, expected=f"{item.size}")
    return [region for region in found if region.mask.any()]


def class_map(found: list[Region], classes: list[str], size: Size) -> np.ndarray:
    """(H, W) uint8: 0 background, k the k-th class."""
    index = np.zeros(size, np.uint8)
    for region in found:
        index[region.mask] = classes.index(region.word) + 1
    return index


def _item(row: dict[str, Any], kind: str, drawn: dict[str, Any] | None, short: bool) -> Item:
    labels = {str(name): label_of(values_in(label)) for name, label in json.loads(row["labels"] or "{}").items()}
    mask = drawn["mask_sha256"] if drawn else row.get(_COLUMN.get(kind, ""))
    return Item(
        sha256=row["sha256"],
        name=row["sha256"][:16] if short else row["sha256"],
        part=row["split"],
        size=(row["height"], row["width"]),
        labels=labels,
        row=row,
        mask=mask,
        method=drawn["method"] if drawn else None,
    )


def _names(item: Item) -> list[str]:
    return [str(word) for word in json.loads(item.method or "{}").get("names", {}).values()]
