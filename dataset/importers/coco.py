"""COCO: JSON files of images, categories and annotations, and the images anywhere below the folder.

Polygons are filled by COCO's own rule, both run-length codes are read; a box alone gives its word and no mask. Only
the text of the annotations is held, so memory is about the file's size; a polygon becomes a mask when its image's turn
comes.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from dataset.errors import DataError, MaskError
from dataset.importers.given import part_in
from dataset.importers.layout import Layout, Record, Region, Size
from dataset.importers.polygons import fill_all
from dataset.importers.rle import from_coco
from dataset.importers.root import Root
from dataset.importers.stream import items, starts_with
from dataset.several import values_in

PATTERNS = ("annotations/instances_*.json", "annotations/*.json", "*.json", "*/*.json")
_KEYS = ("images", "categories", "annotations", "attributes")
Item = dict[str, Any]


class _File:
    """What one annotation file says. `drawn` holds the annotations' text by image."""

    def __init__(self, root: Root, name: str) -> None:
        self.name, self.images = name, list[Item]()
        self.words, self.attributes = dict[Any, str](), dict[Any, str]()
        self.drawn: defaultdict[Any, list[str]] = defaultdict(list)
        self.seen: defaultdict[Any, dict[Any, None]] = defaultdict(dict)
        self.told: defaultdict[Any, dict[Any, None]] = defaultdict(dict)
        self.boxes = 0
        for key, item, text in items(root.folder / name, _KEYS):
            self._take(key, item, text)

    def _take(self, key: str, item: Any, text: str) -> None:
        try:
            if key == "images":
                str(item["file_name"]), hash(item["id"])
                self.images.append(item)
            elif key == "annotations":
                self._annotation(item, text)
            else:
                (self.words if key == "categories" else self.attributes)[item["id"]] = str(item["name"])
        except (KeyError, TypeError) as error:
            cure = "Export the file again"
            raise DataError(
                f"an item of '{key}' lacks {error}", where=self.name, expected=text[:80], cure=cure
            ) from error

    def _annotation(self, item: Item, text: str) -> None:
        image = item["image_id"]
        if "category_id" not in item:  # a caption
            return
        self.seen[image][item.get("category_id")] = None
        self.told[image].update(dict.fromkeys(item.get("attribute_ids") or ()))
        if item.get("segmentation"):
            self.drawn[image].append(text)
        else:
            self.boxes += 1

    def word(self, category: Any) -> str:
        return self.words.get(category, f"category-{category}")


def read(root: Root, pattern: str | None = None) -> Layout:
    """Records of every annotation file: those that match `pattern`, or the first of `PATTERNS` that any file does."""
    patterns = (pattern,) if pattern else PATTERNS
    names: list[str] = next(filter(None, map(root.matching, patterns)), [])
    records: list[Record] = []
    notes: Counter[str] = Counter()
    names = [name for name in names if starts_with(root.folder / name, "{")]
    for name in root.need(names, patterns[0]):
        file = _File(root, name)
        records += _records(file)
        notes += Counter({"boxes": file.boxes})
    root.need([record.name for record in records], "COCO images")
    return Layout(records, notes)


def _records(file: _File) -> Iterable[Record]:
    path = PurePosixPath(file.name)
    split = part_in(path.stem) or part_in(path.parent.name)
    for image in file.images:
        key = image["id"]
        told = image.get("labels") if isinstance(image.get("labels"), dict) else {}
        words = [(str(name), value) for name, label in (told or {}).items() for value in values_in(label)]
        words += [("attribute", file.attributes.get(known, f"attribute-{known}")) for known in file.told[key]]
        yield Record(
            str(image["file_name"]),
            words=tuple(words),
            seen=tuple(file.word(category) for category in file.seen[key]),
            draw=partial(_draw, file, image) if file.drawn[key] else None,
            split=split,
            named_by=file.name,
        )


def _draw(file: _File, image: Item, size: Size) -> list[Region]:
    told = (image.get("height"), image.get("width"))
    if None not in told and told != size:
        raise MaskError(f"the file says {told}", expected=f"{size}, as the image")
    return [_region(file, json.loads(text), size) for text in file.drawn[image["id"]]]


def _region(file: _File, item: Item, size: Size) -> Region:
    drawn = item["segmentation"]
    if isinstance(drawn, dict):
        if list(drawn.get("size") or ()) != list(size) or not isinstance(drawn.get("counts"), (str, list)):
            raise MaskError(f"a run-length code of {drawn.get('size')}", expected=f"{list(size)}")
        return Region(file.word(item.get("category_id")), from_coco(drawn["counts"], size))
    if not isinstance(drawn, list):
        raise MaskError("a segmentation is neither polygons nor a run-length code")
    return Region(file.word(item.get("category_id")), fill_all(drawn, size))
