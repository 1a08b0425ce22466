"""The project's own demo shop as one more system: 120 drawn products; its catalogue is the truth.

What its robots.txt disallows and what is opted out of training is not listed: a crawl for training that brings it is
wrong. Needs nothing but the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modiste.demo.catalogue import Catalogue, build_drawn
from modiste.demo.store import DemoStore
from shops.truth import Listed, System

PRODUCTS, SEED = 120, 7


def _catalogue(folder: Path) -> Catalogue:
    return build_drawn(folder, products=PRODUCTS, seed=SEED)


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _catalogue(folder)


@contextmanager
def _serve(folder: Path, port: int, url: str) -> Iterator[None]:
    store = DemoStore(_catalogue(folder), port=port)
    store.shop.url = url
    with store:
        yield


def _listed(folder: Path) -> list[Listed]:
    catalogue = _catalogue(folder)
    return [
        Listed(
            product.path, product.name, product.price, product.currency, product.availability,
            tuple(str(catalogue.file_of(p)) for p in product.images if not p.trouble and not product.trouble),
            product.sku,
            list_price=product.list_price,
        )
        for product in catalogue.products
        if product.trouble != "private"
    ]  # fmt: skip


DEMO = System("Modiste demo", "1", _prepare, _serve, _listed)
