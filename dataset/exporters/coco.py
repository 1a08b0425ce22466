"""COCO: `annotations/instances_<part>.json` and `<part>/<name>.jpg`; masks as run lengths, exact to the pixel.

One annotation a class and image, its parts and holes in one run-length code (uncompressed, which pycocotools,
torchvision and detectron2 read). Labels of the whole image stand in `images[].labels`: a word, or a list of several.
"""

from __future__ import annotations

import json
from typing import TextIO

from dataset.exporters.items import Item
from dataset.exporters.sink import Sink
from dataset.importers.layout import Region
from dataset.importers.polygons import box_of
from dataset.importers.rle import coco_counts


def write(sink: Sink) -> None:
    (sink.folder / "annotations").mkdir()
    number = 0
    for part in sink.gathered.parts:
        with (sink.folder / "annotations" / f"instances_{part}.json").open("w", encoding="utf-8") as file:
            number = _part(sink, part, file, number)


def _part(sink: Sink, part: str, file: TextIO, number: int) -> int:
    """Annotations go out as they come, the short list of images after them: memory holds one image's masks."""
    categories = [{"id": k, "name": name} for k, name in enumerate(sink.gathered.classes, start=1)]
    info = {"description": f"snapshot {sink.gathered.snapshot.name}", "version": sink.gathered.snapshot.fingerprint}
    file.write(f'{{"info": {json.dumps(info)}, "categories": {json.dumps(categories)}, "annotations": [')
    images: list[dict[str, object]] = []
    first = number
    for item in sink.gathered.of(part):
        name = sink.put(item, part)
        if name is None:
            continue
        images.append(_image(item, name, len(images) + 1))
        for region in sink.regions(item):
            number += 1
            file.write("\n" if number == first + 1 else ",\n")
            file.write(json.dumps(_annotation(sink, item, region, number, len(images))))
    file.write(f'], "images": {json.dumps(images, ensure_ascii=False)}}}\n')
    return number


def _image(item: Item, name: str, number: int) -> dict[str, object]:
    size = {"height": item.size[0], "width": item.size[1]}
    return {"id": number, "file_name": name, **size, "labels": item.labels, "sha256": item.sha256}


def _annotation(sink: Sink, item: Item, region: Region, number: int, image: int) -> dict[str, object]:
    return {
        "id": number,
        "image_id": image,
        "category_id": sink.gathered.classes.index(region.word) + 1,
        "segmentation": {"size": list(item.size), "counts": coco_counts(region.mask)},
        "bbox": list(box_of(region.mask)),
        "area": int(region.mask.sum()),
        "iscrowd": 0,
    }
