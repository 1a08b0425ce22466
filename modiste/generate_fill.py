"""Pictures that a flow makes of a part: a photo with a hole filled, a garment drawn into an outline.

In: a run's generator, a photo and the mask of its hole, or an outline. Out: `Made`. The network sees a window round the
hole at its own size; what it draws is enlarged, joined to the rim, and put into the hole alone: every other pixel of
the photo stays to the bit, and none under the mask is looked at.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dataset.blobs import sha256_of
from dataset.errors import ImageError, UsageError
from dataset.images import decode
from modiste.generate_pairs import Made
from modiste.generate_window import joined, small, window_of
from train.generation_flow import flow_pictures, hinted, raw_fill
from train.generation_holes import Bool
from train.generation_known import fitted_outline
from train.generation_samples import Maker
from train.letterbox import UInt8
from train.models.generation_flow import Flow


def fill(
    maker: Maker, photo: Path, hole: Path, n: int, label: str | None, seed: int, begin: float | None = None
) -> Made:
    """`n` fillings of one hole, at the photo's size; `begin` in (0, 1] instead of the recipe's. Raises UsageError: a
    run that knows no holes, files that are no pictures, a mask of another size, one that is black or white all over,
    an unknown label."""
    net = flow_that(maker, "fills")
    if begin is not None:
        if not 0 < begin <= 1:
            raise UsageError(f"--begin {begin}", expected="above 0, 1 at most")
        maker = replace(maker, recipe=maker.recipe.model_copy(update={"begin": begin}))
    rgb, lost = read_photo(photo), read_mask(hole)
    check_hole(hole, lost, rgb)
    labels, words = _labels(net, maker, n, label)
    photos = fillings(net, maker, rgb, lost, labels, seed)
    facts: dict[str, Any] = {
        **_named("photo", photo),
        **_named("hole", hole),
        "label": label or "",
        "begin": maker.recipe.begin,
    }
    facts["lost"] = round(float(lost.mean()), 4)
    before = ((hinted(rgb, lost),),) * n
    return Made(photos, words, (facts,) * n, before, kept=True, note=warning(maker, photo, hole, rgb, lost))


def warning(maker: Maker, photo: Path, hole: Path, rgb: UInt8, lost: Bool) -> str:
    """How coarse a filling is, and what is nearer to the photo; '' where the network sees the photo's own pixels. The
    claim is docs/RESULTS.md's: of boxes and strokes `repair` has the better PSNR and KID."""
    place = window_of(rgb, lost, maker.recipe.size, maker.recipe.zoom).place[0]
    times = (place.stop - place.start) / maker.recipe.height
    if times <= 1:
        return ""
    better = shlex.join(["modiste", "edit", str(photo), "--do", "repair", "--damage", str(hole)])
    return f"coarse, each drawn pixel covers {times:.1f} px: not for a shop; `{better}` is nearer to the photo"


def into_outline(maker: Maker, outline: Path, n: int, label: str | None, seed: int) -> Made:
    """`n` garments of the outline, white where the garment is. Raises UsageError as `fill` does."""
    net = flow_that(maker, "outlines")
    garment = read_mask(outline)
    if garment.all() or not garment.any():
        raise UsageError(f"{outline.name} shows no outline", expected="white where the garment is, black elsewhere")
    plane = fitted_outline(garment, maker.recipe)
    labels, words = _labels(net, maker, n, label)
    blank = torch.zeros(n, *net.shape)
    told = torch.from_numpy(plane).float().div(127.5).sub(1).expand(n, 1, -1, -1)
    given = net.given_of(blank, torch.ones(n, *maker.recipe.size) > 0, told)
    photos = flow_pictures(net, maker.recipe, labels, seed, maker.device, given)
    facts = {**_named("outline", outline), "label": label or ""}
    shown = np.repeat((255 - plane)[..., None], maker.recipe.channels, axis=2)
    return Made(photos, words, (facts,) * n, ((shown,),) * n)


def _named(what: str, path: Path) -> dict[str, str]:
    return {what: path.name, f"{what}_sha256": sha256_of(path.read_bytes())}


def flow_that(maker: Maker, what: str) -> Flow:
    """The network, where it `fills` holes or knows `outlines`. Raises UsageError."""
    if isinstance(maker.net, Flow) and getattr(maker.net, what):
        return maker.net
    word, recipe = {"fills": ("--fill", "inpaint"), "outlines": ("--outline", "outline")}[what]
    raise UsageError(
        f"{word} for {maker.recipe.name}", expected=f"a run that knows {'holes' if what == 'fills' else what}",
        cure=f"modiste train generation -r generation/{recipe}",
    )  # fmt: skip


def read_photo(path: Path) -> UInt8:
    """(h, w, 3) uint8, upright. Raises UsageError."""
    try:
        return np.ascontiguousarray(decode(path.read_bytes()).rgb)
    except OSError as error:
        raise UsageError(f"there is no file {path}", expected="a picture") from error
    except ImageError as error:
        raise UsageError(f"{path.name}: {error}", expected="a picture") from error


def read_mask(path: Path) -> Bool:
    """(h, w), True where it is brighter than mid-grey. Raises UsageError."""
    return np.asarray(read_photo(path).max(-1) > 127)


def check_hole(path: Path, lost: Bool, rgb: UInt8) -> None:
    """Raises UsageError for a mask that doesn't fit the photo, or says nothing."""
    if lost.shape != rgb.shape[:2]:
        sizes = [f"{wide} x {high}" for high, wide in (lost.shape, rgb.shape[:2])]
        raise UsageError(f"{path.name} is {sizes[0]} px", expected=f"{sizes[1]}, the photo's size once upright")
    if not lost.any():
        raise UsageError(f"{path.name} is black all over", expected="white where the hole is")
    if lost.all():
        cure = "To draw from nothing, leave --fill and --hole out"
        raise UsageError(f"{path.name} is white all over", expected="a part of the photo that is known", cure=cure)


def _labels(net: Flow, maker: Maker, n: int, label: str | None) -> tuple[Tensor, tuple[str, ...]]:
    """Of a hole's picture no label is guessed: none is told unless it is asked for."""
    if label is not None:
        labels = maker.labels(n, label)
        return labels, (maker.classes.names[int(labels[0])],) * n
    return torch.full((n,), net.hidden if maker.recipe.field else 0), ("",) * n


def fillings(net: Flow, maker: Maker, rgb: UInt8, lost: Bool, labels: Tensor, seed: int) -> UInt8:
    """(N, h, w, 3) uint8 of a photo (h, w, 3) and its hole (h, w), by the labels (N,)."""
    size, n = maker.recipe.size, len(labels)
    if not maker.recipe.colour:
        raise UsageError(f"{maker.recipe.name} draws grey", expected="a run with colour: true")
    window = window_of(rgb, lost, size, maker.recipe.zoom)
    seen, gone = window.canvas[window.place], window.lost[window.place]
    known, hole = small(seen, size), np.asarray(small(gone.astype(np.float32), size) > 0)
    recipe = maker.recipe
    if (labels == net.hidden).all():
        recipe = recipe.model_copy(update={"guidance": 1.0})  # nothing to exaggerate, and half the work
    drawn = raw_fill(net, recipe, np.stack([known] * n), np.stack([hole] * n), labels, seed, maker.device)
    return np.stack([window.pasted(rgb, joined(each, seen, gone)) for each in drawn])
