"""Judging a translator: does the photo show the map it was given, is the garment kept.

In: a `Held` of kind pairs, the photos it made. Out: figures beside the trivial answer; blocks of a sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dataset.masks import GARMENT, IGNORE
from train import metrics
from train.figure import Figure
from train.generation_edges import edge_figures, nearest_drawings
from train.generation_held import SEED, SHOWN, Held
from train.generation_loop import as_bytes
from train.generation_maps import lenders
from train.generation_measures import Floats
from train.generation_pairs_loop import tensors, translated
from train.generation_sheet import Block
from train.letterbox import UInt8
from train.seeding import derived
from train.sheets import overlay

NEAREST = "nearest training photo by its map"


def neighbours(held: Held, n: int | None = None) -> npt.NDArray[np.intp]:
    """Places in the training part of the photos whose maps, or edges, are most like each of the first `n` held-out."""
    near = nearest_drawings if held.maker.recipe.pairs == "edges" else lenders
    return near(np.asarray(held.real.targets[:n]), held.data["train"])


def drawn_as_told(held: Held, made: UInt8) -> list[Figure]:
    """Does the picture show the edges it was told?"""
    return edge_figures(held, made, NEAREST)


def faithful(held: Held, made: UInt8) -> list[Figure]:
    """Does the picture show the map? mean IoU of the segmenter that ships, on made, on the nearest training photo."""
    lent = lenders(held.real.targets, held.data["train"])
    answers = {
        "made photos": made, NEAREST: np.asarray(held.data["train"].photos)[lent], "the real photos": held.real.photos,
    }  # fmt: skip
    counts = {name: shown_regions(np.asarray(each), held) for name, each in answers.items()}
    means = {name: float(metrics.mean_iou(each.sum(0))) for name, each in counts.items()}
    rows = []
    for name, each in counts.items():
        low, high = metrics.bootstrap(each, metrics.mean_iou)
        beside = (NEAREST, means[NEAREST]) if name == "made photos" else (None, None)
        words = f"mean IoU of the map that the shipped segmenter sees in {name}"
        rows.append(Figure(words, means[name], low, high, len(each), held.part, *beside))
    return rows


def shown_regions(photos: UInt8, held: Held) -> npt.NDArray[np.int64]:
    """(N, 3, 3) confusion of background, skin, garment: the map that was given, what street-3's segmenter finds."""
    from train.onnx_backend import load_onnx
    from train.shipped import shipped

    segmenter = load_onnx(shipped("segmentation"), 1)
    roles = np.full(256, IGNORE, np.uint8)
    roles[: len(held.maker.classes.roles)] = held.maker.classes.roles
    theirs = np.array(segmenter.roles, np.uint8)
    pairs = zip(photos, held.real.targets, strict=True)
    return np.stack([metrics.confusion(roles[index], theirs[segmenter.index(rgb)], 3) for rgb, index in pairs])


@dataclass(frozen=True)
class Worn:
    """Held-out people in their own clothes, the garment bent a little: (N, H, W, 3) each, (N, H, W) bool where it is.
    `bent` is what was pasted, `pasted` says where."""

    photos: UInt8
    kept: UInt8
    reinvented: UInt8
    garment: npt.NDArray[np.bool_]
    bent: UInt8
    pasted: npt.NDArray[np.bool_]


def worn(held: Held, seed: int = SEED) -> Worn:
    """By one network: its picture with the garment's pixels pasted, and its own picture, which reinvents them."""
    net, real = held.maker.translator("garment"), held.real
    kept = translated(net, real, None, None, bend_seed=seed, batch=16)
    raw = translated(net, real, None, None, bend_seed=seed, batch=16, raw=True)
    roles = np.zeros(256, np.uint8)
    roles[: len(held.maker.classes.roles)] = held.maker.classes.roles
    paste, alpha = pasted_pixels(held, seed)
    return Worn(np.asarray(real.photos), kept, raw, roles[np.asarray(real.targets)] == GARMENT, paste, alpha)


def pasted_pixels(held: Held, seed: int) -> tuple[UInt8, npt.NDArray[np.bool_]]:
    """What was pasted where, drawn as `translated` draws it."""
    net, found, where = held.maker.translator("garment"), [], []
    for start in range(0, len(held.real.photos), 16):
        places = list(range(start, min(start + 16, len(held.real.photos))))
        draw = torch.Generator().manual_seed(derived(seed, "bend", start))
        given = net.given_of(*tensors(held.real, places, held.maker.device), bends=draw)
        found.append(as_bytes(given.paste))
        where.append(given.alpha[:, 0].cpu().numpy() > 0.5)
    return np.concatenate(found), np.concatenate(where)


def apart(
    one: UInt8, other: UInt8, where: npt.NDArray[np.bool_], difference: Callable[[UInt8, UInt8], npt.NDArray[Any]]
) -> Floats:
    """(N,) mean difference over the pixels `where`, of photos that have any. `difference` takes (n, 3) RGB."""
    return np.array([difference(a[m], b[m]).mean() for a, b, m in zip(one, other, where, strict=True) if m.any()])


def _grey_levels(one: UInt8, other: UInt8) -> npt.NDArray[Any]:
    return np.abs(one.astype(float) - other.astype(float))


def kept(held: Held) -> list[Figure]:
    """Mean absolute difference in the garment region from the held-out photo; CIEDE2000 is the benchmark's."""
    found = worn(held)
    mine, theirs = (apart(each, found.photos, found.garment, _grey_levels) for each in (found.kept, found.reinvented))
    low, high = metrics.bootstrap(np.stack([mine, np.ones_like(mine)], 1), lambda c: c[..., 0] / c[..., 1])
    changed = int((found.kept[found.pasted] != found.bent[found.pasted]).any(-1).sum())
    return [
        Figure("mean absolute difference from the worn garment, of 255, garment kept", float(mine.mean()), low, high,
               len(mine), held.part, "garment reinvented", float(theirs.mean())),
        Figure("pasted garment pixels that changed", float(changed), None, None, int(found.pasted.sum()), held.part),
    ]  # fmt: skip


def pair_blocks(held: Held, made: UInt8, words: list[str]) -> list[Block]:
    lent, classes = neighbours(held, SHOWN), len(held.maker.classes.names)
    found = []
    for k, place in enumerate(lent):
        index = np.asarray(held.real.targets[k]).astype(np.uint8)
        tinted = overlay(np.full((*index.shape, 3), 255, np.uint8), index, classes)
        near = np.asarray(held.data["train"].photos[place])
        found.append(Block((tinted, made[k], near, np.asarray(held.real.photos[k])), words[k]))
    return found
