"""`modiste cutout`'s work: photos in, the garment or person alone out, at each photo's own size or staged for a shop.

In: sources (files, folders, URLs), what sees the garment, settings. Out: files in one folder and a row for each photo.
A photo that can't be used is a row with a reason and never stops the others; an output that is there stays unless the
photo or the settings changed; the sources are never written to. A full disk stops the batch: the next run goes on from
there.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from dataset.blobs import write_atomically
from dataset.errors import ImageError, UsageError
from dataset.progress import Progress, counted, silent
from modiste.cutout_ledger import Ledger
from modiste.cutout_photo import Look, cut_one
from modiste.cutout_settings import CutoutSettings, Ground, ground_of
from modiste.cutout_sources import Source, of_file, watch
from train.closer import Seen

Row = dict[str, Any]
Made = tuple[Row, tuple[tuple[str, bytes], ...]]  # the row, and what follows the stem of each file with its bytes
WORKERS = min(4, os.cpu_count() or 1)  # photos at a time: the network takes turns, edges and files run beside it


@dataclass(frozen=True)
class CutoutResult:
    """`rows`: {image, status (ok, bad), reason, out, outs, people, alpha_share, mask
    (network, backdrop), ms, note, kept} an input, in order."""

    out: str
    rows: list[Row] = field(default_factory=list)
    model: str = ""

    @property
    def failed(self) -> bool:
        """True where there were photos and none could be cut out."""
        return bool(self.rows) and all(row["status"] != "ok" for row in self.rows)

    def line(self) -> str:
        reasons = Counter(row["reason"] for row in self.rows if row["reason"])
        notes = Counter(note for row in self.rows for note in (row["note"] or "").split("; ") if note)
        done = sum(row["status"] == "ok" for row in self.rows)
        kept = sum(bool(row["kept"]) for row in self.rows)
        left = "".join(f", {count} {reason}" for reason, count in sorted(reasons.items()))
        there = f" ({kept} there already)" if kept else ""
        said = "".join(f"; {count}x {note}" for note, count in notes.most_common(4))
        plain = sum(row["mask"] == "backdrop" for row in self.rows)
        there += f", {plain} by their backdrop" if plain else ""
        model = f"; model {self.model}" if self.model else ""
        return f"cutout: {done} of {len(self.rows)} images in {self.out}{there}{left}{said}{model}"


def cut_out(
    sources: Iterable[Source],
    out: Path,
    look: Look,
    settings: CutoutSettings | None = None,
    *,
    weights: str = "",
    model: str = "",
    workers: int | None = None,
    progress: Progress = silent,
) -> CutoutResult:
    """`look` gives a photo's `Seen`; `weights` is its fingerprint, so that another model makes new cutouts.

    `sources` may be endless (a folder that is watched): Ctrl-C then ends it, and what was done is told. Of a list up to
    `workers` photos are worked on at a time, with the same result; `look` is never called by two threads at once.
    Raises UsageError for settings that make no sense, StorageError where the folder can't be written.
    """
    settings = settings or CutoutSettings()
    settings.check()
    ground = ground_of(settings.on)
    ledger = Ledger(out, settings.digest(weights), numbered=settings.people == "each")
    total = len(sources) if isinstance(sources, list) else None
    rows: list[Row] = []
    one_at_a_time = total is None or settings.people != "all"  # telling people apart asks networks that take no turns
    at_once = 1 if one_at_a_time else max(1, workers or WORKERS)
    turn = Lock()

    def look_in_turn(rgb: np.ndarray) -> Seen:
        with turn:
            return look(rgb)

    def make(source: Source, data: bytes | ImageError) -> Made:
        return _made(source, data, look_in_turn, settings, ground)

    with suppress(KeyboardInterrupt) if total is None else nullcontext():
        for row in counted(_in_order(sources, make, at_once, out, ledger), total, progress):
            rows.append(row)
    return CutoutResult(str(out), rows, model)


def watched(folder: Path, out: Path) -> Iterator[Source]:
    """Photos as they come into `folder`, whole ones only, none that is cut out already; one that failed comes once."""
    if out.resolve() == folder.resolve():
        raise UsageError("cutouts would land in the folder that is watched", where=str(out), expected="another --out")
    tried: dict[Path, list[int]] = {}

    def known(path: Path) -> bool:
        return tried.get(path) == of_file(path).stamp()

    for path in watch(folder, known):
        source = of_file(path)
        tried[path] = source.stamp()
        yield source


def _in_order(
    sources: Iterable[Source],
    make: Callable[[Source, bytes | ImageError], Made],
    at_once: int,
    out: Path,
    ledger: Ledger,
) -> Iterator[Row]:
    """A row a source, in order. Threads only compute; reading, ledger and files are this thread's."""
    waiting: deque[tuple[Source, Row | Future[Made]]] = deque()
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="cutout")

    def first() -> Row:
        source, found = waiting.popleft()
        return _kept(source, *found.result(), out, ledger) if isinstance(found, Future) else found

    try:
        for source in sources:
            while any(other.key == source.key for other, _ in waiting):  # the same photo twice: the first one counts
                yield first()
            before = ledger.done(source)
            found = pool.submit(make, source, _read(source)) if before is None else {**before, "kept": True}
            waiting.append((source, found))
            if len(waiting) >= at_once:
                yield first()
        while waiting:
            yield first()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(source: Source) -> bytes | ImageError:
    try:
        return source.read()
    except ImageError as error:
        return error


def _made(
    source: Source, data: bytes | ImageError, look: Look, settings: CutoutSettings, ground: Ground | None
) -> Made:
    began = time.perf_counter()
    row: Row = {"image": source.shown, "status": "ok", "reason": None, "out": None, "outs": [], "people": 0,
                "alpha_share": 0.0, "mask": None, "ms": 0, "note": None, "kept": False}  # fmt: skip
    files: tuple[tuple[str, bytes], ...] = ()
    try:
        if isinstance(data, ImageError):
            raise data
        done = cut_one(data, look, settings, ground)
    except ImageError as error:
        row |= {"status": "bad", "reason": error.code, "note": None}
    except MemoryError:
        row |= {"status": "bad", "reason": "out_of_memory"}
    else:
        files = tuple(done.files)
        row |= {"people": done.people, "alpha_share": done.alpha_share, "mask": done.mask}
        row["note"] = "; ".join(done.notes) or None
    row["ms"] = round(1000 * (time.perf_counter() - began))
    return row, files


def _kept(source: Source, row: Row, made: tuple[tuple[str, bytes], ...], out: Path, ledger: Ledger) -> Row:
    """What may pass by itself (memory, a host that doesn't answer) is left to the next run; nothing is noted of it."""
    name = ledger.name(source)
    files = {f"{name}{ending}": data for ending, data in made}
    outs = [str(out / each) for each in files]
    row |= {"out": outs[0] if outs else None, "outs": outs}
    if row["status"] == "ok" or (source.stamp() and row["reason"] != "out_of_memory"):
        ledger.begin(source, name, row, list(files))
    for file, data in files.items():
        write_atomically(out / file, data)
    return row
