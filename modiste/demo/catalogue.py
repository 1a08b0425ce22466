"""The demo shop's stock: products, their image files, and the annotator's folder beside them.

`build_drawn` draws every image; `build_photos` sells real photographs from where they lie. Both write
`catalogue.json` last, so a folder that has it is whole; building again returns it as it is. What the shop knows
and what the annotator knows stay apart: truth is in `annotations/` only.
"""

from __future__ import annotations

from pathlib import Path

from dataset.errors import UsageError
from dataset.progress import Progress, silent
from modiste.demo.goods import FILE, VERSION, Catalogue, Picture, Product, load

__all__ = ["Catalogue", "Picture", "Product", "build_drawn", "build_photos", "load"]

FEWEST = 6


def _already(out: Path, made_from: dict[str, object]) -> Catalogue | None:
    if not (out / FILE).exists():
        return None
    found = load(out)
    return found if found.made_from == made_from else None


def build_drawn(out: Path, *, products: int, seed: int, progress: Progress = silent) -> Catalogue:
    """Draw a shop of `products` product pages into `out`: same seed, same bytes. Raises UsageError below six
    products.
    """
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
