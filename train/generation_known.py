"""What a flow is told of a picture beside its tag: what is known round a hole, and the garment's outline.

In: rows of a snapshot, or material (B, C, H, W) in [-1, 1], the outline as its last channel. Out: `Pictures` with
`given`, and for a step the pictures and the channels that go in beside the noise. An outline is told where the row has
a mask; where it has none the channel is 0, which also means 'not told'.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dataset.masks import GARMENT, from_png, to_index
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train.data import Row, cached
from train.generation_data import Pictures, on_white, picture
from train.generation_holes import Bool, holes
from train.generation_recipe import GenerationRecipe
from train.letterbox import UInt8, letterbox
from train.models.generation_flow import Flow
from train.seeding import derived

UNTOLD = 127  # of an outline's channel; 0 is outside the garment, 255 inside


def with_given(ws: Workspace, frozen: Snapshot, part: str, recipe: GenerationRecipe, found: Pictures) -> Pictures:
    """The part with `given` (N, zoom x H, zoom x W, C and an outline) uint8, where the recipe tells more than tags."""
    if not recipe.tells:
        return found
    large = recipe.model_copy(update={"height": recipe.height * recipe.zoom, "width": recipe.width * recipe.zoom})
    words = derived(0, *(row["sha256"] for row in found.rows), *(str(row.get("mask_sha256")) for row in found.rows))
    kind = f"{large.height}x{large.width}x{recipe.channels}-{recipe.view}{'-outline' if recipe.silhouette else ''}"
    key = f"generation-{frozen.fingerprint[:16]}-{part}-{words:08x}-{kind}-given"
    return replace(found, given=cached(ws, found.rows, key, lambda row: _material(ws, row, large)))


def _material(ws: Workspace, row: Row, recipe: GenerationRecipe) -> UInt8:
    rgb = picture(ws, row, recipe)
    return np.dstack([rgb, _outline(ws, row, recipe)]) if recipe.silhouette else rgb


def _outline(ws: Workspace, row: Row, recipe: GenerationRecipe) -> UInt8:
    """(H, W) of the row's mask, as its picture is cut and fitted."""
    if not row.get("mask_sha256"):
        return np.full(recipe.size, UNTOLD, np.uint8)
    return fitted_outline(to_index(from_png(ws.blobs.get(row["mask_sha256"]))) == GARMENT, recipe)


def fitted_outline(garment: Bool, recipe: GenerationRecipe) -> UInt8:
    """(h, w) bool -> (H, W) in {0, 255}: cut to the garment with its margin where pictures are, else fitted whole."""
    plane = np.where(garment, np.uint8(0), np.uint8(255))
    if recipe.view == "garment":
        plane = on_white(np.dstack([plane] * 3), garment)[..., 0]
    small = letterbox(np.dstack([255 - plane] * 3), recipe.size, 0)[..., 0]
    return np.where(small > 127, np.uint8(255), np.uint8(0))


def studied(
    net: Flow, recipe: GenerationRecipe, material: Tensor, draw: np.random.Generator, hidden: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Pictures (B, C, H, W) to learn and what is told of them (B, extra, H, W). `hidden` (B,) bool: whose label isn't
    told, nor then the outline; of the others it is hidden in the recipe's `drop`. A picture that must be drawn from
    nothing is seen whole, of others a window that `zoom` allows."""
    material = torch.cat([material[:, : recipe.channels], _told(material[:, recipe.channels :])], 1)
    lost = holes(draw, len(material), recipe.size) if recipe.known == "masked" else np.ones((len(material), 1, 1), bool)
    seen = torch.stack([
        _window(each, recipe, draw, bool(gone.all())) for each, gone in zip(material, lost, strict=True)
    ])  # fmt: skip
    pictures, outline = seen[:, : recipe.channels], seen[:, recipe.channels :]
    if hidden is not None and recipe.silhouette:
        keep = ~hidden & torch.from_numpy(draw.random(len(material)) >= recipe.drop).to(hidden.device)
        outline = outline * keep[:, None, None, None]
    return pictures, net.given_of(pictures, torch.from_numpy(lost), outline)


def _told(outline: Tensor) -> Tensor:
    """-1 outside, 1 inside, 0 where it isn't known."""
    return torch.where(outline.abs() < 0.01, torch.zeros_like(outline), outline)


def _window(material: Tensor, recipe: GenerationRecipe, draw: np.random.Generator, whole: bool) -> Tensor:
    """(C, zoom x H, zoom x W) -> (C, H, W): the mean of the pixels that fall into each."""
    if not whole and recipe.zoom > 1:
        share = float(draw.uniform(1 / recipe.zoom, 1))
        high, wide = (round(share * side) for side in material.shape[1:])
        top, left = int(draw.integers(material.shape[1] - high + 1)), int(draw.integers(material.shape[2] - wide + 1))
        material = material[:, top : top + high, left : left + wide]
    return functional.adaptive_avg_pool2d(material, recipe.size)
