"""One image of a product: a person in a place, a packshot, or a detail; its bytes, exact masks and tags.

Everything follows from the arguments: the same ones give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np
from PIL import Image, ImageFilter

from modiste.demo.scenes import palette
from modiste.demo.scenes.backdrops import backdrop, grain, tint_of
from modiste.demo.scenes.canvas import Canvas
from modiste.demo.scenes.garment import Garment
from modiste.demo.scenes.looks import Look, paint_look
from modiste.demo.scenes.packshot import paint_packshot
from modiste.demo.scenes.render import jpeg, render

SCENE, PACKSHOT = (400, 600), (400, 480)


@dataclass(frozen=True)
class Drawn:
    """`data` is a JPEG of (H, W); `person` and `garment` are (H, W) bool, garment inside person; `tags` are
    what was drawn.
    """

    data: bytes
    pixels: Image.Image
    person: np.ndarray
    garment: np.ndarray
    tags: dict[str, str] = field(default_factory=dict)


def _transform(width: int, zoom: float, x: float, y: float, flip: bool) -> str:
    return f"translate({x:.2f} {y:.2f}) scale({-zoom if flip else zoom:.4f} {zoom:.4f})"


def _cast(alpha: Image.Image, ground: float, light: int, soft: float, strength: float) -> Image.Image:
    """Shadow on the floor: the silhouette laid down away from the light, and the dark where the soles touch."""
    width, height = alpha.size
    # output (x, y) reads the silhouette at a point higher up and shifted, so it lies flat behind the feet
    flat = 0.2
    lean = 0.9 * light
    laid = alpha.transform((width, height), Image.Transform.AFFINE,
                           (1, -lean / flat * 0.35, lean / flat * 0.35 * ground, 0, 1 / flat, ground - ground / flat),
                           Image.Resampling.BILINEAR)  # fmt: skip
    laid = laid.filter(ImageFilter.GaussianBlur(soft))
    feet = alpha.transform(
        (width, height),
        Image.Transform.AFFINE,
        (1, 0, 0, 0, 1 / 0.12, ground - 6 - (ground) / 0.12),
        Image.Resampling.BILINEAR,
    )
    feet = feet.filter(ImageFilter.GaussianBlur(3.2))
    mixed = np.maximum(np.asarray(laid, np.float32) * strength, np.asarray(feet, np.float32) * strength * 1.1)
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def _place(
    picture: Image.Image,
    back: Image.Image,
    shadow: Image.Image | None,
    light: int,
    noise: np.random.Generator,
    strength: float,
) -> Image.Image:
    """Figure before backdrop: shadow, the place's tint on the figure, light falling across, grain."""
    if shadow is not None:
        back = Image.composite(Image.new("RGB", back.size, "#191523"), back, shadow)
    flat = np.asarray(back, np.float32)
    front = np.asarray(picture, np.float32)
    alpha = front[..., 3:] / 255
    tint = np.array(tint_of(back), np.float32) / 255
    tinted = front[..., :3] * (0.92 + 0.08 * tint / max(float(tint.max()), 0.01))
    out = flat * (1 - alpha) + tinted * alpha
    height, width = out.shape[:2]
    across = np.linspace(1.05, 0.93, width, dtype=np.float32)
    if light > 0:
        across = across[::-1]
    down = np.linspace(1.02, 0.96, height, dtype=np.float32)
    out = out * across[None, :, None] * down[:, None, None] + grain((height, width), strength, noise)
    return Image.fromarray(np.clip(out, 0, 255).astype(np.uint8))


def _bytes(pixels: Image.Image, quality: int, person: np.ndarray, garment: np.ndarray, tags: dict[str, str]) -> Drawn:
    return Drawn(jpeg(pixels, quality), pixels, person, garment, tags)


def draw_scene(
    look: Look, sold: Garment, *, place: str, pose: str, seed: int, back: bool = False, detail: bool = False
) -> Drawn:
    """A person in `look`; with `detail` the camera comes near to the piece that is sold."""
    rng = Random(f"scene {seed}")
    light, (width, height) = rng.choice((-1, 1)), SCENE
    flip = rng.random() < 0.5
    canvas = Canvas(-light if flip else light)
    paint_look(canvas, look, pose, back)
    zoom = rng.uniform(0.655, 0.695)
    x, y = width / 2 + rng.uniform(-14, 14), height - rng.uniform(26, 40)
    if detail:
        low = sold.type in ("pants", "skirt", "shorts")
        zoom = rng.uniform(1.25, 1.5)
        y = height * (0.36 if low else 0.5) + (430 if low else 575) * zoom
        if sold.type == "shoes":
            zoom, y = 1.5, height - 60.0
    picture, person, garment = render(canvas, width, height, _transform(width, zoom, x, y, flip))
    behind = backdrop(place, width, height, rng)
    if detail:
        behind = (
            behind.resize((width * 2, height * 2))
            .crop((width // 2, height // 2, width // 2 + width, height // 2 + height))
            .filter(ImageFilter.GaussianBlur(4))
        )
    shadow = None if detail else _cast(picture.getchannel("A"), y, light, 5 if place == "studio" else 4, 0.34)
    noise = np.random.default_rng(seed)
    pixels = _place(picture, behind, shadow, light, noise, rng.uniform(1.6, 3.6))
    view = "detail" if detail else "back" if back else "front"
    return _bytes(pixels, rng.randint(82, 93), person, garment, {**sold.tags(), "view": view})


def draw_packshot(sold: Garment, *, seed: int) -> Drawn:
    """The piece alone on white or light grey with a soft shadow; not part of any person, so `person` is the
    piece itself.
    """
    rng = Random(f"packshot {seed}")
    light, (width, height) = -1, PACKSHOT
    canvas = Canvas(light)
    left, top, right, bottom = paint_packshot(canvas, sold, seed)
    zoom = min(0.84 * width / (right - left), 0.86 * height / (bottom - top))
    x, y = width / 2 - zoom * (left + right) / 2, height / 2 - zoom * (top + bottom) / 2
    picture, person, garment = render(canvas, width, height, _transform(width, zoom, x, y, False))
    ground = rng.choice(("#ffffff", "#ffffff", "#f3f2f0", "#ecebe9"))
    alpha = picture.getchannel("A")
    drop = Image.new("L", alpha.size)
    drop.paste(alpha, (5, 8))
    drop = drop.filter(ImageFilter.GaussianBlur(9)).point(lambda v: v * 0.3)
    behind = Image.composite(
        Image.new("RGB", alpha.size, palette.mix(ground, "#5a5666", 0.55)), Image.new("RGB", alpha.size, ground), drop
    )
    behind.paste(picture, (0, 0), picture)
    noise = np.asarray(behind, np.float32) + grain((height, width), 0.45, np.random.default_rng(seed))
    pixels = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
    return _bytes(pixels, rng.randint(86, 94), person, garment, {**sold.tags(), "view": "packshot"})
