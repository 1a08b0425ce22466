"""Train a recorded run again: say what differs from its record first, then compare what comes out, bit by bit.

In: a run (or a folder with its record) and a workspace. Out: `Difference`s before anything is trained, then another
run and a `Retrained`. Stops where something differs, unless told to go on. Never changes the old run. What a take-down
makes necessary is another thing: `dataset/retrain.py`.
"""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dataset.errors import TrainingError, UsageError
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from train import record
from train.begin import recorded_begin
from train.loop import choose_device
from train.recipe_models import BESIDE
from train.retrain_check import Difference, differences, resolved_again
from train.runs import RunResult

UNLIKE = 3
TIMED = ("photos_per_s",)


@dataclass(frozen=True)
class Retrained:
    """`same_weights`, `same_steps` (every figure of every step) and `same_score` compare with the old run."""

    old: str
    run: str
    same_weights: bool
    same_steps: bool
    old_score: float
    score: float
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return self.same_weights and self.same_steps and self.old_score == self.score

    @property
    def exit_code(self) -> int:
        return 0 if self.equal else UNLIKE

    def line(self) -> str:
        lines = [f"  {each.line()}" for each in self.differences]
        if self.equal:
            return "\n".join([f"{self.old} again: {self.run} is equal, bit by bit; score {self.score:.6f}", *lines])
        unlike = [name for name, same in (("weights", self.same_weights), ("steps", self.same_steps)) if not same]
        score = f"score {self.old_score:.6f} then, {self.score:.6f} now ({self.score - self.old_score:+.6f})"
        return "\n".join(
            [f"{self.old} again: {self.run} has other {' and '.join(unlike) or 'scores'}; {score}", *lines]
        )


def retrain(
    ws: Workspace,
    run: str,
    *,
    snapshot: str | None = None,
    anyway: bool = False,
    progress: Progress = silent,
) -> Retrained:
    """Replay the record of `run`, an id or the folder of one from elsewhere. `snapshot` takes the data's place.

    Raises TrainingError that names every difference, unless `anyway`; and where there is no data or device to train on.
    """
    old = find_run(ws, run)
    found = differences(ws, old, snapshot)
    if any(each.stops for each in found) and not anyway:
        raise _stopped(old, found)
    if any(each.fatal for each in found):
        raise _stopped(old, [each for each in found if each.fatal])
    done = record.load(ws, _replayed(ws, old, snapshot or str(old.data["snapshot"]), progress).run)
    return _compared(old, done, tuple(found))


def find_run(ws: Workspace, run: str) -> record.Run:
    """A finished run, an edited one too: `differences` names that. Raises EmptyError, TrainingError, UsageError."""
    folder = Path(run) if Path(run).is_absolute() or "/" in run else ws.runs / run
    known = {each.id for each in record.list_runs(ws)}
    if "/" not in run and run not in known:
        return record.load(ws, run)  # 'latest', or the error that lists the newest
    if not (folder / "run.json").is_file():
        raise UsageError(f"there is no record in {run}", expected="a run's id, or its folder")
    found = record.read_run(folder)
    if not found.done:
        raise TrainingError("is not finished", where=f"run {found.id}", cure="Run its train command again: it goes on")
    return found


def _replayed(ws: Workspace, old: record.Run, snapshot: str, progress: Progress) -> RunResult:
    """Train by the record's own resolved recipe, with its thread count: sums in another order are other bits."""
    import torch

    before, recorded = torch.get_num_threads(), old.data.get("threads", {}).get("torch")
    torch.set_num_threads(recorded or before)
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "recorded.yaml"
            recipe = {key: value for key, value in old.data["recipe"].items() if key not in BESIDE}
            file.write_text(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), encoding="utf-8")
            return _train(ws, old, snapshot, str(file), progress)
    finally:
        torch.set_num_threads(before)


def _train(ws: Workspace, old: record.Run, snapshot: str, recipe: str, progress: Progress) -> RunResult:
    known: dict[str, Any] = {
        "snapshot": snapshot, "recipe": recipe, "device": choose_device(_device(old)), "again": True,
        "allow_random_split": True, "progress": progress,
    }  # fmt: skip
    if old.task == "segmentation":
        from train.segmentation import train_segmentation

        return train_segmentation(ws, **known, begin=recorded_begin(old.data["recipe"]))
    if old.task == "similar":
        from train.metric import train_similar

        return train_similar(ws, **known)
    if old.task == "generation":
        from train.generation import train_generation

        return train_generation(ws, **known)
    if old.task == "restoration":
        from train.restoration import train_restoration

        return train_restoration(ws, **known)
    from train.tagging import train_tagging

    return train_tagging(ws, **known, field=",".join(old.data["recipe"]["fields"]))


def _device(old: record.Run) -> str:
    """The record's device, or what there is: `differences` has said so by then."""
    import torch

    wanted = str(old.data["results"].get("device", "auto"))
    return wanted if wanted != "cuda" or torch.cuda.is_available() else "cpu"


def _compared(old: record.Run, new: record.Run, found: tuple[Difference, ...]) -> Retrained:
    a, b = old.data["results"], new.data["results"]
    same_steps = all(_figures(old.folder / name) == _figures(new.folder / name) for name in _logs(old))
    return Retrained(old.id, new.id, a["weights"] == b["weights"], same_steps, a["score"], b["score"], found)


def _logs(old: record.Run) -> list[str]:
    return [name for name in ("metrics.csv", "steps.csv") if (old.folder / name).is_file()]


def _figures(path: Path) -> list[dict[str, str]]:
    """The rows of a log without what is only a speed."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [{key: value for key, value in row.items() if key not in TIMED} for row in csv.DictReader(file)]


def _stopped(old: record.Run, found: list[Difference]) -> TrainingError:
    told = " | ".join(each.line() for each in found if each.stops)
    fatal = any(each.fatal for each in found)
    cure = "There is nothing to train on" if fatal else "Mend it, or train all the same: --anyway"
    return TrainingError(f"can't be made again as it was: {told}", where=f"run {old.id}", cure=cure)


@dataclass(frozen=True)
class Plan:
    """What `retrain` would say before it starts; `recipe` is what it would train by."""

    run: str
    differences: tuple[Difference, ...]
    recipe: dict[str, Any]

    @property
    def exit_code(self) -> int:
        return 1 if any(each.stops for each in self.differences) else 0

    def line(self) -> str:
        if not self.differences:
            return f"{self.run}: nothing differs from its record"
        return "\n".join([f"{self.run}: {len(self.differences)} differ", *(f"  {d.line()}" for d in self.differences)])


def plan(ws: Workspace, run: str, *, snapshot: str | None = None) -> Plan:
    """Only the comparison; trains nothing."""
    old = find_run(ws, run)
    recipe, _ = resolved_again(old)
    return Plan(old.id, tuple(differences(ws, old, snapshot)), recipe or dict(old.data["recipe"]))
