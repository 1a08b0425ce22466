"""`modiste cutout`'s work: photos in, the garment alone out, at each photo's own size.

In: image files or folders of them, and a segmentation run. Out: `<stem>.png` (RGBA) and, when asked,
`<stem>.on-white.jpg`. A file that is no image, or a photo without a garment, is a row of the result with a reason; the
sources are never written to.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.blobs import write_atomically
from dataset.errors import EmptyError, ImageError, UsageError
from dataset.images import decode
from dataset.progress import Progress, counted, silent
from labeling.clipping import alpha_from, on_colour
from labeling.refine import DEFAULT, check_method, refine

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"}
LEAST_SHARE = 0.001  # of the photo's pixels; less is no garment

Probabilities = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class CutoutResult:
    """`rows`: one {image, status, reason, out} an input, in the order given."""

    out: str
    rows: list[dict[str, str | None]] = field(default_factory=list)

    def line(self) -> str:
        reasons = Counter(row["reason"] for row in self.rows if row["reason"])
        done = sum(row["status"] == "ok" for row in self.rows)
        left = "".join(f", {count} {reason}" for reason, count in sorted(reasons.items()))
        return f"cutout: {done} of {len(self.rows)} images in {self.out}{left}"


def cut_out(
    images: Iterable[Path],
    out: Path,
    garment: Probabilities,
    *,
    white: bool = False,
    edges: str = DEFAULT,
    progress: Progress = silent,
) -> CutoutResult:
    """`garment` gives (H, W) float32 probabilities for an (H, W, 3) photo; `edges` is a method of `labeling.refine`.

    An output that is there already stays.
    """
    check_method(edges)
    files = list(find_images(images))
    names = unique_names(files)
    rows = [
        _one(path, out / f"{names[path]}.png", garment, white, edges) for path in counted(files, len(files), progress)
    ]
    return CutoutResult(str(out), rows)


def find_images(paths: Iterable[Path]) -> Iterable[Path]:
    """Files as given, folders by their images, sorted. UsageError for a path that is not there, EmptyError for none."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError("no such file or folder", where=str(path))
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        found += inside
    if not found:
        raise EmptyError("no images there", expected="files ending in " + " ".join(sorted(SUFFIXES)))
    return list(dict.fromkeys(found))


def unique_names(files: list[Path]) -> dict[Path, str]:
    """Output stem of each file: its own stem, with its suffix and then a number where two would collide."""
    taken: Counter[str] = Counter(path.stem for path in files)
    names: dict[Path, str] = {}
    for path in files:
        name = path.stem if taken[path.stem] == 1 else path.name.replace(".", "-")
        while name in names.values():
            name += "-2"
        names[path] = name
    return names


def _one(path: Path, target: Path, garment: Probabilities, white: bool, edges: str) -> dict[str, str | None]:
    row: dict[str, str | None] = {"image": str(path), "status": "ok", "reason": None, "out": str(target)}
    if target.exists() and (not white or _white_path(target).exists()):
        return row
    try:
        rgb = decode(path.read_bytes()).rgb
    except ImageError as error:
        return row | {"status": "bad", "reason": error.code, "out": None}
    alpha = alpha_from(garment(rgb))
    if np.count_nonzero(alpha) < LEAST_SHARE * alpha.size:
        return row | {"status": "bad", "reason": "no_garment", "out": None}
    rgba = refine(rgb, alpha.astype(np.float32) / 255, method=edges).rgba()
    if white:
        write_atomically(_white_path(target), _encoded(on_colour(rgba), "JPEG"))
    write_atomically(target, _encoded(rgba, "PNG"))
    return row


def _white_path(target: Path) -> Path:
    return target.with_name(f"{target.stem}.on-white.jpg")


def _encoded(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    return buffer.getvalue()
