"""Person and garment masks into the composite mask the models learn from: background / skin / garment.

In: two (H, W) bool masks of one photo. Out: (H, W, 3) uint8 one-hot in {0, 255}, and a report of what had to be
repaired.
The article subtracts uint8 masks, which wraps to 1 wherever the garment exceeds the person; here a garment outside
the person joins the person and is counted. Swapped masks are an error, never repaired.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from dataset.masks import compose
from labeling.cutouts import CutoutError

SWAPPED_SHARE = 0.95  # of the person that lies inside a garment ...
SWAPPED_EXCESS = 1.1  # ... that is this much larger: then the two files were exchanged


@dataclass(frozen=True)
class Repair:
    """Areas in px of the masks as given; `garment_outside_px` was added to the person."""

    person_px: int
    garment_px: int
    garment_outside_px: int

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def composite_from(person: np.ndarray, garment: np.ndarray) -> np.ndarray:
    """(H, W, 3) composite of two (H, W) bool masks; raises `CutoutError` (size_mismatch, swapped, empty_cutout)."""
    return composite_and_report(person, garment)[0]


def composite_and_report(person: np.ndarray, garment: np.ndarray) -> tuple[np.ndarray, Repair]:
    """As `composite_from`, with what was repaired."""
    _check(person, garment)
    outside = garment & ~person
    report = Repair(int(person.sum()), int(garment.sum()), int(outside.sum()))
    return compose(person | outside, garment), report


def _check(person: np.ndarray, garment: np.ndarray) -> None:
    if person.shape != garment.shape:
        raise CutoutError("size_mismatch", f"person mask {person.shape}, garment mask {garment.shape}",
                          expected="one size", cure="Export both at the photo's own size")  # fmt: skip
    if not garment.any() or not person.any():
        raise CutoutError("empty_cutout", "the person or the garment mask is empty", cure="Cut it out again")
    inside = (person & garment).sum() / person.sum()
    if inside >= SWAPPED_SHARE and garment.sum() > SWAPPED_EXCESS * person.sum():
        raise CutoutError("swapped", f"the person lies {inside:.0%} inside a larger garment",
                          expected="the garment inside the person", cure="Exchange the two files")  # fmt: skip
