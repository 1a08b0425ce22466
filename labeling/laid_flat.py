"""A garment laid flat or hung, cut out by what differs from its backdrop; the network's chance is the second witness.

In: (H, W, 3) uint8 RGB and (H, W) float32 chance of being the figure. Out: a `Laid`: the garment's mask at the photo's
size, and figures by which a caller decides whether to believe it. Works at 320 px: the edge is the refine step's.
Backdrop seen through the garment (between two legs, under an arm) is left out; a print of the backdrop's colour is not.
Never asks whether a person is in the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from labeling.backdrop import Backdrop, Bool, Float32, find_backdrop
from labeling.grabcut import cut_foreground

Plane = TypeVar("Plane", npt.NDArray[np.uint8], Float32)
SIDE_PX = 320
HALF_SURE = 4.5  # spreads from the backdrop at which its own chance is a half
STEEP = 1.2  # logits a spread
FURTHEST = (11.0, 3.0)  # spreads over HALF_SURE that count, on a plain and on a busy backdrop
PLAIN, BUSY = 3.0, 9.0  # spread of light, CIELAB units, between which the network is heard more
NETWORK = (0.7, 1.4)  # its weight on a plain and on a busy backdrop
SURE = 0.03  # as in labeling.grabcut: a prior so near 0 or 1 is taken as certain
PIECE = 0.03  # of the largest piece; less is a speck
LIKELY = 0.35  # mean chance under which a smaller piece or a thin tail (a tile's joint, a wire) is none of it
THIN = 0.008  # of the photo's longer side, each way
HOLE = 0.004  # of the garment; a smaller hole is print or weave
CLEAR = 3.2  # spreads: a hole as near to the backdrop, and SEVENTH as near as the garment, is seen through
SEVENTH = 0.15
PRINT = 0.9  # mean chance from which a hole of the backdrop's colour is a print


@dataclass(frozen=True)
class Laid:
    """`mask` (H, W) float32 in [0, 1]. `area`: share of the photo; `agrees`: share of the network's figure that it
    covers; `apart`: share of it that is off the backdrop; `plain`: share of the rest that is backdrop."""

    mask: Float32
    area: float
    agrees: float
    apart: float
    plain: float
    light: float
    hue: float


def small(plane: Plane) -> Plane:
    """At most SIDE_PX on its longer side, at least 16 on the shorter one."""
    height, width = plane.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    size = max(16, round(width * scale)), max(16, round(height * scale))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), plane.dtype)


def laid_flat(rgb: npt.NDArray[np.uint8], chance: Float32, seed: int) -> Laid:
    """`seed` is GrabCut's. The mask is empty where nothing differs from the backdrop."""
    photo, figure = small(rgb), small(chance)
    backdrop = find_backdrop(photo, figure)
    cut = cut_foreground(photo, prior(backdrop, figure), seed, long_side=SIDE_PX, sure=SURE)
    cut = tidied(cut, backdrop.distance, figure)
    mask = cv2.resize(cut.astype(np.float32), rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    likely, off = figure > 0.5, backdrop.distance > HALF_SURE
    far = cv2.dilate(cut.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    return Laid(
        np.asarray(mask, np.float32), float(cut.mean()), _share(cut, likely), _share(off, cut), _share(~off, far),
        backdrop.light, backdrop.hue,
    )  # fmt: skip


def prior(backdrop: Backdrop, chance: Float32) -> Float32:
    """(h, w) in [0, 1]: both witnesses, in logits; the edges' backdrop, where the network agrees, is 0."""
    busy = float(np.clip((backdrop.light - PLAIN) / (BUSY - PLAIN), 0, 1))
    weight, furthest = (plain + busy * (other - plain) for plain, other in (NETWORK, FURTHEST))
    told = np.clip(chance, 0.02, 0.98)
    logits = STEEP * np.minimum(backdrop.distance - HALF_SURE, furthest) + weight * np.log(told / (1 - told))
    found = 1 / (1 + np.exp(-logits))
    return np.where(backdrop.ring & (backdrop.distance < 4) & (chance < 0.5), 0, found).astype(np.float32)


def tidied(cut: Bool, distance: Float32, chance: Float32) -> Bool:
    """The garment's pieces without specks and thin tails, with its prints, without what is seen through it."""
    pieces = _pieces(cut, chance)
    if not pieces.any():
        return pieces
    return _filled(_pieces(_without_tails(pieces, chance), chance), distance, chance)


def _pieces(cut: Bool, chance: Float32) -> Bool:
    """The piece that is largest and likeliest, and others that are large and likely: a pair of shoes."""
    labels, areas = _labelled(cut, 4)
    if not len(areas):
        return cut
    likely = np.array([chance[labels == number].mean() for number in range(1, len(areas) + 1)])
    best = int(np.argmax(np.where(areas > 0.02 * areas.max(), areas * (0.2 + likely), 0)))
    kept = (areas > PIECE * areas[best]) & (likely > LIKELY)
    kept[best] = True
    return np.append(False, kept)[labels]


def _without_tails(cut: Bool, chance: Float32) -> Bool:
    side = max(3, 2 * round(THIN * max(cut.shape)) + 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    thin = cut & (cv2.morphologyEx(cut.astype(np.uint8), cv2.MORPH_OPEN, disc) == 0)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8), connectivity=8)
    long = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1) > 2 * side
    unlikely = np.bincount(labels.ravel(), chance.ravel()) / stats[:, cv2.CC_STAT_AREA] < LIKELY
    tail = long & unlikely & (stats[:, cv2.CC_STAT_AREA] >= 8)
    tail[0] = False
    return cut & ~tail[labels]


def _filled(cut: Bool, distance: Float32, chance: Float32) -> Bool:
    labels, areas = _labelled(~cut, 4)
    edge = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    clear = min(CLEAR, SEVENTH * float(np.median(distance[cut])))
    out = cut.copy()
    for number, area in enumerate(areas, start=1):
        hole = labels == number
        through = area > HOLE * cut.sum() and np.median(distance[hole]) < clear and chance[hole].mean() < PRINT
        out |= hole if number not in edge and not through else False
    return out


def _labelled(mask: Bool, connectivity: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """(h, w) numbers from 1, and each one's area."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    return np.asarray(labels, np.int32), np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int32)


def _share(what: Bool, of: Bool) -> float:
    return float((what & of).sum() / max(1, of.sum()))
