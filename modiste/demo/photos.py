"""Sells real photographs: `street` (people, with pixel labels) and `wardrobe` (single garments in class folders).

The street label maps play the annotator: person is every label above 0, garment the clothes among them. Photos stay
where they lie.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from dataset.blobs import sha256_of
from dataset.errors import DataError, UsageError
from dataset.progress import Progress, counted
from modiste.demo.annotator import write_cutout, write_table
from modiste.demo.goods import Picture, Product

CLOTHES = frozenset(
    [
        "blazer",
        "blouse",
        "bodysuit",
        "bra",
        "cape",
        "cardigan",
        "coat",
        "dress",
        "hoodie",
        "intimate",
        "jacket",
        "jeans",
        "jumper",
        "leggings",
        "panties",
        "pants",
        "romper",
        "shirt",
        "shorts",
        "skirt",
        "stockings",
        "suit",
        "sweater",
        "sweatshirt",
        "swimwear",
        "t-shirt",
        "tights",
        "top",
        "vest",
    ]
)
Split = tuple[str, str]
PARTS = ("train", "validation", "test")
OF_EACH_PART = 3


def _sample(files: list[Path], count: int, part_of: Callable[[Path], str]) -> list[Path]:
    """`count` of the files, in their order, the same each time. Not every k-th: the split goes by photo number.

    A small sample still has `OF_EACH_PART` of train, validation and test, or no model could be chosen or judged.
    """

    def place(path: Path) -> str:
        return sha256_of(f"{path.parent.name}/{path.name}".encode())

    ordered = sorted(files, key=place)
    chosen, rest = ordered[:count], ordered[count:]
    for part in PARTS:
        lacking = min(OF_EACH_PART, count // len(PARTS)) - sum(part_of(path) == part for path in chosen)
        for path in islice((each for each in rest if part_of(each) == part), max(0, lacking)):
            common = Counter(map(part_of, chosen)).most_common(1)[0][0]
            chosen.remove(next(each for each in reversed(chosen) if part_of(each) == common))
            chosen.append(path)
    kept = set(chosen)
    return [path for path in files if path in kept]


def _street_part(path: Path) -> str:
    return {0: "test", 1: "validation"}.get(int(path.stem) % 5, "train")


def _wardrobe_part(path: Path) -> str:
    """Its own validation part; a tenth of its train part, by the files' bytes, is the test part."""
    if path.parent.parent.name == "validation":
        return "validation"
    return "test" if int(sha256_of(path.read_bytes())[:8], 16) % 10 == 0 else "train"


def _shares(sizes: list[int], limit: int | None) -> list[int]:
    if limit is None:
        return sizes
    first = min(limit // 2, sizes[0]) if sizes[1] else min(limit, sizes[0])
    return [first, min(limit - first, sizes[1])]


def sell_photos(photos: Path, out: Path, limit: int | None, progress: Progress) -> tuple[Product, ...]:
    street = sorted((photos / "street" / "photos").glob("*.jpg"))
    wardrobe = sorted((photos / "wardrobe").glob("*/*/*.jpg"))
    if not street and not wardrobe:
        raise UsageError(
            "no photographs here",
            where=str(photos),
            expected="street/photos/*.jpg or wardrobe/*/<class>/*.jpg",
            cure="Give the folder that holds `street` and `wardrobe`.",
        )
    from_street, from_wardrobe = _shares([len(street), len(wardrobe)], limit)
    chosen = [
        *_sample(street, from_street, _street_part),
        *_sample(wardrobe, from_wardrobe, _wardrobe_part),
    ]
    names = _label_names(photos) if street else {}
    out.mkdir(parents=True, exist_ok=True)
    splits: list[Split] = []
    truth: list[tuple[str, str, str]] = []
    made = []
    for path in counted(chosen, len(chosen), progress):
        if path.is_relative_to(photos / "street"):
            made.append(_street(path, out, names, splits, truth))
        else:
            made.append(_wardrobe(path, splits, truth))
    write_table(out / "annotations" / "splits.csv", ("sha256", "split"), splits)
    write_table(out / "annotations" / "truth.csv", ("sha256", "field", "value"), truth)
    return tuple(made)


def _label_names(photos: Path) -> dict[int, str]:
    path = photos / "street" / "labels.json"
    try:
        return {int(value): name for value, name in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError) as problem:
        raise DataError(
            "the label names can't be read", where=str(path), cure=f"Fetch the folder again ({problem})."
        ) from problem


def _street(
    path: Path, out: Path, names: dict[int, str], splits: list[Split], truth: list[tuple[str, str, str]]
) -> Product:
    data = path.read_bytes()
    sha256 = sha256_of(data)
    labels = np.asarray(Image.open(path.parent.parent / "labels" / f"{path.stem}.png"))
    pixels = np.asarray(Image.open(path).convert("RGB"))
    if labels.shape != pixels.shape[:2]:
        raise DataError(
            "photo and labels differ in size", where=str(path), expected=f"{labels.shape}", cure="Fetch the pair again."
        )
    garment = np.isin(labels, [value for value, name in names.items() if name in CLOTHES])
    for kind, mask in (("person", labels > 0), ("garment", garment)):
        write_cutout(out / "annotations", sha256, kind, pixels, mask)
    splits.append((sha256, _street_part(path)))
    seen = Counter(
        {
            names[int(v)]: int(n)
            for v, n in zip(*np.unique(labels, return_counts=True), strict=True)
            if names.get(int(v)) in CLOTHES
        }
    )
    worn = [name for name, _ in seen.most_common(2)]
    truth += [(sha256, "worn", name) for name in seen] + [(sha256, "view", "scene")]
    title = f"Street look {path.stem}: {' and '.join(worn) or 'outfit'}"
    picture = Picture(str(path), title)
    return _priced(
        f"ST-{path.stem}",
        title,
        ("street", worn[0] if worn else "outfit"),
        picture,
        f"Seen on the street: {', '.join(seen) or 'an outfit'}.",
    )


def _wardrobe(path: Path, splits: list[Split], truth: list[tuple[str, str, str]]) -> Product:
    sha256, kind = sha256_of(path.read_bytes()), path.parent.name
    splits.append((sha256, _wardrobe_part(path)))
    truth += [(sha256, "type", kind), (sha256, "view", "packshot")]
    title = f"{kind.capitalize()} no. {sha256[:6]}"
    return _priced(
        f"WR-{sha256[:10]}", title, ("wardrobe", kind), Picture(str(path), title), f"One {kind}, photographed at home."
    )


def _priced(sku: str, title: str, category: tuple[str, ...], picture: Picture, description: str) -> Product:
    price = f"{Random(sku).randint(12, 140)}.50"
    return Product(
        sku,
        title,
        "Archive",
        price,
        None,
        "EUR",
        "InStock",
        None,
        category,
        None,
        ("S", "M", "L"),
        description,
        (picture,),
    )
