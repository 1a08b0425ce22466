"""A service on loopback for tests: made-up models, a server in a thread or a child, photos drawn here."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from PIL import Image

from dataset.images import decode
from modiste.api import Access, App, make_app
from modiste.api_limits import Limits
from modiste.api_parts import FlowPart, Parts
from modiste.api_server import HeadersInTime
from modiste.api_work import BATCH, WAIT_S
from train.answers import Answer, Float32, UInt8
from train.closer import Seen

ROOT = Path(__file__).parent.parent
OPEN = Limits(rate=0)


@dataclass
class Reds:
    """A tagger that tells red photos from others; `hold` lets a test stop it, `batches` are the sizes it was shown."""

    seconds_each: float = 0.0
    batches: list[int] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    taxonomy: str = "clothing@2#7b83"
    fingerprint: str = "f" * 64

    def __post_init__(self) -> None:
        self.hold.set()

    @property
    def values(self) -> Mapping[str, Sequence[str]]:
        return {"type": ["dress", "coat"], "material": ["cotton", "silk"]}

    @property
    def facts(self) -> dict[str, Any]:
        return {"taxonomy": self.taxonomy, "weights": self.fingerprint}

    def answers(self, photos: Sequence[UInt8], fields: Sequence[str] | None = None) -> list[dict[str, Answer]]:
        self.batches.append(len(photos))
        self.entered.set()
        self.hold.wait(10)
        time.sleep(self.seconds_each * len(photos))
        return [self._answer(photo) for photo in photos]

    def vectors(self, photos: Sequence[UInt8]) -> Float32:
        return np.ones((len(photos), 4), np.float32) / 2

    def _answer(self, photo: UInt8) -> dict[str, Answer]:
        red = float(photo[..., 0].mean() / 255)
        kinds = tuple(sorted((("dress", red), ("coat", 1 - red)), key=lambda pair: -pair[1]))
        return {"type": Answer(kinds, 0.6), "material": Answer((("cotton", red), ("silk", 0.1)), 0.5, True)}


@dataclass(frozen=True)
class FakeHit:
    sha256: str = "a" * 64
    similarity: float = 0.9
    store: str = "here"
    product_id: str | None = "1"
    title: str | None = "<script>alert(1)</script>"
    price: str | None = "19.90"
    currency: str | None = "EUR"
    url: str | None = "javascript:alert(1)"
    copies: int = 0


class FakeSearcher:
    encoder = "made-up#1"

    def __init__(self) -> None:
        self.asked: list[tuple[int, str | None]] = []

    def search(self, data: bytes, k: int, where: str | None) -> list[FakeHit]:
        decode(data)
        self.asked.append((k, where))
        return [FakeHit()] * k

    def picture(self, sha256: str) -> bytes | None:
        return photo()


class FlowAnswer:
    def __init__(self, red: float) -> None:
        self.red = red

    def as_json(self) -> dict[str, Any]:
        tag = {"label": "dress", "confidence": self.red, "ranked": [{"label": "dress", "confidence": self.red}]}
        step = {"node": "type", "kind": "task", "field": "type", "label": "dress", "confidence": self.red, "why": ""}
        return {"tags": {"type": tag}, "path": [step], "models_called": ["tagger"]}


def look(rgb: UInt8) -> Seen:
    """What isn't nearly white is garment; a photo of one colour has none."""
    seen = (rgb.min(axis=2) < 200).astype(np.float32)
    if seen.min() == seen.max():
        seen[:] = 0
    return Seen(seen, seen)


def parts(tagger: Reds | None = None) -> Parts:
    """All of them, made up."""
    tagger = tagger or Reds()
    flow = FlowPart(
        "two", "clothing", [{"id": "type", "kind": "task", "subject": "type", "children": []}],
        lambda photos: [FlowAnswer(round(float(each[..., 0].mean() / 255), 3)) for each in photos],  # type: ignore[misc]
        [("tagger", tagger.fingerprint)],
    )  # fmt: skip
    made = Parts(tagger, None, look, ("made-up", "e" * 64), {"two": flow}, FakeSearcher())  # type: ignore[arg-type]
    made.explain = lambda rgb, fields: {each: photo(kind="PNG") for each in fields}
    made.card_of("made-up", "tagging", tagger.fingerprint, {**tagger.facts, "values": tagger.values})
    return made


def photo(colour: tuple[int, int, int] = (250, 10, 10), size: tuple[int, int] = (48, 64), kind: str = "JPEG") -> bytes:
    """A coloured square on white."""
    image = Image.new("RGB", size, "white")
    image.paste(colour, (4, 4, size[0] - 4, size[1] - 4))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def png_bomb(width: int = 20_000, height: int = 15_000) -> bytes:
    """A PNG of 300 megapixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def jpeg_bomb(width: int = 20_000, height: int = 15_000) -> bytes:
    """An ordinary JPEG whose frame header says 300 megapixels."""
    data = bytearray(photo())
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@dataclass
class Served:
    """`url` without a slash at its end."""

    url: str
    app: App
    server: uvicorn.Server


@contextmanager
def served(
    made: Parts | None = None, limits: Limits = OPEN, access: Access | None = None, *, batch: int = BATCH,
    wait_s: float = WAIT_S, http: type[HeadersInTime] = HeadersInTime, **more: Any,
) -> Iterator[Served]:  # fmt: skip
    """A real uvicorn in a thread of this process, on a free port."""
    app = make_app(made or parts(), limits, access, batch=batch, wait_s=wait_s, **more)
    config = uvicorn.Config(
        app.asgi, lifespan="on", http=http, log_level="warning", timeout_graceful_shutdown=5, backlog=2048
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield Served(f"http://127.0.0.1:{port}", app, server)
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def serving_child(code: str, *words: str, preexec: Any = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A child that runs `code` and says 'port N'; its address. Ended by its pid whatever happens."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *words]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=preexec
    ) as child:
        try:
            assert child.stdout
            port = int(child.stdout.readline().split()[1])
            yield child, f"http://127.0.0.1:{port}"
        finally:
            if child.poll() is None:
                child.kill()
