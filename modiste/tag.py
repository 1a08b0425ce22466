"""Tags for photos: each file read, answered in batches, bad ones told by a code.

In: image files and a tagger (`train.tagger.Tagger`). Out: a `TagResult`, an entry a photo in the order asked, and
where wanted a PNG a photo and field that says why. Memory holds one batch of photos. Never trains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dataset.blobs import write_atomically
from dataset.errors import ImageError, UsageError
from dataset.images import decode
from dataset.progress import Progress, silent
from modiste.cutout_sources import read_file
from train.answers import Answer
from train.tagger import BATCH, Tagger, UInt8


@dataclass(frozen=True)
class TagResult:
    """`rows`: {image, tags: {field: {label, confidence, ranked}}, error: {code, what} or absent}, in the order asked.
    `label` is null under the floor; a multi field has `labels`."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    model: str = ""

    @property
    def failed(self) -> bool:
        """True where there were photos and none could be read."""
        return bool(self.rows) and all("error" in row for row in self.rows)

    def line(self) -> str:
        bad = Counter(row["error"]["code"] for row in self.rows if "error" in row)
        left = "".join(f", {count} {code}" for code, count in sorted(bad.items()))
        done = len(self.rows) - sum(bad.values())
        lines = [f"{row['image']}: {_said(row)}" for row in self.rows]
        return "\n".join([*lines, f"tag: {done} of {len(self.rows)} images{left}; model {self.model}"])


def tag(
    paths: Sequence[Path],
    tagger: Tagger,
    *,
    fields: Sequence[str] | None = None,
    floor: float | None = None,
    explain: Path | None = None,
    model: str = "",
    progress: Progress = silent,
) -> TagResult:
    """`floor` replaces every field's own; `explain` is a folder for pictures of why. Raises UsageError for a field that
    the tagger has no head for, or a floor outside [0, 1]."""
    if floor is not None and not 0 <= floor <= 1:
        raise UsageError(f"a floor of {floor}", expected="0 to 1")
    tagger.answers([], fields)  # refuses unknown fields before anything is read
    rows: list[dict[str, Any]] = []
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        rows += _tagged(batch, tagger, fields, floor, explain)
        progress(start + len(batch), len(paths))
    return TagResult(rows, model)


def _tagged(
    paths: Sequence[Path], tagger: Tagger, fields: Sequence[str] | None, floor: float | None, explain: Path | None
) -> Iterator[dict[str, Any]]:
    read = [_photo(path) for path in paths]
    answers = iter(tagger.answers([each for each in read if isinstance(each, np.ndarray)], fields))
    for path, photo in zip(paths, read, strict=True):
        row: dict[str, Any] = {"image": str(path), "tags": {}}
        if isinstance(photo, dict):
            yield row | {"error": photo}
            continue
        found = next(answers)
        row["tags"] = {
            name: as_tag(each if floor is None else replace(each, floor=floor)) for name, each in found.items()
        }
        if explain is not None:
            row["why"] = _explained(tagger, photo, path, list(found), explain)
        yield row


def as_tag(answer: Answer) -> dict[str, Any]:
    """One answer as the JSON that the command and the service give."""
    ranked = [{"label": word, "confidence": round(chance, 4)} for word, chance in answer.ranked]
    label = answer.said[0] if answer.said else None
    plain = {"label": label, "confidence": round(answer.confidence, 4), "ranked": ranked}
    return plain | {"labels": list(answer.said)} if answer.multi else plain


def _photo(path: Path) -> UInt8 | dict[str, str]:
    """(H, W, 3) RGB, or what is wrong with the file."""
    try:
        return np.ascontiguousarray(decode(read_file(path)).rgb)
    except ImageError as error:
        return {"code": error.code, "what": error.what}


def _explained(tagger: Tagger, photo: UInt8, path: Path, fields: list[str], folder: Path) -> dict[str, str]:
    """Write <name>-<field>.png for each field; the folder stands in the name, for photos of one name in several."""
    from train.heat import overlay_png

    found = {}
    for name, png in overlay_png(tagger, photo, fields).items():
        out = folder / f"{path.parent.name or 'photo'}-{path.name}-{name}.png"
        write_atomically(out, png)
        found[name] = str(out)
    return found


def _said(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['error']['code']}: {row['error']['what']}"
    return ", ".join(f"{name} {_words(each)}" for name, each in row["tags"].items())


def _words(each: dict[str, Any]) -> str:
    if each.get("labels"):
        return " + ".join(each["labels"])
    surest = each["ranked"][0]
    return f"{surest['label']}{'' if each['label'] else '?'} {surest['confidence']:.2f}"
