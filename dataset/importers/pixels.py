"""Mask files of others: a PNG's numbers as they are stored, before any palette or colour gets in the way."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from PIL import Image

from dataset.errors import DataError, MaskError
from dataset.images import decode
from dataset.importers.layout import Region, Size
from dataset.importers.root import Root


def stored(data: bytes, size: Size) -> np.ndarray:
    """(H, W) integers of a palette or grey image, or (H, W, 3) of a coloured one. Raises ImageError for what is no
    image, MaskError where it isn't of `size`."""
    decode(data)  # refuses bombs, pages and cut files by their code
    with Image.open(io.BytesIO(data)) as image:
        grey = image.mode in ("P", "L", "1", "I", "I;16")
        values = np.asarray(image.convert("L") if image.mode == "1" else image if grey else image.convert("RGB"))
    if values.shape[:2] != size:
        raise MaskError(f"the mask is {values.shape[:2]}", expected=f"{size}, as its image")
    return values


def regions_of(values: np.ndarray, names: dict[int, str]) -> list[Region]:
    """One region for each value above 0 that is there; a value without a name is called 'label-<value>'."""
    found = [int(value) for value in np.unique(values) if value > 0]
    return [Region(names.get(value, f"label-{value}"), values == value) for value in found]


def names_in(root: Root, name: str) -> dict[int, str]:
    """value -> word of a JSON file: an object {"1": "dress"}, or a list in order from 0. Raises DataError."""
    try:
        found: Any = json.loads(root.text(name))
        pairs = found.items() if isinstance(found, dict) else enumerate(found)
        return {int(value): str(word) for value, word in pairs}
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"the label names can't be read: {error}", where=name, expected='{"1": "dress"}', cure="Mend the file"
        ) from error
