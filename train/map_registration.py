"""Bending one map of regions until it fits another: which pixel of a photo belongs where in the map that is asked for.

In: maps of regions (H, W) uint8, 255 outside a photo. Out: for each pixel of the asked map its place in each of the
others, as smooth fields, and how well the bent maps fit. Free-form deformation by a coarse grid (Rueckert et al.,
1999): boxes of the people are laid on each other first, then soft Dice of all regions is raised by gradient ascent
while second differences are held down. No chance; pixels are never looked at, maps alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

UInt8 = npt.NDArray[np.uint8]
OUTSIDE = 255
HALF = 2  # maps are compared at half their size
STAGES = ((5, (8, 6), 25), (1, (16, 12), 25))  # blur in px at half size, points of the grid, rounds
RATE, STIFF = 0.02, 40.0


@dataclass(frozen=True)
class Bent:
    """`places` (N, H, W, 2) float32, x and y in the source in px; `maps` (N, H, W) uint8, the bent maps; `fit` (N, K)
    float64, IoU of each region, NaN where the asked map lacks it."""

    places: npt.NDArray[np.float32]
    maps: UInt8
    fit: npt.NDArray[np.float64]


def bend(sources: UInt8, asked: UInt8, classes: int) -> Bent:
    """Each of the maps (N, H, W) bent to the asked (H, W)."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
        grid = _fitted(_planes(sources, classes), _planes(asked[None], classes), _boxes(sources, asked))
    height, width = asked.shape
    grid = functional.interpolate(grid, (height, width), mode="bilinear", align_corners=True)
    size = torch.tensor([width - 1, height - 1], dtype=torch.float32).view(1, 2, 1, 1)
    places = ((grid + 1) / 2 * size).permute(0, 2, 3, 1).numpy()
    maps = np.stack([moved_map(each, where) for each, where in zip(sources, places, strict=True)])
    return Bent(places, maps, np.stack([fit_of(each, asked, classes) for each in maps]))


def moved_map(index: UInt8, places: npt.NDArray[np.float32]) -> UInt8:
    """(H, W) classes at `places`, 255 where those lie off the photo."""
    import cv2

    x, y = places[..., 0], places[..., 1]
    return np.asarray(cv2.remap(index, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=OUTSIDE))


def fit_of(index: UInt8, asked: UInt8, classes: int) -> npt.NDArray[np.float64]:
    """(K,) IoU of each region of the asked map; NaN for one it lacks."""
    out = np.full(classes, np.nan)
    for region in np.unique(asked[asked < classes]):
        mine, theirs = index == region, asked == region
        out[region] = (mine & theirs).sum() / (mine | theirs).sum()
    return out


def _planes(maps: UInt8, classes: int) -> Tensor:
    """(N, K, h, w) shares of each region at half size; the outside is no region."""
    index = torch.from_numpy(np.where(np.asarray(maps) < classes, maps, classes).astype(np.int64))
    planes = functional.one_hot(index, classes + 1)[..., :classes].permute(0, 3, 1, 2).float()
    return functional.avg_pool2d(planes, HALF)


def _boxes(sources: UInt8, asked: UInt8) -> Tensor:
    """(N, 2, 2): gain and shift of x and y in [-1, 1] that lay the asked map's person on each source's."""
    goal = _box(asked)
    found = []
    for each in sources:
        box = _box(each)
        gain = np.clip((box[1] - box[0]) / (goal[1] - goal[0]), 0.5, 2.0)
        found.append(np.stack([gain, (box[0] + box[1]) / 2 - gain * (goal[0] + goal[1]) / 2]))
    return torch.from_numpy(np.stack(found)).float()


def _box(index: UInt8) -> npt.NDArray[np.float64]:
    """[[left, top], [right, bottom]] in [-1, 1] of all that is not background (0) nor outside; the whole where none."""
    places = np.argwhere((index > 0) & (index != OUTSIDE))
    if len(places) == 0:
        return np.array([[-1.0, -1.0], [1.0, 1.0]])
    size = np.array(index.shape, float)
    low, high = places.min(0) / size * 2 - 1, (places.max(0) + 1) / size * 2 - 1
    return np.stack([low[::-1], high[::-1]])


def _fitted(sources: Tensor, goal: Tensor, boxes: Tensor) -> Tensor:
    """(N, 2, h, w) places in [-1, 1] at half size."""
    height, width = goal.shape[-2:]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    base = torch.stack([x, y])[None] * boxes[:, 0, :, None, None] + boxes[:, 1, :, None, None]
    field = torch.zeros(len(sources), 2, *STAGES[0][1])
    for blur, points, rounds in STAGES:
        field = functional.interpolate(field, points, mode="bicubic", align_corners=True).detach().requires_grad_(True)
        _ascend(field, _blurred(sources, blur), _blurred(goal, blur), base, rounds)
    return (base + _grown(field, height, width)).detach()


def _ascend(field: Tensor, sources: Tensor, goal: Tensor, base: Tensor, rounds: int) -> None:
    optimiser = torch.optim.Adam([field], lr=RATE)
    for _ in range(rounds):
        grid = (base + _grown(field, *base.shape[-2:])).permute(0, 2, 3, 1)
        moved = functional.grid_sample(sources, grid, align_corners=True)
        loss = (1 - _dice(moved, goal)).sum() + STIFF * _roughness(field)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _dice(moved: Tensor, goal: Tensor) -> Tensor:
    """(N,) mean over the goal's regions of 2 |A ∧ B| / (|A| + |B|), in shares of pixels."""
    has = goal.sum((0, 2, 3)) > 0
    both = torch.minimum(moved, goal).sum((2, 3))
    share = 2 * both / (moved.sum((2, 3)) + goal.sum((2, 3))).clamp(min=1e-6)
    return share[:, has].mean(1)


def _roughness(field: Tensor) -> Tensor:
    """Mean squared second difference of the grid, summed over sources."""
    down, right = field.diff(n=2, dim=2), field.diff(n=2, dim=3)
    return (down.square().mean((1, 2, 3)) + right.square().mean((1, 2, 3))).sum()


def _grown(field: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(field, (height, width), mode="bicubic", align_corners=True)


def _blurred(planes: Tensor, px: int) -> Tensor:
    if px == 1:
        return planes
    return functional.avg_pool2d(planes, px, stride=1, padding=px // 2, count_include_pad=False)
