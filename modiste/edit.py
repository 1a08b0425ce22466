"""`modiste edit`'s work: photos in, edited pictures with their lineage out, each passed by the guard.

In: sources, a chain, what sees the garment. Out: files in one folder and a row for each photo. A photo that can't be
used or is refused is a row with a reason and never stops the others; what lay there before stays. Sources are never
written to, nor is their folder. An output that is there stays unless the photo, the chain or the weight changed.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset.blobs import write_atomically
from dataset.errors import ImageError, UsageError
from dataset.images import decode
from dataset.progress import Progress, counted, silent
from modiste.cutout_ledger import Ledger
from modiste.cutout_sources import Source
from modiste.edit_chain import Chain
from modiste.edit_mark import FORMATS
from modiste.edit_photo import Look, edit_one

Row = dict[str, Any]


@dataclass(frozen=True)
class EditResult:
    """`rows`: {image, status (ok, bad), reason, verdict, out, outs, mask, ms, note, kept} a photo, in order."""

    out: str
    chain: str
    rows: list[Row] = field(default_factory=list)
    model: str = ""

    @property
    def failed(self) -> bool:
        """True where there were photos and none was edited."""
        return bool(self.rows) and all(row["status"] != "ok" for row in self.rows)

    def line(self) -> str:
        done = sum(row["status"] == "ok" for row in self.rows)
        kept = sum(bool(row["kept"]) for row in self.rows)
        look = sum(row["verdict"] == "review" for row in self.rows)
        left = Counter(row["reason"] for row in self.rows if row["reason"])
        text = f"edit ({self.chain}): {done} of {len(self.rows)} photos in {self.out}"
        text += f" ({kept} there already)" if kept else ""
        text += f", {look} to review" if look else ""
        text += "".join(f", {count} {reason}" for reason, count in sorted(left.items()))
        said = next((f"{row['image']}: {row['note']}" for row in self.rows if row["reason"] and row["note"]), "")
        return text + (f"; first: {said}" if said else "") + (f"; model {self.model}" if self.model else "")


def edit_photos(
    sources: list[Source], out: Path, look: Look, chain: Chain, *, kind: str = "png", damage: Path | None = None,
    weights: str = "", model: str = "", progress: Progress = silent,
) -> EditResult:  # fmt: skip
    """`damage`: a mask file for one photo, or a folder with a mask of each photo's name. Raises UsageError where `out`
    holds a source or the format isn't lossless, StorageError where it can't be written."""
    _check(sources, out, chain, kind, damage)
    seen_damage = damage.stat().st_mtime_ns if damage else 0
    ledger = Ledger(out, chain.digest(f"{weights} {kind} {damage} {seen_damage}"))
    rows = [
        _one(source, out, look, chain, kind, damage, weights, ledger)
        for source in counted(sources, len(sources), progress)
    ]
    return EditResult(str(out), chain.words(), rows, model)


def _check(sources: list[Source], out: Path, chain: Chain, kind: str, damage: Path | None) -> None:
    if kind not in FORMATS:
        raise UsageError(f"--format {kind}", expected=" or ".join(FORMATS), cure="JPEG would change garment pixels")
    if any(Path(source.key).parent == out.resolve() for source in sources):
        raise UsageError("the folder holds a source", where=str(out), expected="another --out: sources stay untouched")
    repairs = "repair" in dict(chain.steps)
    if repairs and damage is None:
        raise UsageError("repair needs to be shown what is damaged", expected="--damage FILE or FOLDER")
    if damage is not None and not damage.exists():
        raise UsageError("no such damage mask", where=str(damage))
    if damage is not None and damage.is_file() and len(sources) > 1:
        raise UsageError("one damage mask for several photos", expected="a folder of masks named as the photos")


def _one(
    source: Source, out: Path, look: Look, chain: Chain, kind: str, damage: Path | None, weights: str, ledger: Ledger
) -> Row:
    if (before := ledger.done(source)) is not None:
        return {**before, "kept": True}
    began = time.perf_counter()
    row: Row = {"image": source.shown, "status": "ok", "reason": None, "verdict": "pass", "out": None, "outs": [],
                "mask": None, "ms": 0, "note": None, "kept": False}  # fmt: skip
    try:
        mask = _damage_of(source, damage)
        done = edit_one(source.shown, source.read(), look, chain, kind=kind, damage=mask, weights=weights)
    except ImageError as error:
        verdict = "refuse" if error.code == "refused" else None
        row |= {"status": "bad", "reason": error.code, "verdict": verdict, "note": str(error)}
        row["ms"] = round(1000 * (time.perf_counter() - began))
        return row
    name = ledger.name(source)
    outs = [str(out / f"{name}{ending}") for ending, _ in done.files]
    row |= {"out": outs[0], "outs": outs, "verdict": done.verdict, "mask": done.mask}
    row["note"] = "; ".join(done.notes) or None
    row["ms"] = round(1000 * (time.perf_counter() - began))
    ledger.begin(source, name, row, [Path(each).name for each in outs])
    for path, (_, data) in zip(outs, done.files, strict=True):
        write_atomically(Path(path), data)
    return row


def _damage_of(source: Source, damage: Path | None) -> np.ndarray | None:
    """The photo's own mask. Raises ImageError 'no_damage_mask', or what decoding raises."""
    if damage is None:
        return None
    path = damage
    if damage.is_dir():
        found = sorted(each for each in damage.iterdir() if each.stem == source.stem)
        if not found:
            raise ImageError("no_damage_mask", f"no mask named {source.stem}", where=str(damage))
        path = found[0]
    return decode(path.read_bytes()).rgb
