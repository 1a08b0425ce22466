"""Train a segmentation model from a snapshot. In: a snapshot and a recipe. Out: a run folder with `model.safetensors`.

The best epoch is chosen by mean IoU on the validation part, at the network's own input size; the test part is never
read here. The same command resumes a run of the same recipe and data that was cut off.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dataset.label_space import load_space, written_out
from dataset.progress import Progress, silent
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record, spread
from train.backdrops import Backdrops
from train.begin import begin_of, take
from train.boards import check_boards
from train.data import Photos, Row, faceless, masked_rows, plain_loader, segmentation_arrays, train_loader
from train.letterbox import UInt8
from train.loop import CHECKPOINT, How, Loop, as_input, choose_device, fit
from train.losses import CrossEntropyDice, inverse_sqrt_weights
from train.metrics import Ints, bootstrap, confusion, mean_iou, pixel_accuracy
from train.models.segmenters import Normalised, build_segmenter
from train.packshots import Packshots
from train.recipe import SegmentationRecipe, segmentation_recipe
from train.recipe_models import BESIDE
from train.runs import RunResult, check_split, done_before, open_run, result_of
from train.seeding import derived, seed_everything
from train.sheets import overlay
from train.weights import WEIGHT_FILE, save_weights

SHOWN = 8  # validation photos of a prediction sheet


class SegmentationLoop(Loop):
    """Scores are mean IoU over classes present, and pixel accuracy, from one confusion matrix."""

    def __init__(
        self, net: Normalised, recipe: SegmentationRecipe, classes: int, weights: Tensor | None = None
    ) -> None:
        plain = recipe.optimiser == "adam"
        super().__init__(net, CrossEntropyDice(recipe.dice, weights), recipe, plain_adam=plain)
        self.classes = classes
        self._counts: list[Ints] = []  # one confusion matrix per photo, for the interval
        self._first: tuple[Tensor, Tensor] | None = None  # batch of the validation part

    def validation_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        self._first = (batch[0][:SHOWN], batch[1][:SHOWN]) if number == 0 else self._first
        super().validation_step(batch, number)

    def judge(self, logits: Tensor, truth: Tensor) -> None:
        pairs = zip(truth.cpu().numpy(), logits.argmax(1).cpu().numpy(), strict=True)
        self._counts += [confusion(right, said, self.classes) for right, said in pairs]

    def scores(self) -> dict[str, float]:
        whole: list[Ints] = spread.gathered(self._counts)
        photos, self._counts = np.stack(whole), []
        counts, nothing = photos.sum(0), np.zeros((self.classes, self.classes), np.int64)
        nothing[:, 0] = counts.sum(1)
        low, high = bootstrap(photos, mean_iou)
        return {
            "score": float(mean_iou(counts)),
            "score_low": low,
            "score_high": high,
            "all_background": float(mean_iou(nothing)),
            "pixel_accuracy": float(pixel_accuracy(counts)),
        }

    def sheet(self) -> UInt8 | None:
        """A row for each of the first validation photos: photo, truth, prediction."""
        if self._first is None:
            return None
        photos, truth = self._first
        said = self.judged()(as_input(photos)).argmax(1).byte().cpu().numpy()
        rows = []
        for photo, right, found in zip(photos.cpu().numpy(), truth.byte().cpu().numpy(), said, strict=True):
            rgb = np.ascontiguousarray(photo.transpose(1, 2, 0))
            rows.append(np.hstack([rgb, overlay(rgb, right, self.classes), overlay(rgb, found, self.classes)]))
        half = -(-len(rows) // 2)
        rows += [np.full_like(rows[0], 255)] * (2 * half - len(rows))
        return np.asarray(np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])]))


def train_segmentation(
    ws: Workspace,
    *,
    snapshot: str,
    recipe: str = "segmentation/fast",
    overrides: dict[str, Any] | None = None,
    device: str = "auto",
    devices: int = 1,
    begin: str | None = None,
    again: bool = False,
    allow_random_split: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Train, go on with a run of this recipe and data that was cut off, or (unless `again`) tell of one that is done.

    `progress` counts optimiser steps. Of several `devices` each gets its share of a batch. `begin` is a finished
    run to begin with instead of a package's weights: of segmentation (classes may be others), or of tagging (backbone).

    Raises SettingsError (recipe), SnapshotError, EmptyError (a part without masks), TrainingError (no CUDA, fewer
    devices, a logger's package missing, memory full with one photo, weights to begin with of another network).
    """
    chosen, frozen, device = segmentation_recipe(recipe, overrides), load_snapshot(ws, snapshot), choose_device(device)
    space = load_space(chosen.label_space)
    chosen = chosen.model_copy(update={"label_space": written_out(chosen.label_space)})
    check_split(frozen, allow_random_split)
    spread.check_devices(device, devices)
    check_boards(chosen.logger)
    start = begin_of(ws, begin) if begin else None
    resolved = chosen.model_dump() | ({"begin": start.recorded} if start else {})
    if not again and (done := done_before(ws, frozen, resolved)):
        return done
    rows = {part: masked_rows(frozen, part, chosen.mask_sources, space) for part in ("train", "validation")}
    rows["train"] = some_of(rows["train"], chosen.photos, chosen.seed)
    rows = {part: faceless(ws, found) for part, found in rows.items()} if chosen.blur_faces else rows
    counts = {part: len(found) for part, found in rows.items()}
    started = open_run(ws, frozen, resolved, "segmentation", chosen.seed, counts)
    with record.locked(started.folder):
        size = (chosen.height, chosen.width)
        arrays = {part: segmentation_arrays(ws, frozen, part, found, size, space) for part, found in rows.items()}
        seed_everything(chosen.seed)
        net = build_segmenter(chosen, len(space.classes), pretrained=start is None)
        begun = [take(net, start)] if start else []
        if chosen.architecture == "article":
            net.mean.copy_(mean_image(arrays["train"][0]))
        weights = None
        if chosen.class_weights == "inverse-sqrt":
            weights = inverse_sqrt_weights(arrays["train"][1], len(space.classes))
        loop = SegmentationLoop(net, chosen, len(space.classes), weights)
        loop.notes += begun
        photos = varied(*arrays["train"], chosen, space.roles)
        training = train_loader(photos, chosen.batch, chosen.workers, chosen.seed, devices)
        validation = plain_loader(Photos(*arrays["validation"]), chosen.batch)
        facts = {"classes": list(space.classes), "roles": list(space.roles), "input": list(size)}
        how = How(chosen.patience, chosen.accumulate, devices, tuple(chosen.logger), chosen.precision)
        return run_loop(loop, started, training, validation, facts, "mean IoU", device, progress, how)


def some_of(rows: list[Row], count: int, seed: int) -> list[Row]:
    """`count` of the rows in their order, drawn by the seed; all of them where it is 0 or there are no more."""
    if not 0 < count < len(rows):
        return rows
    chosen = np.random.default_rng(derived(seed, "photos")).choice(len(rows), count, replace=False)
    return [rows[place] for place in sorted(chosen)]


def varied(photos: UInt8, index: UInt8, recipe: SegmentationRecipe, roles: Sequence[int]) -> Photos:
    """Training photos (N, H, W, 3) and class maps (N, H, W) as the recipe shows them: packshots, backdrops, augment."""
    packshots = Packshots(recipe.packshots, tuple(roles)) if recipe.packshots else None
    backdrops = Backdrops(recipe.backdrops, tuple(roles)) if recipe.backdrops else None
    return Photos(photos, index, recipe.augment, recipe.seed, packshots, backdrops)


def mean_image(photos: Any) -> Tensor:
    """(N, H, W, 3) uint8 -> (3, H, W) float in [0, 1]."""
    total = np.zeros(photos.shape[1:], np.float64)
    for each in photos:
        total += each
    return torch.from_numpy(total / len(photos) / 255).permute(2, 0, 1).float()


def run_loop(
    loop: Loop,
    run: record.Run,
    training: Any,
    validation: Any,
    facts: dict[str, Any],
    score: str,
    device: str,
    progress: Progress,
    how: How | None = None,
) -> RunResult:
    """Fit, write the best epoch's weights with their facts, then 'done'."""
    wall, cpu, resumed = time.perf_counter(), time.process_time(), (run.folder / CHECKPOINT).is_file()
    try:
        fit(loop, training, validation, run.folder, device, progress, how)
    except BaseException:
        record.add_time(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu)
        raise
    known = {key: run.data[key] for key in ("task", "snapshot", "fingerprint", "taxonomy")}
    recipe = run.data["recipe"]
    known["recipe"] = {key: value for key, value in recipe.items() if key not in BESIDE}
    known |= {"begin": recipe["begin"]} if "begin" in recipe else {}
    known |= {"run": run.id, "record": record.compact(run)}
    weights = save_weights(run.folder / WEIGHT_FILE, loop.best, {**known, **facts})
    best = loop.history[loop.best_epoch - 1]
    results = {
        "score_name": f"validation {score}", "score": loop.best_score, "best_epoch": loop.best_epoch,
        "low": best["score_low"], "high": best["score_high"],
        "baseline_name": "all background", "baseline": best["all_background"],
        "epochs": len(loop.history), "weights": weights, "device": device,
        "devices": (how or How()).devices, "notes": loop.notes,
    }  # fmt: skip
    run = record.finish(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, results=results)
    told = f" ({'; '.join(loop.notes)})" if loop.notes else ""
    return result_of(run, ("resumed and trained" if resumed else "trained") + told)
