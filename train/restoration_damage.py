"""Made damage: what time, hands and shops do to a photo, as a mask of pixels that are lost.

In: a generator, a kind, a size. Out: (H, W) uint8, 255 where nothing is known any more. The colour of the damage does
not matter: whoever repairs may not look under it. Same generator state, same damage. Draws no photo and never looks at
one.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from train.letterbox import UInt8

MOST = 0.4  # of the pixels; more is drawn again
WORDS = ("SAMPLE", "COPY", "shop.example", "(c) 2024", "PREVIEW", "Studio 7", "DRAFT", "No. 4711")


def damage(draw: np.random.Generator, kind: str, size: tuple[int, int]) -> UInt8:
    """(H, W) uint8 in {0, 255}, somewhere broken and not over `MOST` of it. Raises KeyError for an unknown kind."""
    while True:
        mask: UInt8 = np.zeros(size, np.uint8)
        KINDS[kind](draw, mask)
        if 0 < np.count_nonzero(mask) <= MOST * mask.size:
            return mask


def _scratches(draw: np.random.Generator, mask: UInt8) -> None:
    """Two to six long lines of 1 to 4 px that wander a little."""
    side = min(mask.shape)
    for _ in range(draw.integers(2, 7)):
        start, angle = draw.uniform(0, mask.shape[::-1], 2), draw.uniform(0, np.pi)
        along = np.linspace(0, draw.uniform(0.4, 1.3) * side, 7)
        wander = np.cumsum(draw.normal(0, 0.012 * side, (7, 2)), axis=0)
        path = start + along[:, None] * np.array([np.cos(angle), np.sin(angle)]) + wander
        cv2.polylines(mask, [np.rint(path).astype(np.int32)], False, 255, int(draw.integers(1, 5)))


def _holes(draw: np.random.Generator, mask: UInt8) -> None:
    """One to four torn blobs, 5 to 25 % of the side across."""
    side = min(mask.shape)
    for _ in range(draw.integers(1, 5)):
        turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        reach = draw.uniform(0.025, 0.125) * side * draw.uniform(0.7, 1.3, 12)
        centre = draw.uniform(0, mask.shape[::-1], 2)
        edge = centre + reach[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
        cv2.fillPoly(mask, [np.rint(edge).astype(np.int32)], 255)


def _watermark(draw: np.random.Generator, mask: UInt8) -> None:
    """Words across the photo, once or as a pattern, turned."""
    side, font = min(mask.shape), int(draw.choice([0, 2, 3, 4]))
    scale, thick = draw.uniform(0.4, 1.4) * side / 128, int(draw.integers(1, 1 + max(2, round(side / 50))))
    word, lines = str(draw.choice(WORDS)), int(draw.integers(1, 4))
    for number in range(lines):
        place = int(draw.uniform(-0.2, 0.4) * side), int((number + draw.uniform(0.3, 0.7)) * mask.shape[0] / lines)
        cv2.putText(mask, f"{word} {word}", place, font, scale, 255, thick)
    turn = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), draw.uniform(-40, 40), 1.0)
    mask[:] = cv2.warpAffine(mask, turn, mask.shape[::-1], flags=cv2.INTER_NEAREST)


def _corner(draw: np.random.Generator, mask: UInt8) -> None:
    """One corner torn off along a ragged line, 12 to 40 % of each side."""
    wide, high = draw.uniform(0.12, 0.4, 2) * mask.shape[::-1]
    share = np.linspace(0, 1, 8)[:, None]
    tear = (1 - share) * np.array([wide, 0]) + share * np.array([0, high])
    tear[1:-1] += draw.normal(0, 0.015 * min(mask.shape), (6, 2))
    cv2.fillPoly(mask, [np.rint(np.vstack([[[0, 0]], tear])).astype(np.int32)], 255)
    if draw.random() < 0.5:
        mask[:] = mask[::-1].copy()
    if draw.random() < 0.5:
        mask[:] = mask[:, ::-1].copy()


KINDS: dict[str, Callable[[np.random.Generator, UInt8], None]] = {
    "scratches": _scratches, "holes": _holes, "watermark": _watermark, "corner": _corner,
}  # fmt: skip


def first_fill(rgb: UInt8, mask: UInt8) -> UInt8:
    """(H, W, 3) with the damage filled by Navier-Stokes at 2 px, better than Telea before anything is learned
    (benchmarks/restoration.py): what the network corrects."""
    return filled(rgb, mask, 2, cv2.INPAINT_NS)


def filled(rgb: UInt8, mask: UInt8, radius: float, method: int) -> UInt8:
    """cv2.inpaint on a photo that is grey under the mask: at a photo's border OpenCV looks at what lies there."""
    blank = np.where(mask[..., None] > 0, np.uint8(127), rgb)
    return np.asarray(cv2.inpaint(blank, mask, radius, method), dtype=np.uint8)
