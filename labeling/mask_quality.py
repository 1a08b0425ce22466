"""How good a composite mask looks, without knowing the truth: one score in [0, 1] per rule, 1 is best.

In: a composite (H, W, 3) and, where known, the person and garment masks it was made from and another method's composite
of the same photo. Out: {rule: score}; apart from that, `flags` compares scores with thresholds, so thresholds change
without measuring again. The least score is a row's `quality`, by which `modiste queue` and the App put the worst first.
`REASONS` lists every code a row of the `masks` table may carry. Never changes a mask.
"""

from __future__ import annotations

import cv2
import numpy as np

from dataset.errors import MaskError

REASONS = {
    "unreadable": "the file is no image",
    "size_mismatch": "the cutout and the photo differ in size",
    "empty_cutout": "nothing is left once the backdrop is taken away",
    "no_backdrop": "the border is not one plain colour: no cutout",
    "sixteen_bit": "more than 8 bits a channel",
    "palette": "a palette image, where colours are table entries",
    "class_index": "class numbers, where a mask of 0 and 255 belongs",
    "swapped": "person and garment were exchanged",
    "missing_garment": "a person cutout without its garment cutout",
    "nothing_found": "no foreground was found without a cutout",
    "rejected": "a person rejected it",
}
THRESHOLDS = {
    "partition": 1.0,
    "foreign_values": 1.0,
    "wrap": 1.0,
    "holes": 0.95,
    "islands": 0.9,
    "garment_outside_person": 0.98,
    "border_contact": 0.6,
    "area_share": 0.5,
    "roughness": 0.35,
    "disagreement": 0.8,
}
PLAUSIBLE_SHARE = (0.02, 0.75)  # of the image that a person or a garment covers


def measure(
    composite: np.ndarray,
    *,
    person: np.ndarray | None = None,
    garment: np.ndarray | None = None,
    other: np.ndarray | None = None,
) -> dict[str, float]:
    """Every score of a composite; `garment_outside_person` only where both (H, W) bool masks are given,
    `disagreement` only where the composite `other` of a second method is. Raises MaskError where sizes differ."""
    foreground = composite[..., 0] == 0
    scores = {
        "partition": partition(composite),
        "foreign_values": foreign_values(composite),
        "wrap": wrap(composite),
        "holes": holes(foreground),
        "islands": islands(foreground),
        "border_contact": border_contact(foreground),
        "area_share": area_share(foreground),
        "roughness": roughness(foreground),
    }
    if person is not None and garment is not None:
        scores["garment_outside_person"] = garment_outside_person(person, garment)
    if other is not None:
        scores["disagreement"] = disagreement(composite, other)
    return {rule: float(np.floor(score * 1e4) / 1e4) for rule, score in scores.items()}  # one bad pixel must show


def flags(scores: dict[str, float], thresholds: dict[str, float] | None = None) -> list[str]:
    """The rules whose score is under its threshold, sorted."""
    limits = THRESHOLDS | (thresholds or {})
    return sorted(rule for rule, score in scores.items() if score < limits[rule])


WRAPPED = 1  # what uint8 makes of 0 - 255, where the article subtracts a garment that exceeds the person


def partition(composite: np.ndarray) -> float:
    """Share of the pixels of 0 and 255 alone where exactly one channel is 255; other values have rules of their own."""
    clean = ((composite == 0) | (composite == 255)).all(axis=2)
    return float(((composite == 255).sum(axis=2)[clean] == 1).mean()) if clean.any() else 1.0


def foreign_values(composite: np.ndarray) -> float:
    """Share of pixels without a value other than 0, 255 and the wrapped 1: JPEG noise, smooth resizing."""
    return float(np.isin(composite, (0, WRAPPED, 255)).all(axis=2).mean())


def wrap(composite: np.ndarray) -> float:
    """Share of pixels without a wrapped subtraction."""
    return float((composite != WRAPPED).all(axis=2).mean())


def disagreement(composite: np.ndarray, other: np.ndarray) -> float:
    """The lesser IoU, of the foregrounds and of the garments, with another method's composite of the same photo."""
    if composite.shape != other.shape:
        raise MaskError(f"masks {composite.shape} and {other.shape}", expected="one size")
    pairs = [(composite[..., 0] == 0, other[..., 0] == 0), (composite[..., 2] == 255, other[..., 2] == 255)]
    return min(float((one & two).sum() / (one | two).sum()) if (one | two).any() else 1.0 for one, two in pairs)


def holes(mask: np.ndarray) -> float:
    """1 minus background enclosed by the mask over the mask with its holes filled (an arm on a hip is one)."""
    padded = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    enclosed = ((labels != labels[0, 0]) & (labels != 0)).sum()
    return 1.0 - float(enclosed / max(1, enclosed + mask.sum()))


def islands(mask: np.ndarray) -> float:
    """Share of the mask that lies in its largest 8-connected part; 0 where it is empty."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return float(areas.max() / areas.sum()) if len(areas) else 0.0


def garment_outside_person(person: np.ndarray, garment: np.ndarray) -> float:
    """Share of the garment that lies inside the person; 0 where the garment is empty."""
    return float((garment & person).sum() / garment.sum()) if garment.any() else 0.0


def border_contact(mask: np.ndarray) -> float:
    """1 minus the share of the left, right and top border the mask touches (feet at the bottom are usual)."""
    sides = np.concatenate([mask[:, 0], mask[:, -1], mask[0]])
    return 1.0 - float(sides.mean())


def area_share(mask: np.ndarray) -> float:
    """1 inside the plausible share of the image, falling to 0 at an empty and at a full mask."""
    share, (low, high) = float(mask.mean()), PLAUSIBLE_SHARE
    return min(1.0, share / low, (1.0 - share) / (1.0 - high))


def roughness(mask: np.ndarray) -> float:
    """Outline length after smoothing over the outline length before: near 1 is smooth, a frayed edge is near 0."""
    if not mask.any():
        return 0.0
    size = max(3, round(0.01 * max(mask.shape)) | 1)
    smooth = cv2.medianBlur(mask.astype(np.uint8) * 255, size) > 127
    return min(1.0, _outline(smooth) / max(1.0, _outline(mask)))


def _outline(mask: np.ndarray) -> float:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return float(sum(cv2.arcLength(contour, True) for contour in contours))
