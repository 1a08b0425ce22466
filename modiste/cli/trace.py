"""`modiste snapshot | lineage`: frozen versions and what differs between them; where a thing came from and went to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def snapshot(
    names: Annotated[list[str], typer.Argument(metavar="NAME | diff A B", help="Name of the version; or diff A B.")],
    where: Annotated[str | None, typer.Option(help="SQL condition, such as \"view = 'scene'\".")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Freeze a version of the data set; training reads snapshots only. 'snapshot diff A B' tells what differs.

    Example: modiste snapshot spring -w shop --where "store = 'shop.example' and sharpness > 0.3"

    Example: modiste snapshot diff spring summer -w shop
    """
    from dataset.errors import UsageError
    from dataset.snapshot import create_snapshot
    from dataset.snapshot_diff import snapshot_diff

    ws = open_workspace(workspace)
    if names[0] == "diff":
        if len(names) != 3 or where:
            raise UsageError(
                "modiste snapshot " + " ".join(names), expected="diff and two snapshots' names, no --where"
            )
        perform("diff", lambda progress: snapshot_diff(ws, names[1], names[2]), as_json)
        return
    if len(names) > 1:
        raise UsageError("modiste snapshot " + " ".join(names), expected="one name, or diff A B")
    perform("snapshot", lambda progress: create_snapshot(ws, names[0], where=where), as_json)


def lineage(
    thing: Annotated[
        str,
        typer.Argument(
            help="sha256, URL, store|product, snapshot, run, latest:TASK, weight file or metric (run:name)."
        ),
    ],
    ask: Annotated[str | None, typer.Option(help="Only this: shops (in it) or weights (that contain it).")] = None,
    out: Annotated[Path | None, typer.Option(help="Draw it to this .svg or .html file.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Where something came from and what was made of it. Which shops are in a weight; which weights contain a URL.

    Example: modiste lineage https://shop.example/img/1.jpg -w shop --ask weights

    Example: modiste lineage 20260101-0900-tagging-linear-1a2b3c -w shop --out lineage.html
    """
    from dataset.errors import UsageError
    from dataset.lineage import lineage as step
    from dataset.lineage_draw import write
    from train.record import load

    if ask not in (None, "shops", "weights"):
        raise UsageError(f"--ask {ask}", expected="shops or weights")
    ws = open_workspace(workspace)
    found = step(ws, load(ws, thing).id if thing.partition(":")[0] == "latest" else thing)
    if out:
        write(found, out)
        typer.echo(f"drew {out}", err=True)
    if as_json:
        told = {"thing": thing, "images": found.images, ask: getattr(found, ask)} if ask else found.as_json()
        typer.echo(json.dumps(told, ensure_ascii=False, default=str))
    else:
        typer.echo(found.answer(ask) if ask else f"{found.line()}\n{found.text()}")


def register(app: typer.Typer) -> None:
    app.command()(snapshot)
    app.command()(lineage)
