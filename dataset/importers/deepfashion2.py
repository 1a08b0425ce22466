"""DeepFashion2: `<split>/image/NNNNNN.jpg` and `<split>/annos/NNNNNN.json` with item1, item2, …

Images of one `pair_id` show the same clothes, in a shop's photo and in customers', so the pair is the product: they
stay in one part of the split. Polygons by COCO's rule, several of an item joined.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from dataset.errors import DataError
from dataset.importers.layout import Layout, Record, Region, Size, unreadable
from dataset.importers.polygons import fill_all
from dataset.importers.root import Root


def read(root: Root) -> Layout:
    annotations = root.need(root.matching("*/annos/*.json"), "<split>/annos/*.json")
    return Layout([_record(root, name) for name in annotations])


def _record(root: Root, name: str) -> Record:
    split, stem = PurePosixPath(name).parts[0], PurePosixPath(name).stem
    image = f"{split}/image/{stem}.jpg"
    try:
        told = _load(root, name)
        items = _items(told, name)
    except DataError as error:
        return unreadable(image, error, split=split, named_by=name)
    return Record(
        image,
        seen=tuple(dict.fromkeys(str(item["category_name"]) for item in items)),
        draw=partial(_draw, root, name),
        split=split,
        product=f"pair-{told['pair_id']}" if told.get("pair_id") is not None else None,
        named_by=name,
    )


def _draw(root: Root, name: str, size: Size) -> list[Region]:
    items = _items(_load(root, name), name)
    return [Region(str(item["category_name"]), fill_all(item["segmentation"], size)) for item in items]


def _items(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = [told[key] for key in sorted(told) if key.startswith("item") and isinstance(told[key], dict)]
    if any("category_name" not in item or not isinstance(item.get("segmentation"), list) for item in items):
        raise DataError("an item lacks its category_name or segmentation", where=name)
    return items


def _load(root: Root, name: str) -> dict[str, Any]:
    try:
        found = json.loads(root.text(name))
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no JSON: {error}", where=name, cure="Fetch it again") from error
    if not isinstance(found, dict):
        raise DataError("is no object", where=name, expected="item1, item2, …")
    return found
