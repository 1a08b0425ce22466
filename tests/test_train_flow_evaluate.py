"""Evaluating a flow on a part of a snapshot, from blobs to figures."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from train_flow_made_up import CLOTHING, MadeUp, flow_of

from dataset.blobs import BlobStore
from dataset.errors import EmptyError
from dataset.snapshot import Snapshot
from train.flow_evaluate import evaluate_flow, frequent, labelled

FLOW = "models: {m: {bring: x}}\nsteps: {task: type, model: m}\n"
MODEL = MadeUp([{"type": {"shirt": 0.8, "dress": 0.2}}, {"type": {"dress": 0.9, "shirt": 0.1}}])


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Three photos of the test part, one of which is no picture, and three of the training part."""
    blobs = BlobStore(tmp_path / "blobs")
    names = [blobs.put(_png(number)) for number in (0, 1)] + [blobs.put(b"no picture")]
    rows = [(name, "test", label) for name, label in zip(names, ("shirt", "shirt", "dress"), strict=True)]
    rows += [(f"{place:064x}", "train", label) for place, label in enumerate(("dress", "dress", "shirt"))]
    table = pa.Table.from_pylist([{"sha256": a, "split": b, "labels": json.dumps({"type": c})} for a, b, c in rows])
    frozen = Snapshot("drawn", "0" * 64, table, {})
    monkeypatch.setattr("train.flow_evaluate.load_snapshot", lambda ws, name: frozen)
    return SimpleNamespace(ws=SimpleNamespace(blobs=blobs), frozen=frozen)


def _png(number: int) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), number, np.uint8)).save(data, "PNG")
    return data.getvalue()


def test_a_flow_is_judged_on_the_test_part_beside_the_training_majority(drawn: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    found = evaluate_flow(
        drawn.ws, flow_of(tmp_path, FLOW), CLOTHING, {"m": MODEL}, snapshot="drawn",
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    accuracy = next(row for row in found.rows if row.metric == "type accuracy")
    assert (accuracy.value, accuracy.n) == (pytest.approx(1 / 3, abs=1e-6), 3)
    assert accuracy.baseline_name == "always dress"
    assert told == [(3, 3)]


def test_a_photo_that_cannot_be_read_counts_as_wrong_and_is_told(drawn: Any, tmp_path: Path) -> None:
    found = evaluate_flow(drawn.ws, flow_of(tmp_path, FLOW), CLOTHING, {"m": MODEL}, snapshot="drawn")
    assert (found.detail["photos"], found.detail["judged"], found.detail["errors"]) == (3, 3, 1)
    assert found.line().startswith("made (argmax) on test of drawn:")


def test_the_majority_is_the_training_parts_alone(drawn: Any) -> None:
    assert frequent(drawn.frozen, {"type"}) == {"type": "dress"}


def test_a_part_without_labels_of_the_flows_fields_is_empty(drawn: Any) -> None:
    with pytest.raises(EmptyError, match="no image in the test part has a label in sleeve"):
        labelled(drawn.frozen, "test", {"sleeve"})
