"""The demo shop's stock: products, their image files, and the annotator's folder beside them.

`build_drawn` draws every image; `build_photos` sells real photographs from where they lie. Both write `catalogue.json` last, so a
folder that has it is whole; building again returns it as it is. What the shop knows and what the annotator knows stay apart:
truth is in `annotations/` only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dataset.errors import UsageError
from dataset.progress import Progress, silent

VERSION = 1
FEWEST = 6
FILE = "catalogue.json"


@dataclass(frozen=True)
class Picture:
    """`file` is absolute, or relative to the catalogue's folder; `trouble` is '', 'missing', 'html' or 'noai'."""

    file: str
    alt: str
    trouble: str = ""


@dataclass(frozen=True)
class Product:
    """A product page. Prices are decimal strings; `trouble` is '' or 'noai' (opted out by header) or 'private' (disallowed)."""

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


def _product(row: dict[str, object]) -> Product:
    images = tuple(Picture(**picture) for picture in row.pop("images"))  # type: ignore[attr-defined]
    lists = {name: tuple(row.pop(name)) for name in ("category", "sizes")}  # type: ignore[call-overload]
    return Product(**row, **lists, images=images)  # type: ignore[arg-type]


def _already(out: Path, made_from: dict[str, object]) -> Catalogue | None:
    if not (out / FILE).exists():
        return None
    found = load(out)
    return found if found.made_from == made_from else None


def build_drawn(out: Path, *, products: int, seed: int, progress: Progress = silent) -> Catalogue:
    """Draw a shop of `products` product pages into `out`: same seed, same bytes. Raises UsageError below six products."""
    if products < FEWEST:
        raise UsageError(
            f"{products} products are too few", expected=f"{FEWEST} or more", cure="Ask for more products."
        )
    from modiste.demo.drawn import draw_stock
    from modiste.demo.troubles import plant

    out = out.absolute()
    made_from: dict[str, object] = {"kind": "drawn", "products": products, "seed": seed, "version": VERSION}
    ready = _already(out, made_from)
    if ready:
        return ready
    catalogue = Catalogue(out, "Modiste Atelier", plant(draw_stock(out, products, seed, progress)), made_from)
    catalogue.save()
    return catalogue


def build_photos(photos: Path, out: Path, *, limit: int | None, progress: Progress = silent) -> Catalogue:
    """Sell the photographs under `photos` (folders `street`, `wardrobe`); `limit` takes an even sample of both.

    Raises UsageError where neither folder is there, or `limit` is below six.
    """
    if limit is not None and limit < FEWEST:
        raise UsageError(f"a limit of {limit} is too small", expected=f"{FEWEST} or more", cure="Raise the limit.")
    from modiste.demo.photos import sell_photos
    from modiste.demo.troubles import plant

    out, photos = out.absolute(), photos.absolute()
    made_from: dict[str, object] = {"kind": "photos", "photos": str(photos), "limit": limit, "version": VERSION}
    ready = _already(out, made_from)
    if ready:
        return ready
    catalogue = Catalogue(out, "Modiste Archive", plant(sell_photos(photos, out, limit, progress)), made_from)
    catalogue.save()
    return catalogue
