"""`modiste check | dedup | split`: the data set's own steps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.engine import EngineName, RayAddress, chosen_engine
from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def check(
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
    thresholds: Annotated[
        Path | None,
        typer.Option(help="YAML (view: measure: limit): count all images' issues by it, measuring none again."),
    ] = None,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Measure every new image once: size, format, perceptual hash, quality. A bad image is a row with a reason.

    Example: modiste check -w shop --engine ray
    """
    from dataset.check import check as step
    from dataset.thresholds import read_thresholds

    ws = open_workspace(workspace)
    limits = read_thresholds(thresholds) if thresholds else None
    where = chosen_engine(engine, ray_address)
    perform(
        "check",
        lambda progress: step(ws, workers=workers, engine=where, thresholds=limits, progress=progress),
        as_json,
    )


def dedup(
    radius: Annotated[int | None, typer.Option(min=0, max=10, help="Bits two hashes may differ in.")] = None,
    copies: Annotated[
        bool | None,
        typer.Option(
            "--copies/--no-copies",
            help="Find cropped, turned, framed, restyled copies by their pixels too; by default up to 100,000 images.",
        ),
    ] = None,
    shoots: Annotated[
        int | None,
        typer.Option(
            min=1, max=50, help="Group pictures of one shoot too: camera numbers (IMG_0412) at most so far apart."
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
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
    where = chosen_engine(engine, ray_address)
    perform(
        "dedup",
        lambda progress: step(
            ws, radius=chosen, copies=copies, shoots=shoots, engine=where, workers=workers, progress=progress
        ),
        as_json,
    )


def split(
    strategy: Annotated[str, typer.Option(help="grouped, shop-out, season-out or random.")] = "grouped",
    train: Annotated[float, typer.Option(min=0, max=1, help="Share for training.")] = 0.7,
    validation: Annotated[float, typer.Option(min=0, max=1, help="Share for validation; the rest is test.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Another seed, another split.")] = 0,
    given: Annotated[
        list[Path] | None,
        typer.Option(help="CSV (sha256,split) of a published data set, or a folder of them; may be given repeatedly."),
    ] = None,
    stratify: Annotated[str | None, typer.Option(help="Label field whose values get equal shares.")] = None,
    afresh: Annotated[bool, typer.Option("--afresh", help="Forget the parts that groups have.")] = False,
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
        lambda progress: step(
            ws,
            strategy=strategy,
            shares=shares,
            seed=seed,
            given=given or (),
            stratify=stratify,
            afresh=afresh,
            progress=progress,
        ),
        as_json,
    )


def register(app: typer.Typer) -> None:
    for command in (check, dedup, split):
        app.command()(command)
