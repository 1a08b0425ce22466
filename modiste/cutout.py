"""`modiste cutout`'s work: photos in, the garment or person alone out, at each photo's own size or staged for a shop.

In: sources (files, folders, URLs), what sees the garment, settings. Out: files in one folder and a row for each photo.
A photo that can't be used is a row with a reason and never stops the others; an output that is there stays unless the
photo or the settings changed; the sources are never written to. A full disk stops the batch: the next run goes on from
there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.errors import ImageError, UsageError
from dataset.progress import Progress, counted, silent
from modiste.cutout_ledger import Ledger
from modiste.cutout_photo import Look, cut_one
from modiste.cutout_settings import CutoutSettings, Ground, ground_of
from modiste.cutout_sources import Source, of_file, watch

Row = dict[str, Any]


@dataclass(frozen=True)
class CutoutResult:
    """`rows`: {image, status (ok, bad), reason, out, outs, people, alpha_share, ms, note, kept} an input, in order."""

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
    progress: Progress = silent,
) -> CutoutResult:
    """`look` gives a photo's `Seen`; `weights` is its fingerprint, so that another model makes new cutouts.

    `sources` may be endless (a folder that is watched): Ctrl-C then ends it, and what was done is told.
    Raises UsageError for settings that make no sense, StorageError where the folder can't be written.
    """
    settings = settings or CutoutSettings()
    settings.check()
    ground = ground_of(settings.on)
    ledger = Ledger(out, settings.digest(weights), numbered=settings.people == "each")
    total = len(sources) if isinstance(sources, list) else None
    rows: list[Row] = []
    with suppress(KeyboardInterrupt) if total is None else nullcontext():
        for source in counted(sources, total, progress):
            rows.append(_one(source, out, look, settings, ground, ledger))
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


def _one(source: Source, out: Path, look: Look, settings: CutoutSettings, ground: Ground | None, ledger: Ledger) -> Row:
    if (before := ledger.done(source)) is not None:
        return {**before, "kept": True}
    began = time.perf_counter()
    name = ledger.name(source)
    row: Row = {"image": source.shown, "status": "ok", "reason": None, "out": None, "outs": [], "people": 0,
                "alpha_share": 0.0, "ms": 0, "note": None, "kept": False}  # fmt: skip
    files: dict[str, bytes] = {}
    try:
        done = cut_one(source.read(), look, settings, ground)
    except ImageError as error:
        row |= {"status": "bad", "reason": error.code, "note": None}
    except MemoryError:
        row |= {"status": "bad", "reason": "out_of_memory"}
    else:
        files = {f"{name}{ending}": data for ending, data in done.files}
        outs = [str(out / each) for each in files]
        row |= {"out": outs[0], "outs": outs, "people": done.people, "alpha_share": done.alpha_share}
        row["note"] = "; ".join(done.notes) or None
    row["ms"] = round(1000 * (time.perf_counter() - began))
    _keep(source, name, row, files, out, ledger)
    return row


def _keep(source: Source, name: str, row: Row, files: dict[str, bytes], out: Path, ledger: Ledger) -> None:
    """What may pass by itself (memory, a host that doesn't answer) is left to the next run; nothing is noted of it."""
    if row["status"] == "ok" or (source.stamp() and row["reason"] != "out_of_memory"):
        ledger.begin(source, name, row, list(files))
    for file, data in files.items():
        write_atomically(out / file, data)
