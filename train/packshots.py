"""Packshots for the training mix: the garment of a worn photo alone on a studio backdrop, made from its own mask.

In: a training photo (H, W, 3) uint8 RGB, its class map (H, W), a seed. Out: the same two arrays with the person gone,
or the photo as it was. A model that has only seen worn clothes fails on a garment without a person. Where an arm or
hair hid the garment the backdrop shows. Only training photos pass here, never validation or test.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.masks import BACKGROUND, GARMENT, IGNORE
from train.letterbox import UInt8

LEAST_SHARE = 0.02  # of the picture; a smaller garment would be all edge
FILLS = (0.55, 0.95)  # of the picture's height or width, whichever is reached first
MOST_ENLARGED = 2.0
SHADES = (0.10, 0.35)  # how dark a soft shadow is at most


@dataclass(frozen=True)
class Packshots:
    """Turns the share `share` of the photos into packshots; `roles` says of each class what it is in a composite."""

    share: float
    roles: tuple[int, ...]

    def __call__(self, rgb: UInt8, index: UInt8, seed: int) -> tuple[UInt8, UInt8]:
        """Depends on its arguments alone. Photos without enough of a garment stay as they are."""
        draw = np.random.default_rng(seed)
        if draw.random() >= self.share:
            return rgb, index
        return packshot(rgb, index, self.roles, draw)


def packshot(rgb: UInt8, index: UInt8, roles: tuple[int, ...], draw: np.random.Generator) -> tuple[UInt8, UInt8]:
    """The garments of `index` on a drawn backdrop, larger or smaller and elsewhere, with their own classes."""
    known = np.append(np.array(roles), [BACKGROUND] * (IGNORE + 1 - len(roles)))  # 255, unknown, is no garment
    worn = known[index] == GARMENT
    if worn.mean() < LEAST_SHARE:
        return rgb, index
    spot = _placed(worn, draw)
    size = rgb.shape[1::-1]
    moved = cv2.warpAffine(np.where(worn, index, BACKGROUND).astype(np.uint8), spot, size, flags=cv2.INTER_NEAREST)
    colour = cv2.warpAffine(rgb, spot, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (moved != BACKGROUND).astype(np.uint8)
    alpha = soft(inside)
    ground = studio(inside, draw)
    return np.rint(colour * alpha + ground * (1 - alpha)).astype(np.uint8), moved.astype(np.uint8)


def soft(inside: UInt8) -> np.ndarray:
    """(H, W) of 0 and 1 -> (H, W, 1) float32 alpha, a pixel tighter, its edge a pixel wide."""
    tight = cv2.erode(inside, np.ones((3, 3), np.uint8)).astype(np.float32)
    return cv2.GaussianBlur(tight, (0, 0), 0.7)[..., None]


def _placed(worn: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """(2, 3) affine that brings the garment's box to a drawn size and near the middle."""
    rows, columns = np.flatnonzero(worn.any(1)), np.flatnonzero(worn.any(0))
    height, width = worn.shape
    tall, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    scale = min(draw.uniform(*FILLS) * min(height / tall, width / wide), MOST_ENLARGED)
    centre = np.array([columns[0] + wide / 2, rows[0] + tall / 2])
    free = np.array([width - wide * scale, height - tall * scale]) / 2
    to = np.array([width, height]) / 2 + draw.uniform(-0.6, 0.6, 2) * free
    return np.column_stack([np.eye(2) * scale, to - scale * centre])


def studio(inside: UInt8, draw: np.random.Generator) -> np.ndarray:
    """(H, W, 3) float32 backdrop: white, plain or shaded from top to bottom, half of them with a soft shadow of what
    stands before it: `inside` (H, W), 0 or 1."""
    height, width = inside.shape
    kind = draw.choice(["white", "plain", "shaded"])
    colour = np.array([255.0] * 3) if kind == "white" else draw.uniform(170, 255) + draw.uniform(-12, 12, 3)
    fall = np.linspace(0, draw.uniform(-30, 30) if kind == "shaded" else 0, height)[:, None, None]
    ground = np.clip(np.broadcast_to(colour + fall, (height, width, 3)), 0, 255).astype(np.float32)
    if draw.random() < 0.5:
        aside, below = draw.uniform(-0.03, 0.03) * width, draw.uniform(0, 0.03) * height
        move = np.array([[1, 0, aside], [0, 1, below]])
        cast = cv2.warpAffine(inside.astype(np.float32), move, (width, height))
        cast = cv2.GaussianBlur(cast, (0, 0), draw.uniform(0.01, 0.04) * height)
        ground = ground * (1 - draw.uniform(*SHADES) * cast[..., None])
    grain = draw.standard_normal((height, width, 1), np.float32) * np.float32(draw.uniform(0, 2))
    return np.clip(ground + grain, 0, 255)
