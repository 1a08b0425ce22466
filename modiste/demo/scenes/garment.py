"""What a garment is: the tags that are told to the shop, and the measures the pattern cutter needs."""

from __future__ import annotations

from dataclasses import dataclass

TOPS = ("t-shirt", "shirt", "blouse", "sweater")
BOTTOMS = ("skirt", "pants", "shorts")
OUTER = ("coat", "jacket")
TYPES = (*TOPS, *BOTTOMS, "dress", *OUTER, "shoes", "hat")

SLEEVE_END = {"sleeveless": 0.0, "short": 0.62, "three-quarter": 1.42, "long": 1.93}
HEM = {
    "cropped": -462.0,
    "waist": -468.0,
    "hip": -392.0,
    "thigh": -330.0,
    "mini": -268.0,
    "knee": -198.0,
    "midi": -128.0,
    "maxi": -44.0,
}


@dataclass(frozen=True)
class Garment:
    """`type`, `colour` (a shop's word), `sleeve`, `length`, `neckline` and `pattern` are tags; `cut` decides
    the outline.
    """

    type: str
    colour: str
    pattern: str = "plain"
    sleeve: str | None = None
    length: str | None = None
    neckline: str | None = None
    cut: str = "regular"

    def tags(self) -> dict[str, str]:
        pairs = {
            "type": self.type, "colour": self.colour, "pattern": self.pattern, "sleeve": self.sleeve,
            "length": self.length, "neckline": self.neckline,
        }  # fmt: skip
        return {name: value for name, value in pairs.items() if value is not None}
