"""The weights that come inside the package: `train/shipped/<file>.onnx`, each with its card beside it.

In: a task. Out: the path of its ONNX file. Never fetches: where an installation lacks the file, the error says what to
do instead.
"""

from __future__ import annotations

from pathlib import Path

from dataset.errors import TrainingError, UsageError

SHIPPED = {
    "segmentation": "street-3.onnx", "tagging": "garment-types.onnx", "upscale": "upscale.onnx",
    "repair": "repair.onnx",
}  # fmt: skip
FOLDER = Path(__file__).resolve().parent / "shipped"


def shipped(task: str, folder: Path = FOLDER) -> Path:
    """The ONNX file of `task`. Raises UsageError for a task without one, TrainingError where it or its card is gone."""
    if task not in SHIPPED:
        raise UsageError(f"no weight ships for '{task}'", expected="one of " + ", ".join(SHIPPED))
    path = folder / SHIPPED[task]
    missing = [each.name for each in (path, path.with_suffix(".json")) if not each.is_file()]
    if missing:
        raise TrainingError(
            f"this installation lacks {' and '.join(missing)}",
            where=str(folder),
            cure="Give a weight of your own (--weights FILE.onnx), a workspace with a trained run (-w), or reinstall",
        )
    return path
