"""Pictures that are made of maps of regions.

In: a run's generator, its snapshot, perhaps files. Out: `Made`. Without files, maps come from the snapshot's test part,
which the generator has not seen. A run that mends canvases borrows pixels of training photos, and says whose.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from dataset.errors import UsageError
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.generation_data import Pictures, pictures
from train.generation_held import drafts_of
from train.generation_maps import lenders
from train.generation_pairs_loop import translated
from train.generation_samples import Maker
from train.letterbox import letterbox
from train.sheets import overlay


@dataclass(frozen=True)
class Made:
    """`photos` (N, H, W, C) uint8, or N of their own sizes; `facts` go into the lineage; `before` are shown left of
    each; `kept`: some pixels are a garment's own, or a photo's; `note`: what a shop should know of them."""

    photos: np.ndarray | tuple[np.ndarray, ...]
    words: tuple[str, ...]
    facts: tuple[dict[str, Any], ...]
    before: tuple[tuple[np.ndarray, ...], ...] = field(default=())
    kept: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if not self.before:
            object.__setattr__(self, "before", ((),) * len(self.photos))


def from_maps(
    ws: Workspace, run: record.Run, maker: Maker, learned: Pictures | None, n: int, seed: int, files: list[Path]
) -> Made:
    """A photo for each file, or for `n` held-out maps. Colours are borrowed from the training photo with the nearest
    map; a run that mends canvases also borrows pixels, and says of whom. Raises UsageError for a file that is no
    map."""
    if files:
        maps = np.stack([read_map(path, maker) for path in files])
        given = Pictures(np.full((*maps.shape, 3), 124, np.uint8), maps, ())
        facts = tuple({"map": path.name, "map_sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in files)
        words = tuple(path.name for path in files)
    else:
        given = _drawn(held_out(ws, run, maker), n, seed)
        facts = tuple({"map_of": str(row["sha256"])} for row in given.rows)
        words = tuple(str(row["sha256"])[:8] for row in given.rows)
    shown = [_tinted(np.asarray(each), len(maker.classes.names)) for each in given.targets]
    if maker.recipe.canvas != "none":
        photos, donors, drafts = _mended(maker, given, learned)
        told = tuple({**fact, "pixels_of": list(whose)} for fact, whose in zip(facts, donors, strict=True))
        return Made(photos, words, told, tuple(zip(shown, drafts, strict=True)), kept=True)
    lent = lenders(given.targets, learned) if learned is not None and maker.recipe.palette else None
    if lent is None and maker.recipe.palette and files:
        raise UsageError("no training photo to borrow colours from", cure="Generate in the run's own workspace")
    return Made(translated(maker.net, given, lent, learned), words, facts, tuple((each,) for each in shown))


def _mended(
    maker: Maker, given: Pictures, learned: Pictures | None
) -> tuple[np.ndarray, list[tuple[str, ...]], np.ndarray]:
    """Photos, whose pixels are in each (sha256), and the canvases that were mended. Raises UsageError."""
    if learned is None:
        raise UsageError("no training photo to borrow pixels from", cure="Generate in the run's own workspace")
    drafts, found = drafts_of(maker, learned, given)
    donors = [tuple(str(learned.rows[k]["sha256"]) for k in each.donors) for each in found]
    return translated(maker.net, given, None, learned, drafts=drafts), donors, drafts[..., :3]


def read_map(path: Path, maker: Maker) -> np.ndarray:
    """(H, W) uint8 at the generator's size, of a palette or grey PNG whose values are classes. Raises UsageError."""
    try:
        with Image.open(path) as image:
            if image.mode not in ("P", "L"):
                raise UsageError(f"{path.name} has mode {image.mode}", expected="a palette or grey PNG of classes")
            index = np.asarray(image)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UsageError(f"{path.name} is no map: {error}", expected="a palette or grey PNG of classes") from error
    known = len(maker.classes.names)
    if int(index[index < 255].max(initial=0)) >= known:
        names = ", ".join(f"{k} {name}" for k, name in enumerate(maker.classes.names))
        raise UsageError(f"{path.name} holds the value {index[index < 255].max()}", expected=names)
    return letterbox(index, maker.recipe.size, 255)


def held_out(ws: Workspace, run: record.Run, maker: Maker) -> Pictures:
    return pictures(ws, load_snapshot(ws, run.data["snapshot"]), "test", maker.recipe, maker.classes)


def _drawn(found: Pictures, n: int, seed: int) -> Pictures:
    """`n` of them at most, drawn by the seed."""
    return some(found, [int(k) for k in np.sort(np.random.default_rng([seed, 3]).permutation(len(found.rows))[:n])])


def some(found: Pictures, places: list[int]) -> Pictures:
    rows = tuple(found.rows[place] for place in places)
    return Pictures(np.asarray(found.photos)[places], np.asarray(found.targets)[places], rows)


def _tinted(regions: np.ndarray, classes: int) -> np.ndarray:
    return overlay(np.full((*regions.shape, 3), 255, np.uint8), regions.astype(np.uint8), classes)
