from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset.errors import TrainingError
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import record
from train.recipe import Augment
from train.runs import check_split, done_before, open_run

RECIPE = {"name": "segmentation/x", "epochs": 3}
RESULTS = {"score_name": "validation mean IoU", "score": 0.5, "best_epoch": 2, "epochs": 3}


def frozen(strategy: str = "grouped") -> Snapshot:
    meta = {"split_rule": [json.dumps({"strategy": strategy})], "taxonomy": ["clothing@1"]}
    return Snapshot("v1", "f" * 64, None, meta)


def finished(ws: Workspace) -> record.Run:
    run = open_run(ws, frozen(), RECIPE, "segmentation", 0, {"train": 8, "validation": 4})
    return record.finish(run, wall_s=2.0, cpu_s=1.0, results=RESULTS)


def test_a_run_of_the_same_recipe_and_rows_is_not_trained_twice(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path)
    run = finished(ws)
    (run.folder / "model.safetensors").write_bytes(b"x")
    done = done_before(ws, frozen(), RECIPE)
    assert done is not None
    assert (done.run, done.score, done.n_validation) == (run.id, 0.5, 4)
    assert done.line().startswith("trained already")


@pytest.mark.parametrize("change", [{"epochs": 4}, {"name": "segmentation/y"}])
def test_another_recipe_is_another_run(tmp_path: Path, change: dict[str, object]) -> None:
    ws = Workspace.init(tmp_path)
    (finished(ws).folder / "model.safetensors").write_bytes(b"x")
    assert done_before(ws, frozen(), RECIPE | change) is None


def test_a_run_from_before_a_way_to_augment_is_still_this_recipes(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path)
    before = {"flip": 0.5, "scale": 0.25, "rotate": 10.0, "shift": 0.06, "colour": 0.3}
    run = open_run(ws, frozen(), RECIPE | {"augment": before}, "segmentation", 0, {"train": 8, "validation": 4})
    (record.finish(run, wall_s=2.0, cpu_s=1.0, results=RESULTS).folder / "model.safetensors").write_bytes(b"x")
    assert done_before(ws, frozen(), RECIPE | {"augment": Augment().model_dump()}) is not None
    assert done_before(ws, frozen(), RECIPE | {"augment": Augment(small=0.1).model_dump()}) is None


def test_a_run_whose_weights_are_gone_is_trained_again(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path)
    finished(ws)
    assert done_before(ws, frozen(), RECIPE) is None


def test_a_run_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path)
    cut = open_run(ws, frozen(), RECIPE, "segmentation", 0, {"train": 8})
    assert open_run(ws, frozen(), RECIPE, "segmentation", 0, {"train": 8}).id == cut.id


def test_rows_split_at_random_are_refused_unless_asked_for() -> None:
    with pytest.raises(TrainingError, match=r"its test part leaks.*--allow-random-split"):
        check_split(frozen("random"), allow_random=False)
    check_split(frozen("random"), allow_random=True)
    check_split(frozen("grouped"), allow_random=False)
