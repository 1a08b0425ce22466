"""A segmenter as ONNX: as it is, stored in half precision, or in 8 bits, each proved and measured against torch.

In: a weight, and for 8 bits and for measuring the run's workspace. Out: `<out>.onnx` and the card `<out>.json` that
`train.onnx_backend` wants. Input 'photo' (N, 3, H, W) float32 RGB in [0, 255], padded by `train.letterbox`; output
'logits' (N, C, H, W). fp16 stores tensors in half precision and computes in single: half the bytes at a CPU's full
speed. int8 is static quantisation of the convolutions, per channel, its ranges from training photos; the first and
the last stay in float: what they lose shows most.
"""

from __future__ import annotations

import copy
import io
import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from dataset.blobs import sha256_of, write_atomically
from dataset.errors import TrainingError, UsageError
from dataset.label_space import load_space
from dataset.marks import refuse_if_marked
from dataset.progress import Progress, silent
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import metrics
from train.data import Row, masked_rows, photo, truth
from train.letterbox import UInt8, letterbox
from train.onnx_backend import INPUT, OUTPUT, OnnxBackend, card_path, session_of
from train.predict import TorchBackend, load_segmenter
from train.segmenter import Segmenter
from train.weights import weight_path

Variant = Literal["fp32", "fp16", "int8"]
VARIANTS = ("fp32", "fp16", "int8")
TOLERANCE = 1e-3  # in probability, on noise: what fp32 may differ from torch by
CALIBRATION = 64  # training photos that int8 takes its ranges from
TRUSTED = ("cutout", "review", "import")


@dataclass(frozen=True)
class ExportResult:
    """`difference` is the largest in probability between torch and onnxruntime on noise (fp32 only is held to it).

    With photos: mean IoU of torch and of the file on `n` validation photos, and milliseconds a photo of each, decoding
    left out, measured by turns."""

    path: str
    variant: str
    bytes: int
    difference: float
    n: int = 0
    torch_iou: float | None = None
    iou: float | None = None
    torch_ms: float | None = None
    ms: float | None = None

    def line(self) -> str:
        size = f"{self.path}: {self.variant}, {self.bytes / 1e6:.1f} MB"
        text = f"{size}, differs from torch by at most {self.difference:.1e}"
        if self.iou is None or self.torch_iou is None or not self.ms or not self.torch_ms:
            return text
        iou = f"mean IoU {self.iou:.4f} ({self.iou - self.torch_iou:+.4f}, n = {self.n})"
        return f"{text}; {iou}, {self.ms:.0f} ms a photo ({self.torch_ms / self.ms:.2f}x torch)"


def export_onnx(
    weights: Path | str,
    out: Path | str,
    *,
    variant: str = "fp32",
    ws: Workspace | None = None,
    photos: int = 60,
    allow_taken_down: bool = False,
    progress: Progress = silent,
) -> ExportResult:
    """Write `out` and its card once parity holds. int8 needs `ws`, the workspace with the run's snapshot; with it every
    variant is measured on up to `photos` validation photos.

    Raises UsageError (variant), TrainingError for a weight that can't be read, doesn't agree, or learned from images
    taken down since, unless `allow_taken_down`; SnapshotError where the photos can't be had.
    """
    if variant not in VARIANTS:
        raise UsageError(f"variant '{variant}'", expected=", ".join(VARIANTS))
    if variant == "int8" and ws is None:
        raise UsageError("int8 takes its ranges from training photos", cure="Give the workspace of the run: -w DIR")
    source = weight_path(weights)
    refuse_if_marked(source, allowed=allow_taken_down)
    segmenter = load_segmenter(source)
    data = _made(variant, segmenter, ws)
    noise = np.random.default_rng(0).integers(0, 256, (segmenter.recipe.height, segmenter.recipe.width, 3), np.uint8)
    made = Segmenter(OnnxBackend(session_of(data), segmenter.backend.parameters), segmenter.recipe, segmenter.facts)
    difference = float(np.abs(made.class_probabilities(noise) - segmenter.class_probabilities(noise)).max())
    if variant == "fp32" and difference > TOLERANCE:
        what = f"the ONNX file differs from torch by {difference:.1e}"
        raise TrainingError(what, where=str(source), expected=f"at most {TOLERANCE}")
    result = ExportResult(str(out), variant, len(data), round(difference, 7))
    if ws is not None:
        result = ExportResult(**{**asdict(result), **measured(ws, segmenter, made, photos, progress)})
    _write(Path(out), data, segmenter, result, _judged(source.parent))
    return result


def _made(variant: str, segmenter: Segmenter, ws: Workspace | None) -> bytes:
    plain = _traced(segmenter)
    if variant == "int8":
        return _eight_bits(plain, segmenter, ws)
    return half_stored(plain) if variant == "fp16" else plain


def half_stored(data: bytes) -> bytes:
    """The same graph with each float tensor of over 64 numbers stored in half precision and cast when it is loaded."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(data)
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size <= 64:
            continue
        name = tensor.name
        limit = float(np.finfo(np.float16).max)
        tensor.CopyFrom(numpy_helper.from_array(np.clip(values, -limit, limit).astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def measured(
    ws: Workspace, old: Segmenter, new: Segmenter, most: int, progress: Progress = silent
) -> dict[str, float | int]:
    """Mean IoU and milliseconds a photo of both on the same validation photos, by turns."""
    rows = _rows(ws, old, "validation")[:most]
    space = load_space(old.recipe.label_space)
    counts: list[list[Any]] = [[], []]
    seconds: list[list[float]] = [[], []]
    for number, row in enumerate(rows):
        rgb, right = photo(ws, row), truth(ws, row, space)
        for which, model in enumerate((old, new)):
            began = time.perf_counter()
            said = model.index(rgb)
            seconds[which].append(time.perf_counter() - began)
            counts[which].append(metrics.confusion(right, said, len(space.classes)))
        progress(number + 1, len(rows))
    ious = [round(float(metrics.mean_iou(np.sum(each, axis=0))), 5) for each in counts]
    times = [round(1000 * float(np.median(each)), 2) for each in seconds]
    return {"n": len(rows), "torch_iou": ious[0], "iou": ious[1], "torch_ms": times[0], "ms": times[1]}


def _rows(ws: Workspace, segmenter: Segmenter, part: str) -> list[Row]:
    frozen = load_snapshot(ws, segmenter.facts["snapshot"])
    if frozen.fingerprint != segmenter.facts["fingerprint"]:
        raise TrainingError(f"snapshot {frozen.name} is not the one it learned from", cure="Give the run's workspace")
    return masked_rows(frozen, part, TRUSTED, load_space(segmenter.recipe.label_space))


def _traced(segmenter: Segmenter) -> bytes:
    net = copy.deepcopy(_net(segmenter))  # a copy: tracing changes the network it is given
    example = torch.zeros(1, 3, segmenter.recipe.height, segmenter.recipe.width)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer is called legacy; the new exporter needs onnxscript
        torch.onnx.export(
            net, (example,), buffer,  # type: ignore[arg-type]  # takes a file too
            input_names=[INPUT], output_names=[OUTPUT], opset_version=17, dynamo=False,
            dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
        )  # fmt: skip
    return buffer.getvalue()


def _net(segmenter: Segmenter) -> nn.Module:
    backend = segmenter.backend
    if not isinstance(backend, TorchBackend):
        raise TrainingError("is an ONNX file already", cure="Export from a run or a .safetensors file")
    return backend.net.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]


def _eight_bits(data: bytes, segmenter: Segmenter, ws: Workspace | None) -> bytes:
    import tempfile

    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    assert ws is not None
    rows = _rows(ws, segmenter, "train")[:CALIBRATION]
    size = (segmenter.recipe.height, segmenter.recipe.width)
    photos = [letterbox(photo(ws, row), size) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        first, ready, done = (Path(folder) / name for name in ("first.onnx", "ready.onnx", "done.onnx"))
        first.write_bytes(data)
        quant_pre_process(str(first), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready), str(done), _Reader(photos), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            nodes_to_exclude=_outer_convolutions(data),
            op_types_to_quantize=["Conv"],  # Resize's sizes would be rounded to 8 bits too
        )  # fmt: skip
        return done.read_bytes()


def _outer_convolutions(data: bytes) -> list[str]:
    """Names of the graph's first and last convolution: the one that sees the photo, the one that names the classes."""
    import onnx

    names = [node.name for node in onnx.load_from_string(data).graph.node if node.op_type == "Conv"]
    return [names[0], names[-1]]


class _Reader:
    """What onnxruntime's calibration asks for its next input; None at the end."""

    def __init__(self, photos: Sequence[UInt8]) -> None:
        self._left = iter(photos)

    def get_next(self) -> dict[str, np.ndarray] | None:
        photo = next(self._left, None)
        return None if photo is None else {INPUT: photo.transpose(2, 0, 1)[None].astype(np.float32)}


def _judged(folder: Path) -> list[dict[str, Any]]:
    """The figures of the run's evaluation.json; none where it was never judged."""
    try:
        return list(json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["rows"])
    except (FileNotFoundError, ValueError, KeyError):
        return []


def _write(out: Path, data: bytes, segmenter: Segmenter, result: ExportResult, judged: list[dict[str, Any]]) -> None:
    """The graph, then the card that names it and says what the run was judged to reach."""
    measured = {k: v for k, v in asdict(result).items() if k not in ("path", "variant")}
    card = {
        "sha256": sha256_of(data), "variant": result.variant, "parameters": segmenter.backend.parameters,
        "facts": segmenter.facts, "measured": measured, "test": judged,
    }  # fmt: skip
    write_atomically(out, data)
    write_atomically(card_path(out), (json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())
