"""A shop's own look, by which its pictures differ from another shop's of the same garments.

In: an RGB photograph and a look (margins and their colour, crop, shape, white balance, gamma, saturation, badge or
watermark, width, JPEG quality). Out: JPEG bytes as that shop would serve them. A look follows from the shop's name and
a seed alone. Also the changes that make a near-duplicate, a second photo or a colour variant of a picture.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

PAPERS = ((255, 255, 255), (246, 243, 238), (232, 236, 240), (240, 228, 222), (214, 214, 210), (28, 28, 30))
SHAPES = (1.0, 4 / 5, 3 / 4, 2 / 3, None)
BADGES = ("", "", "price", "watermark", "banner")


@dataclass(frozen=True)
class Look:
    """`crop` and `margin` are shares of the sides, `shape` width / height (None: the photo's own), `gains` of RGB."""

    shop: str
    paper: tuple[int, int, int]
    margin: float
    crop: float
    shape: float | None
    gains: tuple[float, float, float]
    gamma: float
    saturation: float
    badge: str
    width_px: int
    quality: int


def look_of(shop: str, seed: int) -> Look:
    draw = Random(f"look {shop} {seed}")
    return Look(
        shop,
        draw.choice(PAPERS),
        draw.choice((0.0, 0.0, 0.03, 0.06, 0.1)),
        draw.choice((0.0, 0.04, 0.08, 0.12)),
        draw.choice(SHAPES),
        (draw.uniform(0.86, 1.12), draw.uniform(0.94, 1.04), draw.uniform(0.82, 1.14)),
        draw.uniform(0.75, 1.3),
        draw.uniform(0.6, 1.3),
        draw.choice(BADGES),
        draw.choice((260, 320, 400, 480)),
        draw.randint(55, 92),
    )


def dressed(photo: Image.Image, look: Look, price: str) -> bytes:
    """The photo as this shop shows it."""
    photo = _toned(trimmed(photo, look.crop), look)
    canvas = _mounted(photo, look)
    _badge(canvas, look, price)
    return jpeg(canvas.resize((look.width_px, round(canvas.height * look.width_px / canvas.width))), look.quality)


def jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def trimmed(photo: Image.Image, share: float, draw: Random | None = None) -> Image.Image:
    """`share` of width and height gone: half on each side, or divided as `draw` has it."""
    at = (draw.random(), draw.random()) if draw else (0.5, 0.5)
    left, top = round(photo.width * share * at[0]), round(photo.height * share * at[1])
    return photo.crop((left, top, left + round(photo.width * (1 - share)), top + round(photo.height * (1 - share))))


def detail(photo: Image.Image, draw: Random) -> Image.Image:
    """A second photo of the product: a part near the middle, enlarged."""
    near = trimmed(photo, draw.uniform(0.3, 0.45), draw)
    return near.resize((photo.width, round(near.height * photo.width / near.width)))


def recoloured(photo: Image.Image, draw: Random) -> Image.Image:
    """The same cut in another colour: hues turned by a sixth to a half of the circle where the photo is not grey."""
    hsv = cv2.cvtColor(np.asarray(photo), cv2.COLOR_RGB2HSV).astype(int)
    hsv[..., 0] = (hsv[..., 0] + draw.randint(30, 90)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * 1.2 + 25, 0, 255)
    return Image.fromarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB))


def saved_again(data: bytes, draw: Random, *, crop: float) -> bytes:
    """Another file of a picture: `crop` of the sides at most gone, 70 to 130 % of the width, JPEG of 45 to 90."""
    image = trimmed(opened(data), draw.uniform(0.25, 1) * crop, draw)
    scale = draw.uniform(0.7, 1.3)
    return jpeg(image.resize((round(image.width * scale), round(image.height * scale))), draw.randint(45, 90))


def _toned(photo: Image.Image, look: Look) -> Image.Image:
    levels = np.arange(256) / 255
    curves = [np.clip(levels**look.gamma * gain, 0, 1) * 255 for gain in look.gains]
    return ImageEnhance.Color(photo.point([round(v) for curve in curves for v in curve])).enhance(look.saturation)


def _mounted(photo: Image.Image, look: Look) -> Image.Image:
    """On the shop's paper: its shape around the photo, then its margin."""
    width, height = photo.size
    shape = look.shape or width / height
    wide, high = max(width, round(height * shape)), max(height, round(width / shape))
    edge = round(look.margin * wide)
    canvas = Image.new("RGB", (wide + 2 * edge, high + 2 * edge), look.paper)
    canvas.paste(photo, ((canvas.width - width) // 2, (canvas.height - height) // 2))
    return canvas


def _badge(canvas: Image.Image, look: Look, price: str) -> None:
    if not look.badge:
        return
    over, (width, height) = ImageDraw.Draw(canvas, "RGBA"), canvas.size
    font = ImageFont.load_default(width / 14)
    if look.badge == "price":
        over.rectangle((width * 0.04, height * 0.04, width * 0.32, height * 0.13), fill=(200, 30, 40, 255))
        over.text((width * 0.06, height * 0.05), price, font=font, fill=(255, 255, 255, 255))
    elif look.badge == "watermark":
        over.text((width * 0.2, height * 0.46), f"{look.shop}.example", font=font, fill=(255, 255, 255, 110))
    else:
        over.rectangle((0, height * 0.9, width, height), fill=(20, 20, 60, 230))
        over.text((width * 0.05, height * 0.91), f"{look.shop}  new in", font=font, fill=(255, 255, 255, 255))
