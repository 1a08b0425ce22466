"""Micro-batching: single photos from many requests, worked on together in one thread.

In: items, each awaited by someone. Out: each its own result or its own error. A lane waits a few milliseconds for
company, or until its batch is full; while one batch is worked on the next one gathers. Whoever stops waiting (his
client vanished) is dropped before anything is computed for him. One bad item fails alone. Never runs two batches of a
lane at a time.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")
Observe = Callable[[int, float], None]
SMOOTHING = 0.1  # of the running mean of seconds an item


class Lane(Generic[In, Out]):
    """`run` takes up to `most` items in a thread of `pool` and gives as many results, exceptions among them allowed."""

    def __init__(
        self, run: Callable[[list[In]], Sequence[Out | Exception]], pool: Executor, *, most: int = 1,
        wait_s: float = 0.0, observe: Observe = lambda size, seconds: None,
    ) -> None:  # fmt: skip
        self.most, self.wait_s = most, wait_s
        self._run, self._pool, self._observe = run, pool, observe
        self._waiting: deque[tuple[In, asyncio.Future[Out]]] = deque()
        self._came = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self.dropped = 0
        self.seconds_each = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def expected_s(self) -> float:
        """How long what waits now will take."""
        return len(self._waiting) * self.seconds_each

    async def ask(self, item: In) -> Out:
        """Raises what `run` raised or gave for this item."""
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._came.set()
        try:
            return await future
        finally:
            del future  # what it raised holds this frame: the circle would keep the item until a garbage collection

    async def close(self) -> None:
        """End the worker; whoever still waits is cancelled."""
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._came.clear()
                await self._came.wait()
            if self.most > 1 and len(self._waiting) < self.most:
                await self._company()
            await self._done(self._taken())  # no name here keeps the last photos while nobody asks

    async def _company(self) -> None:
        """Until the batch is full or the time is up."""
        ends = asyncio.get_running_loop().time() + self.wait_s
        while len(self._waiting) < self.most:
            self._came.clear()
            try:
                async with asyncio.timeout_at(ends):
                    await self._came.wait()
            except TimeoutError:
                return

    def _taken(self) -> list[tuple[In, asyncio.Future[Out]]]:
        batch: list[tuple[In, asyncio.Future[Out]]] = []
        while self._waiting and len(batch) < self.most:
            item, future = self._waiting.popleft()
            if future.cancelled():
                self.dropped += 1
            else:
                batch.append((item, future))
        return batch

    async def _done(self, batch: list[tuple[In, asyncio.Future[Out]]]) -> None:
        if not batch:
            return
        begun = time.perf_counter()
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, self._each, [item for item, _ in batch])
        seconds = time.perf_counter() - begun
        self.seconds_each += (1.0 if not self.seconds_each else SMOOTHING) * (seconds / len(batch) - self.seconds_each)
        self._observe(len(batch), seconds)
        for (_, future), result in zip(batch, found, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _each(self, items: list[In]) -> Sequence[Out | Exception]:
        """All at once; where that fails, one by one, so that the one at fault is found."""
        try:
            return self._run(items)
        except Exception as error:
            if len(items) == 1:
                return [_light(error)]
        return [self._each([item])[0] for item in items]


def _light(error: Exception) -> Exception:
    """Its traceback as words: the frames themselves would keep the photos for as long as anyone keeps the error."""
    error.add_note(traceback.format_exc())
    return error.with_traceback(None)
