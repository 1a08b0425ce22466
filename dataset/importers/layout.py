"""What a reader of a layout hands to the writer: one `Record` an image, whose regions are drawn when asked for.

Masks are (H, W) bool at the image's displayed size (EXIF orientation applied). Names are POSIX paths relative to the
layout's folder, exactly as its annotation files give them: whether one may be opened is `root.Root`'s to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from dataset.errors import DataError

Size: TypeAlias = tuple[int, int]  # (height, width), px


@dataclass(frozen=True)
class Region:
    """All pixels of one object; `word` is the file's own name for it. Holes and disjoint parts are just pixels."""

    word: str
    mask: np.ndarray


@dataclass(frozen=True)
class Record:
    """One image of a layout.

    `words` are (field, word) of the whole image. `seen` are words of objects in it, whether drawn or only boxed.
    `draw` gets the image's size and gives its regions; it raises DataError where the annotation is of another size or
    can't be read. `split` is the layout's own word; `product` an id inside the store; `named_by` the annotation file.
    `words_from_regions`: the words seen are known only once the regions are drawn (label maps).
    `all_person`: everything labelled is the person (labels of whole outfits, such as street's).
    """

    name: str
    words: tuple[tuple[str, str], ...] = ()
    seen: tuple[str, ...] = ()
    draw: Callable[[Size], Sequence[Region]] | None = None
    split: str | None = None
    product: str | None = None
    named_by: str = ""
    all_person: bool = False
    words_from_regions: bool = False


def unreadable(name: str, error: DataError, *, split: str | None = None, named_by: str = "") -> Record:
    """An image whose own annotation file can't be read: it is brought in, and its mask becomes a bad row."""

    def draw(size: Size) -> Sequence[Region]:
        raise error

    return Record(name, draw=draw, split=split, named_by=named_by)


@dataclass(frozen=True)
class Layout:
    """All records, in a stable order. `notes` counts what the tables have no place for: boxes, remote images, …"""

    records: Sequence[Record]
    notes: Counter[str] = field(default_factory=Counter)
