"""Photographs to stock the shops with: single garments with their kind, each taken once.

In: the folder of photographs (`wardrobe/*/<class>/*.jpg`), or None: then garments are drawn (`modiste demo`'s). Out:
a seeded sample without pictures that are alike by hash already, since those would be copies that nobody planted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from leakage_stock import Photo
from PIL import Image

from dataset import quality
from dataset.duplicates import Looks, near_pairs
from dataset.hashes import parse, perceptual_hash
from modiste.demo.catalogue import build_drawn

VIEWS = 3  # of a drawn garment: two scenes and a packshot, each taken for a garment of its own
APART_BITS = 8  # beyond dedup's radius of 6, whatever the colours


def sample(data: Path | None, count: int, folder: Path, seed: int) -> list[Photo]:
    """`count` photos in a drawn order, or as many as there are."""
    found = sorted(_photographs(data) if data else _drawn(count, folder, seed), key=lambda photo: str(photo.path))
    Random(seed).shuffle(found)
    few = found[: round(count * 1.25) + 8]
    return [photo for photo, single in zip(few, _single(few), strict=True) if single][:count]


def _photographs(data: Path) -> Iterator[Photo]:
    for path in data.glob("wardrobe/*/*/*.jpg"):
        yield Photo(path, path.parent.name)


def _drawn(count: int, folder: Path, seed: int) -> Iterator[Photo]:
    catalogue = build_drawn(folder / "drawn", products=max(6, -(-count // VIEWS) + 3), seed=seed)
    for product in catalogue.products:
        for picture in product.images[:VIEWS]:
            yield Photo(catalogue.file_of(picture), product.category[-1])


def _single(photos: list[Photo]) -> list[bool]:
    """Whether each photo is like none before it."""
    hexes = []
    for photo in photos:
        with Image.open(photo.path) as image:
            hexes.append(perceptual_hash(quality.luma(np.asarray(image.convert("RGB")))))
    _, later, _ = near_pairs(Looks(parse(hexes)), radius=APART_BITS)
    return [number not in set(later.tolist()) for number in range(len(photos))]
