"""Judge a run on a part of its snapshot: evaluation.json, counts behind every figure, sheets to look at.

In: a finished run. Out: rows {metric, value, low, high, n, part, baseline_name, baseline}. A figure never goes
without its count, its 95 % interval and the trivial baseline. Selection has used validation; the test part is touched
here only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from typing import Any

import pyarrow.compute as pc

from dataset.errors import TrainingError, UsageError
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, fingerprint, load_snapshot
from dataset.strata import PARTS
from dataset.workspace import Workspace
from train import record
from train.figure import Figure

JUDGES = {  # task -> the module whose `judge` gives figures, detail and names of pictures
    "segmentation": "train.judge_segmentation", "tagging": "train.judge_tagging", "similar": "train.metric_judge",
    "generation": "train.generation_judge", "restoration": "train.restoration_judge",
}  # fmt: skip
PREDICTION = ("grabcut_front", "threshold", "flips")  # keys of a segmentation recipe that training doesn't read


@dataclass(frozen=True)
class EvaluationResult:
    """`rows` are figures of `part`; `validation` is the selection score, the best of `tries` and so optimistic.
    `confusions` are {name, classes, matrix} with rows = truth, columns = prediction."""

    run: str
    task: str
    part: str
    rows: tuple[Figure, ...]
    validation_name: str
    validation: float
    tries: int
    confusions: tuple[dict[str, Any], ...]
    detail: dict[str, Any]
    figures: tuple[str, ...]

    def line(self) -> str:
        chosen = f"{self.validation_name} {self.validation:.3f} (best of {self.tries})"
        return f"{self.run}: {chosen}; {self.part} {self.rows[0].line()}"


def evaluate(
    ws: Workspace,
    *,
    run: str = "latest",
    part: str = "test",
    device: str = "cpu",
    prediction: dict[str, Any] | None = None,
    progress: Progress = silent,
) -> EvaluationResult:
    """Judge `run` (an id, 'latest', 'latest:segmentation' or 'latest:tagging') on `part`. Writes evaluation.json last.

    `prediction` changes a segmentation recipe's `PREDICTION` keys for this judgement, which is then told and not kept.
    Raises EmptyError (no run, no rows to judge), UsageError (another key), TrainingError (unfinished run, or the
    snapshot is another one by now).
    """
    if part not in PARTS:
        raise UsageError(f"--part {part}", expected="test or validation")
    found = record.load(ws, run)
    frozen = _judgeable(ws, found)
    judge = import_module(JUDGES[found.task]).judge
    if prediction:
        judge = partial(judge, prediction=_checked(prediction, found.task))
    rows, detail, figures = judge(ws, found, frozen, part, device, progress)
    results = found.data["results"]
    rows.append(selection(found))
    result = EvaluationResult(
        found.id,
        found.task,
        part,
        tuple(rows),
        results["score_name"],
        results["score"],
        results["epochs"],
        tuple(detail.pop("confusions")),
        detail,
        tuple(figures),
    )
    if prediction:
        return result
    judged_on = {"snapshot": frozen.name, "fingerprint": part_fingerprint(frozen, part), "format": record.FORMAT}
    record.write_json(found.folder / "evaluation.json", record.sealed({**asdict(result), "judged_on": judged_on}))
    return result


def _judgeable(ws: Workspace, found: record.Run) -> Snapshot:
    """The snapshot that a finished run learned from. Raises TrainingError where the run can't be judged on it."""
    where = f"run {found.id}"
    if not found.done:
        raise TrainingError("is not finished", where=where, cure="Run its train command again: it goes on")
    frozen = load_snapshot(ws, found.data["snapshot"])
    if frozen.fingerprint != found.data["fingerprint"]:
        raise TrainingError(f"snapshot {frozen.name} is not the one it learned from", where=where, cure="Train again")
    if found.task not in JUDGES:
        raise TrainingError(f"nobody judges a {found.task} run", where=where, expected=", ".join(JUDGES))
    return frozen


def _checked(prediction: dict[str, Any], task: str) -> dict[str, Any]:
    wrong = [key for key in prediction if task != "segmentation" or key not in PREDICTION]
    if wrong:
        raise UsageError(f"--set {wrong[0]} of a {task} run", expected=f"segmentation, one of {', '.join(PREDICTION)}")
    return prediction


def part_fingerprint(frozen: Snapshot, part: str) -> str:
    """One fingerprint over the rows of a part: figures of two runs compare only where it is the same."""
    return fingerprint(frozen.rows.filter(pc.equal(frozen.rows["split"], part)))


def selection(run: record.Run) -> Figure:
    """What the run was chosen by, to stand beside the judged part: the best of some tries, so optimistic."""
    found = run.data["results"]
    n = found.get("n", run.data["counts"]["validation"])
    name = f"{found['score_name'].removeprefix('validation ')}, best of {found['epochs']} tries, at the network's input"
    return Figure(
        name, found["score"], found["low"], found["high"], n, "validation",
        found.get("baseline_name"), found.get("baseline"),
    )  # fmt: skip
