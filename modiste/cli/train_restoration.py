"""`modiste train restoration` and `modiste export restoration`: learned upscaling and repair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli import exports, train
from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

if TYPE_CHECKING:
    from dataset.progress import Progress
    from train.restoration_export import RestorationExport
    from train.runs import RunResult


def restoration(
    snapshot: Annotated[str, typer.Option("--snapshot", "-s", help="Name of the snapshot to train on.")],
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="Recipe name or YAML file.")
    ] = "restoration/upscale-fast",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Change a recipe key: --set epochs=3. Repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="GPUs (with --device cpu: processes) that share each batch.")] = 1,
    again: Annotated[
        bool, typer.Option("--again", help="Train even if this recipe was trained on these rows already.")
    ] = False,
    allow_random_split: Annotated[
        bool, typer.Option("--allow-random-split", help="For comparison: accept a leaking split.")
    ] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Train the networks behind `modiste edit`: restoration/upscale-fast, restoration/repair-fast (one CPU core).

    upscale-strong and repair-strong want a large GPU. Killed? The same command goes on.
    Example: modiste train restoration -w shop -s spring -r restoration/repair-fast
    """
    from train.restoration import train_restoration

    ws, changes = open_workspace(workspace), train.read_overrides(overrides)

    def step(progress: Progress) -> RunResult:
        return train_restoration(
            ws, snapshot=snapshot, recipe=recipe, overrides=changes, device=device, devices=devices, again=again,
            allow_random_split=allow_random_split, progress=progress,
        )  # fmt: skip

    perform("train restoration", step, as_json)


def export_restoration(
    run: Annotated[str, typer.Argument(help="Run id, or 'latest'.")],
    out: Annotated[Path, typer.Option(help="The ONNX file to write; its card goes beside it.")],
    allow_taken_down: Annotated[
        bool, typer.Option("--allow-taken-down", help="Export even if its run learned from images taken down since.")
    ] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Write a restoration run as ONNX in half precision, with its card, proved against torch.

    Example: modiste export restoration latest -w shop --out repair.onnx
    """
    from train import record
    from train.restoration_export import export_restoration as step

    found = record.load(open_workspace(workspace), run, task="restoration")

    def work(progress: Progress) -> RestorationExport:
        return step(found.folder, out, allow_taken_down=allow_taken_down)

    perform("export restoration", work, as_json)


def register(app: typer.Typer) -> None:
    """Both go into groups that are there already."""
    train.group.command()(restoration)
    exports.group.command("restoration")(export_restoration)
