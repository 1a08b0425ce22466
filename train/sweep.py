"""A sweep: many trainings of one recipe on one snapshot, settings varied, the best by its validation score.

In: a task, a snapshot, a recipe, axes to vary. Out: a normal run a trial (with `sweep.json` beside its record), the
study in `sweeps/`, a `SweepResult`. A trial that fails is a row; a killed sweep goes on with the trial it was at. The
test part is read by `evaluate_best` alone, once, for the chosen run, when asked.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.errors import ModisteError, StorageError, TrainingError, UsageError
from dataset.progress import Progress, silent
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.sweep_result import SweepResult, judged, result_of_study, write_rows
from train.sweep_space import Axis, fitted, grid, overrides
from train.sweep_study import SAMPLERS, Asked, opened, rows_of, sampler_for
from train.sweep_trainers import RECIPES, resolver, train

if TYPE_CHECKING:
    from optuna import Study, Trial

    from train.runs import RunResult

BESIDE = "sweep.json"  # in the folder of a run that a sweep asked for
_IN_A_ROW = 3  # trials that fail alike, before any was done, end a sweep
_PARTS = 1000  # of a trial, for the bar
Train = Callable[[dict[str, Any], Progress], "RunResult"]


class Pruned(Exception):
    """Raised out of a training whose epochs lie under the others'. Its run stays as a killed one does."""


def sweep(
    ws: Workspace,
    task: str,
    *,
    snapshot: str,
    axes: Sequence[Axis],
    recipe: str | None = None,
    field: str = "type",
    fixed: dict[str, Any] | None = None,
    trials: int = 20,
    name: str | None = None,
    seed: int = 0,
    sampler: str = "tpe",
    prune: bool = False,
    device: str = "auto",
    allow_random_split: bool = False,
    evaluate_best: bool = False,
    progress: Progress = silent,
) -> SweepResult:
    """Train until there are `trials` of them, with the recipe keys `fixed` in each, and tell the best. A space of no
    more points than that is gone through whole. `prune` stops a trial under the others' median at its epoch.

    Raises UsageError or SettingsError (task, space, recipe, or a study of another question), SnapshotError,
    WorkspaceError (another process is at it), TrainingError (no trial could be trained), StorageError.
    """
    _check(task, trials, sampler)
    resolve = resolver(task, recipe, field)
    axes, base = tuple(fitted(axes, resolve, fixed or {})), resolve(dict(fixed or {}))
    frozen = load_snapshot(ws, snapshot)
    asked = Asked(task, snapshot, frozen.fingerprint, base, axes, seed, sampler, prune)

    def one(changes: dict[str, Any], watch: Progress) -> RunResult:
        known: dict[str, Any] = {"snapshot": snapshot, "recipe": recipe or RECIPES[task], "overrides": changes}
        known |= {"device": device, "allow_random_split": allow_random_split, "progress": watch}
        return train(ws, task, frozen, known, field)

    word = name or asked.name
    with opened(ws, asked, word) as study:
        _Sweep(ws, word, asked, dict(fixed or {}), study, one, progress).run(trials)
        result = result_of_study(ws, word, asked, study)
    return judged(ws, result) if evaluate_best else result


def _check(task: str, trials: int, sampler: str) -> None:
    if task not in RECIPES:
        raise UsageError(f"task '{task}'", expected=", ".join(RECIPES))
    if trials < 1:
        raise UsageError(f"{trials} trials", expected="1 or more")
    if sampler not in SAMPLERS:
        raise UsageError(f"sampler '{sampler}'", expected=" or ".join(SAMPLERS))


class _Sweep:
    """The trials of one study, one after the other."""

    def __init__(
        self, ws: Workspace, name: str, asked: Asked, fixed: dict[str, Any], study: Study, train: Train, bar: Progress
    ) -> None:
        self.ws, self.name, self.asked, self.fixed = ws, name, asked, fixed
        self.study, self.train, self.bar = study, train, bar
        self.points = grid(asked.axes)

    def run(self, trials: int) -> None:
        if self.points is not None and len(self.points) <= trials:
            trials = len(self.points)
        else:
            self.points = None
        while (number := self._finished()) < trials:
            self.bar(number * _PARTS, trials * _PARTS)
            self._trial(self._next(number), number, trials)
            write_rows(self.ws, self.name, rows_of(self.study))
            self._give_up()
        self.bar(trials * _PARTS, trials * _PARTS)

    def _finished(self) -> int:
        return sum(trial.state.is_finished() for trial in self.study.get_trials(deepcopy=False))

    def _next(self, number: int) -> Trial:
        """The trial that was cut off, or a new one."""
        import optuna

        self.study.sampler = sampler_for(self.asked, number)
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state.name == "RUNNING":
                return optuna.trial.Trial(self.study, trial._trial_id)
        waiting = any(trial.state.name == "WAITING" for trial in self.study.get_trials(deepcopy=False))
        if self.points is not None and not waiting:
            self.study.enqueue_trial(self.points[number])
        return self.study.ask()

    def _trial(self, trial: Trial, number: int, trials: int) -> None:
        """Train one and tell the study; a failure is told too, but for a full disk, which no other trial would mend."""
        from optuna.trial import TrialState

        drawn = {axis.key: axis.value(_suggested(trial, axis)) for axis in self.asked.axes}
        trial.set_user_attr("over", drawn)
        watch = _Watch(trial, self.asked.prune, self.bar, number, trials)
        try:
            result = self.train(overrides(self.asked.recipe, self.fixed, drawn), watch)
            if not math.isfinite(result.score):
                raise TrainingError(f"its validation score is {result.score}", where=f"run {result.run}")
        except Pruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        except StorageError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            trial.set_user_attr("error", _words(error))
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            self._keep(trial, result, drawn)

    def _keep(self, trial: Trial, result: RunResult, drawn: dict[str, Any]) -> None:
        found = record.load(self.ws, result.run).data["results"]
        told = {"run": result.run, "wall_s": result.wall_s, "score_name": result.score_name}
        told |= {"low": found.get("low"), "high": found.get("high"), "n": found.get("n", result.n_validation)}
        for key, value in told.items():
            trial.set_user_attr(key, value)
        _beside(self.ws.runs / result.run, {"sweep": self.name, "trial": trial.number, "over": drawn})
        self.study.tell(trial, result.score)

    def _give_up(self) -> None:
        """Raise TrainingError where nothing was done yet and the first trials failed alike: the rest would too."""
        rows = rows_of(self.study)
        failed = [row.error for row in rows if row.state == "failed"]
        if len(failed) == len(rows) >= _IN_A_ROW and len(set(failed)) == 1:
            told = f"{len(failed)} trials failed alike: {failed[0]}"
            raise TrainingError(told, where=f"sweep {self.name}", cure="Mend that, then run the same command again")


class _Watch:
    """The progress of one trial, as its training calls it: the bar's part, and each epoch told to the study."""

    def __init__(self, trial: Trial, prune: bool, bar: Progress, number: int, trials: int) -> None:
        self.trial, self.prune, self.bar, self.number, self.trials = trial, prune, bar, number, trials

    def __call__(self, done: int, total: int | None) -> None:
        part = min(done / total, 1.0) if total else 0.0
        self.bar(int((self.number + part) * _PARTS), self.trials * _PARTS)

    def epoch(self, number: int, score: float) -> None:
        """Called by `train.loop` after each epoch. Raises Pruned."""
        self.trial.report(score, number)
        if self.prune and self.trial.should_prune():
            raise Pruned


def _suggested(trial: Trial, axis: Axis) -> Any:
    if axis.choices:
        return trial.suggest_categorical(axis.key, axis.choices)
    if axis.whole:
        return trial.suggest_int(axis.key, int(axis.low), int(axis.high), log=axis.log)
    return trial.suggest_float(axis.key, axis.low, axis.high, log=axis.log)


def _beside(folder: Path, entry: dict[str, Any]) -> None:
    """Add to the run's `sweep.json`: two sweeps, or two trials, may have come upon the same recipe."""
    path, known = folder / BESIDE, []
    with contextlib.suppress(OSError, ValueError):
        known = list(json.loads(path.read_text(encoding="utf-8"))["trials"])
    if entry not in known:
        record.write_json(path, {"trials": [*known, entry]})


def _words(error: Exception) -> str:
    said = (str(error).strip().splitlines() or [""])[0][:300]
    return said if isinstance(error, ModisteError) else f"{type(error).__name__}: {said}"
