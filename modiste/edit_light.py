"""The step `beautify`: white balance and exposure from a plain backdrop, mild denoising, lint off the garment.

In: a `Picture`. Out: the same picture in better light, what was done, and which pixels were made anew. Light is one
curve a channel, y = g x / (1 + (g - 1) x) in linear light: it keeps black and white, clips nothing, and is undone by
1 / g. Each g lies in [2/3, 3/2]. Where the backdrop is not plain and nearly neutral, colours are left as they are.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from labeling.colour_light import srgb_to_linear, to_srgb
from modiste.edit_picture import Bool, Picture, UInt8
from modiste.edit_steps import Beautify

MOST_GAIN = 1.5
PLAIN = 9.0  # CIELAB units the backdrop's pixels may lie from their median, half of them
NEARLY_NEUTRAL = 20.0  # chroma; more is a coloured wall, not a white one in warm light
DARKEST = 45.0  # lightness; a darker backdrop tells the light badly, and is meant to be dark
SHOWN_AT = 0.84  # linear light a light backdrop is brought towards: 236 of 255
LEAST_SEEN = 0.03  # of the photo must be backdrop
LINT_SHARE = 0.003  # of the garment; more specks than that are its pattern
LINT_STANDS_OUT = 18.0  # levels of lightness


def beautify(picture: Picture, settings: Beautify) -> tuple[Picture, Bool, dict[str, Any], list[str]]:
    """The picture, (H, W) bool of pixels made anew, the parameters, notes."""
    gains, notes = gains_of(picture.rgb, picture.alpha, settings)
    rgb, front = lit(picture.rgb, gains), lit(picture.front, gains)
    if settings.denoise:
        rgb, front = denoised(rgb, settings.denoise), denoised(front, settings.denoise)
    made = np.zeros(picture.size, bool)
    if settings.lint:
        made, note = lint(rgb, picture.garment)
        notes += [note] if note else []
        rgb = np.where(made[..., None], cv2.inpaint(rgb, made.astype(np.uint8), 3, cv2.INPAINT_TELEA), rgb)
    facts = {"gains": [round(gain, 6) for gain in gains], "denoise": settings.denoise, "lint_pixels": int(made.sum())}
    return picture.with_pixels(rgb, front), made, facts, notes


def gains_of(rgb: UInt8, alpha: UInt8, settings: Beautify) -> tuple[tuple[float, float, float], list[str]]:
    """One gain a channel, and why there is none where there is none."""
    seen = _backdrop(rgb, alpha)
    if isinstance(seen, str):
        return (1.0, 1.0, 1.0), [f"light left as it is: {seen}"]
    seen = np.clip(seen, 0.01, 0.985)
    level = float(seen @ (0.2126, 0.7152, 0.0722))
    gains = _odds(level) / _odds(seen) if settings.white_balance else np.ones(3)
    if gains.max() > MOST_GAIN or gains.min() < 1 / MOST_GAIN:  # the same cast, less of it: not each cut by itself
        gains = np.exp(np.log(MOST_GAIN) / np.abs(np.log(gains)).max() * np.log(gains))
    if settings.exposure:  # one factor for all keeps what is neutral so; it takes what the cast left of the bound
        gains = gains * float(np.clip(_odds(max(level, SHOWN_AT)) / _odds(level), 1.0, MOST_GAIN / gains.max()))
    return (float(gains[0]), float(gains[1]), float(gains[2])), []


def _odds(light: Any) -> Any:
    """A gain of the curve multiplies x / (1 - x)."""
    return light / (1 - light)


def lit(rgb: UInt8, gains: tuple[float, float, float]) -> UInt8:
    """(H, W, 3) uint8 through one curve a channel."""
    if gains == (1.0, 1.0, 1.0):
        return rgb
    x = srgb_to_linear(np.arange(256))
    tables = [to_srgb(gain * x / (1 + (gain - 1) * x)) for gain in gains]
    return np.dstack([table[rgb[..., channel]] for channel, table in enumerate(tables)])


def unlit(rgb: UInt8, gains: tuple[float, float, float]) -> UInt8:
    """Undo `lit`, to within its rounding: a level of 255, or two where the curve was flat."""
    red, green, blue = gains
    return lit(rgb, (1 / red, 1 / green, 1 / blue))


def denoised(rgb: UInt8, strength: float) -> UInt8:
    """Edge-preserving: bilateral, at most 6 levels wide, so that only noise lies within its reach."""
    return np.asarray(cv2.bilateralFilter(rgb, d=5, sigmaColor=2 + 10 * strength, sigmaSpace=1.5), dtype=np.uint8)


def lint(rgb: UInt8, garment: Bool) -> tuple[Bool, str]:
    """(H, W) bool specks on the garment that stand out from its surroundings on all sides, and a note."""
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0]
    side = max(5, 2 * round(0.006 * max(rgb.shape[:2])) + 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    inner = cv2.erode(garment.astype(np.uint8), kernel, iterations=2, borderValue=0).astype(bool)
    out = np.maximum(
        cv2.morphologyEx(light, cv2.MORPH_TOPHAT, kernel), cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, kernel)
    )
    found = cv2.dilate(((out > LINT_STANDS_OUT) & inner).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if found.sum() > LINT_SHARE * max(1, garment.sum()):
        return np.zeros_like(garment), "lint left: so many specks are a pattern or a weave"
    return found, ""


def _backdrop(rgb: UInt8, alpha: UInt8) -> np.ndarray | str:
    """(3,) linear light of the backdrop, or why it can't tell the light."""
    far = cv2.dilate((alpha > 8).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    pixels = rgb[far]
    if len(pixels) < LEAST_SEEN * alpha.size:
        return "too little backdrop is seen"
    pixels = pixels[:: max(1, len(pixels) // 50_000)]
    lab = cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    middle = np.median(lab, axis=0)
    if np.median(np.linalg.norm(lab - middle, axis=1)) > PLAIN:
        return "the backdrop isn't plain"
    if np.hypot(middle[1], middle[2]) > NEARLY_NEUTRAL or middle[0] < DARKEST:
        return "the backdrop isn't a light grey or white one"
    return np.asarray(srgb_to_linear(np.median(pixels, axis=0)))
