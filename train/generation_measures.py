"""How made pictures are measured: features, KID, and how near they are to what was learned.

In: pictures (N, H, W, C) uint8. Out: numbers with intervals. Features are EfficientNet-Lite0's (ImageNet; 1 and 2 for
generators that learned by 0), after one antialiased resize, or raw pixels; a figure's name says which, and the size.
FID is not offered: below 5,000 pictures its bias is larger than what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from train.generation_recipe import GenerationRecipe
from train.letterbox import UInt8
from train.models.backbones import OFFLINE, feature_extractor, normalisation

Floats = npt.NDArray[np.float64]
DRAWS, SUBSET, SMALL = 50, 100, 50


class Features:
    """(N, H, W, C) uint8 -> (N, d) float64. `kind` is lite0, lite1, lite2 or pixels; `name` goes into every figure."""

    def __init__(self, kind: str, height: int, device: str = "cpu") -> None:
        self.kind, self.height, self.device = kind, height, device
        self.net: nn.Module | None = None
        self.name = f"pixels, {height} px" if kind == "pixels" else f"EfficientNet-L{kind[1:]}, {height} px"
        if kind != "pixels":
            backbone = OFFLINE[int(kind[-1])]
            self.net = feature_extractor(backbone, "offline").eval().to(device)
            mean, std = normalisation(backbone)
            self.mean, self.std = (torch.tensor(each).view(1, 3, 1, 1) for each in (mean, std))

    @torch.no_grad()
    def __call__(self, pictures: UInt8, batch: int = 64) -> Floats:
        found = [self._some(pictures[start : start + batch]) for start in range(0, len(pictures), batch)]
        return np.concatenate(found).astype(np.float64)

    def _some(self, pictures: UInt8) -> npt.NDArray[Any]:
        x = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 255
        x = resized(x, self.height)
        if self.net is None:
            return np.asarray(x.flatten(1).numpy())
        x = (x.expand(-1, 3, -1, -1) - self.mean) / self.std
        return np.asarray(self.net(x.to(self.device)).float().cpu().numpy())


def resized(x: Tensor, height: int) -> Tensor:
    """(B, C, H, W) to `height` px, sides in proportion, bicubic and antialiased."""
    width = max(8, round(x.shape[3] * height / x.shape[2]))
    if (height, width) == tuple(x.shape[2:]):
        return x
    return functional.interpolate(x, (height, width), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def features_of(recipe: GenerationRecipe, device: str = "cpu") -> Features:
    return Features(recipe.judge, recipe.judge_px, device)


@dataclass(frozen=True)
class Kid:
    """Mean over subsets, and the 2.5th and 97.5th percentile of them; `subset` is their size."""

    mean: float
    low: float
    high: float
    subset: int


def kid(made: Floats, real: Floats, seed: int = 0, draws: int = DRAWS) -> Kid:
    """Unbiased squared maximum mean discrepancy, kernel (x·y / d + 1)³ (Bińkowski et al., 2018), of subsets of 100, of
    50 where either side has fewer pictures, of all of the fewer where that is less. It can be negative."""
    least = min(len(made), len(real))
    subset = SUBSET if least >= SUBSET else min(SMALL, least)
    draw = np.random.default_rng([seed, 7])
    found = []
    for _ in range(draws):
        x = made[draw.choice(len(made), subset, replace=False)]
        y = real[draw.choice(len(real), subset, replace=False)]
        found.append(_mmd(x, y))
    low, high = np.percentile(found, [2.5, 97.5])
    return Kid(float(np.mean(found)), float(low), float(high), subset)


def _mmd(x: Floats, y: Floats) -> float:
    xx, yy, xy = (_kernel(a, b) for a, b in ((x, x), (y, y), (x, y)))
    n = len(x)
    apart = [(each.sum() - np.trace(each)) / max(n * (n - 1), 1) for each in (xx, yy)]
    return float(sum(apart) - 2 * xy.mean())


def _kernel(a: Floats, b: Floats) -> Floats:
    return np.asarray((a @ b.T / a.shape[1] + 1) ** 3)


def nearest(made: Floats, learned: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Of each made picture, the place of the nearest learned one and its distance."""
    squares = (made**2).sum(1)[:, None] + (learned**2).sum(1)[None] - 2 * made @ learned.T
    place = squares.argmin(1)
    return place, np.sqrt(np.maximum(squares[np.arange(len(made)), place], 0))


@dataclass(frozen=True)
class Memory:
    """`ratio` of median distances to the nearest training picture, made over held-out: 1 is as far as a new photo, 0 a
    copy. `copied` is the share of made ones nearer than 1 % of held-out ones are (so 0.01 is what chance gives).
    `low`, `high`: 95 % of `ratio`, pictures drawn anew 1,000 times."""

    ratio: float
    low: float
    high: float
    copied: float
    n: int
    held_out: int


def memory(made: Floats, learned: Floats, held_out: Floats, seed: int = 0) -> Memory:
    mine, theirs = nearest(made, learned)[1], nearest(held_out, learned)[1]
    draw = np.random.default_rng([seed, 11])
    ratios = [
        np.median(draw.choice(mine, len(mine))) / max(np.median(draw.choice(theirs, len(theirs))), 1e-12)
        for _ in range(1000)
    ]
    low, high = np.percentile(ratios, [2.5, 97.5])
    copied = float((mine < np.percentile(theirs, 1)).mean())
    ratio = float(np.median(mine) / max(np.median(theirs), 1e-12))
    return Memory(ratio, float(low), float(high), copied, len(mine), len(theirs))
