from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.blobs import sha256_of
from dataset.errors import EmptyError, TrainingError, UsageError, WorkspaceError
from dataset.label_space import load_space
from dataset.workspace import Workspace
from modiste.cutout import cut_out
from modiste.cutout_model import choose, from_file, workspace_if_any
from modiste.cutout_settings import CutoutSettings
from modiste.cutout_sources import of_file
from train import promotion, record, shipped
from train.closer import look

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


def weight(path: Path, says: str, roles: list[int] | None = None) -> str:
    """A street-9 weight that calls every pixel `says`; its fingerprint."""
    from train.models.segmenters import build_segmenter
    from train.recipe import segmentation_recipe
    from train.weights import save_weights

    space = load_space("street-9")
    small = {"architecture": "unet", "backbone": "test_efficientnet", "weights": "none", "height": 32, "width": 32,
             "decoder": {"decoder_channels": [8, 8, 8, 8, 8]}, "label_space": "street-9"}  # fmt: skip
    recipe = segmentation_recipe("tiny", small)
    tensors = build_segmenter(recipe, len(space.classes)).state_dict()
    last = [name for name in tensors if name.endswith("bias") and tensors[name].shape == (len(space.classes),)][-1]
    tensors[last][space.classes.index(says)] += 100
    facts = {"task": "segmentation", "recipe": recipe.model_dump(), "classes": list(space.classes),
             "roles": list(space.roles) if roles is None else roles}  # fmt: skip
    return save_weights(path, tensors, facts)


@pytest.mark.parametrize(
    ("says", "what", "status"),
    [
        ("dress", "garment", "ok"),
        ("shoes", "garment", "bad"),
        ("shoes", "person", "ok"),
        ("background", "person", "bad"),
    ],
)
def test_a_model_of_nine_classes_cuts_out_by_their_roles(says: str, what: str, status: str, tmp_path: Path) -> None:
    weight(tmp_path / "nine.safetensors", says)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(tmp_path / "a.png")
    segmenter, _ = choose(None, weights=tmp_path / "nine.safetensors")
    settings = CutoutSettings(what, edges="none")
    result = cut_out([of_file(tmp_path / "a.png")], tmp_path / "out", lambda rgb: look(segmenter, rgb), settings)
    assert (result.rows[0]["status"], result.rows[0]["reason"]) == (status, None if status == "ok" else f"no_{what}")


def test_a_weight_that_knows_no_garment_is_refused(tmp_path: Path) -> None:
    weight(tmp_path / "skin.safetensors", "skin", roles=[0] + [1] * 8)
    with pytest.raises(TrainingError, match="expected a segmentation weight with garments"):
        from_file(tmp_path / "skin.safetensors")


def test_a_promoted_name_stands_for_its_run_and_an_unknown_one_is_told_with_those_there_are(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path)
    run = record.new_run(ws, task="segmentation", recipe={"name": "x"}, snapshot="s", fingerprint="f", taxonomy="",
                         seeds={}, counts={})  # fmt: skip
    made = weight(run.folder / "model.safetensors", "dress")
    run = record.finish(run, wall_s=1, cpu_s=1, results={"weights": made})
    promotion.promote(ws, "shop-window", run, {})
    assert choose(ws, "shop-window")[1] == choose(ws, run.id)[1] == run.id
    with pytest.raises(EmptyError, match="promoted names: shop-window"):
        choose(ws, "shop-widnow")


def test_the_command_loads_nothing_heavy() -> None:
    code = (
        "import sys, modiste.cli.main, modiste.cutout, modiste.cutout_model, train.closer; "
        f"print([m for m in '{HEAVY}'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"
