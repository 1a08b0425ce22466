"""Pictures that are made of something: of maps of regions, or of a garment and the map of a person.

In: a run's generator, its snapshot, perhaps files. Out: `Made`. Without files, maps and people come from the snapshot's
test part, which the generator has not seen. A garment's pixels are bent into their place and kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from dataset.errors import ImageError, ModisteError, UsageError
from dataset.images import decode
from dataset.masks import GARMENT
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.generation_data import Pictures, pictures
from train.generation_pairs_loop import lenders, translated
from train.generation_samples import Maker
from train.letterbox import letterbox
from train.sheets import overlay

LEAST_PX = 40  # of a region at the generator's size; less shows no garment


@dataclass(frozen=True)
class Made:
    """`photos` (N, H, W, C) uint8; `facts` go into the lineage; `before` are shown left of each; `kept`: some pixels
    are a garment's own."""

    photos: np.ndarray
    words: tuple[str, ...]
    facts: tuple[dict[str, Any], ...]
    before: tuple[tuple[np.ndarray, ...], ...] = field(default=())
    kept: bool = False

    def __post_init__(self) -> None:
        if not self.before:
            object.__setattr__(self, "before", ((),) * len(self.photos))


def from_maps(
    ws: Workspace, run: record.Run, maker: Maker, learned: Pictures | None, n: int, seed: int, files: list[Path]
) -> Made:
    """A photo for each file, or for `n` held-out maps. Colours are borrowed from the training photo with the nearest
    map. Raises UsageError for a file that is no map."""
    if files:
        maps = np.stack([read_map(path, maker) for path in files])
        given = Pictures(np.full((*maps.shape, 3), 124, np.uint8), maps, ())
        facts = tuple({"map": path.name, "map_sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in files)
        words = tuple(path.name for path in files)
    else:
        given = _some(_held_out(ws, run, maker), n, seed)
        facts = tuple({"map_of": str(row["sha256"])} for row in given.rows)
        words = tuple(str(row["sha256"])[:8] for row in given.rows)
    lent = lenders(given.targets, learned) if learned is not None and maker.recipe.palette else None
    if lent is None and maker.recipe.palette and files:
        raise UsageError("no training photo to borrow colours from", cure="Generate in the run's own workspace")
    photos = translated(maker.net, given, lent, learned)
    shown = [_tinted(np.asarray(each), len(maker.classes.names)) for each in given.targets]
    return Made(photos, words, facts, tuple((each,) for each in shown))


def on_people(
    ws: Workspace, run: record.Run, maker: Maker, n: int, seed: int, garment: Path | None, region: str | None
) -> Made:
    """`n` held-out people, each in the garment of the file, or in another held-out person's. Raises UsageError."""
    maker.translator("garment")
    people = _held_out(ws, run, maker)
    wearable = wearable_regions(maker)
    if region is not None and region not in wearable:
        raise UsageError(f"--region {region}", expected=f"one of {', '.join(wearable)}")
    file = _cutout(garment) if garment is not None else None
    kept: list[tuple[np.ndarray, np.ndarray, str, dict[str, Any]]] = []
    order = np.random.default_rng([seed, 5]).permutation(len(people.rows))
    for place in order:
        if len(kept) == n:
            break
        if (found := _dressed(maker, people, int(place), order, file, region, garment)) is not None:
            kept.append(found)
    if not kept:
        raise UsageError("no held-out person wears such a garment", expected=f"--region one of {', '.join(wearable)}")
    return Made(
        np.stack([each[0] for each in kept]), tuple(each[2] for each in kept), tuple(each[3] for each in kept),
        tuple((each[1],) for each in kept), kept=True,
    )  # fmt: skip


def wearable_regions(maker: Maker) -> list[str]:
    """Regions of the label space that are garments."""
    pairs = zip(maker.classes.names, maker.classes.roles, strict=True)
    return [name for name, role in pairs if role == GARMENT]


def _dressed(
    maker: Maker, people: Pictures, place: int, order: np.ndarray, file: np.ndarray | None, region: str | None,
    path: Path | None,
) -> tuple[np.ndarray, np.ndarray, str, dict[str, Any]] | None:  # fmt: skip
    """The person at `place`: the garment shown on a sheet, words, facts; None who has no place for one."""
    from train.garment_warp import warped

    photo, regions = np.asarray(people.photos[place]), np.asarray(people.targets[place])
    chosen = region or largest_region(regions, maker)
    target = regions == maker.classes.names.index(chosen) if chosen else np.zeros(regions.shape, bool)
    if target.sum() < LEAST_PX:
        return None
    cutout, source = (
        (file, path.name) if file is not None and path is not None else _other(maker, people, place, order, chosen)
    )
    if cutout is None:
        return None
    try:
        bent = warped(cutout, target)
    except ModisteError:
        return None  # an outline no spline can follow: the next person
    clothes = own_clothes(photo, regions, maker)
    clothes[target] = bent[target]
    worn = maker.dressed(photo, regions, clothes)
    size = letterbox(_on_white(cutout), photo.shape[:2], 255)
    facts = {"person": str(people.rows[place]["sha256"]), "garment": source, "region": chosen}
    return worn, np.hstack([size, photo]), f"{chosen} of {source[:12]} on {facts['person'][:8]}", facts


def own_clothes(photo: np.ndarray, regions: np.ndarray, maker: Maker) -> np.ndarray:
    """(H, W, 4): what the person wears, its own pixels."""
    roles = np.zeros(256, np.uint8)
    roles[: len(maker.classes.roles)] = maker.classes.roles
    alpha = np.where(roles[regions] == GARMENT, 255, 0).astype(np.uint8)
    return np.dstack([photo, alpha])


def largest_region(regions: np.ndarray, maker: Maker) -> str:
    """The garment that most of the person is dressed in; '' for none."""
    sizes = {name: int((regions == maker.classes.names.index(name)).sum()) for name in wearable_regions(maker)}
    best = max(sizes, key=lambda name: sizes[name], default="")
    return best if best and sizes[best] else ""


def _other(maker: Maker, people: Pictures, place: int, order: np.ndarray, chosen: str) -> tuple[np.ndarray | None, str]:
    """The same kind of garment off the next person in order that wears one, and whose photo that is."""
    index = maker.classes.names.index(chosen)
    at = int(np.flatnonzero(order == place)[0])
    for other in [*order[at + 1 :], *order[:at]]:
        mask = np.asarray(people.targets[other]) == index
        if mask.sum() >= LEAST_PX:
            photo = np.asarray(people.photos[other])
            return np.dstack([photo, np.where(mask, 255, 0).astype(np.uint8)]), str(people.rows[other]["sha256"])
    return None, ""


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


def _cutout(path: Path) -> np.ndarray:
    """(h, w, 4) uint8 of a picture with transparency. Raises UsageError."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}", expected="a cutout: a PNG with transparency")
    try:
        found = decode(path.read_bytes())
    except ImageError as error:
        raise UsageError(f"{path.name}: {error}", expected="a cutout: a PNG with transparency") from error
    alpha = found.alpha
    if alpha is None or not (alpha > 127).any() or (alpha > 127).all():
        raise UsageError(
            f"{path.name} is no cutout", expected="a PNG with transparency", cure="modiste cutout makes one"
        )
    return np.dstack([found.rgb, alpha])


def _held_out(ws: Workspace, run: record.Run, maker: Maker) -> Pictures:
    return pictures(ws, load_snapshot(ws, run.data["snapshot"]), "test", maker.recipe, maker.classes)


def _some(found: Pictures, n: int, seed: int) -> Pictures:
    """`n` of them at most, drawn by the seed."""
    places = np.sort(np.random.default_rng([seed, 3]).permutation(len(found.rows))[:n])
    rows = tuple(found.rows[int(place)] for place in places)
    return Pictures(np.asarray(found.photos)[places], np.asarray(found.targets)[places], rows)


def _tinted(regions: np.ndarray, classes: int) -> np.ndarray:
    return overlay(np.full((*regions.shape, 3), 255, np.uint8), regions.astype(np.uint8), classes)


def _on_white(rgba: np.ndarray) -> np.ndarray:
    """The cutout's box on white, as a sheet shows it."""
    places = np.argwhere(rgba[..., 3] > 127)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    share = rgba[top:bottom, left:right, 3:].astype(np.float32) / 255
    rgb = rgba[top:bottom, left:right, :3] * share + 255 * (1 - share)
    return cv2.convertScaleAbs(rgb)
