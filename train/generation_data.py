"""What generators learn from: pictures of one size from a snapshot, with a class, or with a map of regions or edges.

In: a workspace, a snapshot, a recipe. Out: `Pictures` of a part: uint8 arrays, memory-mapped, and int64 targets. A
photo is fitted in, never stretched. Pictures that software made never come in: a snapshot's split refuses them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import EmptyError
from dataset.label_space import load_space
from dataset.masks import GARMENT, from_png, to_index
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train.data import Row, cached, masked_rows, photo, rows_of, segmentation_arrays
from train.generation_recipe import GenerationRecipe
from train.letterbox import UInt8, place
from train.seeding import derived

PARTS = ("train", "validation")
EDGES = ("plain", "edge")
FINE = 2  # what is bent twice as large and shrunk is as sharp as a photo that was shrunk


@dataclass(frozen=True)
class Pictures:
    """`photos` (N, H, W, C) uint8; `targets` (N,) classes, or (N, H, W) regions with 255 where a photo was padded;
    `given` what training sees instead of photos where it is told more (`train.generation_known`);
    `fine` (N, FINE H, FINE W, 3) the same photos larger, where canvases are made of them."""

    photos: UInt8
    targets: npt.NDArray[Any]
    rows: tuple[Row, ...]
    given: UInt8 | None = None
    fine: UInt8 | None = None


@dataclass(frozen=True)
class Classes:
    """What may be asked for. `roles` say of each region what it is in a composite; empty where classes are tags."""

    names: tuple[str, ...]
    roles: tuple[int, ...] = ()


def classes_of(frozen: Snapshot, recipe: GenerationRecipe) -> Classes:
    """Of tags those with enough training images. Raises EmptyError (there are none), SettingsError (label space)."""
    if recipe.kind == "pairs":
        if recipe.pairs == "edges":
            return Classes(EDGES)
        space = load_space(recipe.label_space)
        return Classes(space.classes, space.roles)
    if not recipe.field:
        return Classes(("any",))
    counts = Counter(_tag(row, recipe.field) for row in _usable(frozen, "train", recipe))
    names = sorted(name for name, n in counts.items() if name and n >= recipe.least)
    if not names:
        raise EmptyError(
            f"no value of '{recipe.field}' has {recipe.least} training images", where=f"snapshot {frozen.name}",
            cure="Run `modiste label tags` and take a new snapshot, or set field='' for an unconditional one",
        )  # fmt: skip
    return Classes(tuple(names))


def rows_for(frozen: Snapshot, part: str, recipe: GenerationRecipe, classes: Classes) -> list[Row]:
    """Rows of a part that can be learned from. Raises EmptyError where there are none."""
    found = _usable(frozen, part, recipe)
    if recipe.kind != "pairs" and recipe.field:
        found = [row for row in found if _tag(row, recipe.field) in classes.names]
    if not found:
        raise EmptyError(f"no picture in the {part} part to learn from", where=f"snapshot {frozen.name}")
    return found


def pictures(
    ws: Workspace, frozen: Snapshot, part: str, recipe: GenerationRecipe, classes: Classes, progress: Progress = silent
) -> Pictures:
    """The part's pictures at the recipe's size; the same for the same snapshot and recipe, kept in a cache."""
    rows = rows_for(frozen, part, recipe, classes)
    if recipe.kind == "pairs" and recipe.pairs != "edges":
        space = load_space(recipe.label_space)
        found = segmentation_arrays(ws, frozen, part, rows, recipe.size, space, progress)
        if recipe.canvas == "none" or part != "train":
            return Pictures(*found, tuple(rows))
        size = recipe.height * FINE, recipe.width * FINE
        fine = segmentation_arrays(ws, frozen, part, rows, size, space, progress)[0]
        return Pictures(*found, tuple(rows), fine=fine)
    words = derived(0, *(row["sha256"] for row in rows), *(str(row.get("mask_sha256")) for row in rows))
    shape = f"{recipe.height}x{recipe.width}x{recipe.channels}-{_view(recipe)}"
    key = f"generation-{frozen.fingerprint[:16]}-{part}-{words:08x}-{shape}"
    photos = cached(ws, rows, key, lambda row: picture(ws, row, recipe), progress)
    if recipe.kind == "pairs":
        return Pictures(photos, cached(ws, rows, f"{key}-edges", _Edges(photos)), tuple(rows))
    targets = [classes.names.index(_tag(row, recipe.field)) if recipe.field else 0 for row in rows]
    return Pictures(photos, np.array(targets, np.int64), tuple(rows))


def picture(ws: Workspace, row: Row, recipe: GenerationRecipe) -> UInt8:
    """(H, W, C) uint8: the row's photo, or its garment cut out on white, fitted in."""
    rgb = photo(ws, row)
    if _view(recipe) == "garment":
        rgb = on_white(rgb, to_index(from_png(ws.blobs.get(row["mask_sha256"]))) == GARMENT)
    return fitted(rgb, recipe.size, recipe.colour)


def fitted(rgb: UInt8, size: tuple[int, int], colour: bool) -> UInt8:
    """(h, w, 3) -> (H, W, 3 or 1), padded with the median colour of its border, so that a wall goes on."""
    spot = place(rgb.shape[0], rgb.shape[1], size)
    method = cv2.INTER_AREA if spot.height < rgb.shape[0] else cv2.INTER_LINEAR
    small = cv2.resize(rgb, (spot.width, spot.height), interpolation=method)
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    out = np.empty((*size, 3), np.uint8)
    out[:] = np.median(border, axis=0)
    out[spot.top : spot.top + spot.height, spot.left : spot.left + spot.width] = small
    return out if colour else np.asarray(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[..., None], np.uint8)


def on_white(rgb: UInt8, mask: npt.NDArray[np.bool_]) -> UInt8:
    """The masked part on white, cropped to it with a margin of 6 %; the whole photo where the mask is empty."""
    if not mask.any():
        return rgb
    places = np.argwhere(mask)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    edge = round(0.06 * max(bottom - top, right - left))
    cut = np.where(mask[..., None], rgb, 255).astype(np.uint8)[top:bottom, left:right]
    return np.asarray(cv2.copyMakeBorder(cut, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(255, 255, 255)))


class _Edges:
    """Canny's edges (H, W) in {0, 1} of pictures, one after the other as `cached` asks for them."""

    def __init__(self, photos: UInt8) -> None:
        self.photos, self.place = photos, 0

    def __call__(self, _: Row) -> UInt8:
        self.place += 1
        return edges(np.asarray(self.photos[self.place - 1]))


def edges(rgb: UInt8) -> UInt8:
    """(H, W, 3) -> (H, W) in {0, 1}."""
    grey = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (3, 3), 0)
    return (cv2.Canny(grey, 60, 140) > 0).astype(np.uint8)


def _view(recipe: GenerationRecipe) -> str:
    return "garment" if recipe.kind == "pairs" else recipe.view


def _usable(frozen: Snapshot, part: str, recipe: GenerationRecipe) -> list[Row]:
    """Rows with what the recipe's view needs."""
    if recipe.kind == "pairs":
        space = load_space("street-3" if recipe.pairs == "edges" else recipe.label_space)
        return masked_rows(frozen, part, recipe.mask_sources, space)
    if recipe.view == "garment":
        return masked_rows(frozen, part, recipe.mask_sources, load_space("street-3"))
    return rows_of(frozen, part)


def _tag(row: Row, field: str) -> str:
    """The row's value of the field; '' where it has none or several."""
    found = row["labels"].get(field)
    return found if isinstance(found, str) else ""


def palette_of(photos: Sequence[UInt8] | UInt8, maps: Sequence[UInt8] | UInt8, classes: int) -> npt.NDArray[np.float32]:
    """(K, 3) in [-1, 1]: the mean colour of each region over pictures; 0 for one that never occurs."""
    total, count = np.zeros((classes, 3)), np.zeros(classes)
    for rgb, index in zip(photos, maps, strict=True):
        for region in np.unique(index[index < classes]):
            total[region] += rgb[index == region].sum(0)
            count[region] += (index == region).sum()
    means = total / np.maximum(count, 1)[:, None] / 127.5 - 1
    return np.where(count[:, None] > 0, means, 0).astype(np.float32)


def space_facts(classes: Classes) -> dict[str, Any]:
    """What the weight file says of them."""
    return {"classes": list(classes.names), "roles": list(classes.roles)}
