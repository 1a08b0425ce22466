"""Exact composites for benchmarks/edges.py: a foreground of known alpha and colours, over a known background.

In: a count, a size and, where there is one, the folder with street's photographs. Out: `Scene`s. Five kinds: drawn
people and drawn garments (antialiased by the rasteriser), people with hair-thin strands along the outline, garments
with a sheer lace border, and real people. Of a real person the label's outline is pulled in by 5 px, smoothed and
antialiased: so its edge lies inside the person, and every colour under it is the person's own. Never claims that
outline is the person's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cv2
import numpy as np
from PIL import Image

from modiste.demo.scenes.backdrops import BACKDROPS, backdrop, grain
from modiste.demo.scenes.canvas import Canvas
from modiste.demo.scenes.figure import POSES
from modiste.demo.scenes.looks import dress_up, paint_look
from modiste.demo.scenes.packshot import paint_packshot
from modiste.demo.scenes.render import raster, render
from modiste.demo.stock import stock

KINDS = ("person", "garment", "hair", "lace", "real")
BEHIND = ("photo", "plain", "gradient", "drawn")
STANDING = tuple(name for name in POSES if name != "mannequin")


@dataclass(frozen=True)
class Scene:
    """`photo` (H, W, 3) uint8; truth: `alpha` (H, W) float32 in [0, 1], `foreground` (H, W, 3) float32 in 0..255."""

    name: str
    kind: str
    photo: np.ndarray
    alpha: np.ndarray
    foreground: np.ndarray


def scenes(count: int, size: tuple[int, int], data: Path | None, first: int = 100) -> Iterator[Scene]:
    """`count` scenes of (height, width), kinds and backgrounds in turn; without `data` nothing real is among them.

    Numbers 0 to 9 are those the settings of `labeling.refine` were chosen on; a reported figure starts at 100.
    """
    kinds = [kind for kind in KINDS if kind != "real" or data is not None]
    behind = [name for name in BEHIND if name != "photo" or data is not None]
    offers = stock(200, 11)
    clothes = [offer.garment for offer in offers if offer.garment.type not in ("shoes", "hat")]
    for number in range(first, first + count):
        kind, place = kinds[number % len(kinds)], behind[(number // len(kinds)) % len(behind)]
        rng, noise = Random(f"edges {number}"), np.random.default_rng(number)
        colour, alpha = _foreground(kind, clothes[number % len(clothes)], number, size, data)
        back = _background(place, size, rng, data, number)
        colour = np.clip(colour + grain(size, 2.0, noise), 0, 255)
        back = np.clip(back + grain(size, 2.0, noise), 0, 255)
        photo = colour * alpha[..., None] + back * (1 - alpha[..., None])
        yield Scene(f"{number:03d} {kind} on {place}", kind, np.rint(photo).astype(np.uint8), alpha, colour)


def _foreground(
    kind: str, garment: object, number: int, size: tuple[int, int], data: Path | None
) -> tuple[np.ndarray, np.ndarray]:
    if kind == "real" and data is not None:
        return real_person(data, number, size)
    picture = (
        _drawn_packshot(garment, number, size) if kind in ("garment", "lace") else _drawn_person(garment, number, size)
    )
    if kind == "hair":
        picture = with_strands(picture, number)
    pixels = np.asarray(picture, np.float32)
    alpha = pixels[..., 3] / 255
    colour = spread(pixels[..., :3], alpha > 0.02)
    return colour, with_lace(alpha) if kind == "lace" else alpha


def _drawn_person(garment: object, number: int, size: tuple[int, int]) -> Image.Image:
    canvas, (height, width) = Canvas(-1), size
    paint_look(canvas, dress_up(garment, number), STANDING[number % len(STANDING)])  # type: ignore[arg-type]
    zoom = 0.67 * height / 600
    return render(canvas, width, height, f"translate({width / 2:.1f} {height * 0.95:.1f}) scale({zoom:.4f})")[0]


def _drawn_packshot(garment: object, number: int, size: tuple[int, int]) -> Image.Image:
    canvas, (height, width) = Canvas(-1), size
    left, top, right, bottom = paint_packshot(canvas, garment, number)  # type: ignore[arg-type]
    zoom = min(0.84 * width / (right - left), 0.86 * height / (bottom - top))
    x, y = width / 2 - zoom * (left + right) / 2, height / 2 - zoom * (top + bottom) / 2
    return render(canvas, width, height, f"translate({x:.1f} {y:.1f}) scale({zoom:.4f})")[0]


def with_strands(picture: Image.Image, number: int, per_px: float = 0.3) -> Image.Image:
    """The picture before a fringe of curling strands 0.6 to 1.6 px thick, rooted on the upper half of its outline."""
    rng, pixels = Random(f"strands {number}"), np.asarray(picture)
    outlines, _ = cv2.findContours((pixels[..., 3] > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = max(outlines, key=len)[:, 0]
    upper = np.flatnonzero(points[:, 1] < points[:, 1].min() + np.ptp(points[:, 1]) * 0.5)
    parts = []
    for at in upper[:: max(1, round(1 / per_px))]:
        x, y = points[at]
        along = points[(at + 6) % len(points)] - points[at - 6]
        out = np.array([along[1], -along[0]]) / max(1.0, float(np.hypot(*along)))
        if pixels[
            int(np.clip(y + 4 * out[1], 0, pixels.shape[0] - 1)),
            int(np.clip(x + 4 * out[0], 0, pixels.shape[1] - 1)),
            3,
        ]:
            out = -out
        length, bend = rng.uniform(6, 0.024 * pixels.shape[0]), rng.uniform(-0.9, 0.9)
        tip = (x + length * (out[0] - bend * out[1]), y + length * (out[1] + bend * out[0]))
        tone = "#" + "".join(f"{int(v * rng.uniform(0.6, 1.0)):02x}" for v in pixels[y, x, :3])
        start, middle = (x - 3 * out[0], y - 3 * out[1]), (x + 0.6 * length * out[0], y + 0.6 * length * out[1])
        line = f"M{start[0]:.1f} {start[1]:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}"
        parts.append(f'<path d="{line}" '
                     f'fill="none" stroke="{tone}" stroke-width="{rng.uniform(0.6, 1.6):.2f}"/>')  # fmt: skip
    width, height = picture.size
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(parts)}</svg>'
    return Image.alpha_composite(raster(svg), picture)


def with_lace(alpha: np.ndarray) -> np.ndarray:
    """The alpha with a border of sheer mesh: dots of 55 % cover in a band of 3 % of the height inside the outline."""
    height, width = alpha.shape
    depth = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    pitch = height * 0.011
    dots = 0.5 + 0.5 * np.cos(2 * np.pi * rows / pitch) * np.cos(2 * np.pi * columns / pitch)
    mesh = 1 - 0.45 * np.clip((dots - 0.55) * 6, 0, 1)
    band = (depth > 2.5) & (depth < 0.03 * height)
    return np.where(band, alpha * mesh, alpha).astype(np.float32)


def real_person(data: Path, number: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Colours and alpha of the person in one street photo of the training part, at `size`."""
    path = _street(data)[(number * 7) % len(_street(data))]
    rgb = np.asarray(Image.open(path).convert("RGB"))
    labels = np.asarray(Image.open(data / "street" / "labels" / f"{path.stem}.png"))
    height, width = size
    scale = min(height / rgb.shape[0], width / rgb.shape[1])
    fit = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    person = cv2.erode((labels > 0).astype(np.uint8) * 255, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)))
    large = cv2.resize(person, (fit[0] * 2, fit[1] * 2), interpolation=cv2.INTER_LINEAR)
    smooth = (cv2.GaussianBlur(large, (0, 0), 7 * scale) > 140).astype(np.float32)
    alpha = cv2.resize(cv2.GaussianBlur(smooth, (0, 0), 1.2), fit, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(rgb, fit, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    sides = (height - fit[1], 0, (width - fit[0]) // 2, width - fit[0] - (width - fit[0]) // 2)
    return cv2.copyMakeBorder(colour, *sides, cv2.BORDER_REPLICATE), cv2.copyMakeBorder(
        alpha, *sides, cv2.BORDER_CONSTANT
    )


def _street(data: Path) -> list[Path]:
    return sorted(path for path in (data / "street" / "photos").glob("*.jpg") if int(path.stem) % 5 > 1)


def _background(place: str, size: tuple[int, int], rng: Random, data: Path | None, number: int) -> np.ndarray:
    height, width = size
    if place == "photo" and data is not None:
        return free_strip(data, number, size)
    if place == "drawn":
        return np.asarray(backdrop(rng.choice(BACKDROPS), width, height, rng), np.float32)
    first, second = (np.array([rng.uniform(30, 245) for _ in range(3)], np.float32) for _ in range(2))
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] if place == "gradient" else np.zeros((1, 1, 1))
    return np.broadcast_to(first * (1 - share) + second * share, (height, width, 3)).astype(np.float32)


def free_strip(data: Path, number: int, size: tuple[int, int]) -> np.ndarray:
    """The widest person-free side of a street photo, mirrored as often as it takes to fill `size`."""
    files, (height, width) = _street(data), size
    for step in range(len(files)):
        path = files[(number * 5 + 3 + step) % len(files)]
        columns = np.flatnonzero(
            (np.asarray(Image.open(data / "street" / "labels" / f"{path.stem}.png")) > 0).any(axis=0)
        )
        rgb = np.asarray(Image.open(path).convert("RGB"))
        left, right = int(columns[0]) - 8, rgb.shape[1] - int(columns[-1]) - 9
        if max(left, right) >= 90:
            break
    strip = rgb[:, :left] if left >= right else rgb[:, -right:]
    scale = height / strip.shape[0]
    strip = cv2.resize(strip, (round(strip.shape[1] * scale), height), interpolation=cv2.INTER_CUBIC)
    while strip.shape[1] < width:
        strip = np.concatenate([strip, strip[:, ::-1]], axis=1)
    return strip[:, :width].astype(np.float32)


def spread(colour: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Colours of `known` pixels carried to the nearest others, so that resampling never meets the void's black."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros((int(labels.max()) + 1, 3), np.float32)
    table[labels[known]] = colour[known]
    return np.where(known[..., None], colour, table[labels])
