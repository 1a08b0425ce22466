"""Runs a plain function `pa.RecordBatch -> pa.RecordBatch` over many batches: in a pool of processes, or on Ray.

In: a picklable function (top level of a module, or `functools.partial` of one) and an iterable of batches. Out: the
results in the order of the batches, so a table written from them does not depend on timing nor on the engine. At most
two batches a worker are in memory. A worker that was killed is replaced and its batch run again; a function that raised
ends the run and says where. Never writes a table: the caller commits what it yields.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pyarrow as pa

from dataset.blobs import BlobStore
from dataset.engine_pool import in_pool, in_process
from dataset.engine_task import BatchFunction, Done, Failure, Task, as_error, numbered
from dataset.errors import UsageError
from dataset.progress import Progress, silent

ENGINES = ("local", "ray")
_HERE = ("", "localhost", "127.0.0.1", "::1", "local")


@dataclass(frozen=True)
class Engine:
    """Where batches run: `local` is a pool of processes; `ray` is Ray, at `address` (`ray://host:10001` or
    `host:6379`) or, without one, started here for this run and ended with it. Raises UsageError for anything else."""

    kind: str = "local"
    address: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in ENGINES:
            raise UsageError(f"there is no engine '{self.kind}'", expected=" or ".join(ENGINES))
        if self.address and self.kind != "ray":
            raise UsageError("an address of Ray without Ray", where=self.address, cure="Add --engine ray")

    @property
    def is_elsewhere(self) -> bool:
        """Whether other machines run the batches: they see no path of this one."""
        if not self.address:
            return False
        host = urlsplit(self.address if "://" in self.address else f"//{self.address}").hostname
        return (host or "") not in _HERE


LOCAL = Engine()


def run(
    function: BatchFunction,
    batches: Iterable[pa.RecordBatch],
    *,
    engine: Engine = LOCAL,
    workers: int | None = None,
    progress: Progress = silent,
    total: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield `function(batch)` for each batch, in order; `progress` counts input rows, `total` is how many there will
    be.

    `workers` None means one per core (of the cluster, on a Ray that was running before); 1 on `local` runs in this
    process. Raises UsageError for fewer than one or where Ray is not installed, and ModisteError (StorageError where
    that is the cause) naming function, batch and rows when the function raises.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers can't do anything", expected="1 or more")
    return _watched(function, _results(function, numbered(batches), engine, workers), progress, total)


def require_reachable(engine: Engine, blobs: BlobStore) -> None:
    """Raise UsageError where the workers could not read `blobs`: a folder of this machine, workers on others."""
    if engine.is_elsewhere and blobs.is_local:
        raise UsageError(
            f"the workers of Ray at {engine.address} can't read a folder of this machine",
            where=blobs.root,
            expected="blobs at a URL that every worker reaches, such as s3://bucket/blobs, gs:// or file:///a/share",
            cure="Copy the blobs there and set `blobs:` in modiste.yaml, or leave --ray-address out",
        )


def batches_of(table: pa.Table, rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a table into batches of exactly `rows` rows (the last may be shorter)."""
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows).combine_chunks().to_batches()[0]


def _results(function: BatchFunction, tasks: Iterator[Task], engine: Engine, workers: int | None) -> Iterator[Done]:
    if engine.kind == "ray":
        from dataset.engine_ray import on_ray

        return on_ray(function, tasks, workers, engine.address)
    count = workers or os.cpu_count() or 1
    return in_process(function, tasks) if count == 1 else in_pool(function, tasks, count)


def _watched(
    function: BatchFunction, results: Iterator[Done], progress: Progress, total: int | None
) -> Iterator[pa.RecordBatch]:
    progress(0, total)
    for task, result in results:
        if isinstance(result, Failure):
            raise as_error(function, task, result)
        yield result
        progress(task.first_row + task.batch.num_rows, total)
