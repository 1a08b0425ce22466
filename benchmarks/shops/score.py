"""Coverage: what a crawl wrote, held against what the shop's database lists.

In: `Listed` pages, rows of `products`, the images fetched for each product_id. Out: a `Score` of counts (they add up,
ratios don't) with the pages that were missed and the fields that are wrong, each by its path. Pure: reads no table.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import sqrt
from typing import Any
from urllib.parse import unquote, urlsplit

from shops.pictures import Seen, which
from shops.truth import Listed

Row = Mapping[str, Any]
FIELDS = ("name", "price", "list_price", "currency", "availability")


@dataclass
class Tally:
    """Of the values compared: right, wrong, and unsaid (the shop has one, the row is null)."""

    right: int = 0
    wrong: int = 0
    unsaid: int = 0

    @property
    def of(self) -> int:
        return self.right + self.wrong + self.unsaid


@dataclass
class Score:
    """Counts of one shop. `strangers` are rows of pages the shop lists no product at; `twice` rows beyond one a page,
    and images beyond one a picture; `foreign` images that are none of the product's own; `full` those at full width.
    """

    listed: int = 0
    found: int = 0
    variants_listed: int = 0
    variants_found: int = 0
    twice: int = 0
    pictures_listed: int = 0
    pictures_found: int = 0
    pictures_full: int = 0
    pictures_twice: int = 0
    pictures_foreign: int = 0
    fields: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in FIELDS})
    missed: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def score(
    listed: Iterable[Listed], rows: Sequence[Row], listed_images: Mapping[str, Seen], fetched: Mapping[str, list[Seen]]
) -> Score:
    """`listed_images`: picture file -> its image; `fetched`: product_id -> images that were fetched for it."""
    total, by_path = Score(), defaultdict(list)
    for row in rows:
        by_path[path_of(row["url"])].append(row)
    pages = list(listed)
    known = {path_of(page.path) for page in pages}
    total.strangers = sorted(path for path in by_path if path not in known)
    within = {variant.get("sku") for row in rows for variant in json.loads(row.get("variants") or "[]")}
    for page in pages:
        of_page = by_path.get(path_of(page.path), [])
        total.twice += max(0, len(of_page) - 1)
        if page.variant_of:
            total.variants_listed += 1
            total.variants_found += bool(of_page) or page.sku in within
        else:
            _product(total, page, of_page, listed_images, fetched)
    return total


def _product(
    total: Score,
    page: Listed,
    rows: Sequence[Row],
    listed_images: Mapping[str, Seen],
    fetched: Mapping[str, list[Seen]],
) -> None:
    total.listed += 1
    pictures = [listed_images[file] for file in page.pictures]
    total.pictures_listed += len(pictures)
    if not rows:
        total.missed.append(page.path)
        return
    total.found += 1
    for name in FIELDS:
        _field(total, page, rows[0], name)
    _pictures(total, page, pictures, [image for row in rows for image in fetched.get(row["product_id"], [])])


def _field(total: Score, page: Listed, row: Row, name: str) -> None:
    wanted, got, tally = getattr(page, name), row.get(name), total.fields[name]
    if same(name, wanted, got):
        tally.right += 1
    elif got is None:
        tally.unsaid += 1
    else:
        tally.wrong += 1
    if not same(name, wanted, got):
        total.wrong.append(f"{page.path}: {name} {wanted!r}, got {got!r}")


def _pictures(total: Score, page: Listed, pictures: list[Seen], images: list[Seen]) -> None:
    widest: dict[int, int] = {}
    for image in images:
        place = which(image, pictures)
        if place is None:
            total.pictures_foreign += 1
            continue
        total.pictures_twice += place in widest
        widest[place] = max(image.width, widest.get(place, 0))
    total.pictures_found += len(widest)
    total.pictures_full += sum(width >= pictures[place].width for place, width in widest.items())
    if len(widest) < len(pictures):
        total.wrong.append(f"{page.path}: {len(widest)} of {len(pictures)} pictures")


def same(name: str, wanted: str | None, got: str | None) -> bool:
    """Prices as numbers, names without regard to spacing; where nothing can be bought, all but InStock is right."""
    if name == "availability" and wanted is None:
        return got != "InStock"
    if wanted is None or got is None:
        return wanted == got
    if name in ("price", "list_price"):
        try:
            return Decimal(wanted) == Decimal(got)
        except InvalidOperation:
            return False
    return " ".join(wanted.split()) == " ".join(got.split())


def path_of(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/") or "/"


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), in [0, 1]."""
    if of == 0:
        return 0.0, 1.0
    z, p = 1.959964, right / of
    middle, half = p + z * z / (2 * of), z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))
