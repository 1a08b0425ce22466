"""A weight that learned from what was taken down warns when loaded, and does not leave without a flag."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch

from dataset.errors import TrainingError
from dataset.marks import MARK_FILE, TakenDownWarning, mark, marks, refuse_if_marked
from train.export import export_onnx
from train.weights import read_weights, save_weights

MARK = {"takedown": "1", "kind": "brand", "at": "2026-05-03T00:00:00", "reason": "letter", "images": 3}


@pytest.fixture
def weight(tmp_path: Path) -> Path:
    path = tmp_path / "run-1" / "model.safetensors"
    save_weights(path, {"w": torch.zeros(2)}, {"task": "tagging"})
    return path


def test_a_marked_weight_warns_when_it_is_loaded(weight: Path) -> None:
    mark(weight.parent, MARK)
    with pytest.warns(TakenDownWarning, match="run-1 learned from 3 images taken down on 2026-05-03: letter"):
        assert read_weights(weight, "tagging")[1]["task"] == "tagging"


def test_an_unmarked_weight_loads_in_silence(weight: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_weights(weight, "tagging")


def test_a_marked_weight_is_not_exported_without_the_flag(weight: Path, tmp_path: Path) -> None:
    mark(weight.parent, MARK)
    with pytest.raises(TrainingError, match=r"can't be exported: it learned from 3 images.*--allow-taken-down"):
        export_onnx(weight, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_with_the_flag_it_may(weight: Path) -> None:
    mark(weight.parent, MARK)
    refuse_if_marked(weight, allowed=True, doing="served")
    with pytest.raises(TrainingError, match="can't be served"):
        refuse_if_marked(weight.parent, doing="served")


def test_the_same_take_down_marks_once_and_another_again(tmp_path: Path) -> None:
    assert mark(tmp_path, MARK)
    assert not mark(tmp_path, MARK)
    assert mark(tmp_path, MARK | {"takedown": "2"})
    assert [each["takedown"] for each in marks(tmp_path)] == ["1", "2"]


def test_a_mark_that_cant_be_read_is_a_mark(tmp_path: Path) -> None:
    (tmp_path / MARK_FILE).write_text(json.dumps([MARK])[:20])
    with pytest.raises(TrainingError, match="can't be read"):
        refuse_if_marked(tmp_path)
