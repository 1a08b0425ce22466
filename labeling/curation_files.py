"""Files a viewer can open: one picture per image and one class map per mask, under `<workspace>/curation/`.

In: sha256s of images and of composite masks. Out: paths. Pictures are hard links to the blobs where that can be (blobs
have no suffix, and viewers go by it); class maps are PNGs of 0 background, 1 skin, 2 garment. Only missing files are
made; files are named by the sha256 of what they show, so that a take-down finds them. Never changes a blob.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from dataset.blobs import write_atomically
from dataset.images import decode
from dataset.masks import from_png, to_index
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from labeling.workers import in_workers

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}  # what every browser shows as it is
PICTURES, MASKS, PREDICTED = "curation/images", "curation/masks", "curation/predicted"


def pictures(ws: Workspace, kinds: dict[str, str]) -> dict[str, Path]:
    """{sha256: file} of {sha256: format as `images.format` names it}."""
    folder = ws.scratch(PICTURES)
    there = names_in(folder)
    paths = {sha256: folder / f"{sha256}{SUFFIXES.get(kind, '.png')}" for sha256, kind in kinds.items()}
    for sha256, path in paths.items():
        if path.name not in there:
            _show(ws, sha256, kinds[sha256], path)
    return paths


def class_maps(ws: Workspace, blobs: Iterable[str], progress: Progress = silent) -> dict[str, Path]:
    """{mask blob: class-map PNG}; FiftyOne draws class numbers, and 0 stays clear."""
    folder = ws.scratch(MASKS)
    there = names_in(folder)
    paths = {blob: folder / f"{blob}.png" for blob in sorted(set(blobs))}
    missing = [blob for blob, path in paths.items() if path.name not in there]
    results = in_workers(_class_map, (ws.blobs.get(blob) for blob in missing), total=len(missing))
    for number, (blob, png) in enumerate(zip(missing, results, strict=True), start=1):
        write_atomically(paths[blob], png)
        progress(number, len(missing))
    return paths


def names_in(folder: Path) -> set[str]:
    """File names in a folder, in one reading: ten thousand `exists` cost more."""
    return {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()


def remove_files(ws: Workspace, stems: Iterable[str]) -> int:
    """Delete every file under `curation/` that is named by one of these sha256s; returns how many."""
    wanted, count = set(stems), 0
    for path in (ws.root / "curation").rglob("*") if wanted else ():
        if path.stem in wanted and path.is_file():
            path.unlink(missing_ok=True)
            count += 1
    return count


def as_png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _show(ws: Workspace, sha256: str, kind: str, path: Path) -> None:
    """A hard link to the blob if that can be, else a copy; PNG where browsers need it."""
    if kind in SUFFIXES and ws.blobs.is_local:
        try:
            os.link(ws.blobs.path(sha256), path)
            return
        except FileExistsError:
            return
        except OSError:  # another disk, or a file system without links
            pass
    data = ws.blobs.get(sha256)
    write_atomically(path, data if kind in SUFFIXES else as_png(decode(data).rgb))


def _class_map(composite_png: bytes) -> bytes:
    return as_png(to_index(from_png(composite_png)))
