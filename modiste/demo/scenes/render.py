"""From a canvas to pixels: the picture as RGBA, the two masks as booleans. The only caller of resvg."""

from __future__ import annotations

import io

import numpy as np
import resvg_py
from PIL import Image

from modiste.demo.scenes.canvas import Canvas


def _pixels(svg: str) -> Image.Image:
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)))).convert("RGBA")


def raster(svg: str) -> Image.Image:
    """RGBA picture of an SVG text."""
    return _pixels(svg)


def render(canvas: Canvas, width: int, height: int, transform: str) -> tuple[Image.Image, np.ndarray, np.ndarray]:
    """RGBA picture, person (H, W) bool and garment (H, W) bool of one canvas at one transform."""
    picture = _pixels(canvas.picture(width, height, transform))
    ids = np.asarray(_pixels(canvas.ids(width, height, transform)))
    garment = (ids[..., 0] > 127) & (ids[..., 3] > 127)
    person = garment | ((ids[..., 1] > 127) & (ids[..., 3] > 127))
    return picture, person, garment


def jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality, subsampling=0 if quality > 88 else 2)
    return out.getvalue()
