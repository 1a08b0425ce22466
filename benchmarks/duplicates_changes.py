"""What is done to a photograph to see whether it is still recognised: made changes, by name.

In: an RGB Pillow image (and its pixel labels, (H, W) uint8, where a change needs to know the garment). Out: a changed
RGB image. `CHANGES` must match their original, `OTHERS` (the same cut in another colour) must not. Draws nothing at
random.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Change = Callable[[Image.Image], Image.Image]
_GARMENTS = set(
    """blazer blouse bodysuit bra cape cardigan coat dress hoodie intimate jacket jeans jumper leggings panties
    pants romper shirt shorts skirt stockings suit sweater sweatshirt swimwear t-shirt tights top vest""".split()  # noqa: SIM905
)


def encoded(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def resized(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(image: Image.Image, share: float) -> Image.Image:
    """`share` of width and height gone, half of it on each side."""
    dx, dy = round(image.width * share / 2), round(image.height * share / 2)
    return image.crop((dx, dy, image.width - dx, image.height - dy))


def mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def gamma(image: Image.Image, power: float) -> Image.Image:
    return image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)


def lettered(image: Image.Image, alpha: float, share: float) -> Image.Image:
    over = Image.new("RGBA", image.size, (0, 0, 0, 0))
    font = ImageFont.load_default(share * image.width)
    place = (image.width * 0.08, image.height * 0.8)
    ImageDraw.Draw(over).text(place, "www.shop.example", font=font, fill=(255, 255, 255, round(255 * alpha)))
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")


def framed(image: Image.Image, share: float) -> Image.Image:
    return ImageOps.expand(image, round(share * image.width), "white")


CHANGES: dict[str, Change] = {
    **{f"re-encode q{q}": lambda im, q=q: encoded(im, q) for q in (95, 70, 40)},
    **{f"resize {f:.0%}": lambda im, f=f: resized(im, f) for f in (0.5, 0.75, 2.0)},
    **{f"crop {s:.0%}": lambda im, s=s: cropped(im, s) for s in (0.02, 0.05, 0.10, 0.20)},
    **{f"rotate {d} degrees": lambda im, d=d: im.rotate(d, Image.Resampling.BICUBIC) for d in (1, 3, 10)},
    "mirror": mirrored,
    "mirror + q70 + 50%": lambda im: encoded(resized(mirrored(im), 0.5), 70),
    **{f"brightness x{f}": lambda im, f=f: ImageEnhance.Brightness(im).enhance(f) for f in (0.8, 1.2)},
    **{f"contrast x{f}": lambda im, f=f: ImageEnhance.Contrast(im).enhance(f) for f in (0.8, 1.3)},
    **{f"gamma {g}": lambda im, g=g: gamma(im, g) for g in (0.7, 1.4)},
    "blur 2 px": lambda im: im.filter(ImageFilter.GaussianBlur(2)),
    "lettering, opaque": lambda im: lettered(im, 1.0, 0.08),
    "watermark, 35 %": lambda im: lettered(im, 0.35, 0.08),
    **{f"frame {s:.0%}": lambda im, s=s: framed(im, s) for s in (0.02, 0.05)},
}


def garment_of(labels: np.ndarray, data: Path) -> np.ndarray:
    """(H, W) bool: where a street photograph's labels say garment."""
    names = json.loads((data / "street" / "labels.json").read_text())
    listed = names if isinstance(names, list) else [names[str(k)] for k in range(len(names))]
    return np.isin(labels, [k for k, name in enumerate(listed) if name in _GARMENTS])


def on_white(image: Image.Image, person: np.ndarray) -> Image.Image:
    """A packshot: the person of a street photograph on white."""
    return Image.fromarray(np.where(person[..., None], np.asarray(image), 255).astype(np.uint8))


def hue_turned(image: Image.Image, garment: np.ndarray) -> Image.Image:
    """The garment in another hue (a third round the circle), saturated enough to show it."""
    hsv = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = np.where(garment, (hsv[..., 0].astype(int) + 60) % 180, hsv[..., 0])
    hsv[..., 1] = np.where(garment, np.maximum(hsv[..., 1], 90), hsv[..., 1])
    return Image.fromarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def darkened(image: Image.Image, garment: np.ndarray) -> Image.Image:
    """The garment in a much darker shade of its own colour."""
    rgb = np.asarray(image).copy()
    rgb[garment] = (rgb[garment] * 0.4).astype(np.uint8)
    return Image.fromarray(rgb)


OTHERS: dict[str, Callable[[Image.Image, np.ndarray], Image.Image]] = {
    "garment, other hue": hue_turned,
    "garment, darker": darkened,
}
