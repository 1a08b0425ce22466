"""A segmenter on onnxruntime: an ONNX file and the card beside it, no torch loaded.

In: `model.onnx` and `model.json`, as `modiste export onnx` writes them (or the pair that ships). Out: a
`train.segmenter.Segmenter`. The card holds the facts and the file's sha256: a file that differs is refused. ONNX files
are data and never run code of their own; the runtime has no custom operators loaded.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset.blobs import sha256_of
from dataset.errors import TrainingError
from dataset.marks import warn_if_marked
from train.letterbox import UInt8
from train.recipe import SegmentationRecipe
from train.segmenter import Float32, Segmenter

INPUT, OUTPUT = "photo", "logits"


@dataclass(frozen=True)
class OnnxBackend:
    """`train.segmenter.Backend` on onnxruntime, on the CPU."""

    session: Any
    parameters: int

    def logits(self, photo: UInt8, flips: bool) -> Float32:
        given = photo.transpose(2, 0, 1)[None].astype(np.float32)
        batch = np.concatenate([given, given[..., ::-1]]) if flips else given
        found = self.session.run([OUTPUT], {INPUT: batch})[0]
        return np.asarray((found[0] + found[1][..., ::-1]) / 2 if flips else found[0])


def card_path(path: Path) -> Path:
    return path.with_suffix(".json")


def read_card(path: Path) -> dict[str, Any]:
    """The card beside an ONNX file. Raises TrainingError where it is missing or no card."""
    try:
        card = json.loads(card_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        cure = "Keep the .json that `modiste export onnx` writes beside the .onnx"
        raise TrainingError("has no card beside it", where=str(path), cure=cure) from error
    except ValueError as error:
        raise TrainingError("is no card", where=str(card_path(path)), cure="Export the run again") from error
    if not {"sha256", "facts", "parameters"} <= set(card):
        raise TrainingError("is no card of a segmenter", where=str(card_path(path)), cure="Export the run again")
    return dict(card)


def load_onnx(path: Path, threads: int | None = None) -> Segmenter:
    """Raises TrainingError: no such file, no card, changed since it was exported, not a graph onnxruntime can run."""
    if not path.is_file():
        raise TrainingError("there is no such weight file", where=str(path), cure="Export a run again")
    card, data = read_card(path), path.read_bytes()
    if sha256_of(data) != card["sha256"]:
        raise TrainingError("was changed since it was exported", where=str(path), cure="Export the run again")
    warn_if_marked(path)
    recipe = SegmentationRecipe.model_validate(card["facts"]["recipe"])
    return Segmenter(OnnxBackend(session_of(data, threads), card["parameters"]), recipe, card["facts"])


def session_of(data: bytes, threads: int | None = None) -> Any:
    """An onnxruntime session on the CPU; `threads` None is one a core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
