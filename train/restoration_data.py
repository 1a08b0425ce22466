"""Crops to learn restoration from: photos shrunk, cut where they have edges, cached, damaged as they are drawn.

In: rows of a snapshot, a recipe. Out: truth (3, S, S) uint8 for upscaling, whose input the loop makes; for repair the
first fill with its mask (4, S, S) and the truth. An item depends on (seed, epoch, place) alone, in validation on place
alone. Never reads the test part by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dataset.images import decode
from dataset.workspace import Workspace
from train.data import Photos, Row, cached
from train.letterbox import UInt8
from train.restoration_damage import KINDS, damage, first_fill
from train.restoration_rays import rays
from train.restoration_recipe import RestorationRecipe
from train.seeding import derived

TRIES = 4  # places looked at for one crop
FIXED = 7  # the seed of validation's damage
JUDGED = 1024  # damaged pixels of a crop that validation looks at, evenly taken


def truth_of(rgb: UInt8, shrink: int) -> UInt8:
    """(H, W, 3) shrunk by `shrink`, the mean of each block: what restoration is to find again."""
    high, wide = (side // shrink * shrink for side in rgb.shape[:2])
    size = wide // shrink, high // shrink
    return np.asarray(cv2.resize(rgb[:high, :wide], size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def crop_of(truth: UInt8, side: int, draw: np.random.Generator) -> UInt8:
    """(side, side, 3), of `TRIES` drawn places the one with the strongest edges. A smaller photo is mirrored."""
    down, right = (max(0, side - length) for length in truth.shape[:2])
    if down or right:
        truth = np.asarray(cv2.copyMakeBorder(truth, 0, down, 0, right, cv2.BORDER_REFLECT), dtype=np.uint8)
    found = []
    for _ in range(TRIES):
        top, left = (int(draw.integers(length - side + 1)) for length in truth.shape[:2])
        found.append(truth[top : top + side, left : left + side])
    return max(found, key=_edges)


def _edges(crop: UInt8) -> float:
    return float(np.abs(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F)).mean())


def crops_of(ws: Workspace, rows: Sequence[Row], recipe: RestorationRecipe, key: str) -> UInt8:
    """(N, K, S, S, 3) memory-mapped; `key` names the rows' snapshot and part."""

    def make(row: Row) -> UInt8:
        truth = truth_of(decode(ws.blobs.get(row["sha256"])).rgb, recipe.shrink)
        draw = np.random.default_rng(derived(0, "crops", row["sha256"]))
        return np.stack([crop_of(truth, recipe.side, draw) for _ in range(recipe.crops)])

    rows_key = derived(0, *(row["sha256"] for row in rows))
    return cached(ws, rows, f"{key}-{rows_key:08x}-{recipe.side}-{recipe.shrink}-{recipe.crops}-crops", make)


class Crops(Photos):
    """An index is epoch x N + place. `vary` False: the first crop as it is, and damage that is always the same."""

    def __init__(self, crops: UInt8, recipe: RestorationRecipe, *, vary: bool) -> None:
        super().__init__(crops, np.arange(len(crops)), seed=recipe.seed)
        self.recipe, self.vary = recipe, vary

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        place = index % len(self)
        draw = np.random.default_rng(derived(self.recipe.seed if self.vary else FIXED, "crop", index))
        truth = self._drawn(place, draw)
        if self.recipe.kind == "upscale":
            return (found := _planes(truth)), found
        kind = tuple(KINDS)[int(draw.integers(len(KINDS)))] if self.vary else tuple(KINDS)[place % len(KINDS)]
        mask = damage(draw, kind, truth.shape[:2])
        if self.recipe.network == "rays":
            return self._rays(truth, mask, draw)
        return _planes(damaged(truth, mask)), _planes(truth)

    def sample(self, place: int) -> tuple[UInt8, UInt8]:
        """(S, S, 3) and (S, S): a crop that does not vary and its damage, whole."""
        draw = np.random.default_rng(derived(FIXED, "crop", place))
        return np.array(self.photos[place, 0]), damage(draw, tuple(KINDS)[place % len(KINDS)], self.photos.shape[2:4])

    def _rays(self, truth: UInt8, mask: UInt8, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Rays of some damaged pixels, and how far the truth lies from the first fill there."""
        first, places = first_fill(truth, mask), np.argwhere(mask > 0)
        chosen = np.linspace(0, len(places) - 1, JUDGED).astype(int)
        if self.vary:
            chosen = draw.integers(0, len(places), self.recipe.pixels)
        where = places[chosen]
        apart = truth[where[:, 0], where[:, 1]].astype(np.float32) - first[where[:, 0], where[:, 1]]
        return torch.from_numpy(rays(first, mask > 0, where)), torch.from_numpy(apart)

    def _drawn(self, place: int, draw: np.random.Generator) -> UInt8:
        """One of the photo's crops, mirrored and turned by quarters, where it is to vary."""
        if not self.vary:
            return np.array(self.photos[place, 0])
        crop = np.array(self.photos[place, int(draw.integers(self.photos.shape[1]))])
        crop = crop[:, ::-1] if draw.random() < 0.5 else crop
        return np.ascontiguousarray(np.rot90(crop, int(draw.choice([0, 0, 0, 1, 2, 3]))))


def damaged(truth: UInt8, mask: UInt8) -> UInt8:
    """(H, W, 4): the first fill of what the mask takes away, and the mask: the repair network's input."""
    return np.dstack([first_fill(truth, mask), mask])


def _planes(picture: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
