from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dataset.blobs import sha256_of
from dataset.errors import TrainingError, UsageError, WorkspaceError
from modiste.cutout_model import choose, from_file, workspace_if_any
from train import shipped

HEAVY = "torch fiftyone lightning scrapy aiohttp sklearn pymatting"


def test_a_weight_of_another_kind_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.onnx or \.safetensors"):
        from_file(tmp_path / "model.pt")


def test_an_onnx_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"half of it")
    (tmp_path / "a.json").write_text(json.dumps({"sha256": sha256_of(b"all of it"), "facts": {}, "parameters": 1}))
    with pytest.raises(TrainingError, match="was changed"):
        from_file(tmp_path / "a.onnx")


def test_an_onnx_file_of_another_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"x")
    card = {"sha256": sha256_of(b"x"), "facts": {"recipe": {"task": "tagging", "name": "t"}}, "parameters": 1}
    (tmp_path / "a.json").write_text(json.dumps(card))
    with pytest.raises(TrainingError, match="no segmentation weight"):
        from_file(tmp_path / "a.onnx")


def test_run_and_weights_together_and_a_run_without_a_workspace_are_misuse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of them"):
        choose(None, "latest", tmp_path / "a.onnx")
    with pytest.raises(UsageError, match="belongs to a workspace"):
        choose(None, "latest")


def test_without_run_or_weight_the_one_that_ships_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modiste.cutout_model.shipped", lambda task: shipped.shipped(task, tmp_path))
    with pytest.raises(TrainingError, match=r"lacks street-3\.onnx"):
        choose(None)


def test_a_workspace_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    assert workspace_if_any(tmp_path, wanted=False) is None
    with pytest.raises(WorkspaceError):
        workspace_if_any(tmp_path, wanted=True)


def test_the_command_loads_nothing_heavy() -> None:
    code = (
        "import sys, modiste.cli.main, modiste.cutout, modiste.cutout_model, train.closer; "
        f"print([m for m in '{HEAVY}'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"
