"""YOLO segmentation: `images/<part>/*`, `labels/<part>/*.txt`, `data.yaml`, and beside them exact `masks/<part>/*.png`.

A YOLO polygon can't hold a hole: each part of a mask is one polygon, a hole is joined to it by a cut. How many pixels
differ from the mask when OpenCV fills the polygons is measured for every image and told in export.json; the masks
(class number + 1, 0 is background) are exact.
"""

from __future__ import annotations

import io

import numpy as np
import yaml
from PIL import Image

from dataset.exporters.items import Item, class_map
from dataset.exporters.sink import Sink
from dataset.importers.layout import Region, Size
from dataset.importers.polygons import fill_centres, outlines

_LEAST_CORNERS = 3


def write(sink: Sink) -> None:
    off = total = 0
    for item in sink.gathered.items:
        name = sink.put(item, f"images/{item.part}")
        if name is None:
            continue
        found = sink.regions(item)
        off += _labels(sink, item, found)
        total += sum(int(region.mask.sum()) for region in found)
        if found:
            sink.write(f"masks/{item.part}/{item.name}.png", png_of(class_map(found, sink.gathered.classes, item.size)))
    sink.facts["polygons"] = {"px_off": off, "px_of_masks": total, "filled_by": "cv2.fillPoly at the image's size"}
    parts = {"val" if part == "validation" else part: f"images/{part}" for part in sink.gathered.parts}
    names = dict(enumerate(sink.gathered.classes))
    sink.write("data.yaml", yaml.safe_dump({"path": ".", **parts, "names": names}, sort_keys=False).encode())


def png_of(index: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(index).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _labels(sink: Sink, item: Item, found: list[Region]) -> int:
    """Write the image's label file; returns the pixels by which its polygons miss the masks."""
    lines, off = [], 0
    for region in found:
        drawn = np.zeros(item.size, bool)
        for outline in outlines(region.mask):
            lines.append(_line(sink.gathered.classes.index(region.word), outline, item.size))
            drawn |= fill_centres(outline, item.size)
        off += int((drawn != region.mask).sum())
    sink.write(f"labels/{item.part}/{item.name}.txt", "".join(lines).encode())
    return off


def _line(number: int, outline: np.ndarray, size: Size) -> str:
    """Pixel centres as shares of width and height; a part of one or two pixels repeats its last corner."""
    missing = max(0, _LEAST_CORNERS - len(outline))
    corners = np.concatenate([outline, np.repeat(outline[-1:], missing, axis=0)])
    shares = (corners + 0.5) / np.array([size[1], size[0]])
    return f"{number} " + " ".join(f"{x:.6f} {y:.6f}" for x, y in shares) + "\n"
