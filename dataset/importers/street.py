"""`street`, Clothing Co-Parsing: `photos/NNNN.jpg`, `labels/NNNN.png`, `labels.json`.

Everything labelled is the person; garments are the labels that the taxonomy calls clothes (all but shoes, hats, socks
and accessories); skin is the rest of the person. Split by photo number: n % 5 == 0 test, 1 validation, else train.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath

from dataset.importers.layout import Layout, Record, Region, Size
from dataset.importers.pixels import names_in, regions_of, stored
from dataset.importers.root import Root

_PARTS = {0: "test", 1: "validation"}


def read(root: Root) -> Layout:
    names = names_in(root, "labels.json")
    photos = root.need(root.matching("photos/*.jpg"), "photos/*.jpg")
    return Layout([_record(root, name, names) for name in photos])


def _record(root: Root, name: str, names: dict[int, str]) -> Record:
    stem = PurePosixPath(name).stem
    split = _PARTS.get(int(stem) % 5, "train") if stem.isdigit() else None
    labels = f"labels/{stem}.png"
    return Record(
        name,
        draw=partial(_draw, root, labels, names),
        split=split,
        named_by=labels,
        all_person=True,
        words_from_regions=True,
    )


def _draw(root: Root, labels: str, names: dict[int, str], size: Size) -> list[Region]:
    return regions_of(stored(root.read(labels), size), names)
