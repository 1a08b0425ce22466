"""Pictures out of a flow: from nothing, into the outline of a garment, into a hole.

In: a `Flow`, its recipe, labels, a seed, perhaps pictures with holes. Out: (N, H, W, C) uint8, each known from (seed,
its place) and from what is given of it. What is known round a hole comes back to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from train.generation_holes import Bool
from train.generation_loop import as_bytes, as_unit
from train.generation_recipe import GenerationRecipe
from train.letterbox import UInt8
from train.models.generation_flow import Flow
from train.restoration_damage import first_fill
from train.seeding import derived

BATCH = 32


@torch.no_grad()
def flow_pictures(
    net: Flow, recipe: GenerationRecipe, labels: Tensor, seed: int, device: Any = "cpu", given: Tensor | None = None,
    first: Tensor | None = None,
) -> UInt8:  # fmt: skip
    """(N, H, W, C) uint8; each picture depends on (seed, its place), its own `given` (N, extra, H, W), and on `first`
    (N, C, H, W), what it is drawn over where the recipe begins with less than noise alone."""
    was = net.training
    net.eval()
    noise = torch.stack([
        torch.randn(net.shape, generator=torch.Generator().manual_seed(derived(seed, "noise", place)))
        for place in range(len(labels))
    ])  # fmt: skip
    begin = 1.0 if first is None else recipe.begin
    if first is not None and begin < 1:
        noise = (1 - begin) * first + begin * noise
    found = []
    for start in range(0, len(labels), BATCH):
        some = slice(start, start + BATCH)
        told = None if given is None else given[some].to(device)
        drawn = net.drawn(noise[some].to(device), labels[some].to(device), recipe.steps, recipe.guidance, told, begin)
        found.append(as_bytes(drawn))
    net.train(was)
    return np.concatenate(found)


def filled(
    net: Flow, recipe: GenerationRecipe, pictures: UInt8, lost: Bool, labels: Tensor, seed: int, device: Any = "cpu"
) -> UInt8:
    """(N, H, W, C) uint8 with what is `lost` (N, H, W) drawn, the rest as it was to the bit. The label `net.hidden` is
    not told."""
    made = raw_fill(net, recipe, pictures, lost, labels, seed, device)
    return np.where(lost[..., None], made, pictures)


def raw_fill(
    net: Flow, recipe: GenerationRecipe, pictures: UInt8, lost: Bool, labels: Tensor, seed: int, device: Any = "cpu"
) -> UInt8:
    """What the network draws of the whole picture, the known part too: shows by how much it errs at a hole's rim."""
    known, first = _unit(pictures), None
    if recipe.begin < 1:
        first = _unit(np.stack([_first(each, gone) for each, gone in zip(pictures, lost, strict=True)]))
    given = net.given_of(known, torch.from_numpy(np.array(lost)))
    return flow_pictures(net, recipe, labels, seed, device, given, first)


def _unit(pictures: UInt8) -> Tensor:
    return as_unit(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2))


def _first(picture: UInt8, lost: Bool) -> UInt8:
    """(H, W, C) filled by Navier-Stokes."""
    return first_fill(picture, np.where(lost, np.uint8(255), np.uint8(0))).reshape(picture.shape)


def hinted(picture: UInt8, lost: Bool) -> UInt8:
    """(H, W, C): the picture as a sheet shows it, striped where nothing is known."""
    rows, columns = np.indices(lost.shape)
    wide = max(1, lost.shape[0] // 32)
    stripes = np.where((rows + columns) // wide % 4 < 2, 150, 190).astype(np.uint8)
    return np.where(lost[..., None], stripes[..., None], picture).astype(np.uint8)


def told_beside(net: Flow, given: Tensor, drawn: UInt8, truth: Tensor) -> list[tuple[UInt8, ...]]:
    """For a sheet, of each picture: what was told of it, what was drawn (known pixels as they were), the truth."""
    real = as_bytes(truth)
    shown = np.full_like(real, 255)
    if net.fills:
        lost = given[:, real.shape[3]].numpy() > 0
        drawn = np.where(lost[..., None], drawn, real)
        shown = np.stack([hinted(each, gone) for each, gone in zip(real, lost, strict=True)])
    rows = [shown, drawn, real]
    if net.outlines:
        rows.insert(0, np.repeat(as_bytes(-given[:, -1:]), real.shape[3], axis=3))
    return list(zip(*(rows if net.fills else [rows[0], *rows[2:]]), strict=True))
