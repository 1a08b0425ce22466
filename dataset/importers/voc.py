"""Pascal VOC: `Annotations/*.xml`, `JPEGImages/*`, `SegmentationClass/*.png`, `ImageSets/**/{train,val,test}.txt`.

Classes of a segmentation are its palette numbers, named by `labelmap.txt` (as CVAT writes it) or else VOC's own twenty;
255 is 'ignore'. A coloured segmentation is read by the colours of `labelmap.txt`. A box gives its word alone.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from dataset.errors import DataError
from dataset.importers.given import PART_OF
from dataset.importers.layout import Layout, Record, Region, Size, unreadable
from dataset.importers.pixels import regions_of, stored
from dataset.importers.root import Root
from dataset.importers.xml_safe import parse

CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_IGNORE = 255
Legend = list[tuple[str, tuple[int, ...] | None]]  # (name, colour), by number


def read(root: Root) -> Layout:
    photos = {PurePosixPath(name).stem: name for name in root.matching("**/JPEGImages/*")}
    boxes = {PurePosixPath(name).stem: name for name in root.matching("**/Annotations/*.xml")}
    masks = {PurePosixPath(name).stem: name for name in root.matching("**/SegmentationClass/*.png")}
    splits, legend, notes = _splits(root), _legend(root), Counter[str]()
    stems = sorted(set(photos) | set(boxes) | set(masks))
    root.need(list(boxes) + list(masks), "Annotations/*.xml or SegmentationClass/*.png")
    return Layout([
        _record(root, stem, photos.get(stem), boxes.get(stem), masks.get(stem), splits.get(stem), legend, notes)
        for stem in stems
    ], notes)  # fmt: skip


def _record(
    root: Root, stem: str, photo: str | None, boxes: str | None, mask: str | None, split: str | None, legend: Legend,
    notes: Counter[str],
) -> Record:  # fmt: skip
    try:
        document = parse(root, boxes) if boxes else None
    except DataError as error:
        return unreadable(photo or f"{stem}.jpg", error, split=split, named_by=boxes or "")
    objects = (
        [found.findtext("name", "unlabelled") for found in document.iter("object")] if document is not None else []
    )
    notes["boxes"] += len(objects)
    told = document.findtext("filename", "") if document is not None else ""
    return Record(
        photo or told or f"{stem}.jpg",
        seen=tuple(dict.fromkeys(objects)),
        draw=partial(_draw, root, mask, legend) if mask else None,
        split=split,
        named_by=boxes or mask or "",
        words_from_regions=bool(mask),
    )


def _draw(root: Root, mask: str, legend: Legend, size: Size) -> list[Region]:
    values = stored(root.read(mask), size)
    names = {number: name for number, (name, _) in enumerate(legend)}
    if values.ndim == 2:
        return regions_of(np.where(values == _IGNORE, 0, values), names)
    return [
        Region(name, (values == np.array(colour)).all(axis=2))
        for name, colour in legend if colour is not None and any(colour)
    ]  # fmt: skip


def _splits(root: Root) -> dict[str, str]:
    """stem -> part; a list of class members ('dress_train.txt') is none."""
    found: dict[str, str] = {}
    for name in root.matching("**/ImageSets/*/*.txt") + root.matching("**/ImageSets/*.txt"):
        part = PurePosixPath(name).stem
        if part in PART_OF:
            found |= {line.split()[0]: part for line in root.text(name).splitlines() if line.strip()}
    return found


def _legend(root: Root) -> Legend:
    names = root.matching("**/labelmap.txt")
    if not names:
        return [(name, None) for name in CLASSES]
    legend: Legend = []
    for line in root.text(names[0]).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        try:
            colour = tuple(int(value) for value in rest.split(":")[0].split(",")) if rest.split(":")[0] else None
        except ValueError as error:
            raise DataError(
                f"'{line[:60]}' is no label", where=names[0], expected="name:r,g,b:parts:actions"
            ) from error
        legend.append((name.strip(), colour))
    return legend
