"""The same product in another shop: pairs of products whose pictures are so near that they show one thing.

In: an index, a threshold. Out: `Match`es across stores, the surest first, and a CSV. The threshold is chosen for
precision on planted copies (benchmarks/similar_match.py), for the encoder named in `SAME`; another colour of the cut
is no match unless told. Learned projections are not used: they bring one kind of garment together, copies or not.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from dataset.blobs import write_atomically
from dataset.colour_signature import chroma_apart, parse_grids
from dataset.errors import EmptyError, UsageError
from dataset.progress import Progress, silent
from dataset.similar import Index, open_index
from dataset.similar_projection import MARK
from dataset.workspace import Workspace

SAME = {"tf_efficientnet_lite0-256-flips": 0.91}  # cosine; of the encoder's name, what stands before its fingerprint
CHROMA = 20.0  # largest difference of a cell's (a, b), CIELAB: shops' lights differ by less, colour variants by more


@dataclass(frozen=True)
class Match:
    """A pair of products of two stores. `similarity` is the cosine of their nearest pictures (`picture`,
    `other_picture`); `colours` is same, differ or unknown; prices are decimal strings as told."""

    store: str
    product_id: str
    title: str | None
    price: str | None
    currency: str | None
    url: str | None
    other_store: str
    other_product_id: str
    other_title: str | None
    other_price: str | None
    other_currency: str | None
    other_url: str | None
    similarity: float
    colours: str
    picture: str
    other_picture: str


@dataclass(frozen=True)
class MatchResult:
    """All pairs found among `products` products of `stores` stores."""

    encoder: str
    threshold: float
    products: int
    stores: int
    matches: tuple[Match, ...]
    csv: str = ""

    def line(self) -> str:
        told = f"{len(self.matches)} pairs of products at {self.threshold:g} or nearer"
        return f"{told}, among {self.products} products of {self.stores} shops, by {self.encoder}" + (
            f"; {self.csv}" if self.csv else ""
        )


def match(
    ws: Workspace,
    *,
    encoder: str | None = None,
    threshold: float | None = None,
    any_colour: bool = False,
    progress: Progress = silent,
) -> MatchResult:
    """Pairs of products across stores. Raises EmptyError where fewer than two stores have vectors, UsageError for an
    encoder without a threshold of its own and none given."""
    index = open_index(ws, encoder)
    index = open_index(ws, index.base) if MARK in index.encoder else index
    least = _threshold(index, threshold)
    stores = set(index.rows.column("store"))
    if len(stores) < 2:
        raise EmptyError("fewer than two shops have pictures with vectors", where=str(ws.root), cure="Crawl another")
    best: dict[tuple[int, int], tuple[float, int, int, str]] = {}
    pairs = _Pairs(index, any_colour)
    names = index.rows.sha256
    for start in range(0, len(names), 1024):
        few = names[start : start + 1024]
        for place, other, score in index.pairs_above(index.vectors_of(few), least):
            pairs.add(best, int(index.rows.images[start + place]), other, score)
        progress(min(start + 1024, len(names)), len(names))
    found = sorted(best.values(), key=lambda each: (-each[0], each[1:3]))
    products = len({key for key in pairs.product if key is not None})
    told = tuple(_told(index, *each) for each in found)
    return MatchResult(index.encoder, least, products, len(stores), told)


def write_csv(result: MatchResult, path: Path) -> None:
    """The pairs, one a line, with a heading even where there are none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=[each.name for each in fields(Match)])
    writer.writeheader()
    writer.writerows(asdict(each) for each in result.matches)
    write_atomically(path, text.getvalue().encode())


class _Pairs:
    """Which pairs of pictures make a pair of products."""

    def __init__(self, index: Index, any_colour: bool) -> None:
        rows = index.rows
        self.rows, self.any_colour = rows, any_colour
        self.store, numbers = rows.column("store"), rows.column("product_id")
        self.product = [
            f"{store}|{number}" if number else None for store, number in zip(self.store, numbers, strict=True)
        ]
        places = {key: place for place, key in enumerate(sorted({key for key in self.product if key}))}
        self.place = [places.get(key, -1) if key else -1 for key in self.product]
        grids, self.known = parse_grids(rows.column("colour_grid"))
        self.grids = grids.astype(np.float32)

    def add(
        self, best: dict[tuple[int, int], tuple[float, int, int, str]], image: int, other: int, score: float
    ) -> None:
        """Keep the pair of rows of these two pictures where it is of two shops and the nearest of its products."""
        for a in self.rows.rows_of(image).tolist():
            for b in self.rows.rows_of(other).tolist():
                if not (self.product[a] and self.product[b] and self.store[a] < self.store[b]):
                    continue
                key = (self.place[a], self.place[b])
                if key in best and best[key][0] >= score:
                    continue
                colours = self._colours(a, b)
                if colours != "differ" or self.any_colour:
                    best[key] = (score, a, b, colours)

    def _colours(self, a: int, b: int) -> str:
        if not (self.known[a] and self.known[b]):
            return "unknown"
        left, right = self.grids[[a]], self.grids[[b]]
        apart = min(float(chroma_apart(left, right)[0]), float(chroma_apart(left, right[:, :, ::-1])[0]))
        return "same" if apart <= CHROMA else "differ"


def _threshold(index: Index, given: float | None) -> float:
    if given is not None and not 0 < given <= 1:
        raise UsageError(f"a threshold of {given}", where="match", expected="over 0, at most 1")
    known = SAME.get(index.base.split("#")[0])
    if given is None and known is None:
        raise UsageError(
            f"no threshold was chosen for {index.base}", where="match", expected=" or ".join(SAME),
            cure="Give one (--threshold 0.95), or embed by that encoder",
        )  # fmt: skip
    return float(known if given is None else given)  # type: ignore[arg-type]


def _told(index: Index, score: float, a: int, b: int, colours: str) -> Match:
    one, other = index.rows.row(a), index.rows.row(b)
    names = ("store", "product_id", "title", "price_text", "currency", "url")
    sides: list[Any] = [*(one[name] for name in names), *(other[name] for name in names)]
    told = dict(zip((each.name for each in fields(Match)), sides, strict=False))  # the first twelve
    return Match(
        **told, similarity=round(min(1.0, score), 6), colours=colours,
        picture=one["sha256"], other_picture=other["sha256"],
    )  # fmt: skip
