"""Run one plain function over many jobs on `dataset.engine`, in the jobs' order, with few jobs in memory at a time.

In: a picklable function and an iterator of picklable jobs. Out: an iterator of results. A few jobs run in this process,
where a new one would cost more than it saves, unless Ray was asked for. A job carries its bytes, so a worker on another
machine needs no path of this one. Never keeps more than a few jobs per worker alive.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import pyarrow as pa

from dataset.engine import LOCAL, Engine, run

Job = TypeVar("Job")
Result = TypeVar("Result")
FEW = 12


def in_workers(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    total: int,
    workers: int | None = None,
    engine: Engine = LOCAL,
) -> Iterator[Result]:
    """Yield `function(job)` for each of `total` jobs; `workers` None is one a core, on `local` 1 is this process."""
    count = 1 if workers is None and total <= FEW and engine.kind == "local" else workers
    for done in run(partial(_apply, function), map(_packed, jobs), workers=count, engine=engine):
        yield pickle.loads(done.column(0)[0].as_py())


def _packed(value: object) -> pa.RecordBatch:
    """One value as a batch of one row. Pickle only ever crosses to a process of our own."""
    return pa.record_batch([pa.array([pickle.dumps(value)], pa.large_binary())], ["value"])


def _apply(function: Callable[[Job], Result], batch: pa.RecordBatch) -> pa.RecordBatch:
    return _packed(function(pickle.loads(batch.column(0)[0].as_py())))
