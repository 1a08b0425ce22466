"""`modiste embed`, `modiste queue`: vectors of images, and what a person should label next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform, tell

if TYPE_CHECKING:
    from dataset.progress import Progress
    from dataset.workspace import Workspace
    from labeling.queue import QueueResult
    from labeling.queue_judge import Probabilities

SHOWN = 10


def embed(
    backbone: Annotated[str, typer.Option(help="A timm name.")] = "tf_efficientnet_lite0",
    weights: Annotated[str, typer.Option(help="offline (from its package), hub or none.")] = "offline",
    side: Annotated[int, typer.Option(help="px; photos are fitted in and padded.")] = 256,
    flips: Annotated[bool, typer.Option(help="Average a photo and its mirror image.")] = True,
    masked: Annotated[
        bool, typer.Option("--masked", help="Paint out all but the garment, by the image's mask or the segmenter.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Each usable image as a vector by a frozen network, computed once: for the queue, similar images, duplicates.

    Example: modiste embed -w shop
    """
    from dataset.errors import UsageError
    from train.embeddings import embed as step
    from train.embeddings import load_encoder

    ws = open_workspace(workspace)
    if weights not in ("offline", "hub", "none"):
        raise UsageError(f"weights '{weights}'", where="--weights", expected="offline, hub or none")
    encoder = load_encoder(backbone, weights, side, flips, device, masked=masked)  # type: ignore[arg-type]
    perform("embed", lambda progress: step(ws, encoder, progress=progress), as_json)


def queue(
    field: Annotated[str, typer.Option(help="Taxonomy field to label.")] = "type",
    n: Annotated[int, typer.Option("--n", "-n", help="How many images.")] = 50,
    what: Annotated[
        str, typer.Option("--for", help="train, validation or test labels (the latter two at random), or masks.")
    ] = "train",
    weights: Annotated[
        str | None, typer.Option(help="uncertainty=1,disagreement=1,rarity=0.3,diversity=1, or a YAML file of them.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Ask a tagging run besides the committee: its id or 'latest'.")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="Whose vectors, where there are several.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    csv: Annotated[Path | None, typer.Option(help="Also write the queue to this file.")] = None,
    tag: Annotated[bool, typer.Option("--tag-in-app", help="Tag the images 'queue' in the FiftyOne App.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """What a person should label next, and why: uncertainty, disagreement, rarity, spread by diversity.

    Example: modiste queue -w shop --field type --n 50 --csv next.csv
    """
    from labeling.queue import write_csv

    ws = open_workspace(workspace)

    def step(progress: Progress) -> QueueResult:
        found = _queue(ws, what, field, n, weights, run, encoder, seed, progress)
        if csv is not None:
            write_csv(found, csv)
        return found

    result = perform("queue", step, quiet=True)
    if tag:
        from labeling.queue_app import tag_in_app

        tag_in_app(ws, result)
    tell(result, as_json)
    if not as_json:
        _list(result.images)


def _queue(
    ws: Workspace, what: str, field: str, n: int, weights: str | None, run: str | None, encoder: str | None, seed: int,
    progress: Progress,
) -> QueueResult:  # fmt: skip
    from labeling.queue import mix_of
    from labeling.queue import queue as step
    from labeling.queue_masks import queue_masks

    if what == "masks":
        return queue_masks(ws, n=n, encoder=encoder)
    said = probabilities_of(ws, run, field, progress) if run and what == "train" else None
    mix = mix_of(weights)
    return step(
        ws, about=field, n=n, part=what, mix=mix, encoder=encoder, probabilities=said, seed=seed, progress=progress
    )


def probabilities_of(ws: Workspace, run: str, field: str, progress: Progress) -> Probabilities:
    """What a tagging run says of every image of the train part; its features are kept in the embeddings table.

    Raises UsageError where the run knows nothing of `field`.
    """
    from dataset.errors import UsageError
    from labeling.queue_judge import Probabilities
    from labeling.queue_pool import read_pool
    from train import record
    from train.judge_tagging import predict_rows
    from train.predict import load_tagger

    found = record.load(ws, run.removesuffix(":tagging"), task="tagging")
    tagger = load_tagger(found.folder)
    if field not in tagger.values:
        raise UsageError(f"run {found.id} has no field '{field}'", expected=", ".join(tagger.values))
    pool = read_pool(ws, part="train", encoder=None, with_vectors=False)
    rows = [{"sha256": item.sha256} for item, free in zip(pool.items, pool.open, strict=True) if free]
    p = predict_rows(ws, rows, tagger, "cpu", progress)[field]
    return Probabilities([row["sha256"] for row in rows], tagger.values[field], p, f"run {found.id}")


def _list(images: list[dict[str, Any]]) -> None:
    """The first of them, one a line, for a person at the terminal."""
    for row in images[:SHOWN]:
        typer.echo(f"{row['rank']:>4}  {row['sha256'][:12]}  {row['score']:.2f}  {row['reason']}: {row['why']}")
    if len(images) > SHOWN:
        typer.echo(f"      and {len(images) - SHOWN} more (--csv FILE or --json for all)")


def register(app: typer.Typer) -> None:
    app.command()(embed)
    app.command()(queue)
