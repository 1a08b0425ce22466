"""How a step tells how far it is. The front door draws the bar; a room only calls `progress(done, total)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    def __call__(self, done: int, total: int | None) -> None: ...


def silent(done: int, total: int | None) -> None:
    """The default: nobody is looking."""


def counted(items: Iterable[Item], total: int | None, progress: Progress) -> Iterator[Item]:
    """Yield `items`, reporting each one after its consumer is through with it."""
    progress(0, total)
    for done, item in enumerate(items, start=1):
        yield item
        progress(done, total)
