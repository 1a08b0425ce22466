"""Writes what an annotator hands over: person and garment cutouts named by the image's sha256, the truth, the
splits.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def write_cutout(folder: Path, sha256: str, kind: str, pixels: np.ndarray, mask: np.ndarray) -> None:
    """The photo's own pixels (H, W, 3) where `mask` (H, W) bool, transparent white elsewhere:
    `<kind>/<sha256>.png`, RGBA.
    """
    cut = np.full((*mask.shape, 4), 255, np.uint8)
    cut[..., 3] = mask.astype(np.uint8) * 255
    cut[mask, :3] = pixels[mask]
    body = io.BytesIO()
    Image.fromarray(cut, "RGBA").save(body, "PNG", compress_level=3)
    target = folder / kind / f"{sha256}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(body.getvalue())


def write_table(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(sorted(set(rows)))
