"""Beginning with another run's weights: what is taken, what is told, what is refused, and that a record repeats it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from test_train_data import drawn_workspace
from test_train_segmentation import PARTS, SMALL, train

from dataset.errors import EmptyError, TrainingError
from dataset.workspace import Workspace
from train import record
from train.begin import begin_of
from train.predict import load_segmenter
from train.retrain import plan, retrain
from train.segmentation import train_segmentation
from train.tagging import train_tagging

NINE = {
    "classes": {"background": [], "rest": ["head", "leg"], "dress": ["dress"], "shoe": ["shoe"]},
    "garments": ["dress"],
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    ws = drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)
    return ws, train(ws, epochs=6).run


def begun(ws: Workspace, run: str, **changes: object) -> record.Run:
    told = train_segmentation(
        ws, snapshot="v1", recipe="tiny", overrides={**SMALL, "epochs": 1, **changes}, device="cpu", begin=run
    )
    return record.load(ws, told.run)


def test_a_run_begun_with_another_starts_where_that_one_ended(first: tuple[Workspace, str]) -> None:
    ws, run = first
    on, anew = begun(ws, run, learning_rate=1e-6), record.load(ws, train(ws, epochs=1, learning_rate=1e-6).run)
    ended = record.load(ws, run).data["results"]["score"]
    assert abs(on.data["results"]["score"] - ended) < 0.05
    assert on.data["results"]["score"] > anew.data["results"]["score"] + 0.1
    assert on.data["recipe"]["begin"] == {"run": run, "weights": record.load(ws, run).data["results"]["weights"]}
    assert load_segmenter(on.folder).facts["begin"] == on.data["recipe"]["begin"]
    assert on.data["results"]["notes"] == [f"began with 100.0% of run {run}'s numbers"]


def test_other_classes_take_all_but_the_head(first: tuple[Workspace, str], tmp_path: Path) -> None:
    ws, run = first
    other = begun(ws, run, label_space=NINE, learning_rate=1e-8, weight_decay=0)
    old, new = (load_file(ws.runs / each / "model.safetensors") for each in (run, other.id))
    assert old["net.segmentation_head.0.weight"].shape != new["net.segmentation_head.0.weight"].shape
    assert np.allclose(
        old["net.decoder.blocks.0.conv1.0.weight"], new["net.decoder.blocks.0.conv1.0.weight"], atol=1e-5
    )
    assert "began with 9" in other.data["results"]["notes"][0]


def test_the_same_beginning_is_not_trained_twice_and_another_is_another_run(first: tuple[Workspace, str]) -> None:
    ws, run = first
    one, again = begun(ws, run, seed=5), begun(ws, run, seed=5)
    assert one.id == again.id
    assert train(ws, epochs=1, seed=5).run != one.id


def test_a_network_of_another_kind_is_refused(first: tuple[Workspace, str]) -> None:
    ws, run = first
    with pytest.raises(TrainingError, match="of this network's numbers have a place"):
        begun(ws, run, architecture="article", decoder={})


def test_a_segmenter_begins_with_the_backbone_of_a_tagger(first: tuple[Workspace, str]) -> None:
    ws, _ = first
    words = {"backbone": "test_efficientnet", "weights": "none", "side": 64, "workers": 0, "epochs": 1, "batch": 4}
    tagger = train_tagging(ws, snapshot="v1", recipe="fast", field="colour", overrides=words, device="cpu")
    still = {"learning_rate": 1e-9, "weight_decay": 0, "ema": 0.0, "decoder": {"decoder_channels": [8, 8, 8, 8, 8]}}
    run = begun(ws, tagger.run, **still)
    old, new = (load_file(ws.runs / each / "model.safetensors") for each in (tagger.run, run.id))
    names = [name.removeprefix("backbone.") for name in old if name.endswith("conv_pwl.weight")]
    assert len(names) > 1
    assert all(np.allclose(old[f"backbone.{name}"], new[f"net.encoder.model.{name}"], atol=1e-6) for name in names)
    assert run.data["recipe"]["begin"]["run"] == tagger.run


def test_a_run_that_is_not_there_or_not_finished_is_refused(first: tuple[Workspace, str]) -> None:
    ws, _ = first
    with pytest.raises(EmptyError, match="no run 'nothing'"):
        begin_of(ws, "nothing")
    cut = record.new_run(
        ws, task="segmentation", recipe={"name": "x"}, snapshot="v1", fingerprint="f", taxonomy="", seeds={}, counts={}
    )
    with pytest.raises(TrainingError, match="not finished"):
        begin_of(ws, cut.id)
    shutil.rmtree(cut.folder)


def test_its_record_makes_it_again_bit_by_bit_and_says_when_the_beginning_is_gone(
    first: tuple[Workspace, str], tmp_path: Path
) -> None:
    shutil.copytree(first[0].root, tmp_path / "copy")
    ws = Workspace.open(tmp_path / "copy")
    run = begun(ws, first[1], seed=7)
    assert retrain(ws, run.id).equal
    (ws.runs / first[1] / "model.safetensors").unlink()
    told = {each.part: each for each in plan(ws, run.id).differences}
    assert told["data"].fatal
    assert f"of run {first[1]}, which are not here" in told["data"].what


def test_learning_from_some_photos_draws_them_by_the_seed(first: tuple[Workspace, str]) -> None:
    ws, _ = first
    few = record.load(ws, train(ws, epochs=1, photos=8).run)
    assert few.data["counts"] == {"train": 8, "validation": 4}
    all_of_them = record.load(ws, train(ws, epochs=1, photos=99).run)
    assert all_of_them.data["counts"]["train"] == 16


def test_bf16_on_a_cpu_trains_and_says_so_in_its_recipe(first: tuple[Workspace, str]) -> None:
    ws, _ = first
    run = record.load(ws, train(ws, epochs=6, precision="bf16").run)
    single = record.load(ws, first[1]).data["results"]
    assert run.data["recipe"]["precision"] == "bf16"
    assert run.data["results"]["weights"] != single["weights"]
    assert abs(run.data["results"]["score"] - single["score"]) < 0.1
    tensors = load_file(run.folder / "model.safetensors")
    assert {str(value.dtype) for value in tensors.values()} <= {"torch.float32", "torch.int64"}
