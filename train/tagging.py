"""Train a tagger: a frozen backbone with logistic heads ("linear"), or the whole network ("fine-tuned").

In: a snapshot, a recipe, the taxonomy fields. Out: a run folder with `model.safetensors`. Strength, epoch, temperature
and floor are chosen on validation; the test part is never read here. A row without a label in a field, or that the
taxonomy doesn't ask for it, is left out of that field's head only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dataset.errors import EmptyError, UsageError
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, load_snapshot
from dataset.taxonomy import taxonomy_of
from dataset.workspace import Workspace
from train import record
from train.data import Photos, Row, blur_key, cached, faceless, plain_loader, rows_of, train_loader
from train.letterbox import UInt8
from train.loop import CHECKPOINT, choose_device, fit
from train.metrics import wilson
from train.models.backbones import feature_extractor
from train.models.taggers import TagNet, both_flips
from train.recipe import TaggingRecipe, tagging_recipe
from train.runs import RunResult, check_split, done_before, open_run, result_of
from train.seeding import derived, seed_everything
from train.tagger import chances_of
from train.tagging_fine import TaggingLoop, TagPhotos, field_score, score_of
from train.tagging_heads import Floats, Heads, Ints, asked_rows, heads_of, target_matrix, temperature_of
from train.tagging_linear import embed_rows, fit_heads, put_heads, square
from train.tagging_scores import answers_of, floor_of, least_floor
from train.weights import WEIGHT_FILE, save_weights


@dataclass(frozen=True)
class Work:
    """One training: where, by what recipe, on which rows (by part), towards what."""

    ws: Workspace
    recipe: TaggingRecipe
    run: record.Run
    net: TagNet
    heads: Heads
    rows: dict[str, list[Row]]
    targets: dict[str, Ints]
    device: str
    progress: Progress


def train_tagging(
    ws: Workspace,
    *,
    snapshot: str,
    recipe: str = "tagging/linear",
    field: str = "type",
    overrides: dict[str, Any] | None = None,
    device: str = "auto",
    again: bool = False,
    allow_random_split: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Train heads for `field` (several with commas: 'type,sleeve'). `progress` counts photos (linear) or steps.

    Raises SettingsError (recipe), SnapshotError, EmptyError (a part or field without labels), TrainingError (no CUDA).
    """
    chosen, frozen, device = tagging_recipe(recipe, overrides), load_snapshot(ws, snapshot), choose_device(device)
    fields = [word.strip() for word in field.split(",") if word.strip()]
    check_split(frozen, allow_random_split)
    resolved = {**chosen.model_dump(), "fields": fields}
    if not again and (done := done_before(ws, frozen, resolved)):
        return done
    rows = {part: labelled_rows(ws, frozen, part, fields) for part in ("train", "validation")}
    rows = {part: faceless(ws, found) for part, found in rows.items()} if chosen.blur_faces else rows
    heads = heads_of(rows["train"], fields, f"snapshot {frozen.name}")
    targets = {part: target_matrix(found, heads.values, heads.multi) for part, found in rows.items()}
    counts = {part: len(found) for part, found in rows.items()}
    run = open_run(ws, frozen, resolved, "tagging", chosen.seed, counts)
    with record.locked(run.folder):
        seed_everything(chosen.seed)
        extractor = feature_extractor(chosen.backbone, chosen.weights)
        net = TagNet(extractor, chosen.backbone, heads.counts, chosen.dropout)
        work = Work(ws, chosen, run, net, heads, rows, targets, device, progress)
        return (_train_linear if chosen.method == "linear" else _train_whole)(work)


def labelled_rows(ws: Workspace, frozen: Snapshot, part: str, fields: Sequence[str]) -> list[Row]:
    """Rows of a part with a label in one of `fields` that the workspace's taxonomy asks for. Raises EmptyError."""
    rows = asked_rows(rows_of(frozen, part), taxonomy_of(ws))
    found = [row for row in rows if any(name in row["labels"] for name in fields)]
    if not found:
        known = taxonomy_of(ws).fields
        if unknown := [name for name in fields if name not in known]:
            raise UsageError(f"--field {','.join(unknown)}: the taxonomy has no such field", expected=", ".join(known))
        raise EmptyError(
            f"no image in the {part} part has a label in {', '.join(fields)}",
            where=f"snapshot {frozen.name}",
            cure="Run `modiste label tags`, then take a new snapshot",
        )
    return found


def _train_linear(work: Work) -> RunResult:
    wall, cpu = time.perf_counter(), time.process_time()
    features = _fit_frozen(work)
    with torch.inference_mode():
        found = work.net.cpu().heads_on(torch.from_numpy(features))
    logits = {field: value.numpy() for field, value in found.items()}
    return _close(work, logits, wall, cpu, len(work.recipe.strengths), 0)


def _fit_frozen(work: Work) -> Floats:
    """Fit the heads to the backbone as it is and write metrics.csv; returns (N, d) unit vectors of validation."""
    rows, net = work.rows, work.net
    features = embed_rows(work.ws, rows["train"] + rows["validation"], net, work.recipe, work.device, work.progress)
    train, validation = np.split(features, [len(rows["train"])])
    fitted = fit_heads((train * net.scale, validation * net.scale), work.targets, work.heads, work.recipe)
    put_heads(net, fitted)
    history = [
        {"field": field, "strength": strength, "score": round(score, 6)}
        for field, found in fitted.items()
        for strength, score in found.tried
    ]
    record.write_csv(work.run.folder / "metrics.csv", history)
    return np.asarray(validation)


def _train_whole(work: Work) -> RunResult:
    wall, cpu = time.perf_counter(), time.process_time()
    recipe, net, targets = work.recipe, work.net, work.targets
    try:
        if recipe.warm_start and not (work.run.folder / CHECKPOINT).is_file():  # which holds fitted heads already
            _fit_frozen(work)
        squares = {part: _squares(work, part) for part in work.rows}
        loop = TaggingLoop(net, recipe, work.heads, targets["train"])
        training = TagPhotos(squares["train"], targets["train"], recipe)
        validation = plain_loader(Photos(squares["validation"], targets["validation"]), recipe.batch)
        loader = train_loader(training, recipe.batch, recipe.workers, recipe.seed)
        fit(loop, loader, validation, work.run.folder, work.device, work.progress)
    except BaseException:
        record.add_time(work.run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu)
        raise
    net.load_state_dict(loop.best)
    logits = _flipped_logits(net.to(work.device).eval(), validation, recipe, work.device)
    return _close(work, logits, wall, cpu, len(loop.history), loop.best_epoch)


def _squares(work: Work, part: str) -> UInt8:
    """(N, S, S, 3), memory-mapped."""
    rows, side = work.rows[part], work.recipe.side
    words = derived(0, *(row["sha256"] for row in rows))
    key = f"{work.run.data['fingerprint'][:16]}-{part}-{words:08x}-square{side}{blur_key(rows)}"
    return cached(work.ws, rows, key, lambda row: square(work.ws, row, side))


def _flipped_logits(net: TagNet, loader: Any, recipe: TaggingRecipe, device: str) -> dict[str, Floats]:
    with torch.inference_mode():
        found = [net.heads_on(both_flips(net, photos.float().to(device), recipe.flips)) for photos, _ in loader]
    return {field: torch.cat([each[field] for each in found]).float().cpu().numpy() for field in found[0]}


def _close(work: Work, logits: dict[str, Floats], wall: float, cpu: float, tries: int, best: int) -> RunResult:
    """Calibrate on validation, write the weights with their facts, then 'done'."""
    heads, run, truth = work.heads, work.run, work.targets["validation"]
    calibrated = calibration_of(logits, truth, heads, work.recipe.precision)
    recipe = {key: value for key, value in run.data["recipe"].items() if key != "fields"}
    facts = {
        **{key: run.data[key] for key in ("task", "snapshot", "fingerprint", "taxonomy")},
        "recipe": recipe, "run": run.id, "record": record.compact(run),
        "fields": list(heads.values), "values": dict(heads.values), "multi": sorted(heads.multi), **calibrated,
        "input": [work.recipe.side] * 2,
    }  # fmt: skip
    weights = save_weights(run.folder / WEIGHT_FILE, work.net.state_dict(), facts)
    results = {
        **_selection(logits, work), "best_epoch": best, "epochs": tries, "weights": weights, "device": work.device,
        "temperature": calibrated["temperature"], "floor": calibrated["floor"],
    }  # fmt: skip
    run = record.finish(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, results=results)
    return result_of(run)


def calibration_of(
    logits: Mapping[str, Floats], targets: Ints, heads: Heads, precision: float
) -> dict[str, dict[str, Any]]:
    """`temperature`, `floor` and `floors` (how each floor was chosen) of every field, from validation."""
    temperature, floors = {}, {}
    for field in heads.values:
        truth = heads.truth(targets, field)
        temperature[field] = temperature_of(logits[field], truth)
        chances = chances_of(logits[field], temperature[field], field in heads.multi)
        floors[field] = floor_of(*answers_of(chances, truth), precision, least_floor(truth))
    return {
        "temperature": temperature,
        "floor": {field: each.floor for field, each in floors.items()},
        "floors": {field: each.as_facts() for field, each in floors.items()},
    }


def _selection(logits: Mapping[str, Floats], work: Work) -> dict[str, Any]:
    """The validation score, its n and interval, and the answer that is most frequent in training beside it."""
    heads, targets = work.heads, work.targets
    truth = targets["validation"]
    score = score_of(logits, truth, heads)
    n = sum(field_score(logits[field], heads.truth(truth, field), field in heads.multi)[1] for field in heads.values)
    low, high = wilson(round(score * n), n)
    always = {field: np.tile(_often(targets["train"], heads, field), (len(truth), 1)) for field in heads.values}
    name = "validation mean average precision" if set(heads.values) == heads.multi else "validation accuracy"
    return {
        "score_name": name if not heads.multi or set(heads.values) == heads.multi else "validation score",
        "score": score, "n": n, "low": low, "high": high,
        "baseline_name": "majority", "baseline": score_of(always, truth, heads),
    }  # fmt: skip


def _often(targets: Ints, heads: Heads, field: str) -> Floats:
    """(K,) how often each value is in training: as logits, the trivial answer."""
    truth = heads.truth(targets, field)
    if field in heads.multi:
        return np.asarray(truth[(truth >= 0).all(1)].sum(0), dtype=np.float32)
    return np.asarray(np.bincount(truth[truth >= 0], minlength=len(heads.values[field])), dtype=np.float32)
