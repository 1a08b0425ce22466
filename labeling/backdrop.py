"""The backdrop of a photo of one garment, modelled from the photo's edges: how far is each pixel from it?

In: (h, w, 3) uint8 RGB, small, and (h, w) float32 chance of being the figure. Out: a `Backdrop`. Colour is a surface of
second degree over the photo, fitted robustly in CIELAB. A shadow or a gradient of light scales (L* + 16, a*, b*) as a
whole (they all grow with the cube root of light), so what differs along that line is told from what differs in hue: the
first is forgiven further. Never decides what the figure is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

RING = 0.05  # of each side: what lies there is backdrop, unless the network is sure of it
LEAST_RING = 0.35  # of the ring must be left of it
SURE_FIGURE, LIKELY_FIGURE = 0.8, 0.5  # chances
LEAST_LIGHT, LEAST_HUE, HUE_OF_CHROMA = 2.5, 1.5, 0.03  # CIELAB units of spread; JPEG blurs strong colours further
SHADOW = 18.0  # L* units darker that count half; a darker garment is that and more
NEAR = 3.0  # spreads: surely backdrop
ROUNDS = 3
RIDGE = 1e-3  # of the pixels: keeps a surface seen along two edges only from running away


@dataclass(frozen=True)
class Backdrop:
    """`distance` (h, w) float32 in spreads; `light`, `hue`: the spreads, in CIELAB units; `ring` (h, w): the edges."""

    distance: Float32
    light: float
    hue: float
    ring: Bool


def find_backdrop(rgb: npt.NDArray[np.uint8], chance: Float32) -> Backdrop:
    """The surface is fitted to the photo's edges, then thrice to all that lies near it."""
    blurred = cv2.GaussianBlur(rgb, (0, 0), 1.0).astype(np.float32) / 255
    lab = np.asarray(cv2.cvtColor(blurred, cv2.COLOR_RGB2LAB), np.float32)
    powers, ring = _powers(chance.shape), _ring(chance.shape)
    seen = ring & (chance < SURE_FIGURE)
    if seen.sum() <= LEAST_RING * ring.sum():
        seen = ring
    outside = seen & (chance < LIKELY_FIGURE)
    outside = outside if outside.sum() >= 16 else seen
    factors = _fitted(lab[seen], powers[seen])
    for last in range(ROUNDS):
        along, across = _parted(lab, powers @ factors)
        light, hue = _spreads(along[outside], across[outside], (powers @ factors)[outside])
        distance = np.hypot(_lenient(along) / light, across / hue)
        near = (distance < NEAR) & (chance < LIKELY_FIGURE) | seen & (distance < NEAR + 1)
        if last == ROUNDS - 1 or near.sum() < 50:
            break
        factors = _fitted(lab[near], powers[near])
    return Backdrop(distance.astype(np.float32), light, hue, seen)


def _ring(shape: tuple[int, ...]) -> Bool:
    ring = np.ones(shape, bool)
    down, right = (max(2, round(RING * length)) for length in shape)
    ring[down:-down, right:-right] = False
    return ring


def _powers(shape: tuple[int, ...]) -> Floats:
    """(h, w, 6): 1, y, y^2, x, x y, x^2, x and y from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape[:2]), indexing="ij")
    return np.stack([x**i * y**j for i in range(3) for j in range(3 - i)], axis=-1)


def _fitted(colours: Float32, powers: Floats, rounds: int = 8) -> Floats:
    """(6, 3) factors by Tukey's biweight from the median on; lightness counts half."""
    off = np.linalg.norm((colours - np.median(colours, axis=0)) / (2, 1, 1), axis=1)
    ridge = RIDGE * len(colours) * np.diag([0.0] + [1.0] * (powers.shape[1] - 1))
    factors = np.zeros((powers.shape[1], 3))
    for _ in range(rounds):
        reach = 3 * max(2.0, 1.4826 * float(np.median(off)))
        weighted = powers * (np.clip(1 - (off / reach) ** 2, 0, None) ** 2)[:, None]
        factors = np.linalg.solve(weighted.T @ powers + ridge + 1e-9 * np.eye(len(ridge)), weighted.T @ colours)
        off = np.linalg.norm((colours - powers @ factors) / (2, 1, 1), axis=1)
    return factors


def _parted(lab: Float32, surface: Floats) -> tuple[Floats, Floats]:
    """(h, w) each: lighter (+) or darker along the line of light, and how far beside it, CIELAB units."""
    dark = np.array([16.0, 0, 0])
    here, there = lab + dark, surface + dark
    length = np.maximum(np.linalg.norm(there, axis=-1), 1)
    along = (here * there).sum(-1) / length
    beside = np.linalg.norm(here - (along / length)[..., None] * there, axis=-1)
    return along - length, beside


def _spreads(along: Floats, beside: Floats, surface: Floats) -> tuple[float, float]:
    """Of light and of hue, robustly: what the backdrop's own texture, folds and noise reach."""
    rough = max(LEAST_LIGHT, 1.4826 * float(np.median(np.abs(along))))
    light = max(LEAST_LIGHT, 1.4826 * float(np.median(np.abs(along[np.abs(along) < 4 * rough]))))
    middle = np.median(surface, axis=0)
    return light, max(LEAST_HUE + HUE_OF_CHROMA * float(np.hypot(middle[1], middle[2])), 1.2 * float(np.median(beside)))


def _lenient(along: Floats) -> Floats:
    """Darker by up to SHADOW counts half."""
    return np.where(along < 0, np.where(along > -SHADOW, along / 2, along + SHADOW / 2), along)
