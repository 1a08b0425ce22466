"""`modiste report`, and below it catalogue, watch, data, model, compare, gallery: one HTML file each, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

group = typer.Typer(rich_markup_mode=None)
Out = Annotated[Path | None, typer.Option(help="HTML file; by default in the workspace's reports folder.")]
Blur = Annotated[bool, typer.Option("--blur-faces", help="Blur every face found, beyond recovery.")]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Only this shop; may be given again.")]


@group.callback(invoke_without_command=True)
def report(
    context: typer.Context,
    out: Out = None,
    blur_faces: Blur = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """One self-contained HTML page. Alone: the overview (counts, a reason for every loss, sheets, scores).

    Options of a report below go after its name.

    Example: modiste report -w shop

    Example: modiste report catalogue -w shop
    """
    if context.invoked_subcommand:
        from dataset.errors import UsageError

        if out or blur_faces or as_json or context.get_parameter_source("workspace").name == "COMMANDLINE":  # type: ignore[union-attr]
            name = context.invoked_subcommand
            raise UsageError(f"options stand before '{name}'", expected=f"modiste report {name} -w shop …")
        return
    overview(out, blur_faces, workspace, as_json)


@group.command()
def overview(
    out: Out = None, blur_faces: Blur = False, workspace: WorkspacePath = HERE, as_json: AsJson = False
) -> None:
    """What a workspace holds, what was lost on the way and why, and what its models are worth.

    Example: modiste report overview -w shop
    """
    from reports.overview import report as step

    ws = open_workspace(workspace)
    perform("report", lambda progress: step(ws, out=out, blur_faces=blur_faces, progress=progress), as_json)


@group.command()
def catalogue(
    out: Out = None,
    store: Stores = None,
    before: Annotated[str | None, typer.Option(help="Older crawl: its id, or how it begins.")] = None,
    after: Annotated[str | None, typer.Option(help="Newer crawl; by default the newest.")] = None,
    blur_faces: Blur = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """What shops offer, and what changed between two crawls; all changes also as CSV and Parquet.

    A product is 'gone' only where its page answered without it, or every list was read; else 'not seen'.

    Example: modiste report catalogue -w shop --store shop.example
    """
    from modiste.crawl_scopes import partial_crawls
    from reports.assortment import catalogue_report as step

    ws = open_workspace(workspace)
    perform(
        "catalogue",
        lambda progress: step(
            ws, out=out, stores=store or (), before=before, after=after, partial=partial_crawls(ws),
            blur_faces=blur_faces, progress=progress,
        ),
        as_json,
    )  # fmt: skip


@group.command()
def watch(out: Out = None, store: Stores = None, workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """All crawls in time: assortment, prices and availability as lines; changes as RSS and JSON Feed files.

    Example: modiste report watch -w shop
    """
    from modiste.crawl_scopes import partial_crawls
    from reports.watch import watch_report as step

    ws = open_workspace(workspace)
    partial = partial_crawls(ws)
    perform(
        "watch", lambda progress: step(ws, out=out, stores=store or (), partial=partial, progress=progress), as_json
    )


@group.command()
def data(out: Out = None, workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Data card: sources, licences, opt-outs honoured, losses with reasons, label agreement, balance, known gaps.

    Example: modiste report data -w shop
    """
    from reports.datacard import data_card as step

    ws = open_workspace(workspace)
    perform("data card", lambda progress: step(ws, out=out), as_json)


@group.command()
def model(
    run: Annotated[str, typer.Argument(help="A run's id, or 'latest'.")] = "latest",
    out: Out = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Model card of a run: figures with intervals and baselines, slices, calibration, lineage, limits, cost.

    Example: modiste report model latest -w shop
    """
    from reports.modelcard import model_card as step

    ws = open_workspace(workspace)
    perform("model card", lambda progress: step(ws, run, out=out), as_json)


@group.command()
def compare(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Run ids, or 'latest:segmentation'; by default every judged run.")
    ] = None,
    out: Out = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Runs side by side, ranked only where they were judged on the same test data.

    Example: modiste report compare -w shop
    """
    from reports.compare import compare_runs as step
    from train.record import load

    ws = open_workspace(workspace)
    chosen = [load(ws, word).id if word.partition(":")[0] == "latest" else word for word in runs or ()]
    perform("compare", lambda progress: step(ws, chosen, out=out), as_json)


@group.command()
def gallery(
    out: Out = None,
    count: Annotated[int, typer.Option(min=1, max=200, help="Images on a sheet.")] = 24,
    blur_faces: Blur = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Sheets of images with their masks: drawn at random, and the worst by mask quality.

    Example: modiste report gallery -w shop --count 48
    """
    from reports.sheets import gallery_report as step

    ws = open_workspace(workspace)
    perform("gallery", lambda progress: step(ws, out=out, count=count, blur_faces=blur_faces), as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="report")
