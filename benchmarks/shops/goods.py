"""The goods every shop system is filled with: 120 invented garments and their drawn pictures.

Comes in: a folder. Goes out: `goods.json` and `pictures/NNN-P.jpg` (900 x 1200) there, the same bytes in every run.
It holds what real catalogues hold: sizes as variants, colours as products of their own, sold
out goods, goods that can't be bought, goods without a picture, categories four deep. Never says what a shop made of
it: that is read from the shop's own database.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

COUNT = 120
BRANDS = ("Fennel & Rye", "Northgate", "Maison Alder", "Kestrel")
COLOURS = ("Ecru", "Petrol Blue", "Rust", "Black", "Sage")
CUTS = (
    "Juniper",
    "Marlow",
    "Isla",
    "Aster",
    "Rowan",
    "Celeste",
    "Linden",
    "Wren",
    "Odette",
    "Sorrel",
    "Briar",
    "Hollis",
)
KINDS = (
    ("Midi Dress", ("Women", "Clothing", "Dresses", "Midi")),
    ("Wool Coat", ("Women", "Clothing", "Coats")),
    ("Oxford Shirt", ("Men", "Clothing", "Shirts")),
    ("Pleated Skirt", ("Women", "Clothing", "Skirts")),
    ("Cord Trousers", ("Men", "Clothing", "Trousers", "Cord")),
    ("Knit Jumper", ("Men", "Knitwear")),
    ("Canvas Tote", ("Accessories", "Bags")),
    ("Leather Belt", ("Accessories", "Belts")),
)  # fmt: skip


@dataclass(frozen=True)
class Good:
    """`price` is a decimal string without currency; `stock` counts pieces; `sizes` maps a size to its
    price; `pictures` are files. Products of one `group` differ in colour alone.
    """

    sku: str
    slug: str
    name: str
    brand: str
    price: str
    stock: int
    purchasable: bool
    colour: str
    sizes: dict[str, str]
    category: tuple[str, ...]
    description: str
    pictures: tuple[str, ...]
    group: str


def goods(folder: Path) -> list[Good]:
    """Make `folder/goods.json` and the pictures, or the same goods again where they are."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    made = [_good(number, folder / "pictures") for number in range(COUNT)]
    (folder / "goods.json").write_text(json.dumps([asdict(good) for good in made], indent=1, ensure_ascii=False))
    return made


def _good(number: int, pictures: Path) -> Good:
    rng = Random(f"good {number}")
    model, colour = divmod(number, 3)  # three colours of each model, each a product of its own
    kind, category = KINDS[model % len(KINDS)]
    name = f"{CUTS[model % len(CUTS)]} {kind} {COLOURS[(model + colour) % len(COLOURS)]}"
    cents = rng.randrange(1_500, 28_000, 50) + 45 * (number % 2)
    shown = 0 if number % 24 == 11 else 1 + number % 4
    files = [pictures / f"{number:03d}-{place}.jpg" for place in range(shown)]
    for file in files:
        draw(file)
    sizes = {size: cents + (500 * place if number % 8 == 1 else 0) for place, size in enumerate("SML")}
    return Good(
        f"GD-{1000 + number}", f"{name.lower().replace(' ', '-')}-{number}", name, BRANDS[model % len(BRANDS)],
        _decimal(cents),
        0 if number % 9 == 4 else 3 + number % 7, number % 20 != 7, COLOURS[(model + colour) % len(COLOURS)],
        {size: _decimal(price) for size, price in sizes.items()} if number % 4 == 1 else {}, category,
        f"The {name.lower()} is cut in our own workshop from cloth woven {rng.randrange(3, 90)} miles away.",
        tuple(str(file) for file in files), f"model-{model}",
    )  # fmt: skip


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def draw(file: Path) -> None:
    """A picture that no other of the goods resembles: a patchwork of 4 x 5 patches seeded by the file's name."""
    if file.exists():
        return
    rng = Random(file.name)
    picture = Image.new("RGB", (900, 1200), "#efece6")
    pen = ImageDraw.Draw(picture)
    for across in range(4):
        for down in range(5):
            shade = tuple(rng.randrange(20, 236) for _ in range(3))
            pen.rectangle((across * 225, down * 240, across * 225 + 224, down * 240 + 239), fill=shade)
    picture.save(file, "JPEG", quality=90)
