"""Sheets of restoration for people. In: rows of crops, (H, W, 3) uint8. Out: one PNG, at twice the size, unsmoothed."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from dataset.blobs import write_atomically
from train.letterbox import UInt8


def save_sheet(path: Path, picture: UInt8) -> None:
    """Makes the folder too."""
    whole, buffer = Image.fromarray(picture), io.BytesIO()
    whole.resize((2 * whole.width, 2 * whole.height), Image.Resampling.NEAREST).save(buffer, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
