"""`modiste takedown`: what may never be fetched, kept or trained on again, counted first and then made gone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

if TYPE_CHECKING:
    from dataset.workspace import Workspace


def takedown(
    domain: Annotated[str | None, typer.Option(help="A shop's host, with everything below it.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of an image or a page.")] = None,
    brand: Annotated[str | None, typer.Option(help="A brand, whatever its spelling's case.")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", help="One image, by its 64 hex digits.")] = None,
    product: Annotated[str | None, typer.Option(help="store|product_id.")] = None,
    reason: Annotated[str, typer.Option(help="Who asked, and where that is written down.")] = "",
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Do it; without it only the counts are told.")] = False,
    with_duplicates: Annotated[bool, typer.Option("--with-duplicates", help="Take near-duplicates down too.")] = False,
    exports: Annotated[
        list[Path] | None, typer.Option(help="Folder to search for exports, which are deleted. Repeatable.")
    ] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Take a domain, address, brand, image or product down, with all that was made from it. A dry run unless --yes.

    Rows, history and blobs go for good; snapshots and weights are marked; crawling or importing it again is refused.
    Stop crawls first. Killed? The same command goes on.

    Example: modiste takedown -w shop --brand "Maison Example" --reason "letter of 3 May" --yes
    """
    from dataset.errors import UsageError
    from dataset.takedown import takedown as step

    given = {"domain": domain, "url": url, "brand": brand, "sha256": sha256, "product": product}
    chosen = [(kind, value) for kind, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise UsageError(f"{len(chosen)} things to take down", expected="one of --" + ", --".join(given))
    ws, (kind, value) = open_workspace(workspace), chosen[0]
    _save_what_was_typed(ws, yes)
    result = perform(
        "takedown",
        lambda progress: step(
            ws, kind, value, reason, yes=yes, with_duplicates=with_duplicates, exports=exports or (), progress=progress
        ),
        quiet=as_json,
    )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(result), ensure_ascii=False))


def _save_what_was_typed(ws: Workspace, yes: bool) -> None:
    """The App's database goes with a take-down: its verdicts are pulled first, or counted by a dry run."""
    from dataset.errors import StorageError
    from modiste.curation_last_pull import pull_last, verdicts_waiting

    try:
        count = pull_last(ws) if yes else verdicts_waiting(ws)
    except StorageError as error:
        if yes:
            raise
        typer.echo(str(error), err=True)
        return
    if count:
        told = "verdicts were pulled from the App first" if yes else "verdicts in the App wait to be pulled; --yes does"
        typer.echo(f"{count} {told}", err=True)


def register(app: typer.Typer) -> None:
    app.command()(takedown)
