"""Train a generator from a snapshot. In: a snapshot and a recipe. Out: a run folder with `model.safetensors`.

The best epoch is chosen on the validation part (by KID; a flow by its own error), the test part is never read here. The
same command goes on with a run of the same recipe and data that was cut off, to the same weights. The file holds the
averaged generator alone; the critic stays in the checkpoint.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dataset.errors import EmptyError
from dataset.label_space import written_out
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, load_snapshot
from dataset.workspace import Workspace
from train import record
from train.data import Photos, plain_loader, train_loader
from train.generation_data import PARTS, Classes, Pictures, classes_of, palette_of, pictures, rows_for, space_facts
from train.generation_flow_loop import FlowLoop
from train.generation_given import Translator
from train.generation_known import with_given
from train.generation_loop import GanLoop, GenerationLoop
from train.generation_measures import features_of
from train.generation_pairs_loop import PairsLoop
from train.generation_recipe import TASK, GenerationRecipe, generation_recipe
from train.letterbox import UInt8
from train.loop import CHECKPOINT, How, choose_device, fit
from train.models.generation import build_pair
from train.models.generation_flow import Flow
from train.models.generation_pairs import Critics
from train.runs import RunResult, check_split, done_before, open_run, result_of
from train.seeding import seed_everything
from train.weights import WEIGHT_FILE, save_weights


def train_generation(
    ws: Workspace,
    *,
    snapshot: str,
    recipe: str = "generation/gan-28",
    overrides: dict[str, Any] | None = None,
    device: str = "auto",
    again: bool = False,
    allow_random_split: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Train, go on with a run that was cut off, or (unless `again`) tell of one that is done. `progress` counts steps.

    Raises SettingsError (recipe), SnapshotError, EmptyError (a part without what the recipe needs), TrainingError (no
    CUDA, a package missing, memory full).
    """
    chosen, frozen, device = generation_recipe(recipe, overrides), load_snapshot(ws, snapshot), choose_device(device)
    chosen = chosen.model_copy(update={"label_space": written_out(chosen.label_space)})
    check_split(frozen, allow_random_split)
    if not again and (done := done_before(ws, frozen, chosen.model_dump())):
        return done
    classes = classes_of(frozen, chosen)
    counts = {part: len(rows_for(frozen, part, chosen, classes)) for part in PARTS}
    _enough(counts, frozen)
    run = open_run(ws, frozen, chosen.model_dump(), TASK, chosen.seed, counts)
    with record.locked(run.folder):
        data = {part: pictures(ws, frozen, part, chosen, classes) for part in PARTS}
        data = {part: with_given(ws, frozen, part, chosen, found) for part, found in data.items()}
        seed_everything(chosen.seed)
        return _trained(run, chosen, classes, data, device, progress)


def _enough(counts: dict[str, int], frozen: Snapshot) -> None:
    for part, n in counts.items():
        if n < 4:
            raise EmptyError(
                f"{n} pictures in the {part} part", where=f"snapshot {frozen.name}", expected="4 at least",
                cure="Crawl more, or split with other shares",
            )  # fmt: skip


def build_loop(recipe: GenerationRecipe, classes: Classes, data: dict[str, Pictures], folder: Path) -> GenerationLoop:
    """The networks, as seeded now, and what trains them."""
    if recipe.kind == "gan":
        net, critic = build_pair(recipe, len(classes.names))
        return GanLoop(net, critic, recipe, classes, data, folder)
    if recipe.kind == "diffusion":
        return FlowLoop(Flow(recipe, len(classes.names)), recipe, classes, data, folder)
    translator = Translator(recipe, classes)
    learned = data["train"]
    translator.colours.copy_(torch.from_numpy(palette_of(learned.photos, learned.targets, len(classes.names))))
    return PairsLoop(translator, Critics(translator.given, recipe), recipe, classes, data, folder)


def build_net(recipe: GenerationRecipe, classes: Classes) -> nn.Module:
    """The generator alone, for weights to be put into."""
    if recipe.kind == "gan":
        return build_pair(recipe, len(classes.names))[0]
    return Flow(recipe, len(classes.names)) if recipe.kind == "diffusion" else Translator(recipe, classes)


def _seen(found: Pictures) -> UInt8:
    return found.photos if found.given is None else found.given


def score_name(recipe: GenerationRecipe) -> str:
    if recipe.kind == "diffusion":
        return "negative error of the velocity"
    kind = "EfficientNet-Lite0" if recipe.judge == "lite0" else "pixels"
    return f"negative KID ({kind}, {recipe.judge_px} px)"


def _trained(
    run: record.Run, recipe: GenerationRecipe, classes: Classes, data: dict[str, Pictures], device: str,
    progress: Progress,
) -> RunResult:  # fmt: skip
    wall, cpu, resumed = time.perf_counter(), time.process_time(), (run.folder / CHECKPOINT).is_file()
    features_of(recipe)  # a package that is missing is told before anything is trained
    loop = build_loop(recipe, classes, data, run.folder)
    photos = {part: Photos(_seen(found), np.asarray(found.targets), None, recipe.seed) for part, found in data.items()}
    training = train_loader(photos["train"], recipe.batch, 0, recipe.seed)
    how = How(precision=recipe.precision)
    try:
        fit(loop, training, plain_loader(photos["validation"], recipe.batch), run.folder, device, progress, how)
    except BaseException:
        record.add_time(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu)
        raise
    return _finished(run, loop, recipe, classes, device, wall, cpu, resumed)


def _finished(
    run: record.Run, loop: GenerationLoop, recipe: GenerationRecipe, classes: Classes, device: str, wall: float,
    cpu: float, resumed: bool,
) -> RunResult:  # fmt: skip
    """Write the best epoch's weights with their facts, then 'done'. `wall` and `cpu` are when this stretch began."""
    known = {key: run.data[key] for key in ("task", "recipe", "snapshot", "fingerprint", "taxonomy")}
    known |= {"run": run.id, "record": record.compact(run), "input": list(recipe.size), "field": recipe.field}
    weights = save_weights(run.folder / WEIGHT_FILE, loop.best, {**known, **space_facts(classes)})
    best = loop.history[loop.best_epoch - 1]
    flow = recipe.kind == "diffusion"
    results = {
        "score_name": f"validation {score_name(recipe)}", "score": loop.best_score, "best_epoch": loop.best_epoch,
        "low": best["score_low"], "high": best["score_high"], "epochs": len(loop.history),
        "baseline_name": "always 0" if flow else "training photos themselves", "baseline": best["real"],
        "weights": weights, "device": device, "notes": loop.notes,
    }  # fmt: skip
    run = record.finish(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, results=results)
    told = f" ({'; '.join(loop.notes)})" if loop.notes else ""
    return result_of(run, ("resumed and trained" if resumed else "trained") + told)
