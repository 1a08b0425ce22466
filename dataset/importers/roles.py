"""From regions to the masks the workspace keeps: person, garment, composite, and a map of all labels.

In: the regions of one image. Out: PNG bytes by kind. Words are judged by the taxonomy: a garment is what maps to a
type of clothes; shoes, hats, socks and accessories are worn, so they belong to the person alone. A person mask is made
only where the file labels people (`person`, `skin`, or the layout says that everything is the person), a composite
only where both are known. Never guesses a class from pixels.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image

from dataset import masks
from dataset.errors import MaskError
from dataset.images import decode
from dataset.importers.layout import Region, Size

Role: TypeAlias = Literal["person", "garment", "worn", "other"]
GARMENT_WORDS = frozenset(("garment", "clothes", "clothing", "cloth", "sling"))  # a sling: DeepFashion2's strap top
PERSON_WORDS = frozenset(("person", "skin", "people", "human", "body", "man", "woman", "model"))
PART_WORDS = frozenset(("hair", "face", "arm", "arms", "leg", "legs", "hand", "hands", "torso-skin", "head"))
NOTHING_WORDS = frozenset(
    ("background", "null", "unlabeled", "unlabelled", "void", "ignore", "__ignore__", "_background_")
)
NOT_CLOTHES = frozenset(("shoes", "hat", "socks", "accessory"))
NO_LABEL = (GARMENT_WORDS - {"sling"}) | PERSON_WORDS | PART_WORDS | NOTHING_WORDS
_COMPOSITE_WORDS = frozenset(("person", "skin", "garment"))
MOST_LABELS = 255


@dataclass(frozen=True)
class Made:
    """One mask to keep: `png` by the contract of its kind, `method` as JSON goes into the table."""

    kind: str
    png: bytes
    method: dict[str, Any]


def role_by(word: str, kind: str | None) -> Role:
    """`kind` is the type of clothes that the word means, or None."""
    plain = word.strip().lower()
    if plain in GARMENT_WORDS:
        return "garment"
    if plain in PERSON_WORDS | PART_WORDS:
        return "person"
    return "other" if kind is None else "worn" if kind in NOT_CLOTHES else "garment"


def masks_of(regions: Sequence[Region], size: Size, role: Callable[[str], Role], all_person: bool) -> list[Made]:
    """The masks of one image. Raises MaskError for a region of another size or more labels than a byte can name."""
    drawn = [region for region in regions if region.word.strip().lower() not in NOTHING_WORDS]
    for region in drawn:
        if region.mask.shape != size or region.mask.dtype != bool:
            raise MaskError(f"region '{region.word}' is {region.mask.shape}", expected=f"{size}")
    if not any(region.mask.any() for region in drawn):
        return []
    garment = _union((region.mask for region in drawn if role(region.word) == "garment"), size)
    made = [] if {region.word for region in drawn} <= _COMPOSITE_WORDS else [_labels(drawn, size)]
    if garment.any():
        made.append(Made("garment", masks.binary_png(garment), {"from": _words(drawn, role, ("garment",))}))
    if all_person or any(region.word.strip().lower() in PERSON_WORDS for region in drawn):
        roles: tuple[Role, ...] = (
            ("person", "garment", "worn", "other") if all_person else ("person", "garment", "worn")
        )
        person = _union((region.mask for region in drawn if role(region.word) in roles), size)
        made.append(Made("person", masks.binary_png(person), {"from": _words(drawn, role, roles)}))
        made.append(Made("composite", masks.to_png(masks.compose(person, garment)), {"from": ["person", "garment"]}))
    return made


def label_map(png: bytes, method: str) -> list[Region]:
    """The regions of a kept map of labels, by the names in the row's `method`."""
    names = {int(value): str(word) for value, word in json.loads(method).get("names", {}).items()}
    index = decode(png).rgb[:, :, 0]
    found = [int(value) for value in np.unique(index) if value]
    unknown = [value for value in found if value not in names]
    if unknown:
        raise MaskError(f"values {unknown[:5]} have no name", expected=f"among {sorted(names)[:5]}")
    return [Region(names[value], index == value) for value in found]


def _labels(regions: list[Region], size: Size) -> Made:
    """Large regions first, so that what lies on them stays to be seen; how many pixels that hides is kept."""
    words = sorted({region.word for region in regions})
    if len(words) > MOST_LABELS:
        raise MaskError(f"{len(words)} labels in one image", expected=f"at most {MOST_LABELS}")
    number = {word: k for k, word in enumerate(words, start=1)}
    index, hidden = np.zeros(size, np.uint8), 0
    for region in sorted(regions, key=lambda region: (-int(region.mask.sum()), region.word)):
        hidden += int(((index != 0) & (index != number[region.word]) & region.mask).sum())
        index[region.mask] = number[region.word]
    names = {str(value): word for word, value in number.items()}
    return Made("labels", _gray_png(index), {"names": names, "hidden_px": hidden})


def _gray_png(index: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(index).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _union(found: Iterable[np.ndarray], size: Size) -> np.ndarray:
    union = np.zeros(size, bool)
    for mask in found:
        union |= mask
    return union


def _words(regions: list[Region], role: Callable[[str], Role], roles: tuple[Role, ...]) -> list[str]:
    return sorted({region.word for region in regions if role(region.word) in roles})
