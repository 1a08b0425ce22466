"""What the engines share: a numbered batch, a function run so that its error travels as a value, memory that is kept.

In: a `BatchFunction` and batches. Out: tasks in order, and for each a result or a `Failure`. Runs in the caller's
process and in workers alike. Never starts a process, never imports Ray.
"""

from __future__ import annotations

import ctypes
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import pyarrow as pa

from dataset.errors import ModisteError, StorageError

BatchFunction = Callable[[pa.RecordBatch], pa.RecordBatch]
IN_FLIGHT_PER_WORKER = 2  # one at work, one waiting, so that no worker idles while a result travels
LIVES = 3  # times a batch is given to a worker before a dying worker is blamed on the batch
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


@dataclass(frozen=True)
class Failure:
    """What a worker sends home instead of an exception, since not every exception survives pickling."""

    what: str
    trace: str
    is_storage: bool


@dataclass
class Task:
    """One batch, its number and its first row's number; `lives` and `future` are the local pool's."""

    number: int
    first_row: int
    batch: pa.RecordBatch
    lives: int = LIVES
    future: Future[pa.RecordBatch | Failure] | None = None


Done = tuple[Task, pa.RecordBatch | Failure]


def numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[Task]:
    """Tasks in the order of the batches, made as they are asked for."""
    first_row = 0
    for number, batch in enumerate(batches):
        yield Task(number, first_row, batch)
        first_row += batch.num_rows


def guarded(function: BatchFunction, batch: pa.RecordBatch) -> pa.RecordBatch | Failure:
    """`function(batch)`, or what it raised as a value."""
    try:
        return function(batch)
    except Exception as error:
        is_ours = isinstance(error, ModisteError)
        what = str(error) if is_ours else f"{type(error).__name__}: {error}"
        return Failure(what, traceback.format_exc(), isinstance(error, StorageError))


def as_error(function: BatchFunction, task: Task, failure: Failure) -> ModisteError:
    """The error to raise for a `Failure`: what, and which function, batch and rows; the worker's trace is its note."""
    kind = StorageError if failure.is_storage else ModisteError
    error = kind(failure.what, where=_where(function, task))
    error.add_note(failure.trace)
    return error


def worker_died(function: BatchFunction, task: Task) -> ModisteError:
    """The error for a batch whose worker died every time."""
    return ModisteError(
        f"a worker died {LIVES} times on the same batch",
        where=_where(function, task),
        cure="Often memory: use fewer workers, then run the same command again",
    )


def keep_freed_memory() -> None:
    """glibc gives every decoded picture's pages back and asks for them anew, zeroed: that cost more than decoding a
    JPEG. The process keeps up to 256 MB instead. Elsewhere than on glibc nothing happens."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_TRIM_THRESHOLD, 1 << 28)
    mallopt(_M_MMAP_THRESHOLD, 1 << 28)


def _where(function: BatchFunction, task: Task) -> str:
    inner = getattr(function, "func", function)
    name = f"{inner.__module__}.{getattr(inner, '__qualname__', type(inner).__name__)}"
    return f"{name}, batch {task.number}, rows {task.first_row} to {task.first_row + task.batch.num_rows - 1}"
