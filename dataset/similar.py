"""Similar products: the nearest pictures of a workspace, told as products.

In: a workspace, an encoder (a name in `embeddings`, or one with a learned projection behind it), a vector of it. Out:
`Hit`s: near-duplicates and all pictures of a product are one, with where it is sold and which crawl saw it. What was
deleted, taken down or opted out never comes back: an index holds exactly what may be shown when it is opened. Reads
from many threads are safe. Never runs an encoder (`train.embeddings` does).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dataset.colour_signature import parse_grids
from dataset.errors import DataError, EmptyError, UsageError
from dataset.marks import marks
from dataset.similar_file import PROBES, Ids, folder_of, kept_index
from dataset.similar_projection import MARK, Projection, load_projection, projection_runs, unit
from dataset.similar_rows import Catalogue, id_of, read_catalogue
from dataset.workspace import Workspace

Floats = NDArray[np.float32]
FOLDER = "similar"
_PER_HIT = 8  # pictures asked for per product wanted, before folding
_AT_ONCE = 1024


@dataclass(frozen=True)
class Hit:
    """A product. `sha256` is its nearest picture, `similarity` its cosine (1 is the same), `price` a decimal string as
    the shop told it, `copies` how many more of its pictures and near-duplicates the index holds, `also_in` the other
    shops that show one of them, `crawl_id` the crawl that saw it last."""

    sha256: str
    similarity: float
    store: str
    product_id: str | None
    title: str | None
    price: str | None
    currency: str | None
    url: str | None
    copies: int
    also_in: tuple[str, ...] = ()
    crawl_id: str | None = None


@dataclass(frozen=True)
class Index:
    """An opened index. `base` is the encoder whose vectors the table holds; with a `projection`, `search` takes either
    length. `said` tells what opening did beside reading: '' mostly."""

    encoder: str
    base: str
    rows: Catalogue
    dimension: int
    kind: str
    said: str
    projection: Projection | None
    _faiss: Any
    _read: _Reader

    def __len__(self) -> int:
        return len(self.rows.images)

    def project(self, vectors: Floats, grids: Floats | None = None) -> Floats:
        """(n, d) vectors of the base encoder, with (n, 48) colour grids where known -> (n, dimension) of this index."""
        return unit(vectors) if self.projection is None else self.projection.apply(vectors, grids)

    def search(
        self, vector: Floats, k: int = 10, where: str | None = None, *, without: Collection[str] = ()
    ) -> list[Hit]:
        """The `k` nearest products, the nearest first, of the rows that fulfil `where` (see `similar_rows`). `vector`
        (dimension,). `without` are sha256s whose products are left out. Raises UsageError for a vector of another
        length or with no direction, a senseless `k`, or a condition that is none."""
        query = self._checked(vector)
        if k < 1:
            raise UsageError(f"k = {k}", where="search", expected="1 or more")
        allowed = self.rows.kept(where) & ~np.isin(self.rows.fold, self._folds_of(without))
        ids = np.unique(self.rows.ids[allowed])
        wanted = min(len(ids), k * _PER_HIT)
        while wanted:
            found = self._folded(*self._nearest(query, wanted, ids), allowed)
            if len(found) >= k or wanted == len(ids):
                return [self._hit(row, score) for row, score in found[:k]]
            wanted = min(len(ids), 4 * wanted)
        return []

    def vectors_of(self, sha256s: Sequence[str]) -> Floats:
        """(n, dimension) of images in the index, read from the table. Raises UsageError for one that isn't there."""
        ids = np.array([id_of(name) for name in sha256s], dtype=np.int64)
        if missing := np.flatnonzero(~np.isin(ids, self.rows.images)).tolist():
            cure = "It has no vector (modiste embed), is not usable, or may no longer be shown"
            raise UsageError(f"image {sha256s[missing[0]]} is not in the index", where=self.encoder, cure=cure)
        return self._read(ids)

    def pairs_above(self, vectors: Floats, least: float) -> Iterator[tuple[int, int, float]]:
        """(place in `vectors`, image id, cosine) of every picture at least so near."""
        for start in range(0, len(vectors), _AT_ONCE):
            limits, scores, ids = self._faiss.range_search(vectors[start : start + _AT_ONCE], least)
            places = np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64))) + start
            yield from zip(places.tolist(), ids.tolist(), scores.tolist(), strict=True)

    def _checked(self, vector: Floats) -> Floats:
        query = np.asarray(vector, np.float32)
        if self.projection is not None and query.shape == self.projection.mean.shape:
            query = self.projection.apply(query[None])[0]
        if query.shape != (self.dimension,):
            raise UsageError(
                f"a vector of shape {query.shape}", where="search",
                expected=f"({self.dimension},) of encoder {self.encoder}", cure="Embed the picture by this encoder",
            )  # fmt: skip
        if not np.isfinite(query).all() or not query.any():
            raise UsageError("a vector without direction (zeros, or not finite)", where="search")
        return unit(query)[None]

    def _folds_of(self, names: Collection[str]) -> Ids:
        return np.unique(self.rows.fold[np.isin(self.rows.ids, [id_of(name) for name in names])])

    def _nearest(self, query: Floats, count: int, ids: Ids) -> tuple[Floats, Ids]:
        """Scores and ids of the `count` nearest among `ids`, as many as there are."""
        import faiss

        made: Any = faiss  # its type stubs don't know the parameters' keywords
        selector = None if len(ids) == len(self) else faiss.IDSelectorBatch(ids)
        if self.kind == "exact":
            asked = made.SearchParameters(sel=selector) if selector else None
        else:  # the rarer what is asked for, the more lists are looked into
            lists = made.extract_index_ivf(self._faiss).nlist
            probes = min(lists, max(PROBES, int(PROBES * len(self) / max(1, len(ids)))))
            inner = made.SearchParametersIVF(sel=selector, nprobe=probes)
            asked = made.SearchParametersPreTransform(index_params=inner)
        scores, found = self._faiss.search(query, count, params=asked)
        return scores[0][found[0] >= 0], found[0][found[0] >= 0]

    def _folded(self, scores: Floats, ids: Ids, allowed: NDArray[np.bool_]) -> list[tuple[int, float]]:
        """The nearest allowed row of each fold, in order."""
        best: dict[int, tuple[int, float]] = {}
        for score, image in zip(scores.tolist(), ids.tolist(), strict=True):
            for row in self.rows.rows_of(image):
                if allowed[row]:
                    best.setdefault(int(self.rows.fold[row]), (int(row), score))
        return list(best.values())

    def _hit(self, number: int, score: float) -> Hit:
        row, same = self.rows.row(number), np.flatnonzero(self.rows.fold == self.rows.fold[number])
        stores = {str(self.rows.row(int(each))["store"]) for each in same} - {row["store"]}
        return Hit(
            row["sha256"], round(min(1.0, score), 6), row["store"], row["product_id"], row["title"], row["price_text"],
            row["currency"], row["url"], len(np.unique(self.rows.ids[same])) - 1, tuple(sorted(stores)),
            row["crawl_id"],
        )  # fmt: skip


def open_index(ws: Workspace, encoder: str | None = None) -> Index:
    """The index of `encoder` (its name or beginning; see `default_encoder`), brought up to date. Raises EmptyError
    where nothing may be shown, UsageError for an unknown encoder."""
    name = default_encoder(ws) if encoder is None else _named(ws, encoder)
    base = name.split(MARK)[0]
    rows = read_catalogue(ws, base)
    if not len(rows):
        raise EmptyError(
            "no image with a vector may be shown", where=f"encoder {base}", cure="Run: modiste embed (and check)"
        )
    projection = load_projection(dict(projection_runs(ws))[name]) if MARK in name else None
    reader = _Reader(ws, base, rows, projection)
    kept = kept_index(folder_of(ws.root / FOLDER, name), name, rows.images, reader, reader.dimension)
    said = kept.said + (f"; {kept.removed} vectors left the index" if kept.removed else "")
    return Index(name, base, rows, reader.dimension, kept.kind, said.removeprefix("; "), projection, kept.index, reader)


def default_encoder(ws: Workspace) -> str:
    """The newest learned projection whose base has vectors here and that no take-down marked; else the encoder with
    most vectors. Raises EmptyError where there are none."""
    counts = encoders(ws)
    for name, weight in reversed(projection_runs(ws)):
        if name.split(MARK)[0] in counts and not marks(weight.parent):
            return name
    return max(counts, key=lambda each: (counts[each], each))


def encoders(ws: Workspace) -> dict[str, int]:
    """{encoder: vectors}. Raises EmptyError where there are none."""
    sql = "SELECT encoder, count(*) AS n FROM embeddings WHERE vector IS NOT NULL GROUP BY encoder ORDER BY encoder"
    found = {row["encoder"]: int(row["n"]) for row in ws.tables.query(sql).to_pylist()}
    if not found:
        raise EmptyError("no image has a vector yet", where=str(ws.root), cure="Run: modiste embed")
    return found


def _named(ws: Workspace, wanted: str) -> str:
    """The one meant by a name or its beginning; the table's own encoders come before views learned on them."""
    plain, learned = list(encoders(ws)), [name for name, _ in projection_runs(ws)]
    for known in (plain, learned):
        meant = [name for name in known if name == wanted] or [name for name in known if name.startswith(wanted)]
        if len(set(meant)) == 1:
            return meant[0]
    raise UsageError(f"encoder '{wanted}'", where="search", expected="one of " + ", ".join([*plain, *learned]))


class _Reader:
    """Vectors of the ids asked for, projected where the encoder says so."""

    def __init__(self, ws: Workspace, base: str, rows: Catalogue, projection: Projection | None) -> None:
        self.ws, self.base, self.rows, self.projection = ws, base, rows, projection
        first = self.read([rows.sha256[0]])
        self.base_dimension = first.shape[1]
        if projection is not None and self.base_dimension != len(projection.mean):
            raise DataError(f"vectors of {self.base_dimension} numbers", where=base, expected=f"{len(projection.mean)}")
        self.dimension = self.base_dimension if projection is None else projection.dimension

    def __call__(self, ids: Ids) -> Floats:
        names = [self.rows.sha256[place] for place in np.searchsorted(self.rows.images, ids).tolist()]
        vectors = unit(self.read(names))
        return vectors if self.projection is None else self.projection.apply(vectors, self._grids(names))

    def read(self, names: list[str]) -> Floats:
        """(n, d) as the table has them, in the order of `names`."""
        sql = (
            "SELECT w.place, e.vector FROM (SELECT unnest($1) AS sha256, unnest(range(len($1))) AS place) w "
            "JOIN embeddings e ON e.sha256 = w.sha256 AND e.encoder = $2 ORDER BY w.place"
        )
        column = self.ws.tables.query(sql, parameters=[names, self.base])["vector"].combine_chunks()
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
        if len(lengths) != 1 or len(column) != len(names):
            cure = "Delete this encoder's rows and run modiste embed again"
            raise DataError(f"vectors of {lengths.tolist()} numbers", where=self.base, expected="one length", cure=cure)
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(len(names), -1)

    def _grids(self, names: list[str]) -> Floats:
        """(n, 48), NaN where none was measured."""
        if not hasattr(self, "_grid_of"):
            self._grid_of = dict(zip(self.rows.column("sha256"), self.rows.column("colour_grid"), strict=True))
        return grids_of([self._grid_of[name] for name in names])


def grids_of(texts: list[str | None]) -> Floats:
    """Colour grids as `images` keeps them -> (n, 48) float32, NaN rows where there is none."""
    found, known = parse_grids(texts)
    return np.where(known[:, None], found.reshape(len(found), -1), np.nan).astype(np.float32)


def index_folder(ws: Workspace) -> Path:
    """Where the indexes lie: made again when asked for, so it may be deleted at any time."""
    return ws.root / FOLDER
