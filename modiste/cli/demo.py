"""`modiste demo`: a shop on loopback, and the main job run on it by the very commands a user would type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import AsJson, tell


def demo(
    folder: Annotated[Path, typer.Option("--workspace", "-w", help="Workspace of the demo.")] = Path("demo-workspace"),
    photos: Annotated[
        Path | None, typer.Option(help="Folder with street/ and wardrobe/: a shop of real photos.")
    ] = None,
    products: Annotated[int, typer.Option(min=6, help="Products to draw.")] = 60,
    limit: Annotated[int | None, typer.Option(min=6, help="With --photos: so many photos at the most.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Segmentation recipe.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of the segmentation.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another shop.")] = 7,
    serve: Annotated[bool, typer.Option("--serve", help="Only build the shop and serve it, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a shop, serve it on a free loopback port, and run the whole job on it.

    Example: modiste demo --photos photos/
    """
    from modiste.demo import job

    shop = folder / "shop"
    if photos:
        catalogue = job.photo_shop(photos, shop, limit, quiet=as_json)
    else:
        catalogue = job.drawn_shop(shop, products, seed, quiet=as_json)
    if serve:
        job.serve(catalogue, shop)
        return
    chosen = recipe or ("segmentation/fast" if photos else "segmentation/tiny")
    tell(job.run(catalogue, folder, recipe=chosen, epochs=epochs, as_json=as_json), as_json)


def register(app: typer.Typer) -> None:
    app.command()(demo)
