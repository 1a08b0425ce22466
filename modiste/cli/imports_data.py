"""`modiste import folder | coco | yolo | cvat | …`: data sets on disk into a workspace, in the layouts of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform

Source = Annotated[Path, typer.Argument(help="The folder, or a zip or tar file of it.")]
Store = Annotated[str | None, typer.Option(help="Name of the rows' store; by default the folder's.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")]


def folder(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """A folder a class: <class>/*.jpg or <split>/<class>/*.jpg.

    Example: modiste import folder photos -w shop
    """
    _import("folder", source, store, limit, workspace, as_json)


def coco(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """COCO: annotations/*.json (polygons and run lengths, holes kept) and the images.

    Example: modiste import coco coco -w shop
    """
    _import("coco", source, store, limit, workspace, as_json)


def yolo(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """YOLO: images, labels/*.txt (boxes or polygons), the names in data.yaml.

    Example: modiste import yolo yolo -w shop
    """
    _import("yolo", source, store, limit, workspace, as_json)


def cvat(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """CVAT for images, XML 1.1: masks, polygons and tags.

    Example: modiste import cvat task.zip -w shop
    """
    _import("cvat", source, store, limit, workspace, as_json)


def labelstudio(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Label Studio's JSON export: brushes, polygons and choices.

    Example: modiste import labelstudio project -w shop
    """
    _import("labelstudio", source, store, limit, workspace, as_json)


def voc(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Pascal VOC: Annotations, JPEGImages, SegmentationClass, ImageSets.

    Example: modiste import voc VOC2012 -w shop
    """
    _import("voc", source, store, limit, workspace, as_json)


def masks(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Mask folders: images/NAME.jpg beside masks/NAME.png or masks/<word>/NAME.png.

    Example: modiste import masks pairs -w shop
    """
    _import("masks", source, store, limit, workspace, as_json)


def street(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Clothing Co-Parsing: photos/NNNN.jpg, labels/NNNN.png (a label a pixel), labels.json.

    Example: modiste import street data/street -w shop
    """
    _import("street", source, store, limit, workspace, as_json)


def wardrobe(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """clothing-dataset-small: train/ and validation/, a folder a class.

    Example: modiste import wardrobe data/wardrobe -w shop
    """
    _import("wardrobe", source, store, limit, workspace, as_json)


def fashionpedia(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Fashionpedia: instances_attributes_*.json and the images.

    Example: modiste import fashionpedia fashionpedia -w shop
    """
    _import("fashionpedia", source, store, limit, workspace, as_json)


def deepfashion2(
    source: Source,
    store: Store = None,
    limit: Limit = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """DeepFashion2: <split>/image and <split>/annos; a pair is a product.

    Example: modiste import deepfashion2 deepfashion2 -w shop
    """
    _import("deepfashion2", source, store, limit, workspace, as_json)


def _import(format_: str, source: Path, store: str | None, limit: int | None, workspace: Path, as_json: bool) -> None:
    from dataset.importers.run import import_data

    ws = open_workspace(workspace)
    perform(
        "import",
        lambda progress: import_data(ws, format_, source, store=store, limit=limit, progress=progress),
        as_json,
    )


def register_into(imports: typer.Typer) -> None:
    """Add the commands to the group `import`, which the crawling commands make."""
    for command in (folder, coco, yolo, cvat, labelstudio, voc, masks, street, wardrobe, fashionpedia, deepfashion2):
        imports.command()(command)
