"""Clipping: a photo and how surely each pixel is garment -> the garment alone, on nothing or on a colour; whose it is.

In: (H, W, 3) uint8 RGB and (H, W) float32 probabilities in [0, 1], of one size. Out: (H, W, 4) uint8 RGBA or (H, W, 3)
RGB, the photo's own size; a map of people. Never resizes, never touches the colour of a pixel that is wholly garment.
People who touch are one: they are told apart by the background between them.
"""

from __future__ import annotations

import cv2
import numpy as np

from dataset.errors import MaskError

SURE_OUTSIDE, SURE_INSIDE = 0.35, 0.65
PERSON_SHARE = 0.12  # of the largest person's pixels; less is a bag or a hand, and goes with whoever is nearest
LOOKED_AT_PX = 768  # long side at which people are told apart


def alpha_from(probability: np.ndarray) -> np.ndarray:
    """(H, W) float probability -> (H, W) uint8 alpha: 0 below 0.35, 255 above 0.65, a straight ramp between.

    Specks smaller than one part in a thousand of the whole garment are dropped: no shop shows them.
    """
    ramp = np.clip((probability - SURE_OUTSIDE) / (SURE_INSIDE - SURE_OUTSIDE), 0.0, 1.0)
    alpha = np.rint(ramp * 255).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    small = areas < areas[1:].sum() / 1000 if count > 1 else np.zeros(count, bool)
    small[0] = False
    return np.where(small[labels], 0, alpha).astype(np.uint8)


def clip(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """RGB and (H, W) uint8 alpha -> RGBA. Colour under a half-transparent edge is taken from the nearest whole garment
    pixel, so no fringe of the old background shows on a new one."""
    if rgb.shape[:2] != alpha.shape:
        raise MaskError(f"photo {rgb.shape[:2]} and alpha {alpha.shape}", expected="one size")
    return np.dstack([_without_fringe(rgb, alpha), alpha])


def on_colour(rgba: np.ndarray, colour: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """RGBA laid on one colour -> (H, W, 3) uint8."""
    alpha = rgba[:, :, 3:].astype(np.float32) / 255
    mixed = rgba[:, :, :3] * alpha + np.array(colour, np.float32) * (1 - alpha)
    return np.rint(mixed).astype(np.uint8)


def without_hidden(rgba: np.ndarray) -> np.ndarray:
    """RGBA with black under alpha 0: a file never carries the background, nor the bystanders, that it seems to lack."""
    rgba[rgba[:, :, 3] == 0] = 0
    return rgba


def people_map(person: np.ndarray) -> np.ndarray:
    """(H, W) float probability of person -> (H, W) uint8: 1 to n, from the left, which person a pixel is nearest to.

    All zero where nobody is. Areas joined over more than background are one person; worked out at 768 px.
    """
    height, width = person.shape
    scale = min(1.0, LOOKED_AT_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    inside = (cv2.resize(person, size, interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(inside, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count < 2:
        return np.zeros(person.shape, np.uint8)
    large = [place + 1 for place in np.flatnonzero(areas >= PERSON_SHARE * areas.max())][:255]
    ordered = sorted(large, key=lambda place: float(centres[place][0]))
    seeds = np.zeros(labels.shape, np.uint8)
    for number, place in enumerate(ordered, start=1):
        seeds[labels == place] = number
    nearest = _spread(seeds)
    return np.asarray(cv2.resize(nearest, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _spread(seeds: np.ndarray) -> np.ndarray:
    """Every pixel takes the number of the nearest seed."""
    _, near = cv2.distanceTransformWithLabels((seeds == 0).astype(np.uint8), cv2.DIST_L2, 5)
    table = np.zeros(int(near.max()) + 1, np.uint8)
    table[near[seeds > 0]] = seeds[seeds > 0]
    return np.asarray(table[near])


def _without_fringe(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    whole = alpha == 255
    edge = (alpha > 0) & ~whole
    if not whole.any() or not edge.any():
        return rgb
    _, labels = cv2.distanceTransformWithLabels(
        (~whole).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    colours[labels[whole]] = rgb[whole]
    cleaned = rgb.copy()
    cleaned[edge] = colours[labels[edge]]
    return cleaned
