"""Drawn photos and masks with holes and disjoint parts, and a snapshot of them, for the import and export tests."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from dataset import masks
from dataset.blobs import sha256_of
from dataset.importers.run import import_data
from dataset.snapshot import create_snapshot
from dataset.workspace import Workspace

HEIGHT, WIDTH = 61, 47
SIZE = (HEIGHT, WIDTH)
PARTS = ("train", "train", "validation", "test")


def disc(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def garment(shift: int = 0) -> np.ndarray:
    """Two parts, one touching the border, a ring with a hole that holds an island, and single pixels."""
    mask = (disc(30, 20 + shift, 14) & ~disc(30, 20 + shift, 9)) | disc(30, 20 + shift, 4)
    mask[55:, :10] = True
    mask[0, WIDTH - 1] = mask[58, 40] = mask[59, 41] = True
    mask[40, 20 + shift] = False
    return mask


def skin(shift: int = 0) -> np.ndarray:
    """Also inside the garment's hole, and never on it."""
    return (disc(30, 20 + shift, 7) | disc(8, 22, 6)) & ~garment(shift)


def composite(shift: int = 0) -> np.ndarray:
    return masks.compose(skin(shift) | garment(shift), garment(shift))


def photo(seed: int = 0, kind: str = "JPEG", size: tuple[int, int] = SIZE, **options: object) -> bytes:
    """An encoded image of noise blocks, another for each seed."""
    blocks = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    image = Image.fromarray(blocks).resize(size[::-1], Image.Resampling.BICUBIC)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def usable(ws: Workspace, parts: tuple[str, ...] = PARTS) -> None:
    """What `check`, `dedup` and `split` would write for the images fetched, each in the next of `parts`."""
    rows = ws.tables.query("SELECT DISTINCT sha256 FROM fetches WHERE status = 'ok' ORDER BY 1").to_pylist()
    images, groups = [], []
    for row, part in zip(rows, parts, strict=True):
        with Image.open(io.BytesIO(ws.blobs.get(row["sha256"]))) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            width, height = image.size[::-1] if turned else image.size
            facts = {"status": "ok", "width": width, "height": height, "format": image.format}
        images.append(row | facts)
        groups.append(row | {"group_id": row["sha256"], "split": part})
    ws.tables.append("images", images)
    ws.tables.append("groups", groups)


def shop(root: Path, kinds: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "JPEG")) -> Workspace:
    """Four images with composites and a label each, frozen as snapshot `spring`."""
    ws = Workspace.init(root / "shop")
    labels = []
    for number, kind in enumerate(kinds):
        suffix = {"JPEG": "jpg"}.get(kind, kind.lower())
        data = photo(number, kind)
        write(root / "pairs" / "images" / f"look {number}.{suffix}", data)
        write(root / "pairs" / "masks" / f"look {number}.png", png(composite(number)))
        label: dict[str, object] = {
            "sha256": sha256_of(data),
            "field": "type",
            "value": "dress",
            "word": "Dress & <Co>",
            "source": "person",
        }
        labels.append(label)
    ws.tables.append("labels", labels)
    import_data(ws, "masks", root / "pairs")
    usable(ws)
    create_snapshot(ws, "spring")
    return ws


def copy_of(ws: Workspace, root: Path) -> Workspace:
    """The same workspace elsewhere, for a test that changes it."""
    shutil.copytree(ws.root, root)
    return Workspace.open(root)


def truth(ws: Workspace) -> dict[str, np.ndarray]:
    """sha256 -> composite, as kept."""
    rows = ws.tables.read("masks", ["sha256", "mask_sha256"], "kind = 'composite'").to_pylist()
    return {row["sha256"]: masks.from_png(ws.blobs.get(row["mask_sha256"])) for row in rows}
