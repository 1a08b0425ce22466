"""Runs a plain function `pa.RecordBatch -> pa.RecordBatch` over many batches, on a pool of processes.

In: a picklable function (top level of a module, or `functools.partial` of one) and an iterable of batches. Out: the
results in the order of the batches, so a table written from them does not depend on timing. At most two batches a
worker are in memory. A worker that was killed is replaced and its batch run again; a worker that raised ends the run
and says where. Never writes a table: the caller commits what it yields.
"""

from __future__ import annotations

import ctypes
import itertools
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import pyarrow as pa

from dataset.errors import ModisteError, StorageError, UsageError
from dataset.progress import Progress, silent

BatchFunction = Callable[[pa.RecordBatch], pa.RecordBatch]
_IN_FLIGHT_PER_WORKER = 2
_LIVES = 3
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


@dataclass(frozen=True)
class _Failure:
    """What a worker sends home instead of an exception, since not every exception survives pickling."""

    what: str
    trace: str
    is_storage: bool


@dataclass
class _Task:
    number: int
    first_row: int
    batch: pa.RecordBatch
    lives: int = _LIVES
    future: Future[pa.RecordBatch | _Failure] | None = None


def run(
    function: BatchFunction,
    batches: Iterable[pa.RecordBatch],
    *,
    engine: str = "local",
    workers: int | None = None,
    progress: Progress = silent,
    total: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield `function(batch)` for each batch, in order; `progress` counts input rows, `total` is how many there will
    be.

    `workers` None means one per core; 1 runs in this process. Raises UsageError for an engine that is not there, and
    ModisteError (StorageError where that is the cause) naming function, batch and rows when the function raises.
    """
    if engine != "local":
        raise UsageError(f"there is no engine '{engine}'", expected="local")
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers can't do anything", expected="1 or more")
    count = workers or os.cpu_count() or 1
    tasks = _numbered(batches)
    results = _in_process(function, tasks) if count == 1 else _in_pool(function, tasks, count)
    return _watched(function, results, progress, total)


def batches_of(table: pa.Table, rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a table into batches of exactly `rows` rows (the last may be shorter)."""
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows).combine_chunks().to_batches()[0]


def _numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[_Task]:
    first_row = 0
    for number, batch in enumerate(batches):
        yield _Task(number, first_row, batch)
        first_row += batch.num_rows


def _watched(
    function: BatchFunction,
    results: Iterator[tuple[_Task, pa.RecordBatch | _Failure]],
    progress: Progress,
    total: int | None,
) -> Iterator[pa.RecordBatch]:
    progress(0, total)
    for task, result in results:
        if isinstance(result, _Failure):
            raise _as_error(function, task, result)
        yield result
        progress(task.first_row + task.batch.num_rows, total)


def _in_process(function: BatchFunction, tasks: Iterator[_Task]) -> Iterator[tuple[_Task, pa.RecordBatch | _Failure]]:
    for task in tasks:
        yield task, _guarded(function, task.batch)


def _in_pool(
    function: BatchFunction, tasks: Iterator[_Task], workers: int
) -> Iterator[tuple[_Task, pa.RecordBatch | _Failure]]:
    pool = _new_pool(workers)
    waiting: deque[_Task] = deque()
    finished = False
    try:
        while True:
            try:
                for task in itertools.islice(tasks, workers * _IN_FLIGHT_PER_WORKER - len(waiting)):
                    waiting.append(task)
                    task.future = pool.submit(_guarded, function, task.batch)
                if not waiting:
                    break
                first = waiting[0]
                result = first.future.result() if first.future else _guarded(function, first.batch)
            except BrokenProcessPool:
                pool = _replaced(pool, workers, function, waiting)
                continue
            waiting.popleft()
            yield first, result
        finished = True
    finally:
        _end(pool, at_once=not finished)


def _replaced(
    broken: ProcessPoolExecutor, workers: int, function: BatchFunction, waiting: deque[_Task]
) -> ProcessPoolExecutor:
    """A new pool with what was in flight handed to it again; finished results are kept, so nothing is done twice."""
    _end(broken, at_once=True)
    pool = _new_pool(workers)
    for task in waiting:
        if task.future is not None and task.future.done() and task.future.exception() is None:
            continue
        task.lives -= 1
        if task.lives == 0:
            _end(pool, at_once=True)
            raise _worker_died(function, task)
        task.future = pool.submit(_guarded, function, task.batch)
    return pool


def _new_pool(workers: int) -> ProcessPoolExecutor:
    # spawn: a forked child of a process with threads (Arrow, OpenMP, FiftyOne) may wait for a lock nobody holds
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    keep_freed_memory()


def keep_freed_memory() -> None:
    """glibc gives every decoded picture's pages back and asks for them anew, zeroed: that cost more than decoding a
    JPEG. Workers keep up to 256 MB instead. Elsewhere than on glibc nothing happens."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_TRIM_THRESHOLD, 1 << 28)
    mallopt(_M_MMAP_THRESHOLD, 1 << 28)


def _end_with_parent() -> None:
    """A parent killed with -9 tells nobody: its workers would wait for the next batch for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _end(pool: ProcessPoolExecutor, *, at_once: bool) -> None:
    processes = list((pool._processes or {}).values())
    if at_once:
        for process in processes:
            process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


def _guarded(function: BatchFunction, batch: pa.RecordBatch) -> pa.RecordBatch | _Failure:
    try:
        return function(batch)
    except Exception as error:
        is_ours = isinstance(error, ModisteError)
        what = str(error) if is_ours else f"{type(error).__name__}: {error}"
        return _Failure(what, traceback.format_exc(), isinstance(error, StorageError))


def _where(function: BatchFunction, task: _Task) -> str:
    inner = getattr(function, "func", function)
    name = f"{inner.__module__}.{getattr(inner, '__qualname__', type(inner).__name__)}"
    return f"{name}, batch {task.number}, rows {task.first_row} to {task.first_row + task.batch.num_rows - 1}"


def _as_error(function: BatchFunction, task: _Task, failure: _Failure) -> ModisteError:
    kind = StorageError if failure.is_storage else ModisteError
    error = kind(failure.what, where=_where(function, task))
    error.add_note(failure.trace)
    return error


def _worker_died(function: BatchFunction, task: _Task) -> ModisteError:
    return ModisteError(
        f"a worker died {_LIVES} times on the same batch",
        where=_where(function, task),
        cure="Often memory: use fewer workers, then run the same command again",
    )
