"""A sweep's study: one SQLite file in the workspace, `sweeps/<name>.sqlite`, that a killed sweep goes on from.

In: what is swept (`Asked`). Out: an Optuna study held by this process alone, and its trials as plain rows. A study
belongs to one question: another recipe, space, snapshot or seed under its name is refused by the key that differs.
Never trains.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.errors import DataError, TrainingError, UsageError, WorkspaceError
from dataset.workspace import Workspace
from train.code_state import hash_of
from train.seeding import derived
from train.sweep_space import Axis

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

FOLDER = "sweeps"
SAMPLERS = ("tpe", "random")
_ASKED = "asked"


@dataclass(frozen=True)
class Asked:
    """The question a study answers; `recipe` is resolved, without what is varied on top."""

    task: str
    snapshot: str
    fingerprint: str
    recipe: dict[str, Any]
    axes: tuple[Axis, ...]
    seed: int
    sampler: str
    prune: bool

    def words(self) -> dict[str, Any]:
        """As it is kept in the study. The snapshot's name is not part of it: its rows' fingerprint is."""
        over = sorted(axis.words() for axis in self.axes)
        return {
            "task": self.task, "fingerprint": self.fingerprint, "recipe": self.recipe, "over": over,
            "seed": self.seed, "sampler": self.sampler, "prune": self.prune,
        }  # fmt: skip

    @property
    def name(self) -> str:
        """The same for the same question, so that the same command goes on."""
        word = str(self.recipe.get("name") or self.task).split("/")[-1]
        return f"{self.task}-{word}-{hash_of(self.words())[:8]}"


@dataclass(frozen=True)
class TrialRow:
    """One trial; `state` is done, pruned, failed or running (cut off: the same command goes on with it). `score` is on
    validation: of a pruned trial the last epoch's, None where there is none. `over` is what was varied."""

    number: int
    state: str
    score: float | None
    low: float | None
    high: float | None
    n: int | None
    run: str | None
    wall_s: float
    over: dict[str, Any]
    error: str | None


def study_path(ws: Workspace, name: str) -> Path:
    return ws.root / FOLDER / f"{name}.sqlite"


@contextlib.contextmanager
def opened(ws: Workspace, asked: Asked, name: str) -> Iterator[Study]:
    """The study, made if there is none. Raises WorkspaceError (another sweep is at it), UsageError (it answers another
    question), DataError (no study), TrainingError (Optuna is missing)."""
    optuna = _optuna()
    ws.scratch(FOLDER)
    path = study_path(ws, name)
    with _held(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental marks, and steps told twice after a kill
        storage = None
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
            study = optuna.create_study(
                storage=storage, study_name=name, direction="maximize", load_if_exists=True, pruner=_pruner(asked)
            )
            _refuse_another(study, asked, name)
        except (UsageError, KeyboardInterrupt):
            raise
        except Exception as error:  # SQLAlchemy's and alembic's own, and Optuna's for a table it doesn't know
            cure = "Delete it, and the same command begins anew; what was trained is found again"
            raise DataError(f"is no study of this version: {_first(error)}", where=str(path), cure=cure) from error
        try:
            yield study
        finally:
            storage.remove_session()
            storage.engine.dispose()


def sampler_for(asked: Asked, number: int) -> BaseSampler:
    """Proposes trial `number` from the trials before it and the seed alone: a killed sweep asks what an unbroken one
    would have asked."""
    optuna, seed = _optuna(), derived(asked.seed, "sweep", number)
    if asked.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)


def rows_of(study: Study) -> list[TrialRow]:
    """Every trial that was begun, in order."""
    return [_row(trial) for trial in study.get_trials(deepcopy=False) if trial.state.name != "WAITING"]


def importance(study: Study, axes: Sequence[Axis], least: int = 4) -> dict[str, float]:
    """{key: share of the score's variance}, the largest first, by fANOVA (Hutter et al., 2014) over done trials; {}
    with fewer than `least`, or where all scores are equal."""
    optuna = _optuna()
    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    varied = [axis.key for axis in axes if len({repr(trial.params.get(axis.key)) for trial in done}) > 1]
    if len(done) < least or not varied or len({trial.value for trial in done}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=varied)
    return {key: round(float(share), 4) for key, share in sorted(found.items(), key=lambda each: -each[1])}


def _row(trial: FrozenTrial) -> TrialRow:
    states = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}
    told, last = trial.user_attrs, max(trial.intermediate_values, default=None)
    value = trial.value if trial.state.name == "COMPLETE" else None
    if value is None and last is not None:
        value = trial.intermediate_values[last]
    return TrialRow(
        trial.number, states.get(trial.state.name, "running"), value, told.get("low"), told.get("high"),
        told.get("n"), told.get("run"), float(told.get("wall_s", 0.0)), dict(told.get("over", {})), told.get("error"),
    )  # fmt: skip


def _refuse_another(study: Study, asked: Asked, name: str) -> None:
    words = json.loads(json.dumps(asked.words()))
    known = study.user_attrs.get(_ASKED)
    if known is None:
        study.set_user_attr(_ASKED, words)
    elif known != words:
        other = "; ".join(_differences(known, words))
        cure = "Take another --name, or leave it out: each question has a name of its own"
        raise UsageError(f"answers another question: {other}", where=f"sweep {name}", cure=cure)


def _differences(known: Mapping[str, Any], words: Mapping[str, Any]) -> list[str]:
    told = []
    for key in dict.fromkeys([*known, *words]):
        a, b = known.get(key), words.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            told += _differences(a, b)
        elif a != b:
            told.append(f"{key} was {a!r}, is {b!r}")
    return told


def _pruner(asked: Asked) -> Any:
    """Stops a trial that is under the median of the others at its epoch, after four whole ones and a third of its
    epochs."""
    optuna, epochs = _optuna(), int(asked.recipe.get("epochs", 0))
    if not asked.prune:
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=epochs // 3)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """This process alone is at the study; let go of by the system when it dies."""
    with open(path.with_suffix(".lock"), "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            cure = "Wait for it to end, or take another --name"
            raise WorkspaceError(f"is at work: {file.read().strip()}", where=f"sweep {path.stem}", cure=cure) from error
        file.truncate(0)
        file.write(f"pid {os.getpid()}")
        file.flush()
        yield


def _optuna() -> Any:
    try:
        import optuna
        import optuna.importance
    except ImportError as error:
        raise TrainingError("a sweep needs the package optuna", cure="Run: pip install 'modiste[sweep]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
