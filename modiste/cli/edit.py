"""`modiste edit`: catalogue pictures out of photos, by a chain of edits that a guard watches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, perform

if TYPE_CHECKING:
    from modiste.edit_chain import Chain

Photos = Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")]


def edit(
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Folder for the edited pictures; never a source's.")] = Path("edited"),
    do: Annotated[str | None, typer.Option(help="Steps in words: 'background white shadow, compose square'.")] = None,
    chain: Annotated[str | None, typer.Option(help="A YAML file of steps, or editing/packshot.")] = None,
    ask: Annotated[str | None, typer.Option(help="What you want, in English or Chinese.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run what --ask understood without asking back.")] = False,
    keep: Annotated[
        str | None, typer.Option(help="What a new background leaves: person (with the garment) or garment.")
    ] = None,
    damage: Annotated[Path | None, typer.Option(help="For repair: a mask, white where damaged, or a folder.")] = None,
    kind: Annotated[str, typer.Option("--format", help="png or webp, both lossless.")] = "png",
    run: Annotated[str | None, typer.Option(help="Segmentation run: its id, 'latest', or a promoted name.")] = None,
    weights: Annotated[Path | None, typer.Option(help="A weight file, .onnx or .safetensors.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="For the network; by default one a core.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Edit photos for a catalogue: background, compose, beautify, recolour, style, repair, upscale.

    A guard measures the garment after every step; a picture it refuses is not written. Each output carries an 'edited'
    mark (XMP) and a lineage file. Steps: background COLOUR [shadow], compose [TEMPLATE] [margin M] [straighten],
    beautify [lint] [denoise], recolour COLOUR [of PIECE | at X Y], style PICTURE [garment],
    repair [telea|navier-stokes], upscale [2|3|4] [lanczos].
    Example: modiste edit photos/ --do "background white shadow, compose square-2000" --out catalogue
    """
    from modiste.cutout_ledger import Ledger
    from modiste.cutout_model import choose, workspace_if_any
    from modiste.cutout_sources import find_images, of_file
    from modiste.edit import EditResult, edit_photos
    from train.closer import look

    wanted = _chain(do, chain, ask, keep, yes)
    ws = workspace_if_any(workspace, wanted=run is not None or workspace != HERE)
    sources = [of_file(path) for path in find_images(photos, out, Ledger(out, "").made())]
    segmenter, model = choose(ws, run, weights, threads)
    fingerprint = f"{segmenter.facts.get('weights')} {model}"
    result: EditResult = perform(
        "edit",
        lambda progress: edit_photos(
            sources, out, lambda rgb: look(segmenter, rgb), wanted, kind=kind, damage=damage, weights=fingerprint,
            model=model, progress=progress,
        ),
        as_json,
    )  # fmt: skip
    if result.failed:
        raise typer.Exit(1)


def _chain(do: str | None, chain: str | None, ask: str | None, keep: str | None, yes: bool) -> Chain:
    """One of the three ways to say it. What --ask understood is shown, and run only where someone agrees."""
    from dataset.errors import UsageError
    from modiste.edit_ask import understood
    from modiste.edit_chain import chain_of, from_words, read_chain

    if sum(each is not None for each in (do, chain, ask)) != 1:
        raise UsageError("modiste edit", expected="one of --do, --chain, --ask")
    if do is not None:
        return from_words(do, keep or "person")
    if chain is not None:
        found = read_chain(chain)
        return chain_of(list(found.steps), keep) if keep else found
    found = understood(str(ask), keep or "person")
    typer.echo(f"understood: {found.words()}", err=True)
    if not yes and not sys.stdin.isatty():
        raise UsageError("nobody is there to agree", expected="--yes, or a terminal")
    if not yes and not typer.confirm("Run it?", default=True, err=True):
        raise typer.Exit(1)
    return found


def register(app: typer.Typer) -> None:
    app.command()(edit)
