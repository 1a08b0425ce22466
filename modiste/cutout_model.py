"""Which segmenter `modiste cutout` uses: a weight file, a run, the workspace's newest run, or the weight that ships.

In: the words of the command line; a run is named by its id, 'latest', or the name it was promoted under. Out: a
`train.segmenter.Segmenter` and what to call it. torch is loaded for safetensors alone: an .onnx file runs on
onnxruntime without it. Weights are data and never run code.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import ValidationError

from dataset.errors import EmptyError, TrainingError, UsageError, WorkspaceError
from dataset.workspace import Workspace
from train import record
from train.onnx_backend import load_onnx
from train.promotion import pointers, promoted_run
from train.segmenter import Segmenter
from train.shipped import shipped

KINDS = (".onnx", ".safetensors")


def choose(
    ws: Workspace | None, run: str | None = None, weights: Path | None = None, threads: int | None = None
) -> tuple[Segmenter, str]:
    """The segmenter and its name. Raises UsageError (both given, unknown kind of file, run without workspace),
    EmptyError (no such run or promoted name), TrainingError (missing, cut short, changed, of another task, without
    garments)."""
    if run and weights:
        raise UsageError("--run and --weights are given", expected="one of them")
    if weights:
        return from_file(weights, threads), weights.name
    if run:
        if ws is None:
            raise UsageError("a run belongs to a workspace", expected="-w WORKSPACE with --run")
        found = segmentation_run(ws, run)
        return from_file(found.folder / "model.safetensors", threads), found.id
    if ws is not None:
        try:
            found = record.load(ws, "latest", task="segmentation")
            return from_file(found.folder / "model.safetensors", threads), found.id
        except EmptyError:
            logging.getLogger(__name__).info("no finished segmentation run in %s: the weight that ships is used", ws)
    path = shipped("segmentation")
    return from_file(path, threads), f"{path.stem}, which ships"


def segmentation_run(ws: Workspace, run: str) -> record.Run:
    """The run promoted as `run`, else the run of this id or 'latest'. Raises EmptyError that names both kinds,
    TrainingError for a run of another task."""
    promoted = promoted_run(ws, run) if Path(run).name == run else None
    try:
        found = promoted or record.load(ws, run, task="segmentation")
    except EmptyError as error:
        names = ", ".join(pointers(ws)) or "none"
        raise EmptyError(error.what, where=error.where, cure=f"{error.cure}; promoted names: {names}") from error
    if found.task != "segmentation":
        raise TrainingError(f"run {run} is a {found.task} run", expected="a segmentation run")
    return found


def from_file(path: Path, threads: int | None = None) -> Segmenter:
    """By its suffix, .onnx or .safetensors."""
    if path.suffix not in KINDS:
        raise UsageError("is no weight file", where=str(path), expected=" or ".join(KINDS))
    if path.suffix == ".onnx":
        return _whole(_onnx(path, threads), path)
    from train.predict import load_segmenter

    return _whole(load_segmenter(path), path)


def workspace_if_any(path: Path, *, wanted: bool) -> Workspace | None:
    """The workspace at `path`; None where there is none and nobody asked for it by name."""
    try:
        return Workspace.open(path)
    except WorkspaceError:
        if wanted:
            raise
        return None


def _onnx(path: Path, threads: int | None) -> Segmenter:
    try:
        return load_onnx(path, threads)
    except (ValidationError, KeyError) as error:
        raise TrainingError(
            "is no segmentation weight", where=str(path), cure="Give one that `modiste export onnx` wrote"
        ) from error
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"can't be run: {str(error)[:200]}", where=str(path), cure="Export the run again"
        ) from error


def _whole(segmenter: Segmenter, path: Path) -> Segmenter:
    """Refused unless it tells garments from the background, under classes and roles that fit."""
    classes, roles = segmenter.facts.get("classes") or [], segmenter.facts.get("roles", [0, 1, 2])
    if segmenter.facts.get("task", "segmentation") != "segmentation" or len(classes) != len(roles) or 2 not in roles:
        raise TrainingError(
            f"has classes {classes} and roles {roles}", where=str(path), expected="a segmentation weight with garments"
        )
    return segmenter
