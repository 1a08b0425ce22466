"""Plain Parquet: `data/<part>-00000.parquet`, a row an image with its bytes, its mask's PNG and one column a label.

`image` and `mask` are structs of bytes and path, as `datasets` keeps pictures; `mask` holds class numbers (0 is
background), named in the schema's metadata under `classes`.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataset.exporters.items import Item, class_map
from dataset.exporters.sink import Sink
from dataset.exporters.tabular import features, label_columns, plain_fields, row_of
from dataset.exporters.yolo import png_of

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FILE_ROWS, _GROUP_ROWS = 5_000, 100


def write(sink: Sink) -> None:
    (sink.folder / "data").mkdir()
    columns = label_columns(sink.gathered)
    fields = [pa.field("image", PICTURE), pa.field("mask", PICTURE), *plain_fields(columns)]
    classes = {b"classes": json.dumps(["background", *sink.gathered.classes]).encode()}
    schema = pa.schema(fields, metadata=features(fields, ("image", "mask")) | classes)
    for part in sink.gathered.parts:
        items = sink.gathered.of(part)
        for start in range(0, len(items), _FILE_ROWS):
            name = f"data/{part}-{start // _FILE_ROWS:05d}.parquet"
            _file(sink, name, schema, items[start : start + _FILE_ROWS], columns)


def _file(sink: Sink, name: str, schema: pa.Schema, items: list[Item], columns: list[str]) -> None:
    """One file, a group of rows in memory at a time."""
    with pq.ParquetWriter(sink.folder / name, schema) as file:
        for start in range(0, len(items), _GROUP_ROWS):
            rows = [_row(sink, item, name, columns) for item in items[start : start + _GROUP_ROWS]]
            file.write_table(pa.Table.from_pylist([row for row in rows if row], schema=schema))


def _row(sink: Sink, item: Item, name: str, columns: list[str]) -> dict[str, Any] | None:
    image = sink.image(item)
    if image is None:
        return None
    picture = f"{item.name}{image.suffix}"
    sink.enter(item, image, f"{name}/{picture}")
    found = sink.regions(item)
    mask = png_of(class_map(found, sink.gathered.classes, item.size)) if found else None
    drawn = {"bytes": mask, "path": f"{item.name}.png"} if mask else None
    return {"image": {"bytes": image.data, "path": picture}, "mask": drawn, **row_of(item, columns)}
