"""Sheets: many images with their masks on one PNG, for documentation and for looking at a data set in one glance.

In: (H, W, 3) uint8 RGB images and composite masks. Out: RGB arrays and PNG bytes. Never resamples a mask but by
nearest.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dataset.errors import EmptyError
from dataset.face_blur import blur_faces as blurred
from dataset.face_count import faces_of
from dataset.images import decode
from dataset.masks import from_png, to_index
from dataset.workspace import Workspace

# Colour-blind safe and far from skin, denim and grass: blue garment, orange skin (Okabe and Ito's, brightened).
TINTS = {1: (240, 150, 20), 2: (0, 130, 230)}


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet. `rgb` (H, W, 3) uint8; `mask` a composite of the same size, or None."""

    rgb: np.ndarray
    caption: str = ""
    mask: np.ndarray | None = None


def overlay(rgb: np.ndarray, composite: np.ndarray, strength: float = 0.45) -> np.ndarray:
    """Tint skin orange and garment blue, background dimmed, with a full-strength border line. All (H, W, 3) uint8."""
    index = to_index(composite)
    out = rgb.astype(np.float32)
    out[index == 0] = out[index == 0] * 0.75 + 255 * 0.25
    edge = _edges(index)
    for value, tint in TINTS.items():
        inside = index == value
        out[inside] = out[inside] * (1 - strength) + np.array(tint, np.float32) * strength
        out[inside & edge] = tint
    return out.round().astype(np.uint8)


def contact_sheet(cells: Sequence[Cell], columns: int = 4, cell_px: int = 240) -> bytes:
    """PNG of the cells in rows, each picture fitted into cell_px square (twice as wide where it has a mask: image |
    overlay)."""
    if not cells:
        raise EmptyError("no pictures to put on a sheet", cure="Crawl some first: modiste crawl URL")
    wide = 2 if any(cell.mask is not None for cell in cells) else 1
    gap, text_px = 12, 22
    rows = -(-len(cells) // columns)
    step_x, step_y = cell_px * wide + gap, cell_px + text_px + gap
    sheet = Image.new("RGB", (columns * step_x + gap, rows * step_y + gap), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for k, cell in enumerate(cells):
        x, y = gap + (k % columns) * step_x, gap + (k // columns) * step_y
        sheet.paste(_fitted(cell.rgb, cell_px), (x, y))
        if cell.mask is not None:
            sheet.paste(_fitted(overlay(cell.rgb, cell.mask), cell_px), (x + cell_px, y))
        draw.text((x, y + cell_px + 4), cell.caption[: cell_px * wide // 7], fill=(70, 76, 86), font=font)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def sheet(
    ws: Workspace, sha256s: Sequence[str], columns: int = 4, cell_px: int = 240, *, blur_faces: bool = False
) -> bytes:
    """Contact sheet of these images, each beside its best composite mask where it has one.

    With `blur_faces` an image whose faces can't be counted is left out. Raises MissingWeights as `faces_of`.
    """
    faces = faces_of(ws, sha256s) if blur_faces else {sha256: [] for sha256 in sha256s}
    best = best_masks(ws, sha256s)
    cells = []
    for sha256 in (each for each in sha256s if each in faces):
        rgb = blurred(decode(ws.blobs.get(sha256)).rgb, faces[sha256])
        mask = best.get(sha256)
        cells.append(Cell(rgb, f"{sha256[:8]} {mask['source']}" if mask else sha256[:8], _mask(ws, mask)))
    return contact_sheet(cells, columns, cell_px)


def best_masks(ws: Workspace, sha256s: Sequence[str]) -> dict[str, dict[str, str]]:
    """sha256 -> {mask_sha256, source} of its best good composite: review, then cutout, model, GrabCut."""
    rows = ws.tables.query(
        """SELECT sha256, mask_sha256, source FROM masks
        WHERE kind = 'composite' AND status = 'ok' AND list_contains(?::VARCHAR[], sha256)
        QUALIFY row_number() OVER (PARTITION BY sha256 ORDER BY CASE WHEN source = 'review' THEN 0
          WHEN source = 'cutout' THEN 1 WHEN source LIKE 'model:%' THEN 2 ELSE 3 END, source) = 1""",
        parameters=[list(sha256s)],
    )
    return {row["sha256"]: row for row in rows.to_pylist()}


def _mask(ws: Workspace, found: dict[str, str] | None) -> np.ndarray | None:
    return None if found is None else from_png(ws.blobs.get(found["mask_sha256"]))


def _edges(index: np.ndarray) -> np.ndarray:
    """Pixels whose right or lower neighbour is of another class, and those neighbours."""
    edge = np.zeros(index.shape, bool)
    across, down = index[:, 1:] != index[:, :-1], index[1:] != index[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def _fitted(rgb: np.ndarray, side_px: int) -> Image.Image:
    image = Image.fromarray(rgb)
    image.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    square = Image.new("RGB", (side_px, side_px), (243, 244, 246))
    square.paste(image, ((side_px - image.width) // 2, (side_px - image.height) // 2))
    return square
