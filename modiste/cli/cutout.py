"""`modiste cutout`: the garment or the person alone, on nothing or staged for a shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, perform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataset.workspace import Workspace
    from modiste.cutout_sources import Source

Images = Annotated[list[str] | None, typer.Argument(help="Photos, folders of photos, or image URLs.")]


def cutout(
    images: Images = None,
    out: Annotated[Path, typer.Option(help="Folder for the cutouts.")] = Path("cutouts"),
    watch: Annotated[Path | None, typer.Option(help="Cut out what comes into this folder, until Ctrl-C.")] = None,
    run: Annotated[str | None, typer.Option(help="Segmentation run: its id, 'latest', or a promoted name.")] = None,
    weights: Annotated[Path | None, typer.Option(help="A weight file, .onnx or .safetensors.")] = None,
    what: Annotated[str, typer.Option(help="garment or person.")] = "garment",
    people: Annotated[str, typer.Option(help="all in one picture, the largest alone, or each in its own.")] = "all",
    kind: Annotated[str, typer.Option("--format", help="png, webp (lossless), or jpg with --on.")] = "png",
    on: Annotated[str, typer.Option(help="transparent, white, #RRGGBB or a picture file.")] = "transparent",
    shadow: Annotated[str, typer.Option(help="soft or none.")] = "none",
    crop: Annotated[str, typer.Option(help="tight or none.")] = "none",
    margin: Annotated[float, typer.Option(help="Around a tight crop, share of its longer side.")] = 0.05,
    template: Annotated[str | None, typer.Option(help="square-2000, or WIDTHxHEIGHT:MARGIN.")] = None,
    white: Annotated[bool, typer.Option("--white", help="Also lay each on white, as JPEG.")] = False,
    edges: Annotated[
        str, typer.Option(help="matting, guided (plainer), none, or auto: matting up to 12 megapixels.")
    ] = "auto",
    closer: Annotated[
        bool | None, typer.Option("--closer/--once", help="Look twice; by default at photos over 3 megapixels.")
    ] = None,
    mask: Annotated[
        str, typer.Option(help="network, backdrop (what differs from it), or auto: backdrop where nobody wears it.")
    ] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="For the network; by default one a core.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Cut the garment out of photos: transparent PNG at the photo's own size, or staged for a shop.

    Takes --weights, --run, the workspace's newest run, or the weight that ships. What is there already stays; changed
    settings make it anew. A garment laid flat or hung is told from its backdrop, too; --json says which way, as 'mask'.
    Edges are refined at full size and the old background's colour is taken out of them.
    Example: modiste cutout photos/ --out cutouts --on white --shadow soft --template square-2000
    """
    from modiste.cutout import CutoutResult, cut_out
    from modiste.cutout_model import choose, workspace_if_any
    from modiste.cutout_settings import CutoutSettings
    from train.closer import look

    settings = CutoutSettings(what, people, kind, on, shadow, crop, margin, template, edges, white, closer, mask)
    settings.check()
    named = run is not None or workspace != HERE
    ws = workspace_if_any(workspace, wanted=named)
    with _sources(images or [], watch, out, ws) as sources:
        segmenter, model = choose(ws, run, weights, threads)
        result: CutoutResult = perform(
            "cutout",
            lambda progress: cut_out(
                sources, out, lambda rgb: look(segmenter, rgb, twice=closer), settings,
                weights=f"{segmenter.facts.get('weights')} {model}", model=model,
                progress=progress,
            ),
            as_json,
        )  # fmt: skip
    if result.failed:
        raise typer.Exit(1)


@contextmanager
def _sources(words: list[str], watch: Path | None, out: Path, ws: Workspace | None) -> Iterator[Iterable[Source]]:
    """Files and folders first, then URLs; or the folder that is watched."""
    from dataset.errors import UsageError
    from modiste.cutout import watched
    from modiste.cutout_ledger import Ledger
    from modiste.cutout_sources import find_images, is_url, of_file, of_url

    if bool(words) == (watch is not None):
        raise UsageError("modiste cutout", expected="photos, folders or URLs; or --watch FOLDER")
    if watch is not None:
        yield watched(watch, out)
        return
    urls = [word for word in words if is_url(word)]
    paths = [Path(word) for word in words if not is_url(word)]
    files = find_images(paths, out, Ledger(out, "").made()) if paths else []
    with ExitStack() as closing:
        sources = [of_file(path) for path in files]
        if urls:
            from modiste.cutout_urls import UrlReader

            read = closing.enter_context(UrlReader(ws))
            sources += [of_url(url, read) for url in dict.fromkeys(urls)]
        yield sources


def register(app: typer.Typer) -> None:
    app.command()(cutout)
