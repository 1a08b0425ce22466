"""A restoration network as ONNX, stored in half precision, with its card; proved against torch before it is written.

In: a run folder or a .safetensors file. Out: `<out>.onnx` and its card `<out>.json`, for `train.restoration_onnx`.
Input 'photo': (1, 3, H, W) float32 RGB in [0, 255]; of the U-Net (1, 4, H, W), filled and mask, multiples of 8; of the
ray network (N, FEATURES). Outputs 'residual2', 'residual4' (1, 3, sH, sW) over bicubic, or 'residual' (1, 3, H, W),
(N, 3) over the first fill, in levels of 255.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dataset.blobs import sha256_of, write_atomically
from dataset.errors import TrainingError
from dataset.marks import refuse_if_marked
from train.export import half_stored
from train.models.restoration import RayNet, RepairNet, UpscaleNet
from train.onnx_backend import INPUT, card_path, session_of
from train.restoration import net_of
from train.restoration_onnx import OUTPUT
from train.restoration_rays import FEATURES, Float32
from train.restoration_recipe import RestorationRecipe
from train.weights import read_weights, weight_path

Net = UpscaleNet | RayNet | RepairNet
TOLERANCE = 2.0  # levels of 255, at the worst pixel of noise: half precision rounds every weight
OPSET = 17


@dataclass(frozen=True)
class RestorationExport:
    """`difference` is the largest between torch and onnxruntime on noise, `mean_difference` the mean, in levels."""

    path: str
    bytes: int
    parameters: int
    difference: float
    mean_difference: float

    def line(self) -> str:
        size = f"{self.path}: fp16, {self.bytes / 1e6:.2f} MB, {self.parameters:,} parameters"
        return f"{size}, differs from torch by at most {self.difference:.2f} levels of 255"


def export_restoration(
    weights: Path | str, out: Path | str, *, measured: Mapping[str, Any] | None = None, allow_taken_down: bool = False
) -> RestorationExport:
    """Write `out` and its card once parity holds; `measured` (a benchmark's figures) goes into the card.

    Raises TrainingError for a weight that can't be read, doesn't agree, or learned from images taken down since, unless
    `allow_taken_down`."""
    source, out = weight_path(weights), Path(out)
    refuse_if_marked(source, allowed=allow_taken_down)
    net, facts = load_restoration(source)
    graph = _Graph(net).eval()  # the exporter puts back the mode it found
    data = half_stored(_traced(graph))
    result = RestorationExport(
        str(out), len(data), sum(each.numel() for each in net.parameters()), *_apart(graph, data)
    )
    if result.difference > TOLERANCE:
        what = f"the ONNX file differs from torch by {result.difference:.2f} levels"
        raise TrainingError(what, where=str(source), expected=f"at most {TOLERANCE}")
    figures = {key: value for key, value in asdict(result).items() if key not in ("path", "parameters")}
    card = {
        "sha256": sha256_of(data), "variant": "fp16", "parameters": result.parameters, "facts": facts,
        "measured": figures, "test": dict(measured or {}),
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, data)
    write_atomically(card_path(out), (json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())
    return result


def load_restoration(source: Path) -> tuple[Net, dict[str, Any]]:
    """The trained network, for use, and its facts. Raises TrainingError."""
    tensors, facts = read_weights(source, "restoration")
    net = net_of(RestorationRecipe.model_validate(facts["recipe"]))
    net.load_state_dict(tensors)
    return net.eval(), facts


class _Graph(nn.Module):
    """What is exported of a network: its residual. The classical part is cheaper outside."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net
        self.times = [int(each) for each in net.tails] if isinstance(net, UpscaleNet) else []
        self.names = [f"{OUTPUT}{each}" for each in self.times] or [OUTPUT]

    def forward(self, given: Tensor) -> tuple[Tensor, ...]:
        if isinstance(self.net, RayNet):
            return (self.net(given),)
        if isinstance(self.net, RepairNet):
            return (self.net.residual(given),)
        features = self.net.features(given)
        return tuple(self.net.residual(features, each) for each in self.times)

    def noise(self, high: int, wide: int) -> Float32:
        """What the network may be given, of that size."""
        draw = np.random.default_rng(0)
        if isinstance(self.net, RayNet):
            return draw.normal(0, 0.4, (high * wide, FEATURES)).astype(np.float32)
        channels = 3 if self.times else 4
        noise = draw.integers(0, 256, (1, channels, high, wide)).astype(np.float32)
        noise[:, 3:] = np.where(noise[:, 3:] > 200, 255, 0)
        return noise


def _traced(graph: _Graph) -> bytes:
    example, buffer = torch.from_numpy(graph.noise(64, 48)), io.BytesIO()
    axes = {0: "n"} if example.ndim == 2 else {2: "h", 3: "w"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer is called legacy; the new exporter needs onnxscript
        torch.onnx.export(
            graph, (example,), buffer,  # type: ignore[arg-type]  # takes a file too
            input_names=[INPUT], output_names=graph.names, opset_version=OPSET, dynamo=False,
            dynamic_axes=dict.fromkeys((INPUT, *graph.names), axes),
        )  # fmt: skip
    return buffer.getvalue()


def _apart(graph: _Graph, data: bytes) -> tuple[float, float]:
    """The largest and the mean difference from torch, at a size that isn't the traced one."""
    noise = graph.noise(72, 96)
    with torch.inference_mode():
        expected = [each.numpy() for each in graph(torch.from_numpy(noise))]
    found = session_of(data).run(graph.names, {INPUT: noise})
    gaps = [np.abs(one - other) for one, other in zip(expected, found, strict=True)]
    return round(float(max(each.max() for each in gaps)), 4), round(float(np.mean([each.mean() for each in gaps])), 5)
