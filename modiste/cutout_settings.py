"""What shapes a cutout: the choices of the command line, checked before any photo is read.

In: words. Out: a frozen `CutoutSettings`, the background it asks for, and a hash that changes when an output would.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from dataset.errors import ImageError, UsageError
from dataset.images import decode
from labeling.refine import check_method
from labeling.staging import MARGIN, coloured, covering, parse_colour, parse_template
from modiste.cutout_backdrop import WAYS

CHOICES = {
    "what": ("garment", "person"), "people": ("all", "largest", "each"), "format": ("png", "webp", "jpg"),
    "shadow": ("none", "soft"), "crop": ("none", "tight"), "mask": WAYS,
}  # fmt: skip
AUTO = "auto"
TRANSPARENT = "transparent"
GROUNDS = "white, #RRGGBB, transparent or a picture file"
MATTING_PX = 12_000_000  # larger photos get guided edges: matting takes 0.7 s of CPU a megapixel
MATTING_DOUBT = 0.15  # of the pixels undecided; more is no outline, and matting would work on all of it
VERSION = 4  # raise it when the same settings give other pixels


@dataclass(frozen=True)
class CutoutSettings:
    """`margin` is a share of the cutout's longer side; `closer` None takes the second look at large photos only;
    `mask` is whose: see `modiste.cutout_backdrop`."""

    what: str = "garment"
    people: str = "all"
    format: str = "png"
    on: str = TRANSPARENT
    shadow: str = "none"
    crop: str = "none"
    margin: float = MARGIN
    template: str | None = None
    edges: str = AUTO
    white: bool = False
    closer: bool | None = None
    mask: str = AUTO

    def check(self) -> None:
        """Raise UsageError for the first choice that doesn't exist or doesn't go with another."""
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UsageError(f"--{name} {getattr(self, name)}", expected="one of " + ", ".join(known))
        if self.edges != AUTO:
            check_method(self.edges)
        if not 0 <= self.margin < 1:
            raise UsageError(f"--margin {self.margin}", expected="a share from 0 to below 1")
        if self.template is not None:
            parse_template(self.template)
        if self.format == "jpg" and self.on == TRANSPARENT:
            raise UsageError("JPEG has no transparency", cure="Add --on white, or take --format png")

    def digest(self, weights: str) -> str:
        """Hash of these settings, the background file's bytes and the weight's fingerprint."""
        facts: dict[str, Any] = {**asdict(self), "weights": weights, "version": VERSION}
        if self.on != TRANSPARENT and parse_colour(self.on) is None:
            facts["picture"] = hashlib.sha256(_picture_bytes(self.on)).hexdigest()
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Ground:
    """What a cutout is laid on: a colour, or a picture scaled to cover."""

    colour: tuple[int, int, int] | None
    picture: np.ndarray | None = None

    def of_size(self, size: tuple[int, int]) -> np.ndarray:
        """(height, width) -> (H, W, 3) uint8."""
        return covering(self.picture, size) if self.picture is not None else coloured(size, self.colour or (255,) * 3)


def ground_of(on: str) -> Ground | None:
    """None for 'transparent'. Raises UsageError for what is neither a colour nor a picture."""
    if on == TRANSPARENT:
        return None
    if (colour := parse_colour(on)) is not None:
        return Ground(colour)
    try:
        return Ground(None, decode(_picture_bytes(on)).rgb)
    except ImageError as error:
        raise UsageError(f"--on {on}: {error.what}", expected=GROUNDS) from error


def edges_for(edges: str, prior: np.ndarray) -> tuple[str, str | None]:
    """The method for a photo whose (H, W) prior this is, and a note where 'auto' did not take matting."""
    if edges != AUTO:
        return edges, None
    if find_spec("pymatting") is None:
        return "guided", "edges guided: pymatting isn't installed"
    if prior.size > MATTING_PX:
        return "guided", "edges guided: over 12 megapixels (--edges matting insists)"
    if np.count_nonzero((prior > 0.05) & (prior < 0.95)) > MATTING_DOUBT * prior.size:
        return "guided", "edges guided: the model is undecided over much of the photo"
    return "matting", None


def _picture_bytes(on: str) -> bytes:
    try:
        return Path(on).read_bytes()
    except OSError as error:
        raise UsageError(f"--on {on}: {error.strerror}", expected=GROUNDS) from error
