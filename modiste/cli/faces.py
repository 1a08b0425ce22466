"""`modiste faces`: count the faces in every image, so that they can be blurred wherever images leave."""

from __future__ import annotations

from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def faces(
    again: Annotated[bool, typer.Option("--again", help="Count images that were counted already, too.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Find the faces in every new image: how many, and where. Nobody is recognised. Killed? The same command goes on.

    Needs a network of 7 MB: modiste weights fetch face-centerface. Blur: --blur-faces of export and report, and
    --set blur_faces=true of train.

    Example: modiste faces -w shop
    """
    from dataset.face_count import count_faces as step

    ws = open_workspace(workspace)
    perform("faces", lambda progress: step(ws, again=again, workers=workers, progress=progress), as_json)


def register(app: typer.Typer) -> None:
    app.command()(faces)
