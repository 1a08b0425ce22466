"""What a shop system is to the benchmark: how to install, fill and serve it, and what its own database lists.

`Listed` is one product that a visitor can reach; systems are values, `folder` is one the user gave, and everything a
system needs lies under it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Listed:
    """One page that offers something. `path` as in its URL; `price` (what a visitor pays) and `list_price` (struck
    through, None where there is none) are decimal strings; `availability` of schema.org. All are None where it can't be
    bought. `pictures` are files. `variant_of` is the path of the product that a size with a page of its own belongs to.
    """

    path: str
    name: str
    price: str | None
    currency: str | None
    availability: str | None
    pictures: tuple[str, ...]
    sku: str
    variant_of: str | None = None
    list_price: str | None = None


def listed_from(row: dict[str, Any]) -> Listed:
    """From the JSON that a shop's own reader prints."""
    return Listed(**{**row, "pictures": tuple(row["pictures"])})


@dataclass(frozen=True)
class System:
    """`prepare(folder)` installs and fills once; `serve(folder, port, url)` listens on that loopback port and takes
    `url` for its own address while its block runs; `listed(folder)` reads the database.
    """

    name: str
    version: str
    prepare: Callable[[Path], None]
    serve: Callable[[Path, int, str], AbstractContextManager[None]]
    listed: Callable[[Path], list[Listed]]
