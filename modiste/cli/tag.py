"""`modiste tag`: what is in photos, by a tagger of one's own or the one that ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, WorkspacePath, perform

if TYPE_CHECKING:
    from modiste.tag import TagResult
    from train.tagger import Tagger


def tag(
    images: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    run: Annotated[str | None, typer.Option(help="Tagging run of the workspace, its id or 'latest'.")] = None,
    weights: Annotated[Path | None, typer.Option(help="A weight file, .onnx or .safetensors.")] = None,
    fields: Annotated[str | None, typer.Option(help="Fields with commas: type,sleeve. All by default.")] = None,
    floor: Annotated[
        float | None, typer.Option(help="Say nothing under this chance; by default the weight's own.")
    ] = None,
    explain: Annotated[Path | None, typer.Option(help="Folder for pictures of which places spoke for a tag.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="For the network; by default one a core.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a list, an entry an image, in the order asked.")
    ] = False,
) -> None:
    """Tag photos: --weights, --run, or the weight that ships, so it works at once.

    A tag under the floor is followed by '?' (null in JSON, where it still stands in 'ranked'). A file that is no photo
    is an entry with an error; the exit code is 1 where none could be read.
    Example: modiste tag photos/ --json
    """
    from modiste.cutout_sources import find_images
    from modiste.tag import tag as step

    wanted = [word.strip() for word in fields.split(",") if word.strip()] if fields else None
    paths = find_images(images)
    tagger, model = _tagger(workspace, run, weights, threads)
    result: TagResult = perform(
        "tag",
        lambda progress: step(
            paths, tagger, fields=wanted, floor=floor, explain=explain, model=model, progress=progress
        ),
        quiet=as_json,
    )
    if as_json:
        typer.echo(json.dumps(result.rows, ensure_ascii=False))
    if result.failed:
        raise typer.Exit(1)


def _tagger(workspace: Path, run: str | None, weights: Path | None, threads: int | None) -> tuple[Tagger, str]:
    """The tagger and what to call it; torch is loaded for a run or safetensors alone."""
    from dataset.errors import TrainingError, UsageError
    from modiste.cli.frame import open_workspace
    from train.tagging_weights import load_tagger, shipped_tagger

    if run and weights:
        raise UsageError("--run and --weights are given", expected="one of them")
    if weights:
        return load_tagger(weights, threads), weights.name
    if run is None:
        return shipped_tagger(threads), "the tagger that ships"
    from train import record

    found = record.load(open_workspace(workspace), run, task="tagging")
    if found.task != "tagging":
        raise TrainingError(f"run {run} is a {found.task} run", expected="a tagging run")
    return load_tagger(found.folder), found.id


def register(app: typer.Typer) -> None:
    app.command()(tag)
