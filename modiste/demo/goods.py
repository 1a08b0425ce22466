"""What the demo shop is made of: products, their pictures, the catalogue that holds them and its JSON form.

Prices are decimal strings. Knows nothing of drawing, photographs or HTTP.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dataset.errors import UsageError

VERSION = 1
FILE = "catalogue.json"


@dataclass(frozen=True)
class Picture:
    """`file` is absolute, or relative to the catalogue's folder; `trouble` is '', 'missing', 'html' or 'noai'."""

    file: str
    alt: str
    trouble: str = ""


@dataclass(frozen=True)
class Product:
    """A product page. Prices are decimal strings; `trouble` is '' or 'noai' (opted out by header) or 'private'
    (disallowed).
    """

    sku: str
    name: str
    brand: str
    price: str
    list_price: str | None
    currency: str
    availability: str
    colour: str | None
    category: tuple[str, ...]
    variant_group: str | None
    sizes: tuple[str, ...]
    description: str
    images: tuple[Picture, ...]
    trouble: str = ""

    @property
    def path(self) -> str:
        return f"/{'private' if self.trouble == 'private' else 'product'}/{self.sku.lower()}"


@dataclass(frozen=True)
class Catalogue:
    """`root` is the folder that holds it; `made_from` the arguments it was built with."""

    root: Path
    title: str
    products: tuple[Product, ...]
    made_from: dict[str, object] = field(default_factory=dict)

    @property
    def annotations(self) -> Path:
        return self.root / "annotations"

    def file_of(self, picture: Picture) -> Path:
        return self.root / picture.file

    def line(self) -> str:
        images = sum(not p.trouble for product in self.products for p in product.images)
        return f"{len(self.products)} products with {images} images to show"

    def save(self) -> None:
        body = {
            "version": VERSION,
            "title": self.title,
            "made_from": self.made_from,
            "products": [asdict(p) for p in self.products],
        }
        target = self.root / FILE
        draft = target.with_suffix(".part")
        draft.write_text(json.dumps(body, indent=1, ensure_ascii=False), encoding="utf-8")
        draft.replace(target)


def load(root: Path) -> Catalogue:
    """A saved catalogue; UsageError where there is none or another version's."""
    try:
        body = json.loads((root / FILE).read_text(encoding="utf-8"))
        if body["version"] != VERSION:
            raise ValueError(f"version {body['version']}")
        products = tuple(_product(row) for row in body["products"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UsageError(
            "no usable catalogue", where=str(root / FILE), cure=f"Build it again ({problem})."
        ) from problem
    return Catalogue(root, body["title"], products, body["made_from"])


def _product(row: dict[str, Any]) -> Product:
    images = tuple(Picture(**picture) for picture in row["images"])
    return Product(**{**row, "images": images, "category": tuple(row["category"]), "sizes": tuple(row["sizes"])})
