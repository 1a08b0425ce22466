"""`modiste train segmentation | tagging`, `modiste evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

if TYPE_CHECKING:
    from dataset.progress import Progress
    from train.runs import RunResult

group = typer.Typer(help="Train a model on a snapshot.", no_args_is_help=True, rich_markup_mode=None)

SnapshotName = Annotated[str, typer.Option("--snapshot", "-s", help="Name of the snapshot to train on.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a recipe key: --set epochs=3. Repeatable.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Again = Annotated[bool, typer.Option("--again", help="Train even if this recipe was trained on these rows already.")]
AllowRandom = Annotated[bool, typer.Option("--allow-random-split", help="For comparison: accept a leaking split.")]


def read_overrides(pairs: list[str] | None) -> dict[str, Any]:
    """`key=value` pairs, the values read as YAML."""
    import yaml

    from dataset.errors import UsageError

    found = {}
    for pair in pairs or []:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise UsageError(f"--set {pair}", expected="key=value")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UsageError(f"--set {pair}", expected="a value in YAML, such as 3, 1e-4 or [csv, mlflow]") from error
    return found


@group.command()
def segmentation(
    snapshot: SnapshotName,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Recipe name or YAML file.")] = "segmentation/fast",
    overrides: Overrides = None,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(help="GPUs (with --device cpu: processes) that share each batch.")] = 1,
    begin: Annotated[str | None, typer.Option(help="A finished run whose weights to begin with; 'latest' too.")] = None,
    again: Again = False,
    allow_random_split: AllowRandom = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Train background / skin / garment segmentation. Killed? The same command goes on.

    Two GPUs, stop when nothing gets better, watch by TensorBoard:
    --devices 2 --set patience=8 --set 'logger=[csv, tensorboard]'
    Go on from a run with new photos or other classes: --begin RUN

    Example: modiste train segmentation -w shop -s spring -r segmentation/fast --set epochs=12
    """
    from train.segmentation import train_segmentation

    ws, changes = open_workspace(workspace), read_overrides(overrides)

    def step(progress: Progress) -> RunResult:
        return train_segmentation(
            ws,
            snapshot=snapshot,
            recipe=recipe,
            overrides=changes,
            device=device,
            devices=devices,
            begin=begin,
            again=again,
            allow_random_split=allow_random_split,
            progress=progress,
        )

    perform("train segmentation", step, as_json)


@group.command()
def tagging(
    snapshot: SnapshotName,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Recipe name or YAML file.")] = "tagging/linear",
    field: Annotated[str, typer.Option(help="Taxonomy fields to predict, with commas: type,sleeve.")] = "type",
    overrides: Overrides = None,
    device: Device = "auto",
    again: Again = False,
    allow_random_split: AllowRandom = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Train a tagger for fields of the taxonomy: tagging/linear in minutes, tagging/fast in about 45.

    Killed? The same command goes on.
    Example: modiste train tagging -w shop -s spring -r tagging/fast --field type
    """
    from train.tagging import train_tagging

    ws, changes = open_workspace(workspace), read_overrides(overrides)

    def step(progress: Progress) -> RunResult:
        return train_tagging(
            ws,
            snapshot=snapshot,
            recipe=recipe,
            field=field,
            overrides=changes,
            device=device,
            again=again,
            allow_random_split=allow_random_split,
            progress=progress,
        )

    perform("train tagging", step, as_json)


def evaluate(
    run: Annotated[str, typer.Argument(help="Run id, 'latest', 'latest:segmentation' or 'latest:tagging'.")] = "latest",
    part: Annotated[str, typer.Option(help="Part to judge on: test or validation.")] = "test",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Predict otherwise, and keep nothing: --set grabcut_front=true.")
    ] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Judge a run on held-out images, with 95 % intervals and the trivial baselines beside each figure.

    Example: modiste evaluate latest -w shop
    """
    from train.evaluate import evaluate as step

    ws, changes = open_workspace(workspace), read_overrides(overrides)
    perform("evaluate", lambda progress: step(ws, run=run, part=part, prediction=changes, progress=progress), as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="train")
    app.command()(evaluate)
