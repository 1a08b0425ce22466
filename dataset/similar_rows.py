"""What a search may show: one row per image and product that shows it now, its fold, and conditions over both.

In: the tables, an encoder's name, SQL conditions. Out: `Catalogue`: rows, their folds (one product with all its images
and near-duplicates is one fold), which rows a condition keeps. A condition is one SQL expression over an in-memory copy
of the rows: it reads no file, reaches no other table, changes nothing. Never reads a vector or a blob.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dataset.errors import UsageError
from dataset.several import multi_fields, values_in
from dataset.snapshot import items_sql
from dataset.workspace import Workspace

ROWS = Path(__file__).with_name("similar.sql")
COLUMNS = (
    *("sha256", "store", "product_id", "title", "brand", "price", "currency", "availability", "colour"),
    *("categories", "variant_group", "url", "crawl_id", "view", "tags"),
)
MOST_SECONDS = 10.0
IN_STOCK = ("InStock", "PreOrder", "BackOrder")
_ID_DIGITS = 15  # 60 bits of the sha256: faiss wants whole numbers, and a million images share none


def id_of(sha256: str) -> int:
    return int(sha256[:_ID_DIGITS], 16)


class Catalogue:
    """Rows in the order of (sha256, store, product). `ids` (n,) int64 of the images, `fold` (n,) of the products."""

    def __init__(self, table: pa.Table) -> None:
        names = table["sha256"].to_pylist()
        self.ids = np.array([id_of(name) for name in names], dtype=np.int64)
        self.fold = _folds(table)
        self.images, first = np.unique(self.ids, return_index=True)
        self.sha256 = [names[row] for row in first.tolist()]  # beside `images`
        tags = pa.array([_tags(text) for text in table["labels"].to_pylist()], pa.list_(pa.string()))
        self._table = table.append_column("tags", tags)
        self._order = np.argsort(self.ids, kind="stable")
        self._sorted = self.ids[self._order]
        self._kept = lru_cache(maxsize=64)(self._chosen)

    def __len__(self) -> int:
        return self._table.num_rows

    def rows_of(self, image: int) -> NDArray[np.int64]:
        """Rows of the image with this id."""
        start, end = np.searchsorted(self._sorted, [image, image + 1])
        return self._order[start:end]

    def row(self, number: int) -> dict[str, Any]:
        return dict(self._table.slice(number, 1).to_pylist()[0])

    def column(self, name: str) -> list[Any]:
        return list(self._table[name].to_pylist())

    def kept(self, where: str | None) -> NDArray[np.bool_]:
        """(n,) rows that fulfil `where`, all without one. Raises UsageError for what is not one expression over
        `COLUMNS`, reads files, or takes over 10 s."""
        return np.ones(len(self), bool) if where is None else self._kept(where)

    def _chosen(self, where: str) -> NDArray[np.bool_]:
        out = np.zeros(len(self), bool)
        out[evaluated(self._table.select(list(COLUMNS)), where)] = True
        return out


def read_catalogue(ws: Workspace, encoder: str) -> Catalogue:
    """Rows of the images that have a vector by `encoder` and may be shown."""
    sql = ROWS.read_text(encoding="utf-8").replace("{items}", items_sql(multi_fields(ws)))
    return Catalogue(ws.tables.query(sql, parameters=[encoder]))


def where_of(
    *,
    stores: Iterable[str] = (),
    price: tuple[float | None, float | None] = (None, None),
    currency: str | None = None,
    available: bool = False,
    tags: Iterable[str] = (),
    also: str | None = None,
) -> str | None:
    """One condition of all that is asked; values are quoted, `also` is SQL of the user's own. `tags` are 'field=value';
    a price without currency compares numbers of whatever currency."""
    parts = [f"({also}\n)"] if also else []
    if names := list(stores):
        parts.append(f"store IN ({', '.join(map(_quoted, names))})")
    parts += [f"price {sign} {limit!r}" for sign, limit in zip((">=", "<="), price, strict=True) if limit is not None]
    parts += [f"currency = {_quoted(currency)}"] if currency else []
    parts += [f"availability IN ({', '.join(map(_quoted, IN_STOCK))})"] if available else []
    parts += [f"list_contains(tags, {_quoted(tag)})" for tag in tags]
    return " AND ".join(parts) or None


def evaluated(table: pa.Table, where: str) -> NDArray[np.int64]:
    """Places of the rows of `table` that fulfil the expression; see `Catalogue.kept`."""
    import duckdb

    connection = duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False, "threads": 1,
                "memory_limit": "512MB", "max_temp_directory_size": "0B"}
    )  # fmt: skip
    alarm = threading.Timer(MOST_SECONDS, connection.interrupt)
    try:
        connection.register("products", table.append_column("row", pa.array(np.arange(table.num_rows))))
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        alarm.start()
        found = connection.table("products").filter(duckdb.SQLExpression(where)).project("row").to_arrow_table()
        return np.asarray(found["row"].to_numpy(), dtype=np.int64)
    except (duckdb.Error, RuntimeError) as error:
        raise UsageError(
            str(error).splitlines()[0], where=f"--where {where[:200]}",
            expected="one SQL condition such as price < 50", cure="Columns: " + ", ".join(COLUMNS),
        ) from error  # fmt: skip
    finally:
        alarm.cancel()
        connection.close()


def _folds(table: pa.Table) -> NDArray[np.int64]:
    """Connected components of products and near-duplicate clusters; an image without either is its own."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = zip(*(table[name].to_pylist() for name in ("sha256", "store", "product_id", "cluster_id")), strict=True)
    nodes: dict[str, int] = {}
    ends = [
        (
            nodes.setdefault(f"product {store}|{product}" if product else f"image {sha256}", len(nodes)),
            nodes.setdefault(f"cluster {cluster or sha256}", len(nodes)),
        )
        for sha256, store, product, cluster in rows
    ]
    if not ends:
        return np.zeros(0, np.int64)
    a, b = np.array(ends).T
    _, label = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes), len(nodes))), False)
    return np.asarray(label[a], dtype=np.int64)


def _tags(labels: str | None) -> list[str]:
    """'field=value' of each label; a field of several values gives several."""
    found = json.loads(labels or "{}").items()
    return [f"{field}={value}" for field, said in found for value in values_in(said)]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
