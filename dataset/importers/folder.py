"""Folder per class: `<class>/*.jpg`, or `<split>/<class>/*.jpg`. The folder's name is the word; images outside any
folder have none."""

from __future__ import annotations

from pathlib import PurePosixPath

from dataset.importers.given import PART_OF
from dataset.importers.layout import Layout, Record
from dataset.importers.root import Root


def read(root: Root) -> Layout:
    """Every image below the folder; deeper folders count as their class, the nearest one."""
    return Layout([record_of(name) for name in root.need(root.images, "images")])


def record_of(name: str) -> Record:
    folders = PurePosixPath(name).parts[:-1]
    split = folders[0] if folders and folders[0].lower() in PART_OF else None
    classes = folders[1:] if split else folders
    return Record(name, words=(("type", classes[-1]),) if classes else (), split=split)
