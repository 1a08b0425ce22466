"""`modiste curate`, `modiste curate pull`: people judge labels in the FiftyOne App; what they decide comes back."""

from __future__ import annotations

from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

group = typer.Typer(rich_markup_mode=None)


@group.callback(invoke_without_command=True)
def curate(
    context: typer.Context,
    open_app: Annotated[bool, typer.Option("--open", help="Open the App and wait until it is closed.")] = False,
    port: Annotated[int, typer.Option(help="Port of the App, on this machine only.")] = 5151,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Keep the FiftyOne data set in step with the tables; --open shows it.

    Tag samples accept, reject or relabel:<field>=<value> there, then: modiste curate pull

    Example: modiste curate -w shop --open
    """
    if context.invoked_subcommand:
        return
    from labeling.curation import curate as step
    from labeling.curation import launch

    ws = open_workspace(workspace)
    perform("curate", lambda progress: step(ws, progress=progress), as_json)
    if open_app:
        launch(ws, port=port, wait=True)


@group.command()
def pull(workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Verdicts given in the App become rows of the reviews table.

    Example: modiste curate pull -w shop
    """
    from labeling.curation import pull as step

    ws = open_workspace(workspace)
    perform("curate pull", lambda progress: step(ws), as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="curate")
