"""What a run predicts, shown beside the labels: in the data set alone, never in the tables.

In: a run's id and its predictions (labels with probabilities, or class maps as PNG files). Out: fields `predicted_…`
with `model:<run>` as their source, and an evaluation against the labels that can be clicked down to samples. A model's
word in the `labels` table would outrank a shop's; that is for `label` steps to decide, not for looking at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset.blobs import write_atomically
from dataset.errors import EmptyError
from dataset.workspace import Workspace
from labeling import curation, curation_store
from labeling.curation_files import PREDICTED, as_png

JUDGED_MASKS = 500  # samples of one segmentation evaluation: 30 ms each


@dataclass(frozen=True)
class Prediction:
    """`value` with its probability, and all log probabilities where they are known (for hardness)."""

    value: str
    confidence: float
    logits: list[float] | None = None


@dataclass(frozen=True)
class ShownResult:
    """`evaluated`: {evaluation key: (samples, share right)}."""

    run: str
    predictions: int
    masks: int
    evaluated: dict[str, tuple[int, float]] = field(default_factory=dict)

    def line(self) -> str:
        told = ", ".join(f"{key} {share:.3f} (n = {n})" for key, (n, share) in self.evaluated.items())
        return f"{self.run}: {self.predictions} labels and {self.masks} masks shown" + (
            f"; agrees: {told}" * bool(told)
        )


def show(
    ws: Workspace,
    run: str,
    labels: Mapping[str, Mapping[str, Prediction]],
    masks: Mapping[str, Path] | None = None,
) -> ShownResult:
    """`labels` is {taxonomy field: {sha256: prediction}}, `masks` {sha256: class-map PNG}. Earlier runs' are replaced.
    Raises EmptyError where nothing was curated yet or nothing was predicted."""
    from bson import ObjectId

    if not any(labels.values()) and not masks:
        raise EmptyError("nothing was predicted", where=f"run {run}", cure="Evaluate another run")
    fo = curation_store.connect(ws)
    dataset = curation.load(fo, ws)
    fields = dataset.info["fields"]
    known = curation_store.documents(dataset, "sha256")
    changes: dict[str, dict[str, Any]] = {}
    for name, found in labels.items():
        for sha256, said in found.items():
            if sha256 in known and name in fields:
                document = {"_id": ObjectId(), "_cls": "Classification", "tags": [], "source": f"model:{run}"}
                document |= {"label": said.value, "confidence": said.confidence}
                document |= {"logits": _packed(said.logits)} if said.logits else {}
                changes.setdefault(sha256, {})[f"predicted_{fields[name]}"] = document
    for sha256, path in (masks or {}).items():
        if sha256 in known:
            mask = {"_id": ObjectId(), "_cls": "Segmentation", "tags": [], "mask_path": str(path)}
            changes.setdefault(sha256, {})["predicted_mask"] = mask
    curation_store.write_fields(dataset, changes, known)
    evaluated = {fields[name]: _agreement(fo, dataset, fields[name]) for name in labels if name in fields}
    if masks:
        evaluated["mask"] = _agreement_of_masks(fo, dataset)
    curation.save_views(fo, dataset, fields)
    dataset.save()
    count = sum(map(len, labels.values()))
    return ShownResult(run, count, len(masks or {}), {key: found for key, found in evaluated.items() if found})


def keep_mask(ws: Workspace, run: str, sha256: str, index: np.ndarray) -> Path:
    """Write an (H, W) uint8 class map where the App reads it; a take-down finds it by its name."""
    path = ws.scratch(f"{PREDICTED}/{run}") / f"{sha256}.png"
    write_atomically(path, as_png(index))
    return path


def _packed(logits: list[float]) -> bytes:
    """As FiftyOne's VectorField keeps an array."""
    from fiftyone.core.utils import serialize_numpy_array

    return bytes(serialize_numpy_array(np.asarray(logits, np.float64)))


def _agreement(fo: Any, dataset: Any, name: str) -> tuple[int, float]:
    """FiftyOne's own evaluation, so that its panel can be clicked: predicted beside what the labels say."""
    view = dataset.exists(name).exists(f"predicted_{name}")
    if not len(view):
        return 0, float("nan")
    results = view.evaluate_classifications(
        f"predicted_{name}", gt_field=name, eval_key=f"{name}_by_run", progress=False
    )
    return len(view), float(results.metrics()["accuracy"])


def _agreement_of_masks(fo: Any, dataset: Any) -> tuple[int, float]:
    view = dataset.exists("mask").exists("predicted_mask").limit(JUDGED_MASKS)
    results = view.evaluate_segmentations(
        "predicted_mask", gt_field="mask", eval_key="mask_by_run", mask_targets=curation_store.TARGETS, progress=False
    )
    return len(view), float(results.metrics()["accuracy"])
