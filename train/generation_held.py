"""What a judgement of a generator needs: the generator, real pictures of each part, the features that compare.

In: a finished run, its snapshot, a part. Out: a `Held`, and the pictures that are judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import record
from train.generation_canvas import Canvas, Canvases, canvas_of
from train.generation_data import PARTS, Pictures, pictures
from train.generation_maps import lenders
from train.generation_measures import Features, Floats
from train.generation_pairs_loop import translated
from train.generation_samples import Maker, load_maker
from train.letterbox import UInt8

DRAWN = 500  # pictures drawn to be judged
SHOWN = 24
SEED = 1000  # not the sheets' of training


@dataclass(frozen=True)
class Held:
    """What a judgement needs: the generator, the parts' real pictures, the one that is judged on."""

    maker: Maker
    data: dict[str, Pictures]
    part: str
    features: Features

    @property
    def real(self) -> Pictures:
        return self.data[self.part]

    def seen(self, pictures: UInt8) -> Floats:
        return self.features(np.asarray(pictures))


def held_of(ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str = "cpu") -> Held:
    maker = load_maker(run.folder, device)
    data = {each: pictures(ws, frozen, each, maker.recipe, maker.classes) for each in dict.fromkeys([*PARTS, part])}
    return Held(maker, data, part, Features(maker.recipe.judge, maker.recipe.judge_px, device))


def drawn(held: Held, n: int = DRAWN, seed: int = SEED) -> tuple[UInt8, list[str]]:
    """`n` pictures from noise, every class alike; of a translator one for each map of the part, colours borrowed from
    the training photo whose map is nearest."""
    if held.maker.recipe.kind != "pairs":
        return held.maker.drawn(n, None, seed)
    learned = held.data["train"]
    lent = lenders(held.real.targets, learned) if held.maker.recipe.palette else None
    drafts = drafts_of(held.maker, learned, held.real)[0] if held.maker.recipe.canvas != "none" else None
    found = translated(held.maker.net, held.real, lent, learned, bend_seed=seed, drafts=drafts)
    return found, [str(row["sha256"])[:8] for row in held.real.rows]


def drafts_of(maker: Maker, learned: Pictures, asked: Pictures) -> tuple[UInt8, list[Canvas]]:
    """Canvases of the maps of `asked`, as a translator wants them (N, H, W, 4), and as they are."""
    make = Canvases(learned, maker.classes, maker.recipe.canvas == "several", maker.recipe.heads == "whole")
    found = [make(each) for each in np.asarray(asked.targets)]
    return np.stack([canvas_of(each) for each in found]), found
