"""A segmenter as ONNX, proved against torch. In: a weight. Out: a file, and the largest difference found.

Input 'photo' (N, 3, H, W) float32 RGB in [0, 255], padded by `train.data.letterbox`; output 'probabilities' (N, 3, H,
W). The facts of the weight travel as metadata of the file.
"""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dataset.blobs import write_atomically
from dataset.errors import TrainingError
from dataset.marks import refuse_if_marked
from train.predict import load_segmenter
from train.weights import weight_path

TOLERANCE = 1e-3


@dataclass(frozen=True)
class ExportResult:
    """`difference` is the largest in probability between torch and onnxruntime on `n` noise photos."""

    path: str
    bytes: int
    difference: float
    n: int

    def line(self) -> str:
        parity = f"differs from torch by at most {self.difference:.1e} (n = {self.n})"
        return f"{self.path}: {self.bytes / 1e6:.1f} MB, {parity}"


class _Softmax(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, photo: Tensor) -> Tensor:
        out: Tensor = self.net(photo).softmax(1)
        return out


def export_onnx(weights: Path | str, out: Path | str, *, allow_taken_down: bool = False) -> ExportResult:
    """Write `out` once parity holds. Raises TrainingError for a weight that can't be read, doesn't agree, or learned
    from images taken down since, unless `allow_taken_down`."""
    import onnx

    source = weight_path(weights)
    refuse_if_marked(source, allowed=allow_taken_down)
    segmenter = load_segmenter(source)
    size = (segmenter.recipe.height, segmenter.recipe.width)
    net = _Softmax(segmenter.net).eval()
    photos = np.random.default_rng(0).uniform(0, 255, (2, 3, *size)).astype(np.float32)
    model = onnx.load_from_string(_traced(net, photos[:1]))
    entry = model.metadata_props.add()
    entry.key, entry.value = "modiste", json.dumps(segmenter.facts, sort_keys=True)
    data = model.SerializeToString()
    difference = parity(data, net, photos)
    if difference > TOLERANCE:
        what = f"the ONNX file differs from torch by {difference:.1e}"
        raise TrainingError(what, where=str(source), expected=f"at most {TOLERANCE}")
    write_atomically(Path(out), data)
    return ExportResult(str(out), len(data), difference, len(photos))


def _traced(net: nn.Module, photos: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer is called legacy; the new exporter needs onnxscript
        torch.onnx.export(
            net, (torch.from_numpy(photos),), buffer,  # type: ignore[arg-type]  # takes a file too
            input_names=["photo"], output_names=["probabilities"], opset_version=17, dynamo=False,
            dynamic_axes={"photo": {0: "n"}, "probabilities": {0: "n"}},
        )  # fmt: skip
    return buffer.getvalue()


def parity(data: bytes, net: nn.Module, photos: np.ndarray) -> float:
    """Largest |torch - onnxruntime| over `photos` (N, 3, H, W)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = net(torch.from_numpy(photos)).numpy()
    return float(np.abs(session.run(None, {"photo": photos})[0] - expected).max())
