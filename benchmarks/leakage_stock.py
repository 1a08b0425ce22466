"""What the benchmark's shops sell: garments photographed once, and near-duplicates planted among them.

In: photographs with their kinds, names of shops, a seed. Out: what each shop lists and since which season, its picture
files, and the truth of the planted pairs, which stays here: no page and no table says that two pictures are copies.
Summer clothes come in summer, so that seasons differ. Draws everything from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import leakage_looks as looks
from leakage_looks import Look
from PIL import Image

from dataset.blobs import sha256_of
from modiste.demo.goods import Picture, Product

SECOND = "second photo of a product"
VARIANT = "colour variant of a product"
RELISTED = "listed again in the shop, saved again"
COPIED = "copied by another shop: cropped to 4 %, resized, saved again"
REDRESSED = "the same photo in another shop's look"
SHARES = {SECOND: 0.30, VARIANT: 0.12, RELISTED: 0.15, COPIED: 0.15, REDRESSED: 0.08}
NEAR = (RELISTED, COPIED, REDRESSED)  # what dedup is for; the other two the shop's own pages tell
SEASONS = 6  # of two months each, from January
_SUMMER, _WINTER = {"shorts", "t-shirt", "dress", "skirt"}, {"outwear", "longsleeve", "pants", "shoes", "coat"}


@dataclass(frozen=True)
class Photo:
    path: Path
    kind: str


@dataclass(frozen=True)
class Planted:
    """A pair of pictures, by sha256, that must not lie on both sides of a split."""

    kind: str
    first: str
    second: str


@dataclass
class Stock:
    """`listed`: shop -> its products, each with the season it came in. `pairs` is the truth."""

    folder: Path
    looks: dict[str, Look]
    listed: dict[str, list[tuple[int, Product]]]
    pairs: list[Planted] = field(default_factory=list)


@dataclass(frozen=True)
class _Item:
    shop: str
    season: int
    sku: str
    kind: str


def make_stock(photos: list[Photo], shops: list[str], folder: Path, seed: int) -> Stock:
    """Photos dealt out to the shops in turn; copies of some of them beside."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    stock = Stock(folder, {shop: looks.look_of(shop, seed) for shop in shops}, {shop: [] for shop in shops})
    draw = Random(f"stock {seed} {shops}")
    for number, photo in enumerate(photos):
        item = _Item(shops[number % len(shops)], _season(photo.kind, draw), f"{number:05d}", photo.kind)
        _stock_one(stock, item, photo, draw)
    return stock


def _stock_one(stock: Stock, item: _Item, photo: Photo, draw: Random) -> None:
    with Image.open(photo.path) as file:
        image = file.convert("RGB")
    look, price = stock.looks[item.shop], _price(item)
    data = looks.dressed(image, look, price)
    planted = {kind for kind, share in SHARES.items() if draw.random() < share}
    first, pictures = sha256_of(data), [data]
    if SECOND in planted:
        pictures.append(looks.dressed(looks.detail(image, draw), look, price))
        stock.pairs.append(Planted(SECOND, first, sha256_of(pictures[1])))
    family = f"F{item.sku}" if VARIANT in planted else None
    _list(stock, item, pictures, family, "as shown")
    others = [shop for shop in stock.looks if shop != item.shop]
    later = replace(item, season=draw.randint(item.season, SEASONS - 1), sku=f"{draw.randrange(10**8):08d}")
    if VARIANT in planted:
        other = looks.dressed(looks.recoloured(image, draw), look, price)
        _plant(stock, VARIANT, first, replace(item, sku=f"{item.sku}V"), other, family)
    if RELISTED in planted:
        _plant(stock, RELISTED, first, later, looks.saved_again(data, draw, crop=0))
    if COPIED in planted:
        elsewhere = replace(later, shop=draw.choice(others), sku=f"{draw.randrange(10**8):08d}")
        _plant(stock, COPIED, first, elsewhere, looks.saved_again(data, draw, crop=0.04))
    if REDRESSED in planted:
        elsewhere = replace(later, shop=draw.choice(others), sku=f"{draw.randrange(10**8):08d}")
        _plant(stock, REDRESSED, first, elsewhere, looks.dressed(image, stock.looks[elsewhere.shop], price))


def _plant(stock: Stock, kind: str, first: str, item: _Item, data: bytes, family: str | None = None) -> None:
    stock.pairs.append(Planted(kind, first, sha256_of(data)))
    _list(stock, item, [data], family, "another colour")


def _list(stock: Stock, item: _Item, pictures: list[bytes], family: str | None, colour: str) -> None:
    shown = []
    for number, data in enumerate(pictures):
        path = stock.folder / "pictures" / f"{item.shop}-{item.sku}-{number}.jpg"
        path.write_bytes(data)
        shown.append(Picture(str(path), f"{item.kind} {number + 1}"))
    name = f"{item.kind.capitalize()} no. {item.sku}"
    product = Product(
        item.sku, name, item.shop.capitalize(), _price(item), None, "EUR", "InStock", colour if family else None,
        ("Clothing", item.kind), family, ("S", "M", "L"), f"One {item.kind}.", tuple(shown),
    )  # fmt: skip
    stock.listed[item.shop].append((item.season, product))


def _season(kind: str, draw: Random) -> int:
    """Summer clothes come thrice as often in May to September (seasons 2 to 4), winter clothes in the others."""
    warm = [1, 1, 3, 3, 3, 1] if kind in _SUMMER else [3, 3, 1, 1, 1, 3] if kind in _WINTER else [1] * SEASONS
    return draw.choices(range(SEASONS), warm)[0]


def _price(item: _Item) -> str:
    return f"{Random(item.sku).randint(12, 140)}.50"
