"""What people wear together: the pieces of each photo whose label map was kept, as garments and accessories.

In: a workspace with maps of labels (`modiste import` of a data set such as Clothing Co-Parsing). Out: `Outfit`s of
`Piece`s: the annotators' word, its family, where it is, its colour. Pieces of a few pixels are left out. Never names
who wears them, never writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from dataset.errors import DataError, EmptyError
from dataset.images import decode
from dataset.progress import Progress, counted, silent
from dataset.snapshot import items
from dataset.workspace import Workspace

GARMENTS: dict[str, tuple[str, ...]] = {
    "upper": ("blouse", "hoodie", "jumper", "shirt", "sweater", "sweatshirt", "t-shirt", "top", "longsleeve",
              "undershirt", "polo"),
    "lower": ("jeans", "leggings", "pants", "shorts", "skirt", "joggers"),
    "dress": ("dress", "romper", "bodysuit", "suit", "jumpsuit"),
    "outer": ("blazer", "cape", "cardigan", "coat", "jacket", "vest", "outwear"),
}  # fmt: skip
ACCESSORIES: dict[str, tuple[str, ...]] = {
    "bag": ("bag", "purse", "wallet"),
    "shoes": ("boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges"),
    "hat": ("hat",), "scarf": ("scarf",), "belt": ("belt",), "eyewear": ("glasses", "sunglasses"), "tie": ("tie",),
    "jewellery": ("bracelet", "earrings", "necklace", "ring", "watch"), "gloves": ("gloves",),
    "hosiery": ("socks", "stockings", "tights"),
}  # fmt: skip
FAMILY = {word: family for table in (GARMENTS, ACCESSORIES) for family, words in table.items() for word in words}
LEAST_GARMENT, LEAST_ACCESSORY = 0.01, 0.0006  # of the photo's pixels


@dataclass(frozen=True)
class Piece:
    """`box` is top, left, bottom, right in px; `lab` the median CIELAB of its pixels; `share` of the photo's pixels;
    `value` in the photo's label map."""

    sha256: str
    word: str
    value: int
    box: tuple[int, int, int, int]
    share: float
    lab: tuple[float, float, float]

    @property
    def family(self) -> str:
        return FAMILY[self.word]

    @property
    def is_garment(self) -> bool:
        return self.family in GARMENTS


@dataclass(frozen=True)
class Outfit:
    """One photo. `split` is None before `split`; pieces are sorted by word."""

    sha256: str
    split: str | None
    group: str
    size: tuple[int, int]
    pieces: tuple[Piece, ...]

    @property
    def garment(self) -> Piece | None:
        """The largest one."""
        return max((each for each in self.pieces if each.is_garment), key=lambda piece: piece.share, default=None)

    @property
    def accessories(self) -> tuple[Piece, ...]:
        return tuple(each for each in self.pieces if not each.is_garment)


def rows_with_words(ws: Workspace) -> list[dict[str, str]]:
    """Rows of the data set that have a map of labels, by sha256. Raises EmptyError where none has."""
    found = [row for row in items(ws).to_pylist() if row["words_sha256"] and row["words_names"]]
    if not found:
        raise EmptyError(
            "no photo says what its pieces are", where=str(ws.root),
            cure="Import a data set with labelled pixels: modiste import street FOLDER",
        )  # fmt: skip
    return found


def read_outfits(ws: Workspace, progress: Progress = silent) -> Iterator[tuple[Outfit, np.ndarray, np.ndarray]]:
    """Each outfit with its photo, (H, W, 3) uint8, and its label map, (H, W) uint8. A photo whose bytes are gone or
    whose map has another size is passed by."""
    rows = rows_with_words(ws)
    for row in counted(rows, len(rows), progress):
        try:
            rgb, labels = decode(ws.blobs.get(row["sha256"])).rgb, decode(ws.blobs.get(row["words_sha256"])).rgb[..., 0]
        except DataError:
            continue
        if labels.shape == rgb.shape[:2]:
            names = {int(value): word for value, word in json.loads(row["words_names"]).items()}
            yield outfit_of(row, rgb, labels, names), rgb, labels


def outfit_of(row: Mapping[str, str], rgb: np.ndarray, labels: np.ndarray, names: Mapping[int, str]) -> Outfit:
    """`row` has sha256, split and group_id."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    pieces = [
        piece
        for value, word in sorted(names.items(), key=lambda pair: pair[1])
        if word in FAMILY and (piece := _piece(row["sha256"], word, value, lab, labels == value))
    ]
    return Outfit(row["sha256"], row["split"], row["group_id"] or row["sha256"], rgb.shape[:2], tuple(pieces))


def _piece(sha256: str, word: str, value: int, lab: np.ndarray, mask: np.ndarray) -> Piece | None:
    share = float(mask.mean())
    if share < (LEAST_GARMENT if FAMILY[word] in GARMENTS else LEAST_ACCESSORY):
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    light, green_red, blue_yellow = (float(each) for each in np.median(lab[mask], axis=0))
    return Piece(sha256, word, value, box, share, (light, green_red, blue_yellow))
