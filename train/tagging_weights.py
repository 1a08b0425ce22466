"""A tagger by the path of its weight, whatever kind it is; torch is loaded for safetensors alone.

In: a run folder, a .safetensors or an .onnx file. Out: a `train.tagger.Tagger`, which is a `train.answers.Predictor`.
Never fetches, never writes.
"""

from __future__ import annotations

from pathlib import Path

from train.onnx_tagger import load_onnx_tagger, shipped_tagger
from train.tagger import Tagger

__all__ = ["load_tagger", "shipped_tagger"]


def load_tagger(path: Path | str, threads: int | None = None) -> Tagger:
    """`threads` are onnxruntime's, None one a core. Raises TrainingError: missing, cut short, changed, another task."""
    path = Path(path)
    if path.suffix == ".onnx":
        return load_onnx_tagger(path, threads)
    from train import predict

    return predict.load_tagger(path)
