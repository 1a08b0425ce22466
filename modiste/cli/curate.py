"""`modiste curate`, and below it `pull`, `send`, `back`: people judge labels in the App or a tool."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

if TYPE_CHECKING:
    from dataset.progress import Progress
    from dataset.workspace import Workspace
    from labeling.curation_predictions import ShownResult

group = typer.Typer(rich_markup_mode=None)
Reviewer = Annotated[str | None, typer.Option(envvar="MODISTE_REVIEWER", help="Who judges; else the login name.")]
Tool = Annotated[str, typer.Argument(help="cvat or labelstudio.")]


@group.callback(invoke_without_command=True)
def curate(
    context: typer.Context,
    open_app: Annotated[bool, typer.Option("--open", help="Open the App and wait until it is closed.")] = False,
    port: Annotated[int, typer.Option(help="Port of the App, on this machine only.")] = 5151,
    view: Annotated[str | None, typer.Option(help="Saved view to open, such as 'worst masks'.")] = None,
    run: Annotated[list[str] | None, typer.Option(help="Show and evaluate a run, such as latest:tagging.")] = None,
    brain: Annotated[bool, typer.Option("--brain", help="Brain runs on embeddings and predictions there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Compare every sample, though no table has changed.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Keep the FiftyOne data set in step with the tables; --open shows it.

    Tag samples accept, reject or relabel:<field>=<value> there (relabel:material=cotton,wool where a field may have
    several), or edit labels, then: modiste curate pull

    Example: modiste curate -w shop --run latest:tagging --brain --open

    Example: modiste curate -w shop --open --view "worst masks"
    """
    if context.invoked_subcommand:
        return
    from labeling.curation import address_of, launch
    from labeling.curation import curate as step

    ws = open_workspace(workspace)
    perform("curate", lambda progress: step(ws, force=force, progress=progress), as_json)
    for name in run or ():
        perform(f"show {name}", partial(_shown, ws, name), as_json)
    if brain:
        from labeling.curation_brain import run_brain

        perform("brain", lambda progress: run_brain(ws, progress=progress), as_json)
    if open_app or view:
        typer.echo(f"The App is at {address_of(ws, port, view)} - close it with Ctrl-C", err=True)
        launch(ws, port=port, wait=True, view=view)


@group.command()
def pull(reviewer: Reviewer = None, workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Verdicts given in the App become rows of the reviews table; what else was typed is kept in files.

    Example: modiste curate pull -w shop --reviewer ana
    """
    from labeling.curation import pull as step

    ws = open_workspace(workspace)
    perform("curate pull", lambda progress: step(ws, reviewer=reviewer), as_json)


@group.command()
def send(
    tool: Tool,
    view: Annotated[str, typer.Option(help="A saved view of the App, by its name.")] = "unreviewed",
    limit: Annotated[int, typer.Option(min=1, max=5000, help="At most so many images.")] = 500,
    out: Annotated[Path | None, typer.Option(help="Folder; by default in the workspace's annotation folder.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Export a saved view for CVAT or Label Studio: masks exact to the pixel.

    Example: modiste curate send cvat -w shop --view "worst masks" --limit 50
    """
    from labeling.curation import of_view
    from labeling.curation_annotate import send as step

    ws = open_workspace(workspace)
    perform("send", lambda progress: step(ws, of_view(ws, view, limit), tool, out=out), as_json)


@group.command()
def back(
    tool: Tool,
    source: Annotated[Path, typer.Argument(help="The folder or archive that the tool exported.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what was changed.")] = False,
    reviewer: Reviewer = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Take over what annotators changed: masks become reviewed ones, labels a person's.

    Example: modiste curate back cvat task_12_annotations.zip -w shop --reviewer ana
    """
    from labeling.curation import reviewer_name
    from labeling.curation_annotate import bring_back as step

    ws = open_workspace(workspace)
    who = reviewer or reviewer_name()
    perform("back", lambda progress: step(ws, tool, source, reviewer=who, dry_run=dry_run), as_json)


def _shown(ws: Workspace, run: str, progress: Progress) -> ShownResult:
    from modiste.curation_predictions import show_run

    return show_run(ws, run, progress=progress)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="curate")
