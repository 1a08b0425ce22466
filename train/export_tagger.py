"""A tagger as ONNX, plain or stored in half precision, with its card; proved against torch before it is written.

In: a weight; for measuring, the run's workspace. Out: `<out>.onnx`, the card `<out>.json` that `train.onnx_tagger`
wants, and `<out>.md` for people. The graph holds the mirroring, the unit vector, the logits of each field and, where
the backbone ends in a mean over places, the maps that say why (class activation maps, Zhou et al., CVPR 2016).
"""

from __future__ import annotations

import copy
import io
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dataset.blobs import sha256_of, write_atomically
from dataset.errors import TrainingError, UsageError
from dataset.marks import refuse_if_marked
from train.export import half_stored
from train.models.taggers import TagNet, both_flips, is_mean_of_places, place_features, place_logits
from train.onnx_backend import INPUT, card_path, session_of
from train.onnx_tagger import LOGITS, MAP, VECTOR, OnnxTagBackend
from train.predict import TagBackend, load_tagger
from train.tagger import Seen, Tagger
from train.tagger_card import card_words
from train.weights import weight_path

VARIANTS = ("fp32", "fp16")
TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2}  # in chance, on noise: fp16 rounds every weight


@dataclass(frozen=True)
class TaggerExport:
    """`difference` is the largest in any chance between torch and onnxruntime, `vector_difference` in any entry of the
    unit vectors, both on noise."""

    path: str
    variant: str
    bytes: int
    difference: float
    vector_difference: float
    maps: bool

    def line(self) -> str:
        size = f"{self.path}: {self.variant}, {self.bytes / 1e6:.1f} MB"
        why = "explains itself" if self.maps else "without maps"
        return f"{size}, differs from torch by at most {self.difference:.1e}, {why}"


def export_tagger(
    weights: Path | str, out: Path | str, *, variant: str = "fp16", allow_taken_down: bool = False
) -> TaggerExport:
    """Write `out`, its card and its page once parity holds. Raises UsageError (variant), TrainingError for a weight
    that can't be read, doesn't agree, or learned from images taken down since, unless `allow_taken_down`."""
    if variant not in VARIANTS:
        raise UsageError(f"variant '{variant}'", expected=", ".join(VARIANTS))
    source, out = weight_path(weights), Path(out)
    refuse_if_marked(source, allowed=allow_taken_down)
    tagger = load_tagger(source)
    backend = tagger.backend
    if not isinstance(backend, TagBackend):
        raise TrainingError(
            "is an ONNX file already", where=str(source), cure="Export from a run or a .safetensors file"
        )
    maps = is_mean_of_places(backend.net, tagger.recipe.side)
    plain = _traced(backend.net, tagger, maps)
    data = half_stored(plain) if variant == "fp16" else plain
    made = OnnxTagBackend(session_of(data), backend.parameters, tagger.recipe.flips, tuple(tagger.values))
    result = TaggerExport(str(out), variant, len(data), *differences(tagger, made), maps)
    if max(result.difference, result.vector_difference) > TOLERANCE[variant]:
        what = f"the ONNX file differs from torch by {result.difference:.1e}"
        raise TrainingError(what, where=str(source), expected=f"at most {TOLERANCE[variant]}")
    _write(out, data, tagger, result, source.parent)
    return result


def differences(tagger: Tagger, made: OnnxTagBackend) -> tuple[float, float]:
    """The largest difference in a chance, and in an entry of the vectors, on three squares of noise at once."""
    side = tagger.recipe.side
    noise = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8)
    one, other = (backend.see(noise, tagger.recipe.flips) for backend in (tagger.backend, made))
    chances = [_chances(tagger, seen) for seen in (one, other)]
    gap = max(float(np.abs(chances[0][field] - chances[1][field]).max()) for field in tagger.values)
    return round(gap, 7), round(float(np.abs(one.vectors - other.vectors).max()), 7)


def _chances(tagger: Tagger, seen: Seen) -> dict[str, Any]:
    return {field: tagger.calibrated(field, seen.logits[field]) for field in tagger.values}


class _Graph(nn.Module):
    """The outputs of `train.onnx_tagger`, in the order of `names`."""

    def __init__(self, net: TagNet, flips: bool, maps: bool) -> None:
        super().__init__()
        self.net, self.flips, self.maps = net, flips, maps
        self.names = [VECTOR, *(LOGITS + field for field in net.fields)]
        self.names += [MAP + field for field in net.fields] if maps else []

    def forward(self, photo: Tensor) -> tuple[Tensor, ...]:
        if not self.maps:
            vector = both_flips(self.net, photo, self.flips)
            return vector, *self.net.heads_on(vector).values()
        places = place_features(self.net, photo, self.flips)  # once for all: their mean is the vector
        vector = places.mean((2, 3))
        return vector, *self.net.heads_on(vector).values(), *place_logits(self.net, places).values()


def _traced(net: TagNet, tagger: Tagger, maps: bool) -> bytes:
    net = copy.deepcopy(net).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    graph = _Graph(net.cpu().eval(), tagger.recipe.flips, maps)  # a copy: tracing changed the network it was given
    example, buffer = torch.zeros(2, 3, tagger.recipe.side, tagger.recipe.side), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer is called legacy; the new exporter needs onnxscript
        torch.onnx.export(
            graph, (example,), buffer,  # type: ignore[arg-type]  # takes a file too
            input_names=[INPUT], output_names=graph.names, opset_version=17, dynamo=False,
            dynamic_axes={name: {0: "n"} for name in (INPUT, *graph.names)},
        )  # fmt: skip
    return buffer.getvalue()


def _write(out: Path, data: bytes, tagger: Tagger, result: TaggerExport, run: Path) -> None:
    """The graph, the card that names it and says what the run was judged to reach, and the page."""
    measured = {key: value for key, value in asdict(result).items() if key not in ("path", "variant")}
    card = {
        "sha256": sha256_of(data), "variant": result.variant, "parameters": tagger.backend.parameters,
        "facts": tagger.facts, "measured": measured, "test": _judged(run),
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, data)
    write_atomically(card_path(out), (json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())
    write_atomically(out.with_suffix(".md"), card_words(out.stem, card).encode())


def _judged(folder: Path) -> list[dict[str, Any]]:
    """The figures of the run's evaluation.json; none where it was never judged."""
    try:
        return list(json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["rows"])
    except (FileNotFoundError, ValueError, KeyError):
        return []
