"""What a sweep found, for people and for JSON: the best trial, the spread of all, what the score moved with.

In: a study. Out: a `SweepResult`, and `sweeps/<name>.csv` with a row a trial. `judged` reads the test part for the
best run, unless it was read before; nothing else here or in `train.sweep` does.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dataset.errors import TrainingError
from dataset.workspace import Workspace
from train import record
from train.figure import Figure
from train.sweep_study import Asked, TrialRow, importance, rows_of, study_path

if TYPE_CHECKING:
    from optuna import Study


@dataclass(frozen=True)
class SweepResult:
    """`best` is chosen on validation, so its score is optimistic; `alike` counts done trials inside its 95 % interval.
    `importance` is {key: share of the variance}. `test` is what the best scored on the test part, where that was asked
    for, and `test_read` whether this call read it."""

    study: str
    file: str
    task: str
    recipe: str
    snapshot: str
    score_name: str
    best: TrialRow
    trials: tuple[TrialRow, ...]
    lowest: float
    median: float
    alike: int
    importance: dict[str, float] = field(default_factory=dict)
    test: str | None = None
    test_read: bool = False

    def count(self, state: str) -> int:
        return sum(row.state == state for row in self.trials)

    def line(self) -> str:
        return "\n".join([self._best_words(), self._spread_words(), *self._importance_words(), *self._test_words()])

    def _best_words(self) -> str:
        found, settings = self.best, ", ".join(f"{key} {_short(value)}" for key, value in self.best.over.items())
        spread = f" [{found.low:.3f}, {found.high:.3f}]" if found.low is not None and found.high is not None else ""
        n = f", n = {found.n}" if found.n is not None else ""
        told = f"{self.score_name} {found.score or 0:.4f}{spread} (best of {self.count('done')}, so optimistic{n})"
        return f"sweep {self.study}: {told} by {settings}; run {found.run}"

    def _spread_words(self) -> str:
        states = ", ".join(f"{self.count(s)} {s}" for s in ("done", "pruned", "failed", "running") if self.count(s))
        failed = next((row.error for row in self.trials if row.state == "failed"), None)
        reason = f" (first: {failed})" if failed else ""
        spread = f"scores {self.lowest:.4f} to {self.best.score or 0:.4f}, median {self.median:.4f}"
        return f"  {states}{reason}; {spread}; {self.alike} of {self.count('done')} inside the best one's interval"

    def _importance_words(self) -> list[str]:
        if not self.importance:
            return []
        done = self.count("done")
        few = "" if done >= 20 else "; so few trials say little"
        lines = [f"    {share:5.2f}  {key}" for key, share in self.importance.items()]
        return [f"  what the score moved with (fANOVA, {done} trials{few}):", *lines]

    def _test_words(self) -> list[str]:
        if self.test is None:
            return []
        return [f"  on the test part, {'read now, once' if self.test_read else 'read before'}: {self.test}"]


def write_rows(ws: Workspace, name: str, rows: Sequence[TrialRow]) -> None:
    """`sweeps/<name>.csv`: a row a trial, what was varied in columns of its own."""
    flat = []
    for row in rows:
        varied = {f"over {key}": _short(value) for key, value in row.over.items()}
        flat.append({key: value for key, value in asdict(row).items() if key != "over"} | varied)
    record.write_csv(study_path(ws, name).with_suffix(".csv"), flat)


def result_of_study(ws: Workspace, name: str, asked: Asked, study: Study) -> SweepResult:
    """Raises TrainingError where no trial was done."""
    rows = rows_of(study)
    done = [row for row in rows if row.state == "done" and row.score is not None]
    if not done:
        failed = next((row.error for row in rows if row.error), "none was trained to its end")
        raise TrainingError(f"no trial of {len(rows)} was done: {failed}", where=f"sweep {name}")
    scores = [float(row.score) for row in done if row.score is not None]
    best = done[scores.index(max(scores))]
    alike = sum(score >= (best.low if best.low is not None else max(scores)) for score in scores)
    told = next(trial.user_attrs for trial in study.get_trials(deepcopy=False) if trial.number == best.number)
    return SweepResult(
        name, str(study_path(ws, name)), asked.task, str(asked.recipe.get("name", "")), asked.snapshot,
        str(told["score_name"]), best, tuple(rows), min(scores), statistics.median(scores), alike,
        importance(study, asked.axes),
    )  # fmt: skip


def judged(ws: Workspace, result: SweepResult) -> SweepResult:
    """Read the test part for the best run, unless it was read before."""
    from train.evaluate import evaluate

    run = record.load(ws, str(result.best.run))
    if run.evaluation.get("part") == "test":
        return replace(result, test=_figure(result, [Figure(**row) for row in run.evaluation["rows"]]))
    found = evaluate(ws, run=run.id, part="test")
    return replace(result, test=_figure(result, found.rows), test_read=True)


def _figure(result: SweepResult, rows: Sequence[Figure]) -> str:
    """The test figure of what was selected by, where the judgement has it; else its first."""
    wanted = result.score_name.removeprefix("validation ")
    tested = [row for row in rows if row.part == "test"]
    return next((row for row in tested if row.metric == wanted), tested[0]).line()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
