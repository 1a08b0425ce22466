"""The same `check` batches on one process, on the local pool and on a Ray started here: equal rows, and wall seconds.

In: photographs (see dataset_speed), a scratch folder. Out: seconds to the first result (starting workers), seconds from
there to the last, and whether all rows are equal but for the time of measuring. Skips Ray, saying so, where it is not
installed.
"""

from __future__ import annotations

import importlib.util
import time
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from dataset_speed import photographs

from dataset.blobs import BlobStore
from dataset.check import check_batch
from dataset.engine import Engine, batches_of, run

_WORKERS = 2
_ROWS = 32
_TIMES_OVER = 8  # each photo is measured so often, so that starting does not hide the rate


def compared(data: Path | None, count: int, folder: Path) -> dict[str, Any]:
    store = BlobStore(folder / "blobs")
    names = [store.put(photo) for photo in photographs(data, count)]
    table = pa.table({"sha256": names * _TIMES_OVER})
    found: dict[str, Any] = {"images": table.num_rows, "workers": _WORKERS}
    rows = {}
    kinds = ["local", "ray"] if importlib.util.find_spec("ray") else ["local"]
    for kind in kinds:
        rows[kind], found[kind] = _timed(Engine(kind), table, store.root)
    if "ray" not in kinds:
        return found | {"ray": "not installed: pip install 'modiste[cluster]'"}
    found["rows equal"] = rows["local"] == rows["ray"]
    found["ray seconds over local, after the first result"] = found["ray"]["rest s"] / found["local"]["rest s"]
    return found


def _timed(engine: Engine, table: pa.Table, blobs: str) -> tuple[list[dict[str, Any]], dict[str, float]]:
    began = time.monotonic()
    results = run(partial(check_batch, blobs=blobs), batches_of(table, _ROWS), engine=engine, workers=_WORKERS)
    done = [next(results)]
    first = time.monotonic()
    done += results
    seconds = {"to the first result s": first - began, "rest s": time.monotonic() - first}
    rows = [row for batch in done for row in batch.drop_columns(["checked_at"]).to_pylist()]
    return rows, seconds
