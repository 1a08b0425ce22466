"""`modiste check | dedup | split | snapshot | lineage`: the data set's own steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def check(
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Measure every new image once: size, format, perceptual hash, quality. A bad image is a row with a reason.

    Example: modiste check -w shop
    """
    from dataset.check import check as step

    ws = open_workspace(workspace)
    perform("check", lambda progress: step(ws, workers=workers, progress=progress), as_json)


def dedup(
    radius: Annotated[int | None, typer.Option(min=0, max=32, help="Bits two hashes may differ in.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Find near-duplicates and group images that belong together: product, variants, near-duplicates.

    Example: modiste dedup -w shop
    """
    from dataset.duplicates import RADIUS
    from dataset.duplicates import dedup as step

    ws = open_workspace(workspace)
    chosen = RADIUS if radius is None else radius
    perform("dedup", lambda progress: step(ws, radius=chosen, progress=progress), as_json)


def split(
    strategy: Annotated[str, typer.Option(help="grouped, shop-out, season-out or random.")] = "grouped",
    train: Annotated[float, typer.Option(min=0, max=1, help="Share for training.")] = 0.7,
    validation: Annotated[float, typer.Option(min=0, max=1, help="Share for validation; the rest is test.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Another seed, another split.")] = 0,
    given: Annotated[Path | None, typer.Option(help="CSV (sha256,split): a published data set's own split.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Split by group, so that no product and no near-duplicate stands on both sides; ends with a leak check.

    Example: modiste split -w shop --strategy shop-out
    """
    from dataset.splits import split as step

    ws = open_workspace(workspace)
    shares = (train, validation, max(0.0, round(1 - train - validation, 6)))
    perform(
        "split",
        lambda progress: step(ws, strategy=strategy, shares=shares, seed=seed, given=given, progress=progress),
        as_json,
    )


def snapshot(
    name: Annotated[str, typer.Argument(help="Name of the version.")],
    where: Annotated[str | None, typer.Option(help="SQL condition, such as \"view = 'scene'\".")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Freeze a version of the data set; training reads snapshots only.

    Example: modiste snapshot spring -w shop --where "store = 'shop.example' and sharpness > 0.3"
    """
    from dataset.snapshot import create_snapshot

    ws = open_workspace(workspace)
    perform("snapshot", lambda progress: create_snapshot(ws, name, where=where), as_json)


def lineage(
    thing: Annotated[str, typer.Argument(help="A sha256, image URL, store|product, snapshot or run.")],
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Where something came from, and what was made of it.

    Example: modiste lineage https://shop.example/img/1.jpg -w shop
    """
    from dataset.lineage import lineage as step

    found = step(open_workspace(workspace), thing)
    typer.echo(json.dumps(found.as_json(), ensure_ascii=False) if as_json else found.text())


def register(app: typer.Typer) -> None:
    for command in (check, dedup, split, snapshot, lineage):
        app.command()(command)
