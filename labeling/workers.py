"""Run one plain function over many jobs on all cores, in order, with a bounded number of jobs in memory.

In: a picklable function and an iterator of picklable jobs. Out: an iterator of results in the jobs' order. A few jobs,
or one
core, run in this process. Never keeps more than a few jobs per worker alive.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
AHEAD = 3  # jobs waiting per worker
FEW = 12  # up to so many jobs a new process costs more than it saves


def in_workers(
    function: Callable[[Job], Result], jobs: Iterable[Job], *, total: int, workers: int | None = None
) -> Iterator[Result]:
    """Yield `function(job)` for each of `total` jobs; `workers` None is one a core, 1 is this process alone."""
    count = workers or os.cpu_count() or 1
    if count == 1 or (workers is None and total <= FEW):
        yield from map(function, jobs)
        return
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(function, job))
                if len(waiting) >= count * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
