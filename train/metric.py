"""Train `similar/linear`: a linear view of a frozen encoder's vectors in which products of one kind lie together.

In: a snapshot, a recipe. Out: a run folder of task 'similar' with `model.safetensors`, which `dataset.similar` applies.
Three parts, each of unit length, then weighed: discriminant directions of the labels (Fisher's, on a within-class
covariance shrunk towards a round one), main directions of the vectors, the colour grid. Shrinkage is chosen on
validation by mAP, a query's own group left out; the test part is never read here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dataset.errors import EmptyError
from dataset.progress import Progress, silent
from dataset.similar import grids_of
from dataset.similar_projection import Projection, projected_name, unit
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.data import Row, rows_of
from train.embeddings import embed, load_encoder
from train.metric_recipe import SimilarRecipe, similar_recipe
from train.metric_score import Asked, asked, intervals
from train.runs import RunResult, check_split, done_before, open_run, result_of
from train.weights import WEIGHT_FILE, save_weights

Floats = npt.NDArray[np.float32]


def train_similar(
    ws: Workspace,
    *,
    snapshot: str,
    recipe: str = "similar/linear",
    overrides: dict[str, Any] | None = None,
    device: str = "auto",
    again: bool = False,
    allow_random_split: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Learn the view; vectors that are missing are computed first (`progress` counts them).

    Raises SettingsError (recipe), SnapshotError, EmptyError (a part without labels, fewer than two classes).
    """
    chosen, frozen = similar_recipe(recipe, overrides), load_snapshot(ws, snapshot)
    check_split(frozen, allow_random_split)
    if not again and (done := done_before(ws, frozen, chosen.model_dump())):
        return done
    rows = {part: _labelled(rows_of(frozen, part), chosen.field, part) for part in ("train", "validation")}
    encoder = load_encoder(chosen.backbone, chosen.weights, chosen.side, chosen.flips, device)
    embed(ws, encoder, progress=progress)
    counts = {part: len(found) for part, found in rows.items()}
    run = open_run(ws, frozen, chosen.model_dump(), "similar", chosen.seed, counts)
    with record.locked(run.folder):
        return _train(ws, run, chosen, encoder.name, rows, encoder.device)


def class_of(row: Row, field: str) -> str:
    """The row's values of all the fields, '' where one is missing."""
    values = [row["labels"].get(name.strip()) for name in field.split(",")]
    return " + ".join(" & ".join(v) if isinstance(v, list) else str(v) for v in values) if all(values) else ""


def vectors_and_grids(ws: Workspace, encoder: str, rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """(n, d) unit vectors and (n, 48) colour grids, NaN where unmeasured. Raises EmptyError for an image without."""
    quoted = encoder.replace("'", "''")
    table = ws.tables.read("embeddings", ["sha256", "vector"], f"encoder = '{quoted}'")
    place = {name: number for number, name in enumerate(table["sha256"].to_pylist())}
    if missing := [row["sha256"] for row in rows if row["sha256"] not in place]:
        raise EmptyError(f"{len(missing)} images have no vector", where=missing[0], cure="Run: modiste embed")
    column = table["vector"].take([place[row["sha256"]] for row in rows]).combine_chunks()
    vectors = np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(len(rows), -1)
    grids = ws.tables.read("images", ["sha256", "colour_grid"])
    known = dict(zip(grids["sha256"].to_pylist(), grids["colour_grid"].to_pylist(), strict=True))
    return unit(vectors), grids_of([known.get(row["sha256"]) for row in rows])


def fit(
    base: str, vectors: Floats, grids: Floats, classes: Sequence[str], recipe: SimilarRecipe, shrinkage: float
) -> Projection:
    """`shrinkage` in [0, 1]: the share of a round covariance of the same trace (Ledoit and Wolf, 2004)."""
    mean = vectors.mean(0)
    centred, names = vectors - mean, np.array(classes)
    words, place, sizes = np.unique(names, return_inverse=True, return_counts=True)
    means = np.stack([centred[names == word].mean(0) for word in words])
    apart = centred - means[place]
    within = apart.T @ apart / len(apart)
    d = len(within)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / d * np.eye(d)
    values, axes = np.linalg.eigh(within.astype(np.float64))
    white = axes / np.sqrt(np.maximum(values, 1e-9)) @ axes.T
    between = (means @ white) * np.sqrt(sizes / sizes.sum())[:, None]
    directions = np.linalg.svd(between, full_matrices=False)[2][: min(recipe.dims, len(words) - 1)]
    look = np.linalg.eigh((centred.T @ centred).astype(np.float64))[1][:, ::-1][:, : recipe.look_dims]
    usable = bool(np.isfinite(grids).any())
    grid_mean = np.nanmean(grids, 0) if usable else np.zeros(grids.shape[1])
    grid_scale = np.nanstd(grids, 0) + 1e-3 if usable else np.ones(grids.shape[1])
    parts = [mean, _signed(white @ directions.T), _signed(look), grid_mean, grid_scale]
    centre, kind, main, low, spread = (np.ascontiguousarray(each, dtype=np.float32) for each in parts)
    return Projection(base, centre, kind, main, low, spread, recipe.look, recipe.colour)


def _signed(columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Each direction with its largest entry positive: a sign is a library's whim."""
    largest = np.take_along_axis(columns, np.abs(columns).argmax(0)[None], axis=0)
    return np.asarray(columns * np.where(largest < 0, -1, 1))


def _labelled(rows: Sequence[Row], field: str, part: str) -> list[Row]:
    found = [row for row in rows if class_of(row, field)]
    if len({class_of(row, field) for row in found}) < 2:
        raise EmptyError(
            f"{len(found)} images with a label in {field}, of fewer than two classes", where=f"the {part} part",
            cure="Run `modiste label tags`, then take a new snapshot",
        )  # fmt: skip
    return found


def _train(
    ws: Workspace, run: record.Run, recipe: SimilarRecipe, base: str, rows: dict[str, list[Row]], device: str
) -> RunResult:
    wall, cpu = time.perf_counter(), time.process_time()
    data = {part: vectors_and_grids(ws, base, found) for part, found in rows.items()}
    words = {part: [class_of(row, recipe.field) for row in found] for part, found in rows.items()}
    groups = [str(row["group_id"] or row["sha256"]) for row in rows["validation"]]
    tried: list[tuple[float, Projection, Asked]] = []
    for shrinkage in recipe.shrinkage:
        view = fit(base, *data["train"], words["train"], recipe, shrinkage)
        tried.append((shrinkage, view, asked(view.apply(*data["validation"]), groups, words["validation"])))
    best = max(range(len(tried)), key=lambda place: tried[place][2].means[-1])
    history = [{"shrinkage": each[0], "score": round(float(each[2].means[-1]), 6)} for each in tried]
    record.write_csv(run.folder / "metrics.csv", history)
    plain = asked(data["validation"][0], groups, words["validation"])
    view, found = tried[best][1], tried[best][2]
    facts = {
        **{key: run.data[key] for key in ("task", "snapshot", "fingerprint", "taxonomy")},
        "recipe": run.data["recipe"], "run": run.id, "record": record.compact(run), "base": base,
        "shrinkage": tried[best][0],
    }  # fmt: skip
    tensors = {name: torch.from_numpy(value) for name, value in view.tensors().items()}
    weights = save_weights(run.folder / WEIGHT_FILE, tensors, facts)
    low, high = intervals(found)[:, -1]
    results = {
        "score_name": "validation mAP", "score": float(found.means[-1]), "best_epoch": best, "epochs": len(tried),
        "n": len(found.scores), "low": float(low), "high": float(high), "baseline_name": "the encoder itself",
        "baseline": float(plain.means[-1]), "weights": weights, "device": device,
        "encoder": projected_name(base, weights),
    }  # fmt: skip
    run = record.finish(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, results=results)
    return result_of(run)
