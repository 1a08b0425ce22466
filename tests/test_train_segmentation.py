"""The segmentation path on drawn scenes: train, be killed, go on, judge, load, export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file
from test_train_data import drawn_workspace, scene
from typer.testing import CliRunner

from dataset.errors import EmptyError, TrainingError, UsageError
from dataset.masks import validate
from dataset.workspace import Workspace
from modiste.cli.main import app
from train import record
from train.evaluate import evaluate
from train.export import export_onnx
from train.predict import load_segmenter, load_tagger
from train.runs import RunResult
from train.segmentation import train_segmentation

SMALL: dict[str, Any] = {
    "architecture": "unet", "backbone": "test_efficientnet", "weights": "none",
    "decoder": {"decoder_channels": [32, 24, 16, 16, 8]},
    "height": 96, "width": 64, "epochs": 3, "batch": 4, "learning_rate": 4e-3, "workers": 0, "ema": 0.5,
}  # fmt: skip
PARTS = {"train": 16, "validation": 4, "test": 4}


def train(ws: Workspace, **changes: Any) -> RunResult:
    progress = changes.pop("progress", lambda done, total: None)
    overrides = {**SMALL, **changes}
    return train_segmentation(ws, snapshot="v1", recipe="tiny", overrides=overrides, device="cpu", progress=progress)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, RunResult]:
    ws = drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)
    return ws, train(ws, epochs=14)


def test_a_run_says_what_it_was_made_from(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    run = record.load(ws, result.run)
    assert run.data["counts"] == {"train": 16, "validation": 4}
    assert run.data["taxonomy"] == "clothing@1#abc"
    assert len((run.folder / "metrics.csv").read_text().splitlines()) == 15
    assert run.data["results"]["score"] == result.score


def test_the_model_beats_calling_everything_background(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    judged = evaluate(ws, run=result.run)
    headline = judged.rows[0]
    assert (headline.metric, headline.n, headline.baseline_name) == ("mean IoU", 4, "all background")
    assert headline.value > float(headline.baseline or 1) + 0.3
    assert headline.low is not None
    assert headline.low <= headline.value <= float(headline.high or 0)
    assert json.loads((ws.runs / result.run / "evaluation.json").read_text())["rows"][0]["value"] == headline.value
    assert all((ws.runs / result.run / name).is_file() for name in judged.figures)


def test_a_mask_keeps_the_contract_at_the_photos_own_size(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    segmenter = load_segmenter(ws.runs / result.run)
    rgb = np.repeat(np.repeat(scene(3)[0], 3, axis=0), 2, axis=1)
    found = segmenter.probabilities(rgb)
    assert found.shape == (288, 128, 3)
    assert np.allclose(found.sum(-1), 1, atol=1e-5)
    validate(segmenter.mask(rgb))
    assert segmenter.facts["fingerprint"] == record.load(ws, result.run).data["fingerprint"]


def test_a_model_of_other_classes_is_judged_on_them_and_still_gives_a_composite(
    trained: tuple[Workspace, RunResult], tmp_path: Path
) -> None:
    (tmp_path / "four.yaml").write_text(
        "classes: {background: [], head: [head], leg: [leg], dress: [dress], shoe: [shoe]}\ngarments: [dress]\n"
    )
    ws, _ = trained
    made = train(ws, label_space=str(tmp_path / "four.yaml"), class_weights="inverse-sqrt", epochs=14)
    (tmp_path / "four.yaml").unlink()  # the record holds what the file said
    judged = evaluate(ws, run=made.run)
    assert judged.detail["absent"] == ["shoe"]
    assert [row.metric for row in judged.rows[2:6]] == ["IoU background", "IoU head", "IoU leg", "IoU dress"]
    assert judged.rows[0].value > 0.5
    segmenter = load_segmenter(ws.runs / made.run)
    assert segmenter.class_probabilities(scene(1)[0]).shape == (96, 64, 5)
    index = segmenter.index(scene(1)[0])
    assert np.array_equal(segmenter.mask(scene(1)[0])[..., 2] == 255, index == 3)


def test_the_judgement_holds_calibration_slices_and_cost(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    detail = evaluate(ws, run=result.run).detail
    assert sum(row["pixels"] for row in detail["calibration"]) == 4 * 96 * 64
    assert detail["parameters"] > 1000
    assert {row["slice"]: row["n"] for row in detail["slices"]}["a bag over the clothes"] == 0


def test_predicting_otherwise_is_judged_and_not_kept(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    plain = evaluate(ws, run=result.run)
    strict = evaluate(ws, run=result.run, prediction={"threshold": 0.999})
    assert strict.rows[0].value < plain.rows[0].value
    assert strict.figures == ()
    kept = json.loads((ws.runs / result.run / "evaluation.json").read_text())
    assert kept["rows"][0]["value"] == plain.rows[0].value
    with pytest.raises(UsageError, match="--set epochs"):
        evaluate(ws, run=result.run, prediction={"epochs": 3})


def test_a_threshold_turns_unsure_pixels_into_background(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    segmenter = load_segmenter(ws.runs / result.run)
    plain = (segmenter.index(scene(1)[0]) > 0).sum()
    strict = segmenter.recipe.model_copy(update={"threshold": 0.999})
    object.__setattr__(segmenter, "recipe", strict)
    assert (segmenter.index(scene(1)[0]) > 0).sum() < plain


def test_onnx_gives_what_torch_gives(trained: tuple[Workspace, RunResult], tmp_path: Path) -> None:
    ws, result = trained
    done = export_onnx(ws.runs / result.run, tmp_path / "model.onnx")
    assert done.difference < 1e-3
    assert (tmp_path / "model.onnx").stat().st_size == done.bytes


def test_the_newest_run_is_exported_by_command_and_measured_beside_torch(
    trained: tuple[Workspace, RunResult], tmp_path: Path
) -> None:
    told = ["export", "onnx", "-w", str(trained[0].root), "--out", str(tmp_path / "m.onnx"), "--photos", "2", "--json"]
    done = CliRunner().invoke(app, told)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["variant"], found["n"], found["bytes"]) == ("fp16", 2, (tmp_path / "m.onnx").stat().st_size)
    assert abs(found["iou"] - found["torch_iou"]) < 0.02


def test_a_weight_that_is_cut_short_or_changed_is_refused(trained: tuple[Workspace, RunResult], tmp_path: Path) -> None:
    ws, result = trained
    whole = (ws.runs / result.run / "model.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "changed.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(TrainingError, match="no whole safetensors"):
        load_segmenter(tmp_path / "cut.safetensors")
    with pytest.raises(TrainingError, match="changed since"):
        load_segmenter(tmp_path / "changed.safetensors")


def test_a_weight_of_the_other_task_is_refused(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    with pytest.raises(TrainingError, match="is a segmentation weight"):
        load_tagger(ws.runs / result.run)


class Killed(Exception):
    pass


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, broken = (drawn_workspace(tmp_path / name, PARTS) for name in ("whole", "broken"))

    def kill(done: int, total: int | None) -> None:
        if done == 6:  # in the second of three epochs of four steps
            raise Killed

    expected = train(whole)
    with pytest.raises(Killed):
        train(broken, progress=kill)
    (cut,) = record.list_runs(broken)
    assert not cut.done
    resumed = train(broken)
    assert (resumed.run, resumed.how, resumed.epochs) == (cut.id, "resumed and trained", 3)
    mine, theirs = (
        load_file(ws.runs / r.run / "model.safetensors") for ws, r in ((broken, resumed), (whole, expected))
    )
    assert all(np.array_equal(mine[name].numpy(), theirs[name].numpy()) for name in theirs)


def test_no_validation_photos_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    ws = drawn_workspace(tmp_path, {"train": 4})
    with pytest.raises(EmptyError, match="validation"):
        train(ws)
    assert record.list_runs(ws) == []


def test_cuda_where_there_is_none_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ws = drawn_workspace(tmp_path, PARTS)
    with pytest.raises(TrainingError, match="CUDA"):
        train_segmentation(ws, snapshot="v1", recipe="tiny", overrides=SMALL, device="cuda")


def test_an_unfinished_run_is_not_judged(tmp_path: Path) -> None:
    ws = drawn_workspace(tmp_path, PARTS)
    run = record.new_run(
        ws, task="segmentation", recipe={"name": "x"}, snapshot="v1", fingerprint="f", taxonomy="", seeds={}, counts={}
    )
    with pytest.raises(TrainingError, match="not finished"):
        evaluate(ws, run=run.id)


def test_only_masks_that_people_made_are_truth(tmp_path: Path) -> None:
    ws = drawn_workspace(tmp_path, PARTS, mask_source="grabcut")
    result = train(ws, epochs=1, mask_sources=["grabcut"])
    with pytest.raises(EmptyError, match="cutout, review"):
        evaluate(ws, run=result.run)
