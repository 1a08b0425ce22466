"""What a page yields: its kind and its products, as values with the source of each field.

`Product` has the fields of the `products` table that a page can say; `source` maps field -> [origin, confidence in
(0, 1]]. Origins: json-ld, microdata, rdfa, state, opengraph, selector, visible. Prices are decimal strings,
currency ISO 4217, texts plain.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

EXTRACTOR = "modiste.extract/2"
Kind = Literal["product", "listing", "article", "other"]


@dataclass(frozen=True)
class Product:
    """`key` is the SKU if the page has one, else the canonical URL; lists are in the page's own order."""

    key: str
    url: str
    name: str | None = None
    brand: str | None = None
    price: str | None = None
    list_price: str | None = None
    currency: str | None = None
    availability: str | None = None
    categories: list[str] = field(default_factory=list)
    colour: str | None = None
    sizes: list[str] = field(default_factory=list)
    sku: str | None = None
    gtin: str | None = None
    mpn: str | None = None
    variant_group: str | None = None
    variants: list[dict[str, Any]] = field(default_factory=list)
    description: str | None = None
    images: list[str] = field(default_factory=list)
    licence: str | None = None
    source: dict[str, list[Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, without what is empty."""
        return {k: v for k, v in asdict(self).items() if v not in (None, [], {})}


@dataclass(frozen=True)
class Page:
    """`products` is empty unless `kind` is product."""

    kind: Kind
    url: str
    products: list[Product]
