"""The writer of every import: records become blobs and rows of `fetches`, `products`, `masks` and `labels`.

In: a workspace, a layout and its root. Out: what was new, what failed and why. An image that can't be had or read is a
row with a coded reason; a mask that doesn't fit its image is a bad row. Each batch is committed with its fetches last;
importing again adds nothing. Never re-encodes an image, never writes where on this disk it lay: its address is
`import://<store>/<name in the layout>`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dataset.blobs import sha256_of
from dataset.errors import DataError, ImageError, MaskError
from dataset.images import decode
from dataset.importers.given import write_split
from dataset.importers.known import Known
from dataset.importers.layout import Layout, Record, Size
from dataset.importers.roles import Made, masks_of
from dataset.importers.root import Root, Unreadable
from dataset.importers.words import Words
from dataset.progress import Progress, counted, silent
from dataset.tombstones import Tombstones
from dataset.workspace import Workspace

MASK_REASONS = {
    "unfit": "the annotation is of another size than its image, or is no mask",
    "unreadable": "the annotation can't be read",
}  # beside dataset.images.REASONS for a mask file that is no image, and root.REASONS for one that can't be had
_BATCH = 200
_HEADER_PX = 64  # a JPEG without masks is decoded at an eighth: enough to know that it is whole
Row = dict[str, Any]


@dataclass(frozen=True)
class ImportResult:
    """`images` that are in the workspace now, `new` among them; the rest of the counts are of this run.

    `reasons` and `mask_reasons` are coded; `unmapped` words have no value in the taxonomy; `notes` counts what has no
    place in the tables. `split` is the CSV of the layout's own split, for `split --given`, relative to the workspace.
    """

    importer: str
    store: str
    images: int
    new: int
    failed: int
    masks: int
    labels: int
    bad_masks: int = 0
    products: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    mask_reasons: dict[str, int] = field(default_factory=dict)
    unmapped: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    split: str | None = None

    def line(self) -> str:
        text = f"{self.importer} -> {self.store}: {self.images} images ({self.new} new), {self.failed} not had"
        text += f" ({_told(self.reasons)})" if self.failed else ""
        text += f"; new: {self.masks} masks, {self.labels} labels" + (
            f", {self.products} products" * bool(self.products)
        )
        text += f"; {self.bad_masks} bad masks ({_told(self.mask_reasons)})" if self.bad_masks else ""
        text += f"; {len(self.unmapped)} unmapped words ({_told(self.unmapped, 5)})" if self.unmapped else ""
        text += f"; left aside: {_told(self.notes)}" if self.notes else ""
        return text + (f"; its own split, for split --given: {self.split} in the workspace" if self.split else "")


def bring_in(
    ws: Workspace, importer: str, store: str, layout: Layout, root: Root, words: Words, progress: Progress = silent
) -> ImportResult:
    """Write what is new. Raises StorageError on a full disk: what was committed stays, the same call goes on."""
    run = _Run(ws, importer, store, root, words)
    records = counted(layout.records, len(layout.records), progress)
    for batch in _batches(records, _BATCH):
        run.write([run.take(record) for record in batch])
    return run.result(layout.notes)


@dataclass
class _Taken:
    """What one record gives."""

    fetch: Row
    masks: list[Row] = field(default_factory=list)
    labels: list[Row] = field(default_factory=list)
    product: str | None = None


class _Run:
    """One import; knows what the tables hold already."""

    def __init__(self, ws: Workspace, importer: str, store: str, root: Root, words: Words) -> None:
        self.ws, self.store, self.root, self.words = ws, store, root, words
        self.importer, self.source, self.crawl_id = importer, words.source, f"{store}-{importer}"
        self.now = datetime.now(UTC)
        outcome = ("status", "reason", "sha256")
        self.fetched = Known(ws, "fetches", ("url", "page_url"), outcome, "crawl_id", self.crawl_id)
        drawn = ("status", "reason", "mask_sha256")
        self.masked = Known(ws, "masks", ("sha256", "kind"), drawn, "source", self.source)
        said = ("value", "taxonomy")
        self.labelled = Known(ws, "labels", ("sha256", "field", "word"), said, "source", self.source)
        sold = ws.tables.query("SELECT product_id FROM products WHERE crawl_id = ?", parameters=[self.crawl_id])
        self.products: set[str] = set(sold["product_id"].to_pylist())
        self.tombstones = Tombstones.read(ws)
        self.masks_seen: set[str] = set()
        self.splits: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.mask_reasons: Counter[str] = Counter()
        self.unmapped: Counter[str] = Counter()

    def take(self, record: Record) -> _Taken:
        """The rows of one record; its bytes are kept first."""
        url = address(self.store, record.name)
        fetch: Row = {
            "crawl_id": self.crawl_id, "store": self.store, "product_id": record.product, "url": url, "final_url": url,
            "page_url": address(self.store, record.named_by), "position": 0, "source": f"import:{self.importer}",
            "fetched_at": self.now, "status": "ok", "reason": None, "sha256": None,
        }  # fmt: skip
        try:
            data = self.root.read(self.root.find(record.name, record.split))
            image = decode(data, shorter_side_px=_HEADER_PX)
        except Unreadable as error:
            outside = error.code == "outside_folder"
            return _Taken(fetch | {"status": "refused" if outside else "failed", "reason": error.code})
        except ImageError as error:
            return _Taken(fetch | {"status": "failed", "reason": error.code, "bytes": len(data)})
        sha256 = self._allowed(data, url, record)
        if sha256 is None:
            return _Taken(fetch | {"status": "refused", "reason": "taken_down"})
        if record.split:
            self.splits[sha256] = record.split
        masks, drawn = self._masks(record, sha256, (image.height, image.width))
        rows = self.words.rows(record, sha256, drawn if record.words_from_regions else ())
        self.unmapped.update({row["word"] for row in rows if row["value"] is None})
        return _Taken(fetch | {"sha256": sha256, "bytes": len(data)}, masks, rows, record.product)

    def write(self, taken: list[_Taken]) -> None:
        """One batch, fetches last: an image that has a fetch has its masks and labels too."""
        fetches = [t.fetch for t in taken]
        for fetch in fetches:
            self.counts["images" if fetch["status"] == "ok" else "failed"] += 1
            self.counts["new"] += fetch["status"] == "ok" and not self.fetched.has(fetch)
            self.reasons.update([fetch["reason"]] * (fetch["status"] != "ok"))
        self._write_products({t.product: t.fetch for t in taken if t.product and t.fetch["sha256"]})
        masks = [row for t in taken for row in t.masks]
        labels = [row | {"created_at": self.now} for t in taken for row in t.labels]
        self.counts["masks"] += self.ws.tables.upsert("masks", self.masked.changed(masks))
        self.counts["labels"] += self.ws.tables.upsert("labels", self.labelled.changed(labels))
        self.ws.tables.append("fetches", self.fetched.changed(fetches))

    def result(self, notes: Counter[str]) -> ImportResult:
        return ImportResult(
            importer=self.importer, store=self.store, images=self.counts["images"], new=self.counts["new"],
            failed=self.counts["failed"], masks=self.counts["masks"], labels=self.counts["labels"],
            bad_masks=self.mask_reasons.total(), products=self.counts["products"],
            reasons=dict(self.reasons.most_common()), mask_reasons=dict(self.mask_reasons.most_common()),
            unmapped=dict(self.unmapped.most_common()), notes=dict((+notes).most_common()),
            split=write_split(self.ws, self.crawl_id, self.splits),
        )  # fmt: skip

    def _allowed(self, data: bytes, url: str, record: Record) -> str | None:
        """The sha256 of the kept bytes; None, and nothing kept, where a take-down forbids them."""
        gone = self.tombstones
        forbidden = gone and (
            gone.against_bytes(sha256_of(data))
            or gone.against_url(url)
            or gone.against_product(self.store, record.product)
        )
        return None if forbidden else self.ws.blobs.put(data)

    def _masks(self, record: Record, sha256: str, size: Size) -> tuple[list[Row], list[str]]:
        """Rows, and the words of the regions. Of the same bytes under two names the first one's masks stand."""
        if record.draw is None or sha256 in self.masks_seen:
            return [], []
        self.masks_seen.add(sha256)
        base = {"sha256": sha256, "source": self.source, "width": size[1], "height": size[0], "created_at": self.now}
        try:
            regions = record.draw(size)
            made = masks_of(regions, size, self.words.role_of, record.all_person)
        except DataError as error:
            reason = "unfit" if isinstance(error, MaskError) else getattr(error, "code", "unreadable")
            self.mask_reasons[reason] += 1
            method = json.dumps({"importer": self.importer, "error": error.what[:200]})
            return [base | {"kind": "labels", "status": "bad", "reason": reason, "method": method}], []
        return [base | self._kept(mask) for mask in made], [region.word for region in regions]

    def _kept(self, mask: Made) -> Row:
        method = json.dumps({"importer": self.importer} | mask.method, sort_keys=True, ensure_ascii=False)
        return {"kind": mask.kind, "status": "ok", "mask_sha256": self.ws.blobs.put(mask.png), "method": method}

    def _write_products(self, found: dict[str | None, Row]) -> None:
        rows = [
            {"store": self.store, "product_id": product, "crawl_id": self.crawl_id, "url": fetch["page_url"],
             "extractor": f"modiste.{self.importer}/1", "fetched_at": self.now}
            for product, fetch in sorted(found.items(), key=lambda item: str(item[0])) if product not in self.products
        ]  # fmt: skip
        self.products |= {str(row["product_id"]) for row in rows}
        self.counts["products"] += self.ws.tables.append("products", rows)


def address(store: str, name: str) -> str:
    """`import://<store>/<name>`, percent-encoded. A name that points outside is cut to its last part."""
    posix = name.replace("\\", "/")
    if posix.startswith("/") or ".." in posix.split("/") or ":" in posix[:2]:
        posix = "outside/" + Path(posix).name
    return f"import://{quote(store, safe='')}/{quote(posix)}"


def _batches(items: Iterable[Record], size: int) -> Iterator[list[Record]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _told(counts: dict[str, int], most: int = 20) -> str:
    return ", ".join(f"{name} {n}" for name, n in list(counts.items())[:most]) + (", …" if len(counts) > most else "")
