"""`modiste search`, `modiste match`, `modiste train similar`: similar products, and the same one in another shop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform
from modiste.cli.train import Again, AllowRandom, Device, Overrides, SnapshotName, group, read_overrides

if TYPE_CHECKING:
    from dataset.progress import Progress
    from dataset.similar_match import MatchResult
    from train.runs import RunResult

EncoderName = Annotated[
    str | None,
    typer.Option(help="Whose vectors, by name or beginning; by default the newest learned view, or the only."),
]


def search(
    picture: Annotated[str, typer.Argument(help="A picture's file, the sha256 of one in the workspace, or a URL.")],
    k: Annotated[int, typer.Option("-k", help="How many products.")] = 10,
    where: Annotated[str | None, typer.Option(help="SQL condition, such as \"price < 50 and brand = 'Acme'\".")] = None,
    store: Annotated[list[str] | None, typer.Option(help="Only of this shop. Repeatable.")] = None,
    price: Annotated[str | None, typer.Option(help="LOW..HIGH, either may be left out: 20..80, ..50.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217, such as EUR.")] = None,
    available: Annotated[bool, typer.Option("--available", help="Only what can be ordered.")] = False,
    tag: Annotated[list[str] | None, typer.Option(help="FIELD=VALUE, such as type=dress. Repeatable.")] = None,
    encoder: EncoderName = None,
    sheet: Annotated[Path | None, typer.Option(help="Also write a PNG of the hits.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Products like a picture, the nearest first: copies and pictures of one product are one hit.

    Columns for --where: sha256, store, product_id, title, brand, price, currency, availability, colour, categories,
    variant_group, url, crawl_id, view, tags (list of 'field=value').
    Example: modiste search photo.jpg -w shop -k 8 --store shop.example --price ..60 --tag type=dress --sheet hits.png
    """
    from dataset.similar_rows import where_of
    from modiste.search import search as step

    ws, tags = open_workspace(workspace), _tags(tag or [])
    asked = where_of(
        stores=store or [], price=_price(price), currency=currency, available=available, tags=tags, also=where
    )
    perform("search", lambda _: step(ws, picture, k=k, where=asked, encoder=encoder, sheet=sheet), as_json)


def match(
    threshold: Annotated[float | None, typer.Option(help="Cosine of two pictures that show one product.")] = None,
    any_colour: Annotated[bool, typer.Option("--any-colour", help="Another colour of the cut is a match too.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the pairs to this file.")] = None,
    encoder: EncoderName = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Pairs of products that are the same thing in two shops, with both prices. The threshold is chosen for precision.

    Example: modiste match -w shops --csv same.csv
    """
    import dataclasses

    from dataset.similar_match import match as step
    from dataset.similar_match import write_csv

    ws = open_workspace(workspace)

    def found(progress: Progress) -> MatchResult:
        result = step(ws, encoder=encoder, threshold=threshold, any_colour=any_colour, progress=progress)
        if csv is not None:
            write_csv(result, csv)
            result = dataclasses.replace(result, csv=str(csv))
        return result

    perform("match", found, as_json)


def similar(
    snapshot: SnapshotName,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Recipe name or YAML file.")] = "similar/linear",
    overrides: Overrides = None,
    device: Device = "auto",
    again: Again = False,
    allow_random_split: AllowRandom = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Learn which products are alike from labels: a view of the vectors that `search` then uses by itself.

    Example: modiste train similar -w shop -s spring
    """
    from train.metric import train_similar

    ws, changes = open_workspace(workspace), read_overrides(overrides)

    def step(progress: Progress) -> RunResult:
        return train_similar(
            ws,
            snapshot=snapshot,
            recipe=recipe,
            overrides=changes,
            device=device,
            again=again,
            allow_random_split=allow_random_split,
            progress=progress,
        )

    perform("train similar", step, as_json)


def _price(text: str | None) -> tuple[float | None, float | None]:
    """'20..80' as bounds; UsageError for anything else, or bounds the wrong way round."""
    from dataset.errors import UsageError

    if text is None:
        return None, None
    low, dots, high = text.partition("..")
    try:
        bounds = float(low) if low else None, float(high) if high else None
    except ValueError:
        bounds = None, None
    wrong = bounds == (None, None) or (None not in bounds and bounds[0] > bounds[1])  # type: ignore[operator]
    if not dots or wrong or any(each is not None and not each < float("inf") for each in bounds):
        raise UsageError(f"--price {text}", expected="LOW..HIGH, such as 20..80 or ..50")
    return bounds


def _tags(found: list[str]) -> list[str]:
    from dataset.errors import UsageError

    for tag in found:
        if not all(tag.partition("=")):
            raise UsageError(f"--tag {tag}", expected="FIELD=VALUE, such as type=dress")
    return found


def register(app: typer.Typer) -> None:
    app.command()(search)
    app.command()(match)
    group.command()(similar)
