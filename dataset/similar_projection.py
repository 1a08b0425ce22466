"""A learned view of an encoder's vectors: what the recipe `similar/linear` trains and what an index applies.

In: unit vectors of the base encoder and, where they were measured, colour grids (dataset.colour_signature). Out: unit
vectors of three parts side by side: the kind of garment, the look of the picture, its colours, each weighed. Read from
a run's safetensors with numpy alone, its fingerprint proved. Never trains, never reads an image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.errors import TrainingError, UsageError
from dataset.marks import warn_if_marked
from dataset.workspace import Workspace

Floats = NDArray[np.float32]
MARK = "+similar#"  # between the base encoder's name and the projection's fingerprint
WEIGHT_FILE = "model.safetensors"


@dataclass(frozen=True)
class Projection:
    """`mean` (d,), `kind` (d, p), `look` (d, q), `grid_mean` and `grid_scale` (48,); the parts' weights; `base` is the
    encoder it was learned on."""

    base: str
    mean: Floats
    kind: Floats
    look: Floats
    grid_mean: Floats
    grid_scale: Floats
    look_weight: float
    colour_weight: float

    @property
    def dimension(self) -> int:
        return self.kind.shape[1] + self.look.shape[1] + (len(self.grid_mean) if self.colour_weight else 0)

    def apply(self, vectors: Floats, grids: Floats | None = None) -> Floats:
        """(n, d) base vectors and (n, 48) colour grids, NaN rows where unknown -> (n, dimension) unit vectors."""
        if vectors.ndim != 2 or vectors.shape[1] != len(self.mean):
            raise UsageError(f"vectors of shape {vectors.shape}", where=self.base, expected=f"(n, {len(self.mean)})")
        centred: Any = unit(vectors.astype(np.float32)) - self.mean  # numpy's stubs lose float32 in products
        parts = [unit(centred @ self.kind), self.look_weight * unit(centred @ self.look)]
        if self.colour_weight:
            known = np.full((len(vectors), len(self.grid_mean)), np.nan, np.float32) if grids is None else grids
            scaled = np.nan_to_num((known - self.grid_mean) / self.grid_scale, nan=0.0)
            parts.append(self.colour_weight * unit(scaled.astype(np.float32)))
        return unit(np.concatenate(parts, axis=1))

    def tensors(self) -> dict[str, Floats]:
        return {name: getattr(self, name) for name in ("mean", "kind", "look", "grid_mean", "grid_scale")}


def unit(rows: Floats) -> Floats:
    """Rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12), dtype=np.float32)


def projected_name(base: str, weights: str) -> str:
    """What the encoder is called that is `base` followed by the projection of this fingerprint."""
    return f"{base}{MARK}{weights[:16]}"


def projection_runs(ws: Workspace) -> list[tuple[str, Path]]:
    """(encoder name, weight file) of every finished run of task 'similar', the newest last."""
    found = []
    for path in ws.runs.glob("*/run.json"):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # `modiste runs` tells of it
        results = data.get("results") or {}
        if data.get("task") == "similar" and data.get("status") == "done" and results.get("encoder"):
            found.append((str(data["started_at"]), str(results["encoder"]), path.parent / WEIGHT_FILE))
    return [(name, weight) for _, name, weight in sorted(found) if weight.is_file()]


def load_projection(path: Path) -> Projection:
    """Raises TrainingError for a file that is cut short, changed or of another task; warns where it learned from
    images taken down since."""
    tensors, facts = _read(path)
    if facts.get("task") != "similar":
        raise TrainingError(f"is a {facts.get('task', 'foreign')} weight", where=str(path), expected="a similar weight")
    if fingerprint(tensors) != facts.get("weights"):
        raise TrainingError("was changed since it was trained", where=str(path), cure="Train again")
    warn_if_marked(path)
    recipe = facts["recipe"]
    return Projection(facts["base"], **tensors, look_weight=recipe["look"], colour_weight=recipe["colour"])


def fingerprint(tensors: Mapping[str, Floats]) -> str:
    """The same sha256 as `train.weights.tensor_fingerprint` gives, without torch; float32 alone."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = np.ascontiguousarray(tensors[name])
        digest.update(f"{name}|torch.{value.dtype}|{tuple(value.shape)}|".encode() + value.tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, Floats], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {}).get("modiste", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118  (not a dict)
    except (SafetensorError, ValueError, OSError) as error:
        raise TrainingError(f"is no whole safetensors file: {error}", where=str(path), cure="Train again") from error
