"""How good a picture is: measures in [0, 1] (1 is best), and, apart from them, the thresholds that call one too poor.

In: (H, W, 3) uint8 RGB, EXIF orientation applied. Out: a number per measure, or the names of the issues of a
measured row. A packshot's white backdrop is left out where it would be taken for a fault. Never decodes, stores or
rejects anything: thresholds can change without measuring again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rgb = NDArray[np.uint8]
Grey = NDArray[np.uint8]

MEASURES = ("sharpness", "exposure", "contrast", "compression", "resolution", "uniformity", "aspect")
PACKSHOT_UNIFORMITY = 0.80
GOOD_SHORT_SIDE_PX = 512
WORKING_SIDE_PX = 1024
_BACKDROP_DISTANCE = 24.0
_BLOCK_STEP = 16

# A score below its threshold is an issue. A packshot is bright and even by design; a scene may be long and narrow.
THRESHOLDS: dict[str, dict[str, float]] = {
    "packshot": {
        "sharpness": 0.25,
        "exposure": 0.35,
        "contrast": 0.20,
        "compression": 0.25,
        "resolution": 0.40,
        "aspect": 0.30,
    },
    "scene": {
        "sharpness": 0.30,
        "exposure": 0.50,
        "contrast": 0.35,
        "compression": 0.25,
        "resolution": 0.40,
        "aspect": 0.30,
    },
}
ISSUES = {
    "sharpness": "blurred",
    "exposure": "badly_exposed",
    "contrast": "flat",
    "compression": "blocky",
    "resolution": "small",
    "aspect": "odd_aspect",
}


def measure(rgb: Rgb) -> dict[str, float]:
    """Every measure of `MEASURES` for one picture."""
    grey = luma(rgb)
    share, colour = border_colour(rgb)
    return {
        "sharpness": sharpness(grey),
        "exposure": exposure(rgb, grey, colour if share >= PACKSHOT_UNIFORMITY else None),
        "contrast": contrast(grey),
        "compression": compression(grey),
        "resolution": min(1.0, min(grey.shape) / GOOD_SHORT_SIDE_PX),
        "uniformity": share,
        "aspect": min(grey.shape) / max(grey.shape),
    }


def view_of(uniformity: float) -> str:
    """`packshot` (one colour around) or `scene`."""
    return "packshot" if uniformity >= PACKSHOT_UNIFORMITY else "scene"


def issues(row: Mapping[str, Any], thresholds: Mapping[str, Mapping[str, float]] = THRESHOLDS) -> list[str]:
    """Names of what is wrong with a row of `images`, in the order of `ISSUES`; what was not measured is no issue."""
    limits = thresholds[row.get("view") or "scene"]
    return [
        name for measure, name in ISSUES.items() if (score := row.get(measure)) is not None and score < limits[measure]
    ]


def luma(rgb: Rgb) -> Grey:
    """(H, W) uint8, ITU-R 601 luma."""
    return np.asarray(Image.fromarray(rgb).convert("L"))


def sharpness(grey: Grey) -> float:
    """Laplacian variance (Pech-Pacheco 2000) of the sharpest tenth of an 8x8 grid, so that a plain backdrop or bokeh
    does not count as blur, on a log scale. Measured at 1,024 px at most: a large soft photo may still be sharp when
    reduced."""
    small = _reduced(grey, WORKING_SIDE_PX).astype(np.int16)
    if min(small.shape) < 3:
        return 0.0
    laplacian = small[:-2, 1:-1] + small[2:, 1:-1] + small[1:-1, :-2] + small[1:-1, 2:] - 4 * small[1:-1, 1:-1]
    tiles = [tile.var() for rows in np.array_split(laplacian, min(8, len(laplacian))) for tile in _columns(rows)]
    return _ramp(float(np.log10(np.quantile(tiles, 0.9) + 1e-3)), 1.2, 3.6)


def exposure(rgb: Rgb, grey: Grey, backdrop: NDArray[np.float64] | None = None) -> float:
    """Smallest of 'not dark' (95th percentile of luma over 160), the share of pixels that are not clipped, and 'not
    washed out' (5th percentile of luma below 130). Before a `backdrop` colour (3,) only what stands before it can be
    clipped, and nothing is called washed out: the garment may be white."""
    lit = min(1.0, float(np.quantile(grey[::2, ::2], 0.95)) / 160.0)
    subject = np.ones(grey[::2, ::2].shape, bool) if backdrop is None else ~_near(rgb[::2, ::2], backdrop)
    if subject.mean() < 0.02:  # white on white: nothing left that could be judged
        return lit
    clipped = float((rgb[::2, ::2].min(axis=2)[subject] >= 250).mean())
    washed = 0.0 if backdrop is not None else _ramp(float(np.quantile(grey[::2, ::2], 0.05)), 130.0, 250.0)
    return min(lit, 1.0 - clipped, 1.0 - washed)


def contrast(grey: Grey) -> float:
    """Range from the 1st to the 99th percentile of luma over 255."""
    low, high = np.quantile(grey[::2, ::2], (0.01, 0.99))
    return float(high - low) / 255.0


def compression(grey: Grey) -> float:
    """How little the 8x8 grid of a JPEG shows: steps across block edges against the steps beside them, both
    directions, the worst of the 8 phases since a crop or rotation shifts the grid. 1 at equal, 0 where the steps are
    twice as large."""
    ratio = max(_block_ratio(grey), _block_ratio(grey.T))
    return 1.0 - _ramp(ratio, 1.02, 2.0)


def border_colour(rgb: Rgb) -> tuple[float, NDArray[np.float64]]:
    """Share of the border (a band of 2 % of the short side) that is its commonest colour, and that colour (3,)."""
    band = max(1, round(0.02 * min(rgb.shape[:2])))
    strips = (rgb[:band], rgb[-band:], rgb[band:-band, :band], rgb[band:-band, -band:])
    border = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    bins = (border >> 4).astype(np.int32) @ np.array([256, 16, 1])
    colour = np.median(border[bins == np.bincount(bins).argmax()], axis=0).astype(np.float64)
    return float(_near(border, colour).mean()), colour


def _near(pixels: Rgb, colour: NDArray[np.float64]) -> NDArray[np.bool_]:
    difference = pixels.astype(np.float32) - colour.astype(np.float32)
    return np.asarray((difference * difference).sum(axis=-1) <= _BACKDROP_DISTANCE**2)


def _columns(rows: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    return np.array_split(rows, min(8, rows.shape[1]), axis=1)


def _block_ratio(grey: Grey) -> float:
    # block edges are small steps; clipped, a garment's own straight edge does not pass for them
    step = np.minimum(np.abs(np.diff(grey.astype(np.int16), axis=1)), _BLOCK_STEP).mean(axis=0)
    if len(step) < 24:
        return 1.0
    step = step[: len(step) // 8 * 8].reshape(-1, 8).mean(axis=0) + 0.25
    return float((step / ((step.sum() - step) / 7)).max())


def _reduced(grey: Grey, longest: int) -> Grey:
    factor = max(grey.shape) / longest
    if factor <= 1:
        return grey
    size = (max(1, round(grey.shape[1] / factor)), max(1, round(grey.shape[0] / factor)))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))


def _ramp(value: float, low: float, high: float) -> float:
    return float(min(1.0, max(0.0, (value - low) / (high - low))))
