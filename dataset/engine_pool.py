"""The engine `local`: batches on a pool of processes, results in order, a killed worker replaced.

In: a picklable function and tasks. Out: each task with its result or `Failure`, in the order of the tasks. At most two
batches a worker are in memory. Never runs a batch again whose result is at hand, never outlives its parent.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pyarrow as pa

from dataset.engine_task import (
    IN_FLIGHT_PER_WORKER,
    BatchFunction,
    Done,
    Task,
    guarded,
    keep_freed_memory,
    worker_died,
)


def in_process(function: BatchFunction, tasks: Iterator[Task]) -> Iterator[Done]:
    """One after the other, here."""
    keep_freed_memory()
    for task in tasks:
        yield task, guarded(function, task.batch)


def in_pool(function: BatchFunction, tasks: Iterator[Task], workers: int) -> Iterator[Done]:
    """On `workers` processes. Raises ModisteError when one batch has killed its worker three times."""
    pool = _new_pool(workers)
    waiting: deque[Task] = deque()
    finished = False
    try:
        while True:
            try:
                for task in itertools.islice(tasks, workers * IN_FLIGHT_PER_WORKER - len(waiting)):
                    waiting.append(task)
                    task.future = pool.submit(guarded, function, task.batch)
                if not waiting:
                    break
                first = waiting[0]
                result = first.future.result() if first.future else guarded(function, first.batch)
            except BrokenProcessPool:
                pool = _replaced(pool, workers, function, waiting)
                continue
            waiting.popleft()
            yield first, result
        finished = True
    finally:
        _end(pool, at_once=not finished)


def _replaced(
    broken: ProcessPoolExecutor, workers: int, function: BatchFunction, waiting: deque[Task]
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
            raise worker_died(function, task)
        task.future = pool.submit(guarded, function, task.batch)
    return pool


def _new_pool(workers: int) -> ProcessPoolExecutor:
    # spawn: a forked child of a process with threads (Arrow, OpenMP, FiftyOne) may wait for a lock nobody holds
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    keep_freed_memory()


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
