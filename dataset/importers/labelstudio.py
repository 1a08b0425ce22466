"""Label Studio: a JSON export (a list of tasks) and the images below the folder.

Brush masks are read bit by bit, polygons by COCO's rule, choices are words of the whole image, rectangles give their
word alone. Of several annotations of a task the first that was not cancelled counts; predictions are never read.
An image on a server is counted and left: this importer asks no network.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from dataset.errors import DataError, MaskError
from dataset.importers.layout import Layout, Record, Region, Size
from dataset.importers.polygons import fill, points_of
from dataset.importers.rle import from_label_studio
from dataset.importers.root import IMAGE_SUFFIXES, Root
from dataset.importers.stream import array, starts_with

_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # Label Studio puts it before the name of an uploaded file
Item = dict[str, Any]


def read(root: Root) -> Layout:
    records: list[Record] = []
    notes: Counter[str] = Counter()
    names = [name for name in root.matching("*.json") if starts_with(root.folder / name, "[")]
    for name in root.need(names, "*.json that is a list of tasks"):
        for task in array(root.folder / name):
            found = _record(root, task, name, notes)
            records += [found] if found else []
    return Layout(records, notes)


def _record(root: Root, task: Any, named_by: str, notes: Counter[str]) -> Record | None:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        raise DataError("a task has no data", where=named_by, expected="the format called JSON, not JSON-MIN")
    image = _image(root, task["data"])
    if image is None:
        notes["remote images or no image"] += 1
        return None
    results = _results(task)
    notes["boxes"] += sum(result.get("type") == "rectanglelabels" for result in results)
    drawn = [result for result in results if result.get("type") in ("brushlabels", "polygonlabels")]
    split = task["data"].get("split")
    return Record(
        image,
        words=tuple((str(r.get("from_name")), str(word)) for r in results for word in _value(r).get("choices") or ()),
        seen=tuple(dict.fromkeys(_word(r) for r in results if "labels" in str(r.get("type")))),
        draw=partial(_draw, drawn) if drawn else None,
        split=split if isinstance(split, str) else None,
        named_by=named_by,
    )


def _image(root: Root, data: Item) -> str | None:
    """The file that a task's data names: a local-files address, an upload, or a plain path."""
    for value in data.values():
        if not isinstance(value, str):
            continue
        parts = urlsplit(value)
        name = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
        if PurePosixPath(name).suffix.lower() not in IMAGE_SUFFIXES:
            continue
        if parts.netloc:
            return None
        if not name.startswith("/data/upload/"):
            return name
        bare = PurePosixPath(name).name
        here = {PurePosixPath(known).name for known in root.images}
        return bare if bare in here else _UPLOADED.sub("", bare)
    return None


def _results(task: Item) -> list[Item]:
    for annotation in task.get("annotations") or ():
        if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
            return [result for result in annotation.get("result") or () if isinstance(result, dict)]
    return []


def _draw(results: list[Item], size: Size) -> list[Region]:
    return [Region(_word(result), _mask(result, size)) for result in results]


def _mask(result: Item, size: Size) -> np.ndarray:
    told = (result.get("original_height"), result.get("original_width"))
    if told != size:
        raise MaskError(f"the task says {told}", expected=f"{size}, as the image")
    value = _value(result)
    if result["type"] == "brushlabels":
        if value.get("format") != "rle" or not isinstance(value.get("rle"), list):
            raise MaskError("a brush without run lengths")
        return from_label_studio(value["rle"], size)
    percent = np.array([size[1], size[0]]) / 100
    flat = [number for point in value.get("points") or () for number in point]
    return fill(points_of(flat) * percent, size)


def _value(result: Item) -> Item:
    value = result.get("value")
    return value if isinstance(value, dict) else {}


def _word(result: Item) -> str:
    words = _value(result).get(str(result.get("type"))) or ["unlabelled"]
    return str(words[0])
