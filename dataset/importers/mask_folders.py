"""Mask folders: `images/**/NAME.jpg` beside `masks/**/NAME.png` (also NAME_mask.png), or `masks/<word>/NAME.png`.

A mask of 0 and 255 is the region that its folder names, else the garment; a colour mask is a composite (red background,
green skin, blue garment, one-hot); any other grey or palette image holds label numbers, named by a `labels.json`.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from dataset.importers.given import part_in
from dataset.importers.layout import Layout, Record, Region, Size
from dataset.importers.pixels import names_in, regions_of, stored
from dataset.importers.root import Root
from dataset.masks import GARMENT, SKIN, validate

FOLDERS = ("masks", "mask", "labels", "annotations", "segmentations")


def read(root: Root) -> Layout:
    """Images without a mask are records without one; masks without an image are counted."""
    masks = defaultdict(list)
    for name in root.images:
        if _is_mask(name):
            masks[_stem(name)].append(name)
    photos = root.need([name for name in root.images if not _is_mask(name)], "images beside a folder 'masks'")
    legends = [name for name in ("labels.json", "names.json", "masks/labels.json") if name in root.files]
    names = names_in(root, legends[0]) if legends else {}
    layout = Layout([_record(root, name, masks.get(_stem(name), []), names) for name in photos])
    unused = sum(len(found) for stem, found in masks.items() if stem not in {_stem(name) for name in photos})
    if unused:
        layout.notes["masks without an image"] += unused
    return layout


def _record(root: Root, name: str, masks: list[str], names: dict[int, str]) -> Record:
    split = next((part for part in map(part_in, PurePosixPath(name).parts[:-1]) if part), None)
    if not masks:
        return Record(name, split=split)
    draw = partial(_draw, root, masks, names)
    return Record(name, draw=draw, split=split, named_by=masks[0], words_from_regions=True)


def _draw(root: Root, masks: list[str], names: dict[int, str], size: Size) -> list[Region]:
    return [region for name in masks for region in _regions(stored(root.read(name), size), _word(name), names)]


def _regions(values: np.ndarray, word: str | None, names: dict[int, str]) -> list[Region]:
    if values.ndim == 3:
        if (values == values[:, :, :1]).all():
            return _regions(values[:, :, 0], word, names)
        validate(values)
        return [Region("skin", values[:, :, SKIN] == 255), Region("garment", values[:, :, GARMENT] == 255)]
    if word or (not names and set(np.unique(values).tolist()) <= {0, 255}):
        return [Region(word or "garment", values > 127 if int(values.max(initial=0)) > 1 else values > 0)]
    return regions_of(values, names)


def _is_mask(name: str) -> bool:
    return any(part.lower() in FOLDERS for part in PurePosixPath(name).parts[:-1])


def _word(name: str) -> str | None:
    """The folder between `masks` and the file, unless it is a part of the split."""
    parts = PurePosixPath(name).parts[:-1]
    place = max(k for k, part in enumerate(parts) if part.lower() in FOLDERS)
    words = [part for part in parts[place + 1 :] if not part_in(part)]
    return words[-1] if words else None


def _stem(name: str) -> str:
    return PurePosixPath(name).stem.removesuffix("_mask").removesuffix("-mask")
