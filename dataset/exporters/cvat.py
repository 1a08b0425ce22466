"""CVAT for images, XML 1.1: `annotations.xml` and `images/<part>/*`; masks run by run, exact to the pixel.

Labels of the whole image are one tag `labels` whose attributes are the fields; each further value of a field stands in
a tag of its own.
"""

from __future__ import annotations

from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from dataset.exporters.items import Item
from dataset.exporters.sink import Sink
from dataset.importers.layout import Region
from dataset.importers.rle import cvat_runs
from dataset.several import values_in


def write(sink: Sink) -> None:
    number = 0
    with (sink.folder / "annotations.xml").open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
        file.write(_meta(sink))
        for item in sink.gathered.items:
            name = sink.put(item, f"images/{item.part}")
            if name is None:
                continue
            _image(file, item, f"{item.part}/{name}", number, sink.regions(item))
            number += 1
        file.write("</annotations>\n")


def _meta(sink: Sink) -> str:
    fields = sorted({name for item in sink.gathered.items for name in item.labels})
    drawn = [f"<label><name>{escape(name)}</name><type>mask</type></label>" for name in sink.gathered.classes]
    asked = "".join(
        f"<attribute><name>{escape(name)}</name><mutable>False</mutable><input_type>text</input_type></attribute>"
        for name in fields
    )
    tag = f"<label><name>labels</name><type>tag</type><attributes>{asked}</attributes></label>"
    name, size = escape(sink.gathered.snapshot.name), len(sink.gathered.items)
    task = f"<name>{name}</name><size>{size}</size><mode>annotation</mode><labels>{''.join([*drawn, tag])}</labels>"
    return f"<meta><task>{task}</task></meta>\n"


def _image(file: TextIO, item: Item, name: str, number: int, found: list[Region]) -> None:
    size = f'width="{item.size[1]}" height="{item.size[0]}"'
    file.write(f'<image id="{number}" name={quoteattr(name)} subset={quoteattr(item.part)} {size}>\n')
    for region in found:
        runs, left, top, width, height = cvat_runs(region.mask)
        box = f'left="{left}" top="{top}" width="{width}" height="{height}"'
        code = ", ".join(map(str, runs))
        label = quoteattr(region.word)
        file.write(f'<mask label={label} source="manual" occluded="0" rle="{code}" {box} z_order="0"></mask>\n')
    for told in _tags(item):
        attributes = "".join(
            f"<attribute name={quoteattr(field)}>{escape(value)}</attribute>" for field, value in told.items()
        )
        file.write(f'<tag label="labels" source="manual">{attributes}</tag>\n')
    file.write("</image>\n")


def _tags(item: Item) -> list[dict[str, str]]:
    """The first value of every field together, the further ones a tag each: an attribute may stand once in a tag."""
    labels = {field: values_in(label) for field, label in sorted(item.labels.items())}
    first = {field: values[0] for field, values in labels.items()}
    more = [{field: value} for field, values in labels.items() for value in values[1:]]
    return [first, *more] if first else []
