"""Opening and telling runs, the same for every task: resume, or know that it was done already, or start.

In: a workspace, a frozen snapshot, a resolved recipe. Out: a run to work in, or the `RunResult` of one that is done.
Never trains.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset.errors import TrainingError
from dataset.marks import marks
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import record
from train.recipe_models import completed


@dataclass(frozen=True)
class RunResult:
    """A finished run. `score` is the selection score on validation (optimistic: best of `epochs`)."""

    run: str
    task: str
    recipe: str
    score_name: str
    score: float
    best_epoch: int
    epochs: int
    n_train: int
    n_validation: int
    wall_s: float
    how: str

    def line(self) -> str:
        best = f"{self.score_name} {self.score:.3f} (n = {self.n_validation}, best of {self.epochs})"
        return f"{self.how} {self.recipe} on {self.n_train} photos in {self.wall_s:.0f} s: {best}; run {self.run}"


def result_of(run: record.Run, how: str = "trained") -> RunResult:
    """What a finished run's record says of it."""
    found, counts = run.data["results"], run.data["counts"]
    return RunResult(
        run.id, run.task, run.data["recipe"]["name"], found["score_name"], found["score"], found["best_epoch"],
        found["epochs"], counts["train"], counts["validation"], run.data["wall_s"], how,
    )  # fmt: skip


def check_split(frozen: Snapshot, allow_random: bool) -> None:
    """Raise TrainingError for rows split at random, which puts pictures of one product on both sides of a test."""
    rules = [json.loads(rule) for rule in frozen.meta.get("split_rule", [])]
    if not allow_random and any(rule.get("strategy") == "random" for rule in rules):
        raise TrainingError(
            "was split at random, so its test part leaks",
            where=f"snapshot {frozen.name}",
            cure="Split by group (modiste split) and take a new snapshot, or compare with --allow-random-split",
        )


def same_work(run: record.Run, recipe: Mapping[str, Any], fingerprint: str) -> bool:
    """Whether the run is of this recipe, which came out of today's code, and of this data."""
    same_data = run.data["fingerprint"] == fingerprint
    return same_data and completed(run.data["recipe"], run.task) == completed(recipe, run.task)


def unfinished(ws: Workspace, recipe: Mapping[str, Any], fingerprint: str) -> list[record.Run]:
    """Runs of exactly this recipe and data that were cut off, newest first."""
    same = (run for run in record.list_runs(ws) if same_work(run, recipe, fingerprint))
    return [run for run in same if not run.done][::-1]


def done_before(ws: Workspace, frozen: Snapshot, recipe: Mapping[str, Any]) -> RunResult | None:
    """The newest finished run of exactly this recipe and these rows, if there is one with its weights."""
    for run in reversed(record.list_runs(ws)):
        if (
            same_work(run, recipe, frozen.fingerprint)
            and run.done
            and (run.folder / "model.safetensors").is_file()
            and not marks(run.folder)
        ):
            return result_of(run, "trained already (--again trains anew):")
    return None


def open_run(
    ws: Workspace, frozen: Snapshot, recipe: Mapping[str, Any], task: str, seed: int, counts: Mapping[str, int]
) -> record.Run:
    """The newest run of this recipe and data that was cut off and that no other process is at, or a new one."""
    for run in unfinished(ws, recipe, frozen.fingerprint):
        with record.locked(run.folder) as free:
            if free:
                return record.resume(run)
    return record.new_run(
        ws, task=task, recipe=recipe, snapshot=frozen.name, fingerprint=frozen.fingerprint,
        taxonomy=", ".join(frozen.meta.get("taxonomy", [])), seeds={"seed": seed}, counts=counts,
    )  # fmt: skip
