"""`modiste cutout`, `modiste report`: what people take away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def cutout(
    images: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    out: Annotated[Path, typer.Option(help="Folder for the cutouts.")] = Path("cutouts"),
    run: Annotated[str, typer.Option(help="Segmentation run, its id or 'latest'.")] = "latest",
    white: Annotated[bool, typer.Option("--white", help="Also lay each garment on white.")] = False,
    edges: Annotated[
        str, typer.Option(help="How edges are refined: matting, guided (plainer, no pymatting) or none.")
    ] = "matting",
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Cut the garment out of photos: transparent PNG at the photo's own size.

    Edges are refined at full size and the old background's colour is taken out of them (--edges).
    Example: modiste cutout photo.jpg -w shop --out cutouts --white
    """
    from dataset.masks import GARMENT
    from modiste.cutout import cut_out
    from train import record
    from train.predict import load_segmenter

    ws = open_workspace(workspace)
    segmenter = load_segmenter(record.load(ws, run, task="segmentation").folder)
    perform(
        "cutout",
        lambda progress: cut_out(
            images,
            out,
            lambda rgb: segmenter.probabilities(rgb)[:, :, GARMENT],
            white=white,
            edges=edges,
            progress=progress,
        ),
        as_json,
    )


def report(
    out: Annotated[Path | None, typer.Option(help="HTML file; by default in the workspace's reports folder.")] = None,
    blur_faces: Annotated[bool, typer.Option("--blur-faces", help="Blur every face found, beyond recovery.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """One self-contained HTML page: counts, the funnel with a reason for every loss, sheets, scores with intervals.

    Example: modiste report -w shop
    """
    from reports.overview import report as step

    ws = open_workspace(workspace)
    perform("report", lambda progress: step(ws, out=out, blur_faces=blur_faces, progress=progress), as_json)


def register(app: typer.Typer) -> None:
    app.command()(cutout)
    app.command()(report)
