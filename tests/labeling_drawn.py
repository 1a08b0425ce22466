"""Drawn photos, cutouts and workspaces for the labeling tests: a person of known masks before a textured wall."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.workspace import Workspace

HEIGHT, WIDTH = 300, 200
RED, SKIN = (190, 30, 40), (205, 150, 120)


def ellipse(row: float, column: float, height: float, width: float) -> np.ndarray:
    """(300, 200) bool."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= 1


def masks() -> tuple[np.ndarray, np.ndarray]:
    """Person and garment, (300, 200) bool: head above, dress, legs below."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    dress = (rows >= 90) & (rows < 200) & (np.abs(columns - 100) < 18 + (rows - 90) * 0.2)
    legs = (rows >= 200) & (rows < 275) & (np.abs(np.abs(columns - 100) - 12) < 8)
    neck = (rows >= 80) & (rows < 90) & (np.abs(columns - 100) < 7)
    return dress | legs | neck | ellipse(60, 100, 24, 18), dress


def photo(seed: int = 0, cloth: tuple[int, int, int] = RED) -> np.ndarray:
    """(300, 200, 3) uint8 of that person before a noisy green-grey wall."""
    rng = np.random.default_rng(seed)
    person, dress = masks()
    rgb = np.empty((HEIGHT, WIDTH, 3), float)
    rgb[:] = (120, 135, 125)
    rgb[person], rgb[dress] = SKIN, cloth
    return np.clip(rgb + rng.normal(0, 5, rgb.shape), 0, 255).astype(np.uint8)


def encoded(rgb: np.ndarray, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind, **options)
    return buffer.getvalue()


def cutout(rgb: np.ndarray, mask: np.ndarray, backdrop: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """(H, W, 3) uint8 of the photo where the mask is, the backdrop elsewhere."""
    return np.where(mask[..., None], rgb, np.uint8(backdrop)).astype(np.uint8)


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def checked_workspace(root: Path, images: int) -> Workspace:
    """A workspace of drawn scenes, fetched as http://shop/img/look-<n>.png and checked."""
    ws = Workspace.init(root)
    now, facts, fetches, products = datetime.now(UTC), [], [], []
    for number in range(images):
        data = encoded(photo(number))
        sha256 = ws.blobs.put(data)
        facts.append({"sha256": sha256, "status": "ok", "width": WIDTH, "height": HEIGHT, "bytes": len(data),
                      "format": "PNG", "view": "scene"})  # fmt: skip
        known = {"crawl_id": "c1", "store": "shop", "product_id": f"p{number}"}
        fetches.append(known | {"page_url": f"http://shop/p{number}", "url": f"http://shop/img/look-{number}.png",
                                "status": "ok", "sha256": sha256, "fetched_at": now})  # fmt: skip
        products.append(known | {"url": f"http://shop/p{number}", "name": "Long red dress", "categories": ["Dresses"],
                                 "colour": "red", "fetched_at": now})  # fmt: skip
    for table, rows in (("images", facts), ("fetches", fetches), ("products", products)):
        ws.tables.append(table, rows)
    return ws


def drawn_cutouts(folder: Path, numbers: range) -> Path:
    """A folder of JPEG cutout pairs named by the URLs' stems."""
    for kind, mask in zip(("person", "garment"), masks(), strict=True):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for n in numbers:
            (folder / kind / f"look-{n}.jpg").write_bytes(encoded(cutout(photo(n), mask), "JPEG", quality=85))
    return folder


def drawn_workspace(root: Path, images: int) -> Workspace:
    """Checked, masked from exact cutouts and tagged."""
    from labeling.masks import label_masks
    from labeling.tagging import label_tags

    ws = checked_workspace(root, images)
    label_masks(ws, cutouts=drawn_cutouts(root.parent / "cutouts", range(images)))
    label_tags(ws)
    return ws
