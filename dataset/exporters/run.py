"""`export`: a snapshot as a folder in one of the known formats, whole or not at all.

In: the format's name, a snapshot, a folder that is not there yet. Out: an `ExportResult`. The folder is built beside
its place and renamed when the last file, `export.json`, is written. The same export again is a no-op; another one in
its place is refused.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset.errors import EmptyError, StorageError, UsageError
from dataset.exporters import coco, cvat, huggingface, labelstudio, ledger, parquet, webdataset, yolo
from dataset.exporters.items import Gathered, gather
from dataset.exporters.privacy import blurs_faces, with_faces
from dataset.exporters.sink import Sink
from dataset.progress import Progress, silent
from dataset.workspace import Workspace

WRITERS: dict[str, Callable[[Sink], None]] = {
    "coco": coco.write,
    "yolo": yolo.write,
    "labelstudio": labelstudio.write,
    "cvat": cvat.write,
    "webdataset": webdataset.write,
    "huggingface": huggingface.write,
    "parquet": parquet.write,
}


@dataclass(frozen=True)
class ExportResult:
    """`left_out` counts images and masks that stayed here, by why; `images_are` how the images' bytes relate to the
    originals."""

    format: str
    out: str
    snapshot: str
    fingerprint: str
    images: int
    with_masks: int
    parts: dict[str, int]
    left_out: dict[str, int] = field(default_factory=dict)
    images_are: dict[str, int] = field(default_factory=dict)
    faces_blurred: bool = False
    was_there: bool = False

    def line(self) -> str:
        parts = ", ".join(f"{part} {count}" for part, count in self.parts.items())
        text = f"{self.format} of snapshot {self.snapshot} in {self.out}: {self.images} images ({parts}), "
        text += f"{self.with_masks} with masks; " + ", ".join(
            f"{how} {count}" for how, count in self.images_are.items()
        )
        text += "; faces blurred" if self.faces_blurred else ""
        text += "; left out: " + ", ".join(f"{why} {n}" for why, n in self.left_out.items()) if self.left_out else ""
        return "already there. " + text if self.was_there else text


def export(
    ws: Workspace,
    format_: str,
    snapshot: str,
    out: Path,
    *,
    masks: str = "composite",
    blur_faces: bool = False,
    progress: Progress = silent,
) -> ExportResult:
    """Write `snapshot` to the folder `out`. `masks` is composite (skin and garment), labels, garment, person or none.
    With `blur_faces` every face found is blurred; an image that was never counted is counted on the way.

    Raises UsageError (unknown format or masks, or `out` holds something else), SnapshotError, EmptyError where nothing
    could be exported, MissingWeights (faces to count and no network fetched), StorageError; in each case `out` is as
    it was.
    """
    if format_ not in WRITERS:
        raise UsageError(f"there is no export '{format_}'", expected="one of " + ", ".join(WRITERS))
    gathered = gather(ws, snapshot, masks)
    if (meta := _same(out, format_, gathered, blur_faces)) is not None:
        return _result(meta, out, was_there=True)
    gathered = with_faces(ws, gathered, progress) if blur_faces else gathered
    with _whole(out) as folder:
        sink = Sink(ws, folder, gathered, progress)
        WRITERS[format_](sink)
        if not sink.index:
            raise EmptyError("no image could be exported", where=f"snapshot {snapshot}", cure=str(dict(sink.left_out)))
        ledger.write_index(sink)
        meta = ledger.describe(sink, format_)
        sink.write(ledger.EXPORT, (json.dumps(meta, indent=1, ensure_ascii=False) + "\n").encode())
    ledger.remember(ws, out, meta)
    progress(len(sink.index), len(gathered.items))
    return _result(meta, out)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block ends well, and goes away when it doesn't."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("is not empty", where=str(out), cure="Choose another folder, or delete this one")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".part-{out.name}-"))
    except OSError as error:
        raise StorageError(
            f"can't write: {error.strerror}", where=str(out.parent), cure="Choose another place"
        ) from error
    try:
        yield folder
        folder.chmod(0o755)
        folder.replace(out)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            cure = "Free some space, then run the same command again"
            raise StorageError(f"can't write: {error.strerror}", where=str(out), cure=cure) from error
        raise


def _same(out: Path, format_: str, gathered: Gathered, blur_faces: bool) -> dict[str, Any] | None:
    """What the export that lies at `out` says, if it is this one."""
    try:
        meta = json.loads((out / ledger.EXPORT).read_text(encoding="utf-8"))
        told = (
            meta["format"],
            meta["fingerprint"],
            meta["snapshot"],
            meta["masks"],
            meta["left_out"].get("taken down", 0),
            blurs_faces(meta),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    snapshot = gathered.snapshot
    wanted = (format_, snapshot.fingerprint, snapshot.name, gathered.kind, gathered.left_out["taken down"], blur_faces)
    return dict(meta) if told == wanted else None


def _result(meta: dict[str, Any], out: Path, *, was_there: bool = False) -> ExportResult:
    return ExportResult(
        format=meta["format"],
        out=str(out),
        snapshot=meta["snapshot"],
        fingerprint=meta["fingerprint"],
        images=meta["images"],
        with_masks=meta["with_masks"],
        parts=meta["parts"],
        left_out=meta["left_out"],
        images_are={how: told["images"] for how, told in meta["images_are"].items()},
        faces_blurred=blurs_faces(meta),
        was_there=was_there,
    )
