"""Judge a generation run on a held-out part: KID, does it show what was asked, is it a copy, is the garment kept.

In: a finished run, its snapshot, a part. Out: figures with counts, intervals and the trivial answer beside each; a
sheet in the run's folder. The networks that judge (EfficientNet-Lite0, a classifier of real pictures, the segmenter
that ships) were never trained by or on a generator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.progress import Progress
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import metrics, record
from train.figure import Figure
from train.generation_classifier import trained_namer
from train.generation_held import SHOWN, Held, drawn, held_of
from train.generation_judge_pairs import NEAREST, drawn_as_told, faithful, kept, neighbours, pair_blocks
from train.generation_measures import Floats, kid, memory, nearest
from train.generation_sheet import Block, sample_sheet
from train.letterbox import UInt8


def judge(
    ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str, progress: Progress
) -> tuple[list[Figure], dict[str, Any], list[str]]:
    """Figures (the headline first), detail, names of the sheets."""
    held = held_of(ws, run, frozen, part, device)
    return judged(held, run, *drawn(held), progress)


def judged(
    held: Held, run: record.Run, made: UInt8, words: list[str], progress: Progress
) -> tuple[list[Figure], dict[str, Any], list[str]]:
    """What `judge` says, of pictures that are drawn already."""
    rows = _alike(held, made)
    if held.maker.recipe.kind != "pairs":
        rows = (_named(held, made, progress) if held.maker.recipe.field else []) + rows
    elif held.maker.recipe.pairs == "labels":
        rows += faithful(held, made)
    elif held.maker.recipe.pairs == "garment":
        rows = [*kept(held), *rows]
    else:
        rows += drawn_as_told(held, made)
    name = f"samples/{held.part}.png"
    _sheet(held, run, made, words, name)
    progress(1, 1)
    return rows, {"confusions": [], "features": held.features.name}, [name]


def _alike(held: Held, made: UInt8) -> list[Figure]:
    """KID beside the trivial answer's, and how near to the training pictures."""
    real, learned, mine = (held.seen(each) for each in (held.real.photos, held.data["train"].photos, made))
    if held.maker.recipe.kind == "pairs":
        other = learned[neighbours(held)]
        beside = NEAREST
    else:
        other, beside = learned, "training pictures themselves"
    found, plain, near = kid(mine, real), kid(other, real), memory(mine, learned, real)
    name, n, part = held.features.name, len(made), held.part
    words = f"KID ({name}; subsets of {found.subset})"
    theirs = f"KID of the {beside} ({name}; subsets of {plain.subset})"
    far = f"distance to the nearest training picture over a held-out photo's ({name})"
    close = f"nearer to a training picture than 1 % of held-out photos are ({name})"
    return [
        Figure(words, found.mean, found.low, found.high, n, part, beside, plain.mean),
        Figure(theirs, plain.mean, plain.low, plain.high, len(other), part),
        Figure(far, near.ratio, near.low, near.high, n, part, "a copy", 0.0),
        _share(close, round(near.copied * n), n, part, "held-out photos", 0.01),
    ]


def _share(name: str, hits: int, n: int, part: str, beside: str | None = None, value: float | None = None) -> Figure:
    low, high = metrics.wilson(hits, n)
    return Figure(name, hits / n, low, high, n, part, beside, value)


def _named(held: Held, made: UInt8, progress: Progress) -> list[Figure]:
    """A classifier of real pictures on made ones, and on held-out real ones; how various made ones are."""
    classes = held.maker.classes.names
    asked = held.maker.labels(len(made), None).numpy()
    namer = trained_namer(held.data["train"], held.data["validation"], len(classes), progress=progress)
    right, real = namer(made) == asked, namer(np.asarray(held.real.photos)) == held.real.targets
    most = int(np.bincount(held.data["train"].targets).argmax())
    size = f"{held.maker.recipe.height} px"
    spread = _spread(held.seen(made), asked) / _spread(held.seen(held.real.photos), held.real.targets)
    return [
        _share(f"class named as asked, by a classifier of real {size} pictures", int(right.sum()), len(right),
               held.part, "on real held-out pictures", float(real.mean())),
        _share(f"that classifier on real held-out {size} pictures", int(real.sum()), len(real), held.part,
               "always the most frequent", float((held.real.targets == most).mean())),
        Figure(f"spread inside a class over a real class's ({held.features.name})", spread, None, None, len(made),
               held.part, "one picture again and again", 0.0),
    ]  # fmt: skip


def _spread(seen: Floats, labels: npt.NDArray[Any]) -> float:
    """Mean distance between two pictures of a class, over classes with two."""
    found = []
    for label in np.unique(labels):
        mine = seen[labels == label]
        if len(mine) > 1:
            squares = (mine**2).sum(1)
            away = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * mine @ mine.T, 0))
            found.append(away.sum() / (len(mine) * (len(mine) - 1)))
    return float(np.mean(found))


def _sheet(held: Held, run: record.Run, made: UInt8, words: list[str], name: str) -> None:
    if held.maker.recipe.kind == "pairs":
        blocks = pair_blocks(held, made, words)
        title = f"{run.id}: map | made | nearest training photo | the real photo"
    else:
        place, away = nearest(held.seen(made[:SHOWN]), held.seen(held.data["train"].photos))
        learned = np.asarray(held.data["train"].photos)[place]
        blocks = [
            Block((mine, near), f"{word} | nearest {far:.1f}")
            for mine, near, word, far in zip(made, learned, words, away, strict=False)
        ]
        title = f"{run.id}: made | nearest training picture by {held.features.name}"
    sample_sheet(run.folder / name, blocks, title)
