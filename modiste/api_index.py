"""Similar products in the service: `modiste.search.Searcher`, opened anew where the workspace's rows have changed.

In: a workspace with embeddings. Out: hits, and small pictures of them. What was taken down since is gone within
seconds. Thumbnails are made once and the most recent kept.
"""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from PIL import Image

from dataset.errors import EmptyError, ModisteError
from dataset.images import decode
from dataset.similar import Hit
from dataset.workspace import Workspace
from modiste.api_parts import Parts
from modiste.search import Searcher

FRESH_S = 5.0
THUMBNAIL_PX = 256
THUMBNAILS = 512
WATCHED = ("embeddings", "takedowns", "images", "products", "groups", "labels")
Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A value made anew where its key has changed, looked at every few seconds. Safe from many threads."""

    def __init__(self, key: Callable[[], object], make: Callable[[], Value]) -> None:
        self._key, self._make, self._lock = key, make, threading.Lock()
        self._known, self._value, self._at = key(), make(), time.monotonic()

    def get(self) -> Value:
        with self._lock:
            if time.monotonic() - self._at > FRESH_S:
                self._at = time.monotonic()
                if (now := self._key()) != self._known:
                    self._value, self._known = self._make(), now
            return self._value


class LiveSearcher:
    """`modiste.api_parts.Searcher` over a workspace."""

    def __init__(self, ws: Workspace) -> None:
        """Raises EmptyError where no image has a vector."""
        self._ws = ws
        self._searcher = Kept(self._versions, lambda: Searcher(ws))
        self._thumbnails: OrderedDict[tuple[object, str], bytes] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def encoder(self) -> str:
        return str(self._searcher.get().index.encoder)

    def search(self, data: bytes, k: int, where: str | None) -> list[Hit]:
        return self._searcher.get().like_picture(data, k, where)

    def picture(self, sha256: str) -> bytes | None:
        with self._lock:
            if (known := self._thumbnails.get((self._searcher.get(), sha256))) is not None:
                return known
        try:
            made = thumbnail(self._ws.blobs.get(sha256))
        except ModisteError:  # the blob is gone or broken: the hit stays
            return None
        with self._lock:
            self._thumbnails[self._searcher.get(), sha256] = made
            while len(self._thumbnails) > THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return made

    def _versions(self) -> tuple[object, ...]:
        return tuple(self._ws.tables.version(name) for name in WATCHED)


def thumbnail(data: bytes) -> bytes:
    """A JPEG of at most 256 px a side, without metadata. Raises ImageError."""
    rgb = decode(data, shorter_side_px=THUMBNAIL_PX).rgb
    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def open_searcher(parts: Parts, ws: Workspace | None) -> None:
    if ws is None:
        raise EmptyError("no workspace", cure="Start with -w WORKSPACE whose images were crawled and embedded")
    parts.similar = LiveSearcher(ws)
