"""Weight files: safetensors that say what they are. They never run code.

In: tensors and facts (recipe, snapshot fingerprint, taxonomy, classes, input size). Out: one `.safetensors` file
whose metadata holds the facts and a sha256 over the tensors, proved on loading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dataset.blobs import write_atomically
from dataset.errors import TrainingError
from dataset.marks import warn_if_marked

WEIGHT_FILE = "model.safetensors"
_KEY = "modiste"


def tensor_fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over name, dtype, shape and bytes of every tensor, by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}|{value.dtype}|{tuple(value.shape)}|".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_weights(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    """Write atomically; returns the fingerprint of the tensors, which the file holds too."""
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    fingerprint = tensor_fingerprint(plain)
    text = json.dumps({**facts, "weights": fingerprint}, sort_keys=True, ensure_ascii=False)
    write_atomically(path, save(plain, metadata={_KEY: text}))
    return fingerprint


def weight_path(path: Path | str) -> Path:
    """The weight file itself, or the one in a run folder. Raises TrainingError where there is none."""
    path = Path(path)
    path = path / WEIGHT_FILE if path.is_dir() else path
    if not path.is_file():
        raise TrainingError("there is no such weight file", where=str(path), cure="Train a model: modiste train")
    return path


def read_weights(path: Path, task: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts, proved. Raises TrainingError for a file that is cut short, changed, or of another task; warns
    (TakenDownWarning) where its run learned from images taken down since."""
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    except (SafetensorError, ValueError, OSError) as error:
        raise TrainingError(
            f"is no whole safetensors file: {error}", where=str(path), cure="Fetch it again, or train again"
        ) from error
    if facts.get("task") != task:
        raise TrainingError(
            f"is a {facts.get('task', 'foreign')} weight", where=str(path), expected=f"a {task} weight of Modiste"
        )
    if tensor_fingerprint(tensors) != facts.get("weights"):
        raise TrainingError("was changed since it was trained", where=str(path), cure="Fetch it again, or train again")
    warn_if_marked(path)
    return tensors, facts
