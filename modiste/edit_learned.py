"""The learned networks of editing: which there are, loaded once; without one, a step turns into its classical form.

In: a step's settings. Out: the step as it will run, its network, and the network's fingerprint. Loads nothing before a
step asks for it; never fetches.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from modiste.edit_steps import Repair, Step, Upscale
from train.restoration_onnx import Repairer, Upscaler, load_repairer, load_upscaler
from train.shipped import FOLDER

WEIGHTS: dict[type[Step], str] = {Upscale: "upscale.onnx", Repair: "repair.onnx"}
CLASSICAL: dict[type[Step], str] = {Upscale: "lanczos", Repair: "navier-stokes"}


def settled(step: Step) -> Step:
    """The step itself, or with its classical method where this installation lacks its network."""
    if is_learned(step) and weight_of(step) is None:
        return step.model_copy(update={"method": CLASSICAL[type(step)]})
    return step


def is_learned(step: Step) -> bool:
    """Whether the step asks for a trained network to make pixels."""
    return getattr(step, "method", None) == "learned"


def weight_of(step: Step) -> Path | None:
    """The ONNX file inside the package; None where it or its card isn't there."""
    path = FOLDER / WEIGHTS[type(step)]
    return path if path.is_file() and path.with_suffix(".json").is_file() else None


def fingerprint_of(step: Step) -> str:
    """sha256 of the network a settled step uses, '' for a step that uses none."""
    path = weight_of(step) if is_learned(step) else None
    return str(json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]) if path else ""


@lru_cache(maxsize=1)
def upscaler() -> Upscaler:
    """Raises TrainingError where the file was changed or is gone."""
    return load_upscaler(FOLDER / WEIGHTS[Upscale])


@lru_cache(maxsize=1)
def repairer() -> Repairer:
    """Raises TrainingError where the file was changed or is gone."""
    return load_repairer(FOLDER / WEIGHTS[Repair])
