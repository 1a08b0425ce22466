"""`modiste doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import AsJson, tell


def doctor(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", envvar="MODISTE_WORKSPACE", help="Look at this workspace too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What is installed, what is missing and how to get it. Changes nothing; exit code 1 where the core fails.

    Example: modiste doctor -w shop
    """
    from modiste.doctor import diagnose

    found = diagnose(workspace)
    tell(found, as_json)
    raise typer.Exit(0 if found.well else 1)


def register(app: typer.Typer) -> None:
    app.command()(doctor)
