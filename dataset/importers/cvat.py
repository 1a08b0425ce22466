"""CVAT for images, XML 1.1: `annotations.xml` (or any *.xml of that kind) and the images below the folder.

Masks are read run by run, polygons by COCO's rule; a tag is a word of the whole image, a box gives its word alone.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from xml.etree.ElementTree import Element

import numpy as np

from dataset.errors import DataError, MaskError
from dataset.importers.layout import Layout, Record, Region, Size
from dataset.importers.polygons import fill, points_of
from dataset.importers.rle import from_cvat
from dataset.importers.root import Root
from dataset.importers.xml_safe import number, parse

_SHAPES = ("mask", "polygon", "box")


def read(root: Root) -> Layout:
    records: list[Record] = []
    notes: Counter[str] = Counter()
    for name in root.need(root.matching("**/*.xml"), "*.xml"):
        document = parse(root, name)
        for image in document.iter("image"):
            records.append(_record(image, name))
            notes["boxes"] += len(image.findall("box"))
        notes["tracks"] += sum(1 for _ in document.iter("track"))
    root.need([record.name for record in records], "CVAT images")
    return Layout(records, notes)


def _record(image: Element, named_by: str) -> Record:
    name = image.get("name")
    if not name:
        raise DataError("an <image> has no name", where=named_by)
    shapes = [shape for shape in image if shape.tag in _SHAPES]
    drawn = [shape for shape in shapes if shape.tag != "box"]
    return Record(
        name,
        words=tuple(_words(image)),
        seen=tuple(dict.fromkeys(_label(shape) for shape in shapes)),
        draw=partial(_draw, image, drawn) if drawn else None,
        split=image.get("subset"),
        named_by=named_by,
    )


def _words(image: Element) -> list[tuple[str, str]]:
    """Tags; an attribute of a tag is a field of its own."""
    words = []
    for tag in image.findall("tag"):
        attributes = [(str(found.get("name")), (found.text or "").strip()) for found in tag.findall("attribute")]
        words += [(field, word) for field, word in attributes if word] or [("type", _label(tag))]
    return words


def _draw(image: Element, shapes: list[Element], size: Size) -> list[Region]:
    told = (int(number(image, "height")), int(number(image, "width")))
    if told != size:
        raise MaskError(f"the file says {told}", expected=f"{size}, as the image")
    return [Region(_label(shape), _mask(shape, size)) for shape in shapes]


def _mask(shape: Element, size: Size) -> np.ndarray:
    try:
        if shape.tag == "mask":
            runs = [int(run) for run in (shape.get("rle") or "").split(",")]
            left, top, width, height = (int(number(shape, key)) for key in ("left", "top", "width", "height"))
            return from_cvat(runs, left, top, width, height, size)
        flat = [float(value) for point in (shape.get("points") or "").split(";") for value in point.split(",")]
        return fill(points_of(flat), size)
    except ValueError as error:
        raise MaskError(f"a <{shape.tag}> holds more than numbers: {error}") from error


def _label(shape: Element) -> str:
    return shape.get("label") or "unlabelled"
