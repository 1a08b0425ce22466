"""How good a picture is: measures in [0, 1], 1 is best. What counts as too poor is dataset/thresholds.py's.

In: (H, W, 3) uint8 RGB, EXIF orientation applied. Out: a number per measure. A packshot's white backdrop is left out
where it would be taken for a fault. Exposure, contrast and uniformity are read from a sample of some 30,000 pixels,
sharpness from every other line, lettering from a copy of 448 px, whatever the size. Never decodes, stores or rejects
anything.
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.quality_copies import reduced, sampled
from dataset.quality_frame import frame
from dataset.quality_text import overlay

Rgb = NDArray[np.uint8]
Grey = NDArray[np.uint8]

MEASURES = (
    "sharpness",
    "exposure",
    "contrast",
    "compression",
    "resolution",
    "uniformity",
    "aspect",
    "overlay",
    "frame",
)
PACKSHOT_UNIFORMITY = 0.80
GOOD_SHORT_SIDE_PX = 512
WORKING_SIDE_PX = 1024
_BACKDROP_DISTANCE = 24.0
_BLOCK_STEP = 16


def measure(rgb: Rgb, grey: Grey | None = None, few: Rgb | None = None, small: Grey | None = None) -> dict[str, float]:
    """Every measure of `MEASURES` for one picture. Where they are at hand: `grey` is its luma, `few` its
    `sampled` pixels, `small` the luma's `working_copy`."""
    grey = luma(rgb) if grey is None else grey
    few = sampled(rgb) if few is None else few
    share, colour = border_colour(few)
    few_grey = luma(few)
    return {
        "sharpness": sharpness(grey),
        "exposure": exposure(few, few_grey, colour if share >= PACKSHOT_UNIFORMITY else None),
        "contrast": contrast(few_grey),
        "compression": compression(grey),
        "resolution": min(1.0, min(grey.shape) / GOOD_SHORT_SIDE_PX),
        "uniformity": share,
        "aspect": min(grey.shape) / max(grey.shape),
        "overlay": overlay(grey if small is None else small),
        "frame": frame(rgb),
    }


def view_of(uniformity: float) -> str:
    """`packshot` (one colour around) or `scene`."""
    return "packshot" if uniformity >= PACKSHOT_UNIFORMITY else "scene"


def luma(rgb: Rgb) -> Grey:
    """(H, W) uint8, ITU-R 601 luma."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def sharpness(grey: Grey) -> float:
    """Laplacian variance (Pech-Pacheco 2000) of the sharpest tenth of an 8x8 grid, so that a plain backdrop or bokeh
    does not count as blur, on a log scale. Measured at 1,024 px at most: a large soft photo may still be sharp when
    reduced."""
    small = reduced(grey, WORKING_SIDE_PX)
    if min(small.shape) < 3:
        return 0.0
    laplacian = np.asarray(cv2.Laplacian(small, cv2.CV_16S), dtype=np.int16)[1:-1, 1:-1]
    rows, columns = (np.linspace(0, side, min(8, side) + 1).astype(int) for side in laplacian.shape)
    tiles = [
        _variance(laplacian[top:bottom:2, left:right])
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    sharpest = sorted(tiles)[round(0.9 * (len(tiles) - 1))]
    return _ramp(math.log10(sharpest + 1e-3), 1.2, 3.6)


def exposure(rgb: Rgb, grey: Grey, backdrop: NDArray[np.float64] | None = None) -> float:
    """Smallest of 'not dark' (95th percentile of luma over 160), the share of pixels that are not clipped, and 'not
    washed out' (5th percentile of luma below 130). Before a `backdrop` colour (3,) only what stands before it can be
    clipped, and nothing is called washed out: the garment may be white."""
    dark, bright = _quantiles(grey, 0.05, 0.95)
    lit = min(1.0, bright / 160.0)
    clipped = cv2.inRange(rgb, (250, 250, 250), (255, 255, 255)) > 0
    if backdrop is None:
        washed = _ramp(dark, 130.0, 250.0)
        return min(lit, 1.0 - float(clipped.mean()), 1.0 - washed)
    subject = ~_near(rgb, backdrop)
    if subject.mean() < 0.02:  # white on white: nothing left that could be judged
        return lit
    return min(lit, 1.0 - float(clipped[subject].mean()))


def contrast(grey: Grey) -> float:
    """Range from the 1st to the 99th percentile of luma over 255."""
    low, high = _quantiles(grey, 0.01, 0.99)
    return (high - low) / 255.0


def compression(grey: Grey) -> float:
    """How little the 8x8 grid of a JPEG shows: steps across block edges against the steps beside them, both
    directions, the worst of the 8 phases since a crop or rotation shifts the grid. 1 at equal, 0 where the steps are
    twice as large."""
    ratio = max((_block_ratio(_steps(grey, axis)) for axis in (0, 1) if grey.shape[axis] >= 25), default=1.0)
    return 1.0 - _ramp(ratio, 1.02, 2.0)


def border_colour(rgb: Rgb) -> tuple[float, NDArray[np.float64]]:
    """Share of the border (a band of 2 % of the short side) that is its commonest colour, and that colour (3,)."""
    band = max(1, round(0.02 * min(rgb.shape[:2])))
    thin = max(1, band // 4)  # every n-th line of the band: enough to see one colour
    strips = (rgb[:band:thin], rgb[-band::thin], rgb[band:-band, :band:thin], rgb[band:-band, -band::thin])
    border = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    bins = (border >> 4).astype(np.int32) @ np.array([256, 16, 1])
    commonest = border[bins == np.bincount(bins).argmax()]
    colour = np.sort(commonest, axis=0)[len(commonest) // 2].astype(np.float64)
    return float(_near(border, colour).mean()), colour


def _near(pixels: Rgb, colour: NDArray[np.float64]) -> NDArray[np.bool_]:
    difference = pixels.astype(np.float32) - colour.astype(np.float32)
    return np.asarray((difference * difference).sum(axis=-1) <= _BACKDROP_DISTANCE**2)


def _variance(tile: NDArray[np.int16]) -> float:
    n = max(tile.size, 1)
    squares = cv2.norm(tile, cv2.NORM_L2SQR) / n
    # a Laplacian's mean over a tile is next to nothing, but small tiles exist
    return squares if n > 1_000 else squares - (cv2.sumElems(tile)[0] / n) ** 2


def _quantiles(grey: Grey, *shares: float) -> list[float]:
    """For each share the smallest level that at least that share of the pixels does not exceed."""
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    return [float(level) for level in np.searchsorted(np.cumsum(counts), np.array(shares) * grey.size)]


def _steps(grey: Grey, axis: int) -> NDArray[np.float64]:
    """Mean step from each line to the next along `axis` (0 down, 1 to the right)."""
    ahead, behind = (grey[1:], grey[:-1]) if axis == 0 else (grey[:, 1:], grey[:, :-1])
    # block edges are small steps; clipped, a garment's own straight edge does not pass for them
    clipped = cv2.threshold(cv2.absdiff(ahead, behind), _BLOCK_STEP, 0, cv2.THRESH_TRUNC)[1]
    total = cv2.reduce(clipped, 1 - axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    return np.asarray(total / grey.shape[1 - axis])


def _block_ratio(step: NDArray[np.float64]) -> float:
    step = step[: len(step) // 8 * 8].reshape(-1, 8).mean(axis=0) + 0.25
    return float((step / ((step.sum() - step) / 7)).max())


def _ramp(value: float, low: float, high: float) -> float:
    return float(min(1.0, max(0.0, (value - low) / (high - low))))
