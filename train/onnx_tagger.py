"""A tagger on onnxruntime: an ONNX file and the card beside it, no torch loaded.

In: `model.onnx` and `model.json`, as `modiste export tagger` writes them (or the pair that ships). Out: a
`train.tagger.Tagger`. Input 'photo' (N, 3, S, S) float32 RGB in [0, 255]; outputs 'vector' (N, d), for each field
'logits:<field>' (N, K) and, where an answer is a mean over places, 'map:<field>' (N, K, h, w). Mirroring is inside the
graph. The card holds the file's sha256: a file that differs is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from dataset.blobs import sha256_of
from dataset.errors import TrainingError
from dataset.marks import warn_if_marked
from train.letterbox import UInt8
from train.onnx_backend import INPUT, card_path, read_card, session_of
from train.recipe import TaggingRecipe
from train.shipped import shipped
from train.tagger import Seen, Tagger

VECTOR, LOGITS, MAP = "vector", "logits:", "map:"


@dataclass(frozen=True)
class OnnxTagBackend:
    """`train.tagger.Backend` on onnxruntime, on the CPU. `flips` is how the graph was exported."""

    session: Any
    parameters: int
    flips: bool
    fields: tuple[str, ...]

    def see(self, squares: UInt8, flips: bool, maps: bool = False) -> Seen:
        """Raises ValueError for a graph exported with the other `flips`, TrainingError for maps it lacks."""
        if flips != self.flips:
            raise ValueError(f"the graph was exported with flips {self.flips}")
        names = [VECTOR, *(LOGITS + field for field in self.fields)]
        if maps:
            names += [MAP + field for field in self.fields]
            self._check_maps()
        batch = np.ascontiguousarray(squares.transpose(0, 3, 1, 2), dtype=np.float32)
        vectors, *rest = self.session.run(names, {INPUT: batch})
        logits = dict(zip(self.fields, rest, strict=False))
        return Seen(vectors, logits, dict(zip(self.fields, rest[len(self.fields) :], strict=True)) if maps else None)

    def _check_maps(self) -> None:
        if MAP + self.fields[0] not in {each.name for each in self.session.get_outputs()}:
            raise TrainingError(
                "was exported without maps, so it can't say why", cure="Give the run or its .safetensors"
            )


def load_onnx_tagger(path: Path, threads: int | None = None) -> Tagger:
    """Raises TrainingError: no card or a segmenter's, changed since it was exported, no graph onnxruntime can run."""
    card = read_card(path)
    data = _bytes(path)
    if sha256_of(data) != card["sha256"]:
        raise TrainingError("was changed since it was exported", where=str(path), cure="Export the run again")
    facts = card["facts"]
    if facts.get("task") != "tagging":
        raise TrainingError(f"is a {facts.get('task', 'foreign')} weight", where=str(path), expected="a tagging weight")
    warn_if_marked(path)
    try:
        recipe = TaggingRecipe.model_validate(facts["recipe"])
        session = session_of(data, threads)
        fields = tuple(facts["values"])
    except (ValidationError, KeyError) as error:
        raise TrainingError("is no card of a tagger", where=str(card_path(path)), cure="Export again") from error
    except (RuntimeError, ValueError) as error:  # onnxruntime's own
        what = f"can't be run: {str(error)[:200]}"
        raise TrainingError(what, where=str(path), cure="Export the run again") from error
    return Tagger(OnnxTagBackend(session, card["parameters"], recipe.flips, fields), recipe, facts)


def shipped_tagger(threads: int | None = None) -> Tagger:
    """The tagger inside the package. Raises TrainingError where this installation lacks it."""
    return load_onnx_tagger(shipped("tagging"), threads)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        cure = "Export a run: modiste export tagger RUN --out FILE.onnx"
        raise TrainingError("there is no such weight file", where=str(path), cure=cure) from error
