"""YOLO: `images/**/NAME.jpg`, `labels/**/NAME.txt`, the classes' names in `data.yaml`, `classes.txt` or `obj.names`.

A line of five numbers is a box (its word alone is kept), a longer one a polygon, filled as OpenCV fills pixel centres.
Where this project's export lies, the exact masks beside it (`masks/**/NAME.png`, class number + 1) are read instead.
The paths in `data.yaml` are never followed.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import yaml

from dataset.errors import DataError
from dataset.importers.given import part_in
from dataset.importers.layout import Layout, Record, Region, Size, unreadable
from dataset.importers.pixels import regions_of, stored
from dataset.importers.polygons import fill_centres, points_of
from dataset.importers.root import Root

_BOX = 5  # numbers in a line: class, x, y, width, height


def read(root: Root) -> Layout:
    """Images without a label file are records without words."""
    names = _names(root)
    photos = [name for name in root.images if "masks" not in PurePosixPath(name).parts[:-1]]
    known, notes = set(root.files), Counter[str]()
    root.need([name for name in root.files if name.endswith(".txt")], "label files (*.txt)")
    return Layout([_record(root, name, names, known, notes) for name in root.need(photos, "images")], notes)


def _record(root: Root, name: str, names: dict[int, str], known: set[str], notes: Counter[str]) -> Record:
    labels, exact = _beside(name, "labels", ".txt"), _beside(name, "masks", ".png")
    split = next((part for part in map(part_in, PurePosixPath(name).parts[:-1]) if part), None)
    if labels not in known:
        return Record(name, split=split)
    try:
        lines = _lines(root, labels)
    except DataError as error:
        return unreadable(name, error, split=split, named_by=labels)
    notes["boxes"] += sum(len(line) == _BOX for line in lines)
    seen = tuple(dict.fromkeys(_word(names, line[0]) for line in lines))
    if exact in known:
        shifted = {value + 1: word for value, word in names.items()}
        return Record(name, seen=seen, draw=partial(_exact, root, exact, shifted), split=split, named_by=labels)
    draw = partial(_draw, root, labels, names) if any(len(line) > _BOX for line in lines) else None
    return Record(name, seen=seen, draw=draw, split=split, named_by=labels)


def _exact(root: Root, name: str, names: dict[int, str], size: Size) -> list[Region]:
    return regions_of(stored(root.read(name), size), names)


def _draw(root: Root, labels: str, names: dict[int, str], size: Size) -> list[Region]:
    scale = np.array([size[1], size[0]], dtype=np.float64)
    return [
        Region(_word(names, line[0]), fill_centres(points_of(line[1:]) * scale, size))
        for line in _lines(root, labels)
        if len(line) > _BOX
    ]


def _lines(root: Root, name: str) -> list[list[float]]:
    try:
        lines = [[float(number) for number in line.split()] for line in root.text(name).splitlines() if line.strip()]
    except ValueError as error:
        raise DataError(f"a line is no list of numbers: {error}", where=name, expected="class x y …") from error
    if any(len(line) < _BOX or not np.isfinite(line).all() for line in lines):
        raise DataError(
            "a line is too short", where=name, expected="class x y width height, or class x1 y1 x2 y2 x3 y3 …"
        )
    return lines


def _names(root: Root) -> dict[int, str]:
    for name in root.files:
        if PurePosixPath(name).name in ("data.yaml", "dataset.yaml", "data.yml"):
            return _from_yaml(root, name)
        if PurePosixPath(name).name in ("classes.txt", "obj.names"):
            return dict(enumerate(line.strip() for line in root.text(name).splitlines() if line.strip()))
    return {}


def _from_yaml(root: Root, name: str) -> dict[int, str]:
    try:
        names = (yaml.safe_load(root.text(name)) or {}).get("names", {})
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(number): str(word) for number, word in pairs}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"the classes' names can't be read: {error}", where=name, expected="names: [dress, …]"
        ) from error


def _word(names: dict[int, str], number: float) -> str:
    return names.get(int(number), f"class-{int(number)}")


def _beside(name: str, folder: str, suffix: str) -> str:
    """The path with its last folder `images` exchanged, as YOLO's tools look for labels."""
    path = PurePosixPath(name)
    parts = list(path.parts)
    places = [k for k, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = folder
    return PurePosixPath(*parts).with_suffix(suffix).as_posix()
