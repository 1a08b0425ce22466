"""The rows that Hugging Face and Parquet exports share: one column a label field, plain types, stable order.

Several values of a field stand in one text, joined by '|', which no value's id holds.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from dataset.exporters.items import Gathered, Item
from dataset.several import values_in

BETWEEN = "|"
_TOLD = ("sha256", "split", "store", "product_id", "product_name", "brand", "licence", "url", "view", "mask_source")


def label_columns(gathered: Gathered) -> list[str]:
    """`label_<field>` of every field that any item has."""
    return [f"label_{name}" for name in sorted({name for item in gathered.items for name in item.labels})]


def row_of(item: Item, columns: list[str]) -> dict[str, Any]:
    told = item.told()
    said = {column: item.labels.get(column.removeprefix("label_")) for column in columns}
    labels = {column: None if label is None else BETWEEN.join(values_in(label)) for column, label in said.items()}
    return {name: told[name] for name in _TOLD} | {"height": item.size[0], "width": item.size[1]} | labels


def plain_fields(columns: list[str]) -> list[pa.Field]:
    whole = [pa.field(name, pa.int32()) for name in ("height", "width")]
    return [
        *(pa.field(name, pa.string()) for name in _TOLD),
        *whole,
        *(pa.field(name, pa.string()) for name in columns),
    ]


def features(fields: list[pa.Field], images: tuple[str, ...]) -> dict[bytes, bytes]:
    """The schema's metadata by which `datasets` shows image columns as pictures."""
    kinds = {field.name: {"_type": "Value", "dtype": str(field.type)} for field in fields if field.name not in images}
    found = {field.name: {"_type": "Image"} if field.name in images else kinds[field.name] for field in fields}
    return {b"huggingface": json.dumps({"info": {"features": found}}).encode()}
