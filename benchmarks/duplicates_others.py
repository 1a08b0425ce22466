"""Pairs of pictures that share much and are no copies: a logo and size chart, a backdrop, a small change of pose.

In: photographs, and for people the pixel labels of the street set. Out: (name of the row, one picture, another). The
backdrop is a street photograph with its person painted out (OpenCV's Telea); the change of pose is that person moved
or turned by a little before it, which is rigid and so nearer to a copy than a real second shot is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Pair = tuple[str, Image.Image, Image.Image]
POSES = {"moved 3 %": (0.0, 0.03), "turned 4 degrees": (4.0, 0.0), "turned 8 degrees, moved 6 %": (8.0, 0.06)}


def stamped(image: Image.Image, beside: Path) -> Iterator[Pair]:
    """This photograph and the next one, under one logo and over one size chart."""
    with Image.open(beside) as file:
        other = file.convert("RGB")
    yield "must not: other photo, one logo and size chart", _with_chart(image), _with_chart(other)


def backdrops(path: Path, data: Path) -> Iterator[Pair]:
    """A street photograph beside itself with its person in another pose, and two other persons before its backdrop."""
    if path.parent.name != "photos":
        return
    rgb, person = _labelled(path, data)
    ground = _without(rgb, person)
    for name, (angle, shift) in POSES.items():
        posed = _over(ground, rgb, person, _turned(rgb, angle, shift))
        yield f"must not: the person {name}, one backdrop", Image.fromarray(rgb), Image.fromarray(posed)
    street = sorted(path.parent.glob("*.jpg"))
    at = street.index(path)
    two = [_labelled(street[(at + k) % len(street)], data) for k in (1, 2)]
    first, second = (_over(ground, photo, mask, _fitted(photo, ground)) for photo, mask in two)
    yield "must not: another person, one backdrop", Image.fromarray(first), Image.fromarray(second)


def _with_chart(image: Image.Image) -> Image.Image:
    picture = image.resize((400, round(image.height * 400 / image.width)))
    draw, large, small = ImageDraw.Draw(picture), ImageFont.load_default(26), ImageFont.load_default(14)
    draw.rectangle((10, 10, 190, 90), fill="white")
    draw.text((16, 20), "MODA & CO\nbarcelona", font=large, fill="black")
    top = picture.height - 130
    draw.rectangle((0, top, 400, picture.height), fill="white")
    for row in range(5):
        sizes = f"size {34 + 2 * row}  chest {80 + 4 * row}  waist {62 + 4 * row}  hip {88 + 4 * row}"
        draw.text((8, top + 6 + 24 * row), sizes, font=small, fill=(30, 30, 30))
        draw.line((0, top + 24 * row, 400, top + 24 * row), fill=(160, 160, 160))
    return picture


def _labelled(path: Path, data: Path) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) uint8 RGB and (H, W) bool of the person."""
    labels = np.asarray(Image.open(data / "street" / "labels" / f"{path.stem}.png"))
    return np.asarray(Image.open(path).convert("RGB")), labels > 0


def _without(rgb: np.ndarray, person: np.ndarray) -> np.ndarray:
    half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    hole = cv2.dilate(cv2.resize(person.astype(np.uint8), half), np.ones((9, 9), np.uint8))
    painted = cv2.inpaint(cv2.resize(rgb, half, interpolation=cv2.INTER_AREA), hole, 3, cv2.INPAINT_TELEA)
    whole = cv2.resize(painted, (rgb.shape[1], rgb.shape[0]))
    wide = cv2.dilate(person.astype(np.uint8), np.ones((19, 19), np.uint8))[..., None]
    return np.where(wide > 0, whole, rgb)


def _turned(rgb: np.ndarray, angle: float, shift: float) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((rgb.shape[1] / 2, rgb.shape[0] / 2), angle, 1.0)
    matrix[0, 2] += shift * rgb.shape[1]
    return matrix


def _fitted(rgb: np.ndarray, ground: np.ndarray) -> np.ndarray:
    (height, width), (h, w) = ground.shape[:2], rgb.shape[:2]
    scale = min(height / h, width / w)
    return np.array([[scale, 0, (width - scale * w) / 2], [0, scale, (height - scale * h) / 2]])


def _over(ground: np.ndarray, rgb: np.ndarray, person: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    size = (ground.shape[1], ground.shape[0])
    moved = cv2.warpAffine(rgb, matrix, size)
    soft = cv2.GaussianBlur(cv2.warpAffine(person.astype(np.float32), matrix, size), (0, 0), 1)[..., None]
    return (moved * soft + ground * (1 - soft)).astype(np.uint8)
