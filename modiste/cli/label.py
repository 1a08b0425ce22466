"""`modiste label masks | tags`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

group = typer.Typer(help="Label images: composite masks and tags.", no_args_is_help=True, rich_markup_mode=None)


@group.command()
def masks(
    cutouts: Annotated[
        Path | None,
        typer.Option(help="Folder with person/NAME.png and garment/NAME.png; NAME is a sha256 or file stem."),
    ] = None,
    method: Annotated[str, typer.Option(help="auto, cutout (only where there is one) or grabcut.")] = "auto",
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Person and garment cutouts to background / skin / garment masks; GrabCut where there is no cutout.

    Example: modiste label masks -w shop --cutouts annotated/
    """
    from labeling.masks import label_masks

    ws = open_workspace(workspace)
    perform("label masks", lambda progress: label_masks(ws, cutouts=cutouts, method=method, progress=progress), as_json)


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
    name = taxonomy or ws.settings.taxonomy
    perform("label tags", lambda progress: label_tags(ws, taxonomy=name, progress=progress), as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="label")
