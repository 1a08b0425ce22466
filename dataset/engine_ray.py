"""The engine `ray`: the same batches as Ray tasks, on a Ray that is started here or on a cluster that is running.

In: a picklable function and tasks. Out: each task with its result or `Failure`, in the order of the tasks. At most two
batches a worker are handed over at a time. Ray runs the batch of a killed worker again, three times in all; a result is
yielded once. A Ray started here is ended here; one that was running goes on. Never reports usage to Ray's makers.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import deque
from collections.abc import Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from dataset.engine_task import (
    IN_FLIGHT_PER_WORKER,
    LIVES,
    BatchFunction,
    Done,
    Failure,
    Task,
    guarded,
    keep_freed_memory,
    worker_died,
)
from dataset.errors import StorageError, UsageError

_OBJECT_STORE_BYTES = 1 << 30  # of a Ray started here; it spills to disk beyond
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}  # the second: no warning


def on_ray(function: BatchFunction, tasks: Iterator[Task], workers: int | None, address: str | None) -> Iterator[Done]:
    """Run `tasks`; `workers` None is one per core of the cluster.

    Raises UsageError where Ray is not installed, StorageError where no cluster answers at `address`, ModisteError when
    one batch has killed its worker three times.
    """
    ray = _imported()
    is_ours = not ray.is_initialized()
    if is_ours:
        _connect(ray, function, workers, address)
    waiting: deque[tuple[Task, Any]] = deque()
    try:
        limit = IN_FLIGHT_PER_WORKER * (workers or max(1, int(ray.cluster_resources().get("CPU", 1))))
        remote = ray.remote(num_cpus=1, max_retries=LIVES - 1)(_in_worker)
        shared = ray.put(function)
        while True:
            for task in islice(tasks, limit - len(waiting)):
                waiting.append((task, remote.remote(shared, task.batch)))
            if not waiting:
                return
            task, reference = waiting[0]
            result = _fetched(ray, reference, function, task)
            waiting.popleft()
            del reference  # the object store lets go of it while the caller works
            yield task, result
    finally:
        for _, reference in waiting:
            ray.cancel(reference, force=True)
        if is_ours:
            ray.shutdown()


def _imported() -> Any:
    os.environ.update(_QUIET)  # read when Ray is imported and by the processes it starts
    try:
        import ray
    except ImportError as error:
        raise UsageError("Ray is not installed", cure="pip install 'modiste[cluster]'") from error
    return ray


def _connect(ray: Any, function: BatchFunction, workers: int | None, address: str | None) -> None:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        here = {"env_vars": {**_QUIET, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}}
        # "local", because None would join whatever RAY_ADDRESS names
        ray.init(address="local", num_cpus=workers or os.cpu_count(), include_dashboard=False,
                 object_store_memory=_OBJECT_STORE_BYTES, runtime_env=here, **quiet)  # fmt: skip
        return
    try:
        ray.init(address=address, runtime_env={"py_modules": _packages(function)}, **quiet)
    except (ConnectionError, TimeoutError, RuntimeError, ValueError) as error:
        cure = (
            "Is one running there (`ray start --head`), and if it asks for a token, is that set as Ray's page on token "
            "authentication says? Or leave --ray-address out to use this machine"
        )
        raise StorageError(
            f"no Ray cluster answers ({str(error).splitlines()[0]})", where=address, cure=cure
        ) from error


def _packages(function: Any) -> list[str]:
    """Folders of our own packages that the function comes from: Ray carries them to the cluster's nodes, so that the
    workers run this very code. What they depend on is installed there."""
    names = {"dataset"}
    while isinstance(function, partial):
        names |= {argument.__module__.split(".")[0] for argument in function.args if callable(argument)}
        function = function.func
    names.add(function.__module__.split(".")[0])
    specs = [importlib.util.find_spec(name) for name in sorted(names - {"__main__"})]
    return [str(Path(spec.origin).parent) for spec in specs if spec and spec.origin and spec.submodule_search_locations]


def _fetched(ray: Any, reference: Any, function: BatchFunction, task: Task) -> pa.RecordBatch | Failure:
    try:
        return ray.get(reference)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError) as error:
        raise worker_died(function, task) from error


def _in_worker(function: BatchFunction, batch: pa.RecordBatch) -> pa.RecordBatch | Failure:
    _start_worker()
    return guarded(function, batch)


@cache
def _start_worker() -> None:
    pa.set_cpu_count(1)
    keep_freed_memory()
