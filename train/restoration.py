"""Train restoration from a snapshot: a network that upscales, or one that repairs.

In: a snapshot and a recipe. Out: a run folder with `model.safetensors` and a sheet of validation crops. The best epoch
is the one of the highest mean PSNR on validation crops; the test part is never read here. The same command resumes a
run of the same recipe and data that was cut off.
"""

from __future__ import annotations

import time
from typing import Any

from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, load_snapshot
from dataset.workspace import Workspace
from train import record, spread
from train.boards import check_boards
from train.data import Row, plain_loader, rows_of, train_loader
from train.loop import CHECKPOINT, How, choose_device, fit
from train.models.restoration import RayNet, RepairNet, UpscaleNet
from train.restoration_data import Crops, crops_of
from train.restoration_loop import SHOWN, RayLoop, RepairLoop, RestorationLoop, UpscaleLoop
from train.restoration_recipe import RestorationRecipe, restoration_recipe
from train.restoration_sheet import save_sheet
from train.runs import RunResult, check_split, done_before, open_run, result_of
from train.seeding import seed_everything
from train.weights import WEIGHT_FILE, save_weights

SCORES = {"upscale": "PSNR, dB", "repair": "PSNR inside the damage, dB"}


def train_restoration(
    ws: Workspace,
    *,
    snapshot: str,
    recipe: str = "restoration/upscale-fast",
    overrides: dict[str, Any] | None = None,
    device: str = "auto",
    devices: int = 1,
    again: bool = False,
    allow_random_split: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Train, go on with a run of this recipe and data that was cut off, or (unless `again`) tell of one that is done.

    `progress` counts optimiser steps. Raises SettingsError (recipe), SnapshotError, EmptyError (a part without photos),
    TrainingError (no CUDA, fewer devices, memory full with one crop)."""
    chosen, frozen, device = restoration_recipe(recipe, overrides), load_snapshot(ws, snapshot), choose_device(device)
    check_split(frozen, allow_random_split)
    spread.check_devices(device, devices)
    check_boards(chosen.logger)
    if not again and (done := done_before(ws, frozen, chosen.model_dump())):
        return done
    rows = {"train": rows_of(frozen, "train"), "validation": _evenly(rows_of(frozen, "validation"), chosen.judged)}
    counts = {part: len(found) for part, found in rows.items()}
    run = open_run(ws, frozen, chosen.model_dump(), "restoration", chosen.seed, counts)
    with record.locked(run.folder):
        crops = {part: crops_for(ws, frozen, part, found, chosen) for part, found in rows.items()}
        seed_everything(chosen.seed)
        loop = loop_of(chosen)
        if isinstance(loop, RayLoop):
            loop.samples = [crops["validation"].sample(place) for place in range(min(SHOWN, len(crops["validation"])))]
        training = train_loader(crops["train"], chosen.batch, chosen.workers, chosen.seed, devices)
        how = How(chosen.patience, chosen.accumulate, devices, tuple(chosen.logger))
        return _run(loop, run, training, plain_loader(crops["validation"], chosen.batch), device, progress, how)


def loop_of(recipe: RestorationRecipe) -> RestorationLoop:
    """The network of a recipe, untrained, in its loop."""
    kinds = {"residual": UpscaleLoop, "rays": RayLoop, "unet": RepairLoop}
    return kinds[recipe.network](net_of(recipe), recipe)


def net_of(recipe: RestorationRecipe) -> UpscaleNet | RayNet | RepairNet:
    if recipe.network == "residual":
        return UpscaleNet(recipe.width, recipe.depth, tuple(sorted(set(recipe.times))))
    return RayNet(recipe.width, recipe.depth) if recipe.network == "rays" else RepairNet(recipe.width, recipe.depth)


def crops_for(ws: Workspace, frozen: Snapshot, part: str, rows: list[Row], recipe: RestorationRecipe) -> Crops:
    """Of these rows of a part; those of the training part vary."""
    found = crops_of(ws, rows, recipe, f"{frozen.fingerprint[:16]}-{part}")
    return Crops(found, recipe, vary=part == "train")


def _evenly(rows: list[Row], most: int) -> list[Row]:
    """At most so many, taken evenly: rows are in the order of their hash, so these are as good as drawn."""
    step = max(1, -(-len(rows) // most))
    return rows[::step]


def _run(
    loop: RestorationLoop, run: record.Run, training: Any, validation: Any, device: str, progress: Progress, how: How
) -> RunResult:
    """Fit, write the best epoch's weights with their facts and the sheet, then 'done'."""
    wall, cpu, resumed = time.perf_counter(), time.process_time(), (run.folder / CHECKPOINT).is_file()
    try:
        fit(loop, training, validation, run.folder, device, progress, how)
    except BaseException:
        record.add_time(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu)
        raise
    facts = {key: run.data[key] for key in ("task", "recipe", "snapshot", "fingerprint", "taxonomy")}
    facts |= {"run": run.id, "record": record.compact(run)}
    weights = save_weights(run.folder / WEIGHT_FILE, loop.best, facts)
    if (picture := loop.sheet()) is not None:
        save_sheet(run.folder / "figures" / "validation.png", picture)
    best = loop.history[loop.best_epoch - 1]
    results = {
        "score_name": f"validation {SCORES[loop.recipe.kind]}", "score": loop.best_score,
        "best_epoch": loop.best_epoch, "low": best["score_low"], "high": best["score_high"],
        "baseline_name": "bicubic" if loop.recipe.kind == "upscale" else "Navier-Stokes", "baseline": best["classical"],
        "epochs": len(loop.history), "weights": weights, "device": device, "devices": how.devices, "notes": loop.notes,
    }  # fmt: skip
    run = record.finish(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, results=results)
    told = f" ({'; '.join(loop.notes)})" if loop.notes else ""
    return result_of(run, ("resumed and trained" if resumed else "trained") + told)
