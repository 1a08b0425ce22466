"""The trainings that a sweep may ask for: segmentation, tagging, similar; how each resolves a recipe and trains.

In: a task and a recipe's name. Out: a function from overrides to the resolved recipe, and one that trains. What trains
is what `modiste train` calls, so a trial is a normal run. Never reads the test part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset.errors import EmptyError
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train.sweep_space import Resolve

if TYPE_CHECKING:
    from train.runs import RunResult

RECIPES = {"segmentation": "segmentation/fast", "tagging": "tagging/linear", "similar": "similar/linear"}


def resolver(task: str, recipe: str | None, field: str) -> Resolve:
    """overrides -> the resolved recipe of `task`, the tagging fields among its keys."""
    name = recipe or RECIPES[task]
    if task == "similar":
        from train.metric_recipe import similar_recipe

        return lambda changes: similar_recipe(name, changes).model_dump()
    from train.recipe import segmentation_recipe, tagging_recipe

    if task == "segmentation":
        return lambda changes: segmentation_recipe(name, changes).model_dump()
    fields = [word.strip() for word in field.split(",") if word.strip()]
    return lambda changes: {**tagging_recipe(name, changes).model_dump(), "fields": fields}


def train(ws: Workspace, task: str, frozen: Snapshot, known: dict[str, Any], field: str) -> RunResult:
    """One training of `task`; `known` are the keywords that all three take."""
    if task == "segmentation":
        from train.segmentation import train_segmentation

        return train_segmentation(ws, **known)
    if task == "tagging":
        from train.tagging import train_tagging

        return train_tagging(ws, field=field, **known)
    from train.metric import train_similar

    _refuse_missing_vectors(ws, frozen, known)
    return train_similar(ws, **known)


def _refuse_missing_vectors(ws: Workspace, frozen: Snapshot, known: dict[str, Any]) -> None:
    """`train similar` computes every vector that is missing, those of test photos too: a sweep opens none of them."""
    from train.metric import load_encoder
    from train.metric_recipe import similar_recipe

    chosen = similar_recipe(known["recipe"], known["overrides"])
    encoder = load_encoder(chosen.backbone, chosen.weights, chosen.side, chosen.flips, known["device"]).name
    there = ws.tables.query("SELECT sha256 FROM embeddings WHERE encoder = ?", parameters=[encoder])
    missing = set(frozen.rows["sha256"].to_pylist()) - set(there["sha256"].to_pylist())
    if missing:
        raise EmptyError(
            f"{len(missing)} of the snapshot's images have no vector of {encoder}", where=f"snapshot {frozen.name}",
            cure="Run modiste embed first: a sweep opens no photo of the test part, so it computes none",
        )  # fmt: skip
