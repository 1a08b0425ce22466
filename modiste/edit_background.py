"""The step `background`: a colour, a gradient or a picture behind the figure, with a soft shadow where it stands.

In: a `Picture`, what to lay it on. Out: the same figure on it; no pixel that is wholly figure changes.
Never relights the figure: what is wrong between its light and the new backdrop's stays wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from dataset.errors import UsageError
from dataset.images import decode
from labeling.staging import parse_colour
from modiste.cutout_settings import Ground, ground_of
from modiste.edit_colours import english, named
from modiste.edit_picture import Picture, UInt8
from modiste.edit_steps import Background

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif")
BACKDROP = "backdrop"  # the word for a picture that was sent beside the photo
NOTHING: Mapping[str, bytes] = {}


@dataclass(frozen=True)
class Gradient(Ground):
    """From `colour` above to `lower` below, in sRGB, dithered so that no bands show."""

    lower: tuple[int, int, int] = (255, 255, 255)

    def of_size(self, size: tuple[int, int]) -> UInt8:
        """(height, width) -> (H, W, 3) uint8; the same noise every time."""
        down = np.linspace(0, 1, size[0], dtype=np.float32)[:, None, None]
        upper, lower = (np.array(each, np.float32) for each in (self.colour or (255,) * 3, self.lower))
        noise = np.random.default_rng(0).random((*size, 1), dtype=np.float32)
        return np.asarray(np.clip(np.floor(upper + (lower - upper) * down + noise), 0, 255), dtype=np.uint8)


def is_picture(words: str) -> bool:
    """A file's name, or the word for one that was sent."""
    return words == BACKDROP or words.lower().endswith(PICTURES)


def ground_named(words: str, given: Mapping[str, bytes] = NOTHING) -> Ground:
    """'white', 'navy blue', '#f4f4f4', 'white..light grey', a picture file, or one of the files `given` by a word.
    Raises UsageError, ImageError for a given one that can't be decoded."""
    if words in given:
        return Ground(None, decode(given[words]).rgb)
    if words.lower().endswith(PICTURES):
        ground = ground_of(words)
        if ground is not None:
            return ground
    if ".." in words:
        upper, lower = (named(each) for each in words.split("..", 1))
        return Gradient(upper, lower=lower)
    if parse_colour(words) is None and english(words) is None and ("/" in words or "." in words):
        raise UsageError(f"background '{words}'", expected=f"a colour, COLOUR..COLOUR, or a picture {PICTURES}")
    return Ground(named(words))


def background(picture: Picture, settings: Background, given: Mapping[str, bytes] = NOTHING) -> Picture:
    """Lay the figure on something else. Nothing moves."""
    return replace(picture, ground=ground_named(settings.to, given), shadow=settings.shadow == "soft")
