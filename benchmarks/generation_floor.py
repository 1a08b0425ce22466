"""How low KID can go here, and what bent training photos reach without any training: rows beside a generator's own.

In: a `Held` of pairs and the photos that were made of them. Out: figures; canvases are of maps of regions alone. 'Real
photos, no map' are the training photos themselves: a generator that draws photos nobody can tell from real ones, and
whose interval no other can be apart below. KID is given by EfficientNet-Lite0, which a perceptual loss may have seen,
and by Lite2, which none has.
"""

from __future__ import annotations

import numpy as np

from train import metrics
from train.figure import Figure
from train.generation_canvas import Canvases
from train.generation_data import Pictures
from train.generation_held import Held
from train.generation_judge_pairs import NEAREST, neighbours, shown_regions
from train.generation_measures import Features, kid
from train.letterbox import UInt8

EYES = ("lite0", "lite2")


def floor_figures(held: Held, made: UInt8, learned: Pictures | None = None) -> list[Figure]:
    """KID of the made photos, of all trivial answers, of real photos, by each network. `learned`: the training part
    with its larger photos, which canvases are made of; None for no canvases."""
    photos = np.asarray(held.data["train"].photos)
    answers = {"made photos": made, NEAREST: photos[neighbours(held)], "real photos, no map": photos}
    if learned is not None:
        answers |= bent_answers(held, learned)
    rows = [row for eyes in EYES for row in _kids(held, answers, Features(eyes, held.maker.recipe.judge_px))]
    return rows + [_shown(name, answers[name], held) for name in answers if name.startswith("canvas")]


def bent_answers(held: Held, learned: Pictures) -> dict[str, UInt8]:
    """Training photos bent to each map, of one donor and of several, holes filled by hand; no network."""
    make, found = Canvases(learned, held.maker.classes, several=False), []
    for asked in np.asarray(held.real.targets):
        bent = make.bent(asked)
        found.append([make.laid(asked, *bent, several).rgb for several in (False, True)])
    one, several = (np.stack(each) for each in zip(*found, strict=True))
    return {"canvas alone, one donor": one, "canvas alone, several donors": several}


def _kids(held: Held, answers: dict[str, UInt8], features: Features) -> list[Figure]:
    real, rows = features(np.asarray(held.real.photos)), []
    for name, pictures in answers.items():
        found = kid(features(np.asarray(pictures)), real)
        words = f"KID of {name} ({features.name}; subsets of {found.subset})"
        rows.append(Figure(words, found.mean, found.low, found.high, len(pictures), held.part))
    order = np.random.default_rng(0).permutation(len(real))
    found = kid(real[order[::2]], real[order[1::2]])
    words = f"KID of half of the {held.part} photos to the other ({features.name}; subsets of {found.subset})"
    return [*rows, Figure(words, found.mean, found.low, found.high, len(real), held.part)]


def _shown(name: str, pictures: UInt8, held: Held) -> Figure:
    counts = shown_regions(pictures, held)
    low, high = metrics.bootstrap(counts, metrics.mean_iou)
    words = f"mean IoU of the map that the shipped segmenter sees in {name}"
    return Figure(words, float(metrics.mean_iou(counts.sum(0))), low, high, len(counts), held.part)
