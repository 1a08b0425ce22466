"""`modiste export coco | …`: a snapshot as a folder for other tools; `onnx`, `tagger`: a run as one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

group = typer.Typer(
    help="Write a snapshot for other tools: images without EXIF, masks exact to the pixel.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(help="The snapshot.")]
Out = Annotated[Path, typer.Option(help="Folder to write; it must not be there yet.")]
BlurFaces = Annotated[bool, typer.Option("--blur-faces", help="Blur every face found, beyond recovery.")]
Masks = Annotated[str, typer.Option(help="composite (skin, garment), labels, garment, person or none.")]


@group.command()
def coco(
    snapshot: Name,
    out: Out,
    masks: Masks = "composite",
    blur_faces: BlurFaces = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """COCO: run-length masks exact to the pixel, one JSON a part.

    Example: modiste export coco spring -w shop --out spring-coco
    """
    _export("coco", snapshot, out, masks, blur_faces, workspace, as_json)


@group.command()
def yolo(
    snapshot: Name,
    out: Out,
    masks: Masks = "composite",
    blur_faces: BlurFaces = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """YOLO segmentation: polygons (holes joined by a cut, the loss measured) and exact mask PNGs beside them.

    Example: modiste export yolo spring -w shop --out spring-yolo
    """
    _export("yolo", snapshot, out, masks, blur_faces, workspace, as_json)


@group.command()
def labelstudio(
    snapshot: Name,
    out: Out,
    masks: Masks = "composite",
    blur_faces: BlurFaces = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Label Studio: tasks with brush masks and choices, and the labelling interface.

    Example: modiste export labelstudio spring -w shop --out spring-labelstudio
    """
    _export("labelstudio", snapshot, out, masks, blur_faces, workspace, as_json)


@group.command()
def cvat(
    snapshot: Name,
    out: Out,
    masks: Masks = "composite",
    blur_faces: BlurFaces = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """CVAT for images, XML 1.1: masks run by run.

    Example: modiste export cvat spring -w shop --out spring-cvat
    """
    _export("cvat", snapshot, out, masks, blur_faces, workspace, as_json)


@group.command()
def webdataset(
    snapshot: Name,
    out: Out,
    masks: Masks = "composite",
    blur_faces: BlurFaces = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """WebDataset shards: image, JSON and mask PNG of each sample in tar files.

    Example: modiste export webdataset spring -w shop --out spring-webdataset
    """
    _export("webdataset", snapshot, out, masks, blur_faces, workspace, as_json)


@group.command()
def huggingface(
    snapshot: Name,
    out: Out,
    masks: Masks = "composite",
    blur_faces: BlurFaces = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Hugging Face imagefolder with Parquet metadata, ready for load_dataset.

    Example: modiste export huggingface spring -w shop --out spring-huggingface
    """
    _export("huggingface", snapshot, out, masks, blur_faces, workspace, as_json)


@group.command()
def parquet(
    snapshot: Name,
    out: Out,
    masks: Masks = "composite",
    blur_faces: BlurFaces = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Plain Parquet with the images' bytes, masks and one column a label.

    Example: modiste export parquet spring -w shop --out spring-parquet
    """
    _export("parquet", snapshot, out, masks, blur_faces, workspace, as_json)


@group.command()
def tagger(
    run: Annotated[str, typer.Argument(help="Tagging run of the workspace, its id or 'latest'.")] = "latest",
    out: Annotated[Path, typer.Option(help="The ONNX file to write; its card and page come beside it.")] = Path(
        "tagger.onnx"
    ),
    variant: Annotated[str, typer.Option(help="fp16 (half the bytes) or fp32.")] = "fp16",
    allow_taken_down: Annotated[
        bool, typer.Option("--allow-taken-down", help="Even if it learned from images taken down since.")
    ] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """A tagging run as one ONNX file that answers and explains itself without torch, with its card.

    Judge the run first (modiste evaluate): the card holds what it reached.
    Example: modiste export tagger latest -w shop --out garments.onnx
    """
    from train import record
    from train.export_tagger import export_tagger

    found = record.load(open_workspace(workspace), run, task="tagging")
    perform(
        "export tagger",
        lambda _: export_tagger(found.folder, out, variant=variant, allow_taken_down=allow_taken_down),
        as_json,
    )


@group.command()
def onnx(
    run: Annotated[str, typer.Argument(help="Segmentation run: its id, 'latest', or a promoted name.")] = "latest",
    out: Annotated[Path, typer.Option(help="The ONNX file to write; its card comes beside it.")] = Path(
        "segmenter.onnx"
    ),
    variant: Annotated[str, typer.Option(help="fp32, fp16 (half the bytes) or int8 (faster).")] = "fp16",
    photos: Annotated[int, typer.Option(min=1, help="Validation photos it is measured on beside torch.")] = 60,
    allow_taken_down: Annotated[
        bool, typer.Option("--allow-taken-down", help="Even if it learned from images taken down since.")
    ] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """A segmentation run as one ONNX file for `modiste cutout --weights`, with what it loses and gains beside torch.

    Example: modiste export onnx latest -w shop --variant int8 --out street.onnx
    """
    from modiste.cutout_model import segmentation_run
    from train.export import export_onnx

    ws = open_workspace(workspace)
    perform(
        "export onnx",
        lambda progress: export_onnx(
            segmentation_run(ws, run).folder, out, variant=variant, ws=ws, photos=photos,
            allow_taken_down=allow_taken_down, progress=progress,
        ),
        as_json,
    )  # fmt: skip


def _export(
    format_: str, snapshot: str, out: Path, masks: str, blur_faces: bool, workspace: Path, as_json: bool
) -> None:
    from dataset.exporters.run import export

    ws = open_workspace(workspace)
    perform(
        "export",
        lambda progress: export(ws, format_, snapshot, out, masks=masks, blur_faces=blur_faces, progress=progress),
        as_json,
    )


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="export")
