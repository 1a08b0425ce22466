"""Label Studio: `tasks.json` with brush masks (exact to the pixel) and choices, `config.xml`, and `images/<part>/*`.

Served by local files storage: the image's address is `/data/local-files/?d=images/<part>/<name>`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from dataset.exporters.items import Gathered, Item
from dataset.exporters.sink import Sink
from dataset.importers.layout import Region
from dataset.importers.rle import label_studio_rle
from dataset.several import Label, values_in

MANY = ' choice="multiple"'  # of a field where any image has several values; Label Studio's own default is one


def write(sink: Sink) -> None:
    with (sink.folder / "tasks.json").open("w", encoding="utf-8") as file:
        file.write("[")
        lines = 0
        for item in sink.gathered.items:
            name = sink.put(item, f"images/{item.part}")
            if name is None:
                continue
            task = _task(item, f"images/{item.part}/{name}", sink.regions(item))
            file.write((",\n" if lines else "\n") + json.dumps(task, ensure_ascii=False))
            lines += 1
        file.write("\n]\n")
    sink.write("config.xml", _config(sink.gathered).encode())


def _task(item: Item, file: str, found: list[Region]) -> dict[str, Any]:
    image = f"/data/local-files/?d={quote(file)}"
    result = [_brush(item, region) for region in found] + [
        _choice(item, *label) for label in sorted(item.labels.items())
    ]
    told = {"image": image, "split": item.part, "sha256": item.sha256}
    return {"data": told, "annotations": [{"result": result}] if result else []}


def _brush(item: Item, region: Region) -> dict[str, Any]:
    value = {"format": "rle", "rle": label_studio_rle(region.mask), "brushlabels": [region.word]}
    size = {"original_height": item.size[0], "original_width": item.size[1], "image_rotation": 0}
    place = {"id": f"{item.name}-{region.word}", "from_name": "mask", "to_name": "image"}
    return {**place, "type": "brushlabels", **size, "value": value}


def _choice(item: Item, field: str, label: Label) -> dict[str, Any]:
    place = {"id": f"{item.name}-{field}", "from_name": field, "to_name": "image"}
    return {**place, "type": "choices", "value": {"choices": values_in(label)}}


def _config(gathered: Gathered) -> str:
    """The labelling interface that the tasks fit."""
    brushes = "".join(f"<Label value={quoteattr(name)}/>" for name in gathered.classes)
    answers: dict[str, set[str]] = {}
    several = set[str]()
    for item in gathered.items:
        for field, label in item.labels.items():
            answers.setdefault(field, set()).update(values_in(label))
            several |= {field} if isinstance(label, list) else set()
    choices = "".join(
        f'<Choices name={quoteattr(field)} toName="image"{MANY if field in several else ""}>'
        + "".join(f"<Choice value={quoteattr(value)}/>" for value in sorted(values))
        + "</Choices>"
        for field, values in sorted(answers.items())
    )
    drawn = f'<BrushLabels name="mask" toName="image">{brushes}</BrushLabels>' if brushes else ""
    return f'<View><Image name="image" value="$image"/>{drawn}{choices}</View>\n'
