"""`modiste suggest`: accessories to wear with a garment, and people whose pose suits it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def suggest(
    garment: Annotated[str, typer.Argument(help="A picture's file, the sha256 of one in the workspace, or a URL.")],
    each: Annotated[int, typer.Option("-k", min=1, max=50, help="How many of each kind of accessory.")] = 3,
    poses: Annotated[int, typer.Option(min=0, max=100, help="How many photos of people for the pose.")] = 6,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind: bag, shoes, hat, … Repeatable.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="What the garment is: coat, dress, jeans, …")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Also write a PNG of garment, accessories and poses.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Rank accessories and poses for a garment by the real outfits of the workspace.

    Learns by counting what is worn together in photos with labelled pieces (modiste import street FOLDER), and by how
    alike pieces look. The first question measures every piece; later ones read that from the workspace.
    Example: modiste suggest dress.jpg -w street --kind bag --kind shoes --sheet ideas.png
    """
    from modiste.suggest import suggest as step

    ws = open_workspace(workspace)
    perform(
        "suggest",
        lambda progress: step(
            ws, garment, kind=type_, families=kind or (), each=each, poses=poses, sheet=sheet, progress=progress
        ),
        as_json,
    )


def register(app: typer.Typer) -> None:
    app.command()(suggest)
