"""`modiste sweep`: many trainings with settings varied, the best by its validation score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform
from modiste.cli.train import AllowRandom, Device, Overrides, SnapshotName, read_overrides

if TYPE_CHECKING:
    from dataset.progress import Progress
    from train.sweep_result import SweepResult


def sweep(
    task: Annotated[str, typer.Argument(help="segmentation, tagging or similar: what modiste train would train.")],
    snapshot: SnapshotName,
    over: Annotated[
        list[str] | None, typer.Option(help="Vary a recipe key: KEY=LOW..HIGH, with :log, or KEY=A,B,C. Repeatable.")
    ] = None,
    space: Annotated[Path | None, typer.Option(help="YAML file with a mapping 'over' of such keys.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", "-r", help="Recipe name or YAML file.")] = None,
    field: Annotated[str, typer.Option(help="tagging: fields to predict, with commas.")] = "type",
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, those of an earlier call counted.")] = 20,
    name: Annotated[str | None, typer.Option(help="Of the study; by default from what is asked.")] = None,
    overrides: Overrides = None,
    sampler: Annotated[str, typer.Option(help="tpe learns from the trials before, random does not.")] = "tpe",
    seed: Annotated[int, typer.Option(help="Of what is drawn; the recipe's own seed stays.")] = 0,
    prune: Annotated[bool, typer.Option("--prune", help="Stop a trial under the others' median at its epoch.")] = False,
    evaluate_best: Annotated[
        bool, typer.Option("--evaluate-best", help="Then read the test part, once, for the best run.")
    ] = False,
    device: Device = "auto",
    allow_random_split: AllowRandom = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Search for settings on validation; each trial is a normal run. Killed? The same command goes on.

    The test part is not opened unless --evaluate-best is given. A trial that fails is a row; all rows stand in
    sweeps/NAME.csv, the study in sweeps/NAME.sqlite.
    Example: modiste sweep segmentation -w shop -s spring --over learning_rate=1e-4..1e-2:log --over dice=0.5,1,2
    """
    from train.sweep import sweep as step
    from train.sweep_space import read_space

    ws, changes, axes = open_workspace(workspace), read_overrides(overrides), read_space(over or (), space)

    def trained(progress: Progress) -> SweepResult:
        return step(
            ws, task, snapshot=snapshot, axes=axes, recipe=recipe, field=field, fixed=changes, trials=trials, name=name,
            seed=seed, sampler=sampler, prune=prune, device=device, allow_random_split=allow_random_split,
            evaluate_best=evaluate_best, progress=progress,
        )  # fmt: skip

    perform(f"sweep {task}", trained, as_json)


def register(app: typer.Typer) -> None:
    app.command()(sweep)
