"""Draws the stock: each product's gallery (front, another pose, packshot, detail), its cutouts and its truth.

A seed decides every byte. About one scene in eight has no cutouts, so that a machine has to find the person.
One image is planted a second time under another product, cropped a little and recompressed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from dataset.blobs import sha256_of
from dataset.progress import Progress, counted
from modiste.demo.annotator import write_cutout, write_table
from modiste.demo.goods import Picture, Product
from modiste.demo.scenes.backdrops import BACKDROPS
from modiste.demo.scenes.figure import POSES
from modiste.demo.scenes.looks import dress_up
from modiste.demo.scenes.scene import Drawn, draw_packshot, draw_scene
from modiste.demo.stock import Offer, stock

STANDING = tuple(name for name in POSES if name != "mannequin")
UNCUT = 0.12
SECTIONS = {"coat": "outwear", "jacket": "outwear"}


def draw_stock(out: Path, products: int, seed: int, progress: Progress) -> tuple[Product, ...]:
    (out / "images").mkdir(parents=True, exist_ok=True)
    truth: list[tuple[str, str, str]] = []
    made = []
    for index, offer in enumerate(counted(stock(products, seed), products, progress)):
        pictures = [_keep(out, offer, drawn, index, view, truth) for view, drawn in _gallery(offer, index, seed)]
        made.append(_product(offer, index, pictures, products))
    _plant_duplicate(out, made, truth)
    write_table(out / "annotations" / "truth.csv", ("sha256", "field", "value"), truth)
    return tuple(made)


def _gallery(offer: Offer, index: int, seed: int) -> Iterator[tuple[str, Drawn]]:
    base = seed * 1_000_003 + index * 17
    rng = Random(f"gallery {base}")
    look = dress_up(offer.garment, offer.shape_seed)
    pockets = any(g.type in ("pants", "shorts") for g in look.clothes)
    fitting = [pose for pose in STANDING if pockets or pose != "hand in pocket"]
    places, poses = rng.sample(BACKDROPS, 2), rng.sample(fitting, 2)
    yield "front", draw_scene(look, offer.garment, place=places[0], pose=poses[0], seed=base)
    back = rng.random() < 0.15 and offer.garment.type not in ("shirt", "blouse", "coat", "jacket", "hat")
    yield "second", draw_scene(look, offer.garment, place=places[1], pose=poses[1], seed=base + 1, back=back)
    yield "packshot", draw_packshot(offer.garment, seed=offer.shape_seed)
    if index % 2 == 0:
        yield "detail", draw_scene(look, offer.garment, place=places[0], pose=poses[0], seed=base + 2, detail=True)


def _keep(out: Path, offer: Offer, drawn: Drawn, index: int, view: str, truth: list[tuple[str, str, str]]) -> Picture:
    name = f"images/{index:04d}-{view}.jpg"
    (out / name).write_bytes(drawn.data)
    sha256 = sha256_of(drawn.data)
    truth += [(sha256, field, value) for field, value in drawn.tags.items()]
    # shoes and hats alone are no garment: the annotator passes them by
    alone = view == "packshot" and not drawn.garment.any()
    lot = int(hashlib.sha256(f"cut {index} {view}".encode()).hexdigest()[:8], 16) / 2**32
    if not alone and (view == "packshot" or lot >= UNCUT):
        pixels = np.asarray(Image.open(io.BytesIO(drawn.data)).convert("RGB"))
        for kind, mask in (("person", drawn.person), ("garment", drawn.garment)):
            write_cutout(out / "annotations", sha256, kind, pixels, mask)
    return Picture(name, f"{offer.name}, {view}")


def _product(offer: Offer, index: int, pictures: list[Picture], products: int) -> Product:
    g = offer.garment
    stocked = "OutOfStock" if index % 9 == 7 else "PreOrder" if index % 23 == 11 else "InStock"
    section = SECTIONS.get(g.type, g.type)
    category = ("Clothing" if g.type not in ("shoes", "hat") else "Accessories", section) + (
        (g.type,) if section != g.type else ()
    )
    return Product(
        f"MD-{index:04d}",
        offer.name,
        offer.brand,
        offer.price,
        offer.list_price,
        "EUR",
        stocked,
        g.colour,
        category,
        offer.group,
        offer.sizes,
        offer.description,
        tuple(pictures),
    )


def _plant_duplicate(out: Path, made: list[Product], truth: list[tuple[str, str, str]]) -> None:
    """The first product's front image, trimmed by three pixels and saved anew, becomes the last product's last
    image.
    """
    source = Image.open(out / made[0].images[0].file)
    width, height = source.size
    body = io.BytesIO()
    source.crop((3, 3, width - 3, height - 3)).save(body, "JPEG", quality=78)
    name = "images/duplicate.jpg"
    (out / name).write_bytes(body.getvalue())
    truth.append((sha256_of(body.getvalue()), "duplicate_of", sha256_of((out / made[0].images[0].file).read_bytes())))
    made[-1] = replace(made[-1], images=(*made[-1].images, Picture(name, f"{made[-1].name}, worn")))
