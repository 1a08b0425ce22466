"""One training in several processes of one machine: start them, tell them apart, bring their findings together.

In: a function that can be pickled, and how many processes. Out: nothing; what they make lies in the run's folder. The
processes find each other the way `torchrun` has them do, on 127.0.0.1, so Lightning's own 'ddp' strategy does the rest.
Progress comes back through a queue. Never used where there is one device.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.queues import SimpleQueue
from typing import Any, TypeVar

import torch
from torch import distributed, nn

from dataset.errors import TrainingError, UsageError
from dataset.progress import Progress

T = TypeVar("T")


def check_devices(device: str, devices: int) -> None:
    """`device` is 'cpu' or 'cuda'; on a CPU a device is a process. Raises UsageError, TrainingError for too many."""
    if devices < 1:
        raise UsageError(f"--devices {devices}", expected="1 or more")
    there = torch.cuda.device_count() if device == "cuda" else os.cpu_count() or 1
    if devices > there:
        word = "GPUs" if device == "cuda" else "CPU cores"
        raise TrainingError(
            f"{devices} devices were asked for, and there are {there} {word}", cure=f"Use --devices {there}, or fewer"
        )


def rank() -> int:
    return distributed.get_rank() if _are_several() else 0


def world() -> int:
    """Processes that train together; 1 where training is not spread."""
    return distributed.get_world_size() if _are_several() else 1


def gathered(mine: Sequence[T]) -> list[T]:
    """Everyone's items in the order of the whole part, where process r held items r, r + world, r + 2 world, ..."""
    if world() == 1:
        return list(mine)
    parts: list[Sequence[T]] = [[] for _ in range(world())]
    distributed.all_gather_object(parts, list(mine))
    whole: list[Any] = [None] * sum(map(len, parts))
    for place, part in enumerate(parts):
        whole[place :: len(parts)] = part
    return whole


def same_buffers(net: nn.Module) -> None:
    """The first process's buffers (batch norm's running means) for all: each has seen other photos."""
    if world() > 1:
        for buffer in net.buffers():
            distributed.broadcast(buffer, 0)


def in_processes(count: int, work: Callable[..., None], *args: Any, progress: Progress) -> None:
    """`work(*args, progress)` in `count` processes that find each other; errors come through as torch wraps them."""
    from torch import multiprocessing

    with _relayed(progress) as queue:
        multiprocessing.spawn(_one, (count, _free_port(), queue, work, args), nprocs=count)


def _one(place: int, count: int, port: int, queue: SimpleQueue[Any], work: Callable[..., None], args: Any) -> None:
    os.environ |= {
        "LOCAL_RANK": str(place), "RANK": str(place), "NODE_RANK": "0", "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip

    def progress(done: int, total: int | None) -> None:
        if place == 0:
            queue.put((done, total))

    work(*args, progress)


@contextmanager
def _relayed(progress: Progress) -> Iterator[SimpleQueue[Any]]:
    """A queue whose pairs are passed to `progress` by a thread until the block ends."""
    from torch import multiprocessing

    queue: SimpleQueue[Any] = multiprocessing.get_context("spawn").SimpleQueue()

    def pass_on() -> None:
        while (pair := queue.get()) is not None:
            progress(*pair)

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    try:
        yield queue
    finally:
        queue.put(None)
        thread.join()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _are_several() -> bool:
    return distributed.is_available() and distributed.is_initialized()
