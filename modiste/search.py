"""A picture, its products: what `modiste search` and the service ask.

In: a workspace, a picture (file, sha256 of the workspace, or URL by the crawler's own rules), conditions. Out: a
`SearchResult` of products. `Searcher` opens the index once and is asked from many threads; the network is loaded at the
first picture from outside. Never writes but the index.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset.blobs import sha256_of
from dataset.colour_signature import colour_grid
from dataset.errors import EmptyError, ImageError, ModisteError, UsageError
from dataset.images import decode
from dataset.similar import Floats, Hit, Index, grids_of, open_index
from dataset.workspace import Workspace
from modiste.cutout_sources import is_url, read_file

if TYPE_CHECKING:
    from train.embeddings import Encoder

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TITLE = 34  # characters under a picture of the sheet


@dataclass(frozen=True)
class SearchResult:
    """`query` is what was asked for; `hits` the nearest first; `said` what opening the index did beside reading."""

    query: str
    encoder: str
    hits: tuple[Hit, ...]
    said: str = ""
    sheet: str = ""

    def line(self) -> str:
        head = f"{len(self.hits)} products like {self.query}, by {self.encoder}"
        tail = [each for each in (self.said, self.sheet) if each]
        return "; ".join([head, *tail]) + "".join(
            f"\n{number:>3}  {_said(hit)}" for number, hit in enumerate(self.hits, 1)
        )


class Searcher:
    """An opened index and the network behind it."""

    def __init__(self, ws: Workspace, encoder: str | None = None) -> None:
        """Raises EmptyError (no vectors yet), UsageError (unknown encoder)."""
        self.ws = ws
        self.index: Index = open_index(ws, encoder)
        self._encoder: Encoder | None = None
        self._loading = threading.Lock()

    def vector(self, data: bytes) -> Floats:
        """(dimension,) of an image file's bytes. Raises ImageError, SettingsError (its encoder can't be made here)."""
        encoder = self._network()
        vectors = encoder.vectors([encoder.square(data)])
        coloured = self.index.projection is not None and self.index.projection.colour_weight > 0
        grids = grids_of([colour_grid(np.ascontiguousarray(decode(data).rgb))]) if coloured else None
        return np.asarray(self.index.project(vectors, grids)[0], np.float32)

    def like_picture(self, data: bytes, k: int = 10, where: str | None = None) -> list[Hit]:
        """Products like an image file from outside."""
        return self.index.search(self.vector(data), k, where)

    def like_image(self, sha256: str, k: int = 10, where: str | None = None) -> list[Hit]:
        """Products like an image of the workspace, its own product and near-duplicates left out. UsageError for one
        that the index doesn't hold."""
        return self.index.search(self.index.vectors_of([sha256])[0], k, where, without=[sha256])

    def _network(self) -> Encoder:
        from train.embeddings import encoder_named

        with self._loading:
            if self._encoder is None:
                self._encoder = encoder_named(self.index.base)
            return self._encoder


def search(
    ws: Workspace, word: str, *, k: int = 10, where: str | None = None, encoder: str | None = None,
    sheet: Path | None = None,
) -> SearchResult:  # fmt: skip
    """`word` is a file, a sha256 or a URL. Raises EmptyError where nothing fulfils `where`, ImageError for no image."""
    searcher = Searcher(ws, encoder)
    if _SHA256.fullmatch(word.lower()):
        data, hits = None, searcher.like_image(word.lower(), k, where)
    else:
        data = read_picture(ws, word)
        hits = _like_picture(searcher, data, word, k, where)
    if not hits:
        total = len(np.unique(searcher.index.rows.fold))
        raise EmptyError("no other product" + (f" where {where}" if where else ""), where=word,
                         cure=f"Loosen the conditions: the index holds {total} products")  # fmt: skip
    if sheet is not None:
        write_sheet(ws, sheet, word, data, hits)
    told = word[:12] if data is None else word
    return SearchResult(told, searcher.index.encoder, tuple(hits), searcher.index.said, str(sheet or ""))


def _like_picture(searcher: Searcher, data: bytes, word: str, k: int, where: str | None) -> list[Hit]:
    """Hits; an ImageError names the file or URL that the bytes came from."""
    try:
        return searcher.like_picture(data, k, where)
    except ImageError as error:
        raise ImageError(error.code, error.what, where=word, expected=error.expected, cure=error.cure) from error


def read_picture(ws: Workspace, word: str) -> bytes:
    """Bytes of a file or, by the crawler's rules (robots.txt, opt-outs, private addresses), of a URL."""
    if is_url(word):
        from modiste.cutout_urls import UrlReader

        with UrlReader(ws) as read:
            return read(word)
    path = Path(word)
    if not path.exists():
        raise UsageError("no such file", where=word, expected="a picture's file, its sha256 (64 digits) or its URL")
    return read_file(path)


def write_sheet(ws: Workspace, path: Path, word: str, data: bytes | None, hits: Sequence[Hit]) -> None:
    """A PNG: the picture asked for, then the hits with title, price, shop and similarity."""
    from train.sheets import photo_sheet

    asked = ws.blobs.get(word.lower()) if data is None else data
    tiles = [(_small(asked), "asked for")]
    for hit in hits:
        try:
            tiles.append((_small(ws.blobs.get(hit.sha256)), _said(hit, short=True)))
        except ModisteError:  # its blob is gone or broken: the hit stays in the list
            tiles.append((np.full((240, 170, 3), 235, np.uint8), _said(hit, short=True)))
    photo_sheet(path, tiles, f"Products like {sha256_of(asked)[:12]}", columns=5)


def _small(data: bytes) -> np.ndarray:
    return np.ascontiguousarray(decode(data, shorter_side_px=240).rgb)


def _said(hit: Hit, *, short: bool = False) -> str:
    price = f"{hit.price} {hit.currency or ''}".strip() if hit.price else "no price"
    title = hit.title or hit.product_id or "untitled"
    if short:
        return f"{hit.similarity:.2f} {title[:_TITLE]}, {price}"
    copies = f", {hit.copies} more pictures" if hit.copies else ""
    shops = f", also in {', '.join(hit.also_in)}" if hit.also_in else ""
    source = f"{hit.url or ''}  {hit.sha256[:12]}" + (f" crawl {hit.crawl_id}" if hit.crawl_id else "")
    return f"{hit.similarity:.3f}  {title}  {price}  {hit.store}{shops}{copies}  {source}"
