"""`wardrobe`, clothing-dataset-small (CC0): `train|validation/<class>/*.jpg`, ten classes.

Its published parts are train and validation; a fixed tenth of train, by the sha256 of the file, is the test part.
"""

from __future__ import annotations

from dataclasses import replace

from dataset.blobs import sha256_of
from dataset.importers.folder import record_of
from dataset.importers.layout import Layout, Record
from dataset.importers.root import Root


def read(root: Root) -> Layout:
    names = [name for name in root.images if name.split("/")[0] in ("train", "validation")]
    return Layout([_with_test(root, record_of(name)) for name in root.need(names, "train/<class>/*.jpg")])


def _with_test(root: Root, record: Record) -> Record:
    if record.split != "train":
        return record
    tenth = int(sha256_of(root.read(record.name))[:8], 16) % 10 == 0
    return replace(record, split="test" if tenth else "train")
