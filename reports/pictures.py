"""Thumbnails inside the page: data URIs of downscaled JPEGs, under one budget of bytes for the whole file.

In: sha256s of images and masks, PNG files of runs. Out: `data:image/jpeg;base64,…`, or None where the image is gone,
unreadable, or the budget is spent (counted in `left_out`). With `faces_in` faces are blurred; a picture whose faces
can't be counted is not shown, nor is a run's figure, whose photographs were drawn as they are. Every byte is decoded by
`dataset.images` and encoded anew, so nothing a stranger put into a file reaches the page.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dataset.blobs import BlobStore
from dataset.errors import ModisteError
from dataset.face_blur import blur_faces
from dataset.face_boxes import scaled
from dataset.face_count import faces_of
from dataset.images import Decoded, decode
from dataset.masks import from_png, resize
from dataset.package_files import MissingWeights
from dataset.workspace import Workspace
from reports.gallery import overlay

BUDGET_BYTES = 6_000_000
THUMB_PX, FIGURE_PX = 260, 1400


class Pictures:
    """Makes data URIs until `budget_bytes` of base64 are used."""

    def __init__(
        self, blobs: BlobStore, budget_bytes: int = BUDGET_BYTES, *, faces_in: Workspace | None = None
    ) -> None:
        """With `faces_in`, the workspace that counts them, faces are blurred."""
        self.blobs, self.budget_bytes, self.faces_in = blobs, budget_bytes, faces_in
        self.used, self.left_out, self.unreadable, self.hidden = 0, 0, 0, 0

    def image(self, sha256: str) -> str | None:
        rgb = self._thumb(sha256)
        return None if rgb is None else self._uri(rgb)

    def overlay(self, sha256: str, mask_sha256: str | None) -> str | None:
        """The image with its composite mask on it."""
        rgb = self._thumb(sha256)
        if rgb is None or mask_sha256 is None:
            return None
        try:
            mask = resize(from_png(self.blobs.get(mask_sha256)), rgb.shape[:2])
        except (ModisteError, OSError, ValueError):
            self.unreadable += 1
            return None
        return self._uri(overlay(rgb, mask))

    def figure(self, path: Path) -> str | None:
        """A run's own figure, at most FIGURE_PX wide; none where faces are blurred."""
        if self.faces_in is not None:
            self.hidden += 1
            return None
        try:
            rgb = decode(path.read_bytes()).rgb
        except (ModisteError, OSError):
            self.unreadable += 1
            return None
        return self._uri(shrink(rgb, FIGURE_PX), quality=84)

    def _thumb(self, sha256: str) -> np.ndarray | None:
        try:
            image = decode(self.blobs.get(sha256), shorter_side_px=THUMB_PX)
            rgb = image.rgb if self.faces_in is None else self._faceless(self.faces_in, sha256, image)
            return None if rgb is None else shrink(rgb, THUMB_PX)
        except MissingWeights:
            raise
        except (ModisteError, OSError):
            self.unreadable += 1
            return None

    def _faceless(self, ws: Workspace, sha256: str, image: Decoded) -> np.ndarray | None:
        """Blurred before it is shrunk. Raises MissingWeights where it must be counted and no network was fetched."""
        boxes = faces_of(ws, [sha256]).get(sha256)
        if boxes is None:
            self.hidden += 1
            return None
        height, width = image.rgb.shape[:2]
        return blur_faces(image.rgb, scaled(boxes, width / image.width, height / image.height))

    def _uri(self, rgb: np.ndarray, quality: int = 80) -> str | None:
        out = io.BytesIO()
        Image.fromarray(rgb).save(out, "JPEG", quality=quality, optimize=True, progressive=True)
        uri = "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
        if self.used + len(uri) > self.budget_bytes:
            self.left_out += 1
            return None
        self.used += len(uri)
        return uri


def shrink(rgb: np.ndarray, longest_px: int) -> np.ndarray:
    """(H, W, 3) uint8, longest side at most `longest_px`, antialiased; never enlarged."""
    image = Image.fromarray(rgb)
    image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    return np.asarray(image)


def product_pictures(ws: Workspace, items: Sequence[dict[str, Any]], pictures: Pictures) -> list[dict[str, Any]]:
    """Each product ({store, product_id, …}) with `picture`, a thumbnail of the first usable image fetched for it."""
    keys = [(str(item["store"]), str(item["product_id"])) for item in items]
    rows = ws.tables.query(
        """WITH asked AS (SELECT DISTINCT unnest($1::VARCHAR[]) AS store, unnest($2::VARCHAR[]) AS product_id)
        SELECT f.store, f.product_id, first(f.sha256 ORDER BY f.position NULLS LAST, f.sha256) AS sha256
        FROM fetches f JOIN asked a ON a.store = f.store AND a.product_id = f.product_id
        JOIN images i ON i.sha256 = f.sha256 AND i.status = 'ok' GROUP BY ALL""",
        parameters=[[store for store, _ in keys], [product for _, product in keys]],
    )
    first = {(row["store"], row["product_id"]): row["sha256"] for row in rows.to_pylist()}
    return [
        {**item, "picture": pictures.image(first[key]) if key in first else None}
        for item, key in zip(items, keys, strict=True)
    ]
