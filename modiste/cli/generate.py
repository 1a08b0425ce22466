"""`modiste generate`, `modiste train generation`: pictures from a trained generator, and training one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform
from modiste.cli.train import Again, AllowRandom, Device, Overrides, SnapshotName, group, read_overrides

if TYPE_CHECKING:
    from dataset.progress import Progress
    from train.runs import RunResult


def generate(
    run: Annotated[str, typer.Argument(help="Generation run: its id, or 'latest'.")] = "latest",
    n: Annotated[
        int | None, typer.Option("--n", "-n", help="How many: 16, of a photo to fill 1; 1000 at most.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="What to make, such as dress; by default each in turn.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same pictures.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the pictures, the sheet, lineage.json.")] = Path("made"),
    maps: Annotated[
        list[Path] | None, typer.Option("--map", help="PNG of regions, for pix2pix and pix2pix-canvas. Repeatable.")
    ] = None,
    garment: Annotated[Path | None, typer.Option(help="Cutout (PNG), for garment-to-model and pix2pix-canvas.")] = None,
    region: Annotated[str | None, typer.Option(help="Where it is worn, such as upper; by default the largest.")] = None,
    fill: Annotated[Path | None, typer.Option(help="Photo with a hole, for inpaint.")] = None,
    hole: Annotated[Path | None, typer.Option(help="Mask of --fill's size, white where the hole is.")] = None,
    begin: Annotated[
        float | None, typer.Option(help="Of --fill: 1 from noise; less, such as 0.5, over a classical filling.")
    ] = None,
    outline: Annotated[Path | None, typer.Option(help="Mask, white where the garment is to be, for outline.")] = None,
    size: Annotated[str, typer.Option(help="Of a dressed person: network, or photo for the photo's own.")] = "network",
    device: Device = "auto",
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Make pictures with a trained generator, each marked as made, the nearest training picture beside it on a sheet.

    Without --map or --garment, a run trained on pairs takes maps and people of the snapshot's test part. A photo that
    is filled keeps its size, and every pixel outside the hole.

    Example: modiste generate latest -w shop --n 16 --label dress --seed 0 --out made

    Example: modiste generate RUN -w shop --fill photo.jpg --hole mask.png --label dress --n 4 --out filled

    Example: modiste generate RUN -w shop --outline coat.png --n 8 --out coats
    """
    from modiste.generate import generate as step

    ws = open_workspace(workspace)
    perform(
        "generate",
        lambda progress: step(
            ws, run, n=n, label=label, seed=seed, out=out, maps=maps, garment=garment, region=region, fill=fill,
            hole=hole, outline=outline, begin=begin, size=size, device=device, progress=progress,
        ),
        as_json,
    )  # fmt: skip


def generation(
    snapshot: SnapshotName,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Recipe name or YAML file.")] = "generation/gan-28",
    overrides: Overrides = None,
    device: Device = "auto",
    again: Again = False,
    allow_random_split: AllowRandom = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Train a generator: gan-28, article-28, pix2pix, garment-to-model, edges, diffusion, inpaint, outline.

    Sheets as it learns. Killed? The same command goes on. Without labels: --set field=''
    Example: modiste train generation -w shop -s spring -r generation/gan-28
    """
    from train.generation import train_generation

    ws, changes = open_workspace(workspace), read_overrides(overrides)

    def step(progress: Progress) -> RunResult:
        return train_generation(
            ws,
            snapshot=snapshot,
            recipe=recipe,
            overrides=changes,
            device=device,
            again=again,
            allow_random_split=allow_random_split,
            progress=progress,
        )

    perform("train generation", step, as_json)


def register(app: typer.Typer) -> None:
    app.command()(generate)
    group.command()(generation)
