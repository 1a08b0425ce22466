"""Judge a restoration run on a part of its snapshot: PSNR on a crop of each photo beside the classical answer.

In: a finished run, its snapshot. Out: figures with 95 % intervals (bootstrap over photos) as `train.evaluate` writes
them. Whole photos, SSIM and the peers stand in benchmarks/restoration.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from dataset.progress import Progress, counted
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import record
from train.data import plain_loader, rows_of
from train.figure import Figure
from train.restoration import crops_for, loop_of
from train.restoration_recipe import RestorationRecipe
from train.weights import WEIGHT_FILE, read_weights

DRAWS = 1000


def judge(
    ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str, progress: Progress
) -> tuple[list[Figure], dict[str, Any], list[str]]:
    """Figures, detail, names of pictures (none)."""
    tensors, facts = read_weights(run.folder / WEIGHT_FILE, "restoration")
    recipe = RestorationRecipe.model_validate({**facts["recipe"], "ema": 0.0})
    loop = loop_of(recipe)
    loop.net.load_state_dict(tensors)
    loop.net.to(device).eval()
    crops = crops_for(ws, frozen, part, rows_of(frozen, part), recipe)
    loader = plain_loader(crops, recipe.batch)
    with torch.inference_mode():
        for number, batch in enumerate(counted(loader, len(loader), progress)):
            loop.validation_step((batch[0].to(device), batch[1].to(device)), number)
    return _figures(loop.taken(), recipe, part), {"confusions": []}, []


def _figures(rows: list[dict[str, float]], recipe: RestorationRecipe, part: str) -> list[Figure]:
    if recipe.kind == "repair":
        return [_figure(rows, "PSNR inside the damage, dB", "score", "Navier-Stokes", "classical", part)]
    names = [f"x{each}" for each in sorted(set(recipe.times))]
    return [_figure(rows, f"PSNR {name}, dB", name, "bicubic", f"{name}_bicubic", part) for name in names]


def _figure(rows: list[dict[str, float]], metric: str, ours: str, peer: str, theirs: str, part: str) -> Figure:
    values = np.array([row[ours] for row in rows])
    draws = np.random.default_rng(0).choice(values, (DRAWS, len(values))).mean(1)
    low, high = (round(float(each), 4) for each in np.percentile(draws, [2.5, 97.5]))
    baseline = round(float(np.mean([row[theirs] for row in rows])), 4)
    return Figure(metric, round(float(values.mean()), 4), low, high, len(rows), part, peer, baseline)
