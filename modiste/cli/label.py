"""`modiste label masks | tags`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.engine import EngineName, RayAddress, chosen_engine
from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

if TYPE_CHECKING:
    from dataset.progress import Progress
    from dataset.workspace import Workspace
    from labeling.masks import MasksResult, Model

group = typer.Typer(help="Label images: composite masks and tags.", no_args_is_help=True, rich_markup_mode=None)


@group.command()
def masks(
    cutouts: Annotated[
        Path | None,
        typer.Option(help="Folder with person/NAME.png and garment/NAME.png; NAME is a sha256 or file stem."),
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="auto (cutout, else --run, else GrabCut), or only: cutout, grabcut, model."),
    ] = "auto",
    prior: Annotated[
        str,
        typer.Option(help="GrabCut's: auto (the best installed), combined, pose, selfie, skin, rectangle, model."),
    ] = "auto",
    run: Annotated[str | None, typer.Option(help="Segmentation run to mask with: its id, or 'latest'.")] = None,
    only: Annotated[
        Path | None,
        typer.Option(help="File of sha256s, one a line: these alone, guessed anew whatever masks they have."),
    ] = None,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Person and garment cutouts to background / skin / garment masks; a model or GrabCut where there is no cutout.

    Never replaces a better mask (a reviewer's, a cutout's). 'modiste weights fetch' brings the networks of the priors.

    Example: modiste label masks -w shop --cutouts annotated/

    Example: modiste label masks -w shop --method model --run latest
    """
    from labeling.masks import label_masks

    ws = open_workspace(workspace)
    model, where = _model(ws, run) if run else None, chosen_engine(engine, ray_address)
    chosen = _listed(only) if only else None

    def step(progress: Progress) -> MasksResult:
        return label_masks(
            ws, cutouts=cutouts, method=method, prior=prior, model=model, only=chosen, engine=where, progress=progress
        )

    perform("label masks", step, as_json)


def _listed(path: Path) -> list[str]:
    """Words of a file, in order; UsageError where it can't be read."""
    from dataset.errors import UsageError

    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--only: {error}", expected="a text file of sha256s, one a line") from error


def _model(ws: Workspace, run: str) -> Model:
    """A run as what `label_masks` takes: rooms don't import each other, so the front door hands it in."""
    from labeling.masks import Model
    from train import record
    from train.predict import load_segmenter

    folder = record.load(ws, run, task="segmentation").folder
    return Model(folder.name, load_segmenter(folder).probabilities)


@group.command()
def tags(
    taxonomy: Annotated[str | None, typer.Option(help="Shipped name or YAML file; by default the workspace's.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """The shop's own words (category, name, colour) to labels of the taxonomy; unknown words become rows to map.

    Example: modiste label tags -w shop
    """
    from labeling.tagging import label_tags

    ws = open_workspace(workspace)
    perform("label tags", lambda progress: label_tags(ws, taxonomy=taxonomy, progress=progress), as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="label")
