"""A selection to an annotation tool and back: CVAT or Label Studio, masks pixel for pixel, and what was changed.

In: sha256s, or what the tool exported afterwards. Out: an export folder under the workspace's `exports/` (through a
snapshot, so that its content can be proved and taken down), and reviews of what an annotator changed: masks drawn anew,
labels given. What came back unchanged writes nothing. Images are known again by their file names, which begin with
their sha256; what is no usable image of the workspace is counted and left.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePosixPath

import numpy as np

from dataset.errors import DataError, EmptyError, MaskError, UsageError
from dataset.exporters.run import export
from dataset.importers.archive import opened
from dataset.importers.layout import Record, Region
from dataset.importers.roles import role_by
from dataset.importers.run import READERS
from dataset.masks import compose, from_png
from dataset.several import COMMA, multi_fields, of_best_source, values_in
from dataset.snapshot import create_snapshot
from dataset.taxonomy import Taxonomy, load_taxonomy
from dataset.workspace import Workspace
from labeling.curation_rows import multi_of
from labeling.review import CorrectedMask, Verdict, record, record_masks

TOOLS = ("cvat", "labelstudio")
MOST = 5000  # images of one selection
_NAMED = re.compile(r"(?<![0-9a-f])([0-9a-f]{64}|[0-9a-f]{16})(?![0-9a-f])")
_NOW = """
WITH best AS (SELECT sha256, mask_sha256, row_number() OVER (PARTITION BY sha256 ORDER BY
    CASE WHEN source = 'review' THEN 0 WHEN source = 'cutout' OR source LIKE 'import:%' THEN 1
         WHEN source LIKE 'model:%' THEN 2 ELSE 3 END, source) AS place
  FROM masks WHERE kind = 'composite' AND status = 'ok')
SELECT i.sha256, i.width, i.height, b.mask_sha256 FROM images i LEFT JOIN best b ON b.sha256 = i.sha256 AND b.place = 1
WHERE i.status = 'ok' AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'sha256' AND d.value = i.sha256)
"""
_LABELS = """
SELECT sha256, field, value, source, created_at FROM labels WHERE value IS NOT NULL
ORDER BY sha256, field, source = 'person' DESC, confidence DESC, source, created_at DESC, value
"""


@dataclass(frozen=True)
class SendResult:
    """Where the export lies and the snapshot it is of."""

    tool: str
    out: str
    snapshot: str
    images: int
    masks: int

    def line(self) -> str:
        return (
            f"{self.images} images ({self.masks} with masks) for {self.tool} in {self.out} (snapshot {self.snapshot})"
        )


@dataclass(frozen=True)
class Difference:
    """What an annotator changed on one image: `pixels` of another class, {field: (before, after)}; several values of a
    multi field with commas between."""

    sha256: str
    pixels: int
    share: float
    labels: dict[str, tuple[str | None, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class BackResult:
    """`images` that came back, what differed, how many verdicts were new, and what was left aside and why."""

    tool: str
    images: int
    differences: list[Difference]
    new: int
    left_aside: dict[str, int]
    dry_run: bool = False

    def line(self) -> str:
        masks = sum(each.pixels > 0 for each in self.differences)
        labels = sum(len(each.labels) for each in self.differences)
        text = f"{self.tool}: {self.images} images came back, {masks} masks and {labels} labels changed"
        text += " (dry run: nothing written)" if self.dry_run else f", {self.new} new verdicts"
        aside = ", ".join(f"{why} {count}" for why, count in sorted(self.left_aside.items()))
        return text + (f"; left aside: {aside}" if aside else "")


def among(sha256s: Sequence[str]) -> str:
    """A snapshot's condition for these images. Raises UsageError for none, too many, or anything but a sha256."""
    if not 0 < len(sha256s) <= MOST or not all(re.fullmatch(r"[0-9a-f]{64}", each) for each in sha256s):
        raise UsageError(f"{len(sha256s)} images", expected=f"1 to {MOST} sha256s")
    return "sha256 IN (" + ", ".join(f"'{each}'" for each in sorted(set(sha256s))) + ")"


def send(ws: Workspace, sha256s: Sequence[str], tool: str, *, out: Path | None = None) -> SendResult:
    """Export images that are in a part already. The same selection as things stand again is the same export."""
    _check(tool)
    where = among(sha256s)
    frozen = [str(ws.tables.version(name)) for name in ("masks", "labels", "groups")]
    key = hashlib.sha256("|".join([where, *frozen, *multi_fields(ws)]).encode()).hexdigest()[:8]
    name = next(iter(sorted(path.stem for path in ws.snapshots.glob(f"annotate-*-{key}.json"))), None)
    snapshot = create_snapshot(ws, name or f"annotate-{datetime.now(UTC):%Y%m%d}-{key}", where=where)
    folder = out or ws.root / "annotation" / f"{snapshot.name}-{tool}"
    result = export(ws, tool, snapshot.name, folder)
    return SendResult(tool, str(folder), snapshot.name, result.images, result.with_masks)


def bring_back(ws: Workspace, tool: str, path: str | Path, *, reviewer: str, dry_run: bool = False) -> BackResult:
    """Read what the tool exported and record what differs. Raises UsageError, DataError for a broken file, EmptyError
    where nothing in it is an image of this workspace."""
    _check(tool)
    back = _Back(ws)
    with opened(Path(path), ws.scratch("imports")) as root:
        for found in READERS[tool](root).records:
            back.take(found)
    if not back.images:
        cure = "Keep the images' file names: they begin with the sha256"
        raise EmptyError("no image of this workspace came back", where=str(path), cure=cure)
    new = 0
    if not dry_run:
        source = f"annotation:{tool}"
        new += record_masks(ws, back.masks, reviewer=reviewer, source=source).new
        new += record(ws, back.verdicts, reviewer=reviewer, source=source).new
    return BackResult(tool, back.images, back.differences, new, dict(back.left_aside), dry_run)


class _Back:
    """What has come back so far, beside what the workspace holds now."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.now = {row["sha256"]: row for row in ws.tables.query(_NOW).to_pylist()}
        self.short: dict[str, str | None] = {}
        for sha256 in self.now:
            self.short[sha256[:16]] = None if sha256[:16] in self.short else sha256
        self.words = load_taxonomy(ws.settings.taxonomy)
        self.labels = _labels_of(ws, multi_of(self.words))
        self.images = 0
        self.masks: list[CorrectedMask] = []
        self.verdicts: list[Verdict] = []
        self.differences: list[Difference] = []
        self.left_aside: Counter[str] = Counter()

    def take(self, found: Record) -> None:
        sha256 = self._known(found.name)
        if sha256 is None:
            self.left_aside["no image of this workspace"] += 1
            return
        self.images += 1
        pixels, size = self._mask(sha256, found)
        labels = self._labels(sha256, found)
        if pixels or labels:
            self.differences.append(Difference(sha256, pixels, round(pixels / size, 6), labels))

    def _known(self, name: str) -> str | None:
        """The image a file is of, by the last sha256 (or beginning of one) in its name."""
        hits = _NAMED.findall(PurePosixPath(name).name)
        hit = hits[-1] if hits else ""
        return hit if hit in self.now else self.short.get(hit)

    def _mask(self, sha256: str, found: Record) -> tuple[int, int]:
        """(pixels that changed class, pixels)."""
        now = self.now[sha256]
        size = (now["height"], now["width"])
        if found.draw is None:
            return 0, size[0] * size[1]
        try:
            composite = _composite(list(found.draw(size)), size)
            before = from_png(self.ws.blobs.get(now["mask_sha256"])) if now["mask_sha256"] else None
        except DataError as error:
            self.left_aside[f"mask: {error.what}"] += 1
            return 0, size[0] * size[1]
        pixels = int((composite != before).any(axis=2).sum()) if before is not None else size[0] * size[1]
        if pixels:
            self.masks.append(CorrectedMask(sha256, composite, {"kind": "annotated", "changed_px": pixels}))
        return pixels, size[0] * size[1]

    def _labels(self, sha256: str, found: Record) -> dict[str, tuple[str | None, str]]:
        changed: dict[str, tuple[str | None, str]] = {}
        before = self.labels.get(sha256, {})
        said: dict[str, list[str]] = {}
        for name, word in found.words:
            held = before.get(name, [])
            value = _value(self.words, name, word) or (word if word in held else None)
            if value is None:
                self.left_aside[f"not in the taxonomy: {name[:40]}"] += 1
            else:
                said[name] = [*(said.get(name, []) if name in multi_of(self.words) else []), value]
        for name, values in said.items():
            if set(values) != set(before.get(name, [])):
                answer, was = COMMA.join(sorted(set(values))), COMMA.join(before.get(name, [])) or None
                changed[name] = (was, answer)
                self.verdicts.append(Verdict(sha256, "relabel", name, answer))
        return changed


def _labels_of(ws: Workspace, multi: frozenset[str]) -> dict[str, dict[str, list[str]]]:
    """{sha256: {field: its value, or those of a multi field}} as a snapshot has them, rejected ones too."""
    found: dict[str, dict[str, list[str]]] = {}
    rows = ws.tables.query(_LABELS).to_pylist()
    for (sha256, name), told in groupby(rows, key=itemgetter("sha256", "field")):
        held = list(told)
        found.setdefault(sha256, {})[name] = values_in(of_best_source(held) if name in multi else held[0]["value"])
    return found


def _composite(regions: list[Region], size: tuple[int, int]) -> np.ndarray:
    """Skin and garment as drawn; where they overlap the garment lies on top. MaskError for any other word."""
    person, garment = np.zeros(size, bool), np.zeros(size, bool)
    for region in regions:
        role = role_by(region.word, None)
        if role == "other":
            raise MaskError(f"'{region.word[:40]}' is neither skin nor garment")
        person |= region.mask
        garment |= region.mask if role == "garment" else False
    return compose(person, garment)


def _value(words: Taxonomy, name: str, word: str) -> str | None:
    if name == "view":
        return word if word in ("packshot", "scene") else None
    return words.map(name, word) if name in words.fields else None


def _check(tool: str) -> None:
    if tool not in TOOLS:
        raise UsageError(f"there is no annotation tool '{tool}'", expected="one of " + ", ".join(TOOLS))
