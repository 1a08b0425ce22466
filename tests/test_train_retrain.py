"""A recorded run again: bit-equal in another checkout, and each planted difference named before it starts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_train_data import drawn_workspace
from test_train_segmentation import PARTS, train

from dataset.errors import TrainingError
from dataset.marks import mark
from dataset.snapshot import create_snapshot
from dataset.workspace import Workspace
from train import record, retrain_check, surroundings
from train.code_state import CodeState, running
from train.retrain import find_run, plan, retrain

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    ws = drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)
    return ws, train(ws, epochs=2).run


@pytest.fixture
def copy(made: tuple[Workspace, str], tmp_path: Path) -> tuple[Workspace, str]:
    shutil.copytree(made[0].root, tmp_path / "copy")
    return Workspace.open(tmp_path / "copy"), made[1]


def parts(ws: Workspace, run: str) -> dict[str, str]:
    return {each.part: each.what for each in plan(ws, run).differences if each.stops}


def test_a_record_made_again_in_a_copy_is_equal_bit_by_bit(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    result = retrain(ws, run)
    assert (result.equal, result.same_weights, result.same_steps, result.differences) == (True, True, True, ())
    assert result.run != run
    new = record.load(ws, result.run).data
    assert new["results"]["weights"] == record.load(ws, run).data["results"]["weights"]


def test_the_recorded_thread_count_is_restored_and_told(
    copy: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    ws, run = copy
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        result = retrain(ws, run)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert result.equal
    assert [each.part for each in result.differences] == ["threads"]
    assert record.load(ws, result.run).data["threads"]["torch"] == before


@pytest.mark.slow
def test_another_checkout_gives_the_same_bits_and_changed_code_stops_it(
    copy: tuple[Workspace, str], tmp_path: Path
) -> None:
    ws, run = copy
    other = tmp_path / "checkout"
    for room in ("train", "dataset", "modiste", "reports", "labeling", "crawlers"):
        shutil.copytree(ROOT / room, other / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "constraints.txt", other)

    def again() -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-P", "-m", "modiste", "retrain", run, "-w", str(ws.root)]
        env = {**os.environ, "PYTHONPATH": str(other)}
        return subprocess.run(words, cwd=other, env=env, capture_output=True, text=True, check=False)

    done = again()
    assert (done.returncode, "equal, bit by bit" in done.stdout) == (0, True), done.stderr
    losses = other / "train" / "losses.py"
    losses.write_text(losses.read_text() + "\n# planted\n")
    stopped = again()
    assert (stopped.returncode, "code: ~train/losses.py" in stopped.stderr) == (1, True), stopped.stderr


def test_changed_code_is_named_by_file(copy: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch) -> None:
    files = {**running().files, "train/losses.py": "0" * 16}
    monkeypatch.setattr(retrain_check, "running", lambda: CodeState(None, files, "", {}))
    assert parts(*copy) == {"code": "~train/losses.py"}


def test_another_version_of_a_package_is_named_with_the_pin(
    copy: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surroundings, "packages", lambda: {**real, "torch": "1.0"})
    real = record.load(*copy).data["versions"]
    found = {each.part: each for each in plan(*copy).differences}
    assert found["dependency"].what == f"torch {real['torch']} -> 1.0"
    assert found["dependency"].nearest == f"pip install torch=={real['torch']}"


def test_a_lost_snapshot_is_named_and_the_nearest_offered(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    create_snapshot(ws, "v2")
    for path in ws.snapshots.glob("v1*"):
        path.unlink()
    with pytest.raises(TrainingError, match=r"data: no snapshot 'v1'.*nearest: --snapshot v2"):
        retrain(ws, run, anyway=True)
    assert retrain(ws, run, snapshot="v2").equal  # the same rows by another name


def test_other_data_under_the_name_is_named_with_counts(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    for path in ws.snapshots.glob("v1*"):
        path.unlink()
    create_snapshot(ws, "v1", where="split != 'test'")
    assert parts(ws, run)["data"].startswith("snapshot v1 has 20 rows")


def test_a_take_down_mark_is_named(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    mark(ws.runs / run, {"takedown": "t1", "kind": "brand", "at": "2026-05-03", "reason": "letter", "images": 2})
    assert parts(ws, run)["taken down"] == "it learned from 2 images taken down on 2026-05-03: letter"


def test_another_taxonomy_in_the_workspace_is_told_but_stops_nothing(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    (ws.root / "modiste.yaml").write_text((ws.root / "modiste.yaml").read_text().replace("clothing", "footwear"))
    (found,) = plan(Workspace.open(ws.root), run).differences
    assert (found.part, found.stops, "footwear@" in found.what) == ("taxonomy", False, True)


def test_a_recipe_edited_by_hand_is_named(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    path = ws.runs / run / "run.json"
    data = json.loads(path.read_text())
    data["recipe"]["epochs"] = 3
    path.write_text(json.dumps(data))
    assert parts(ws, run) == {"record": "edited by hand: recipe"}
    with pytest.raises(TrainingError, match="edited by hand: recipe"):
        record.load(ws, run)


def test_a_key_that_came_after_a_record_is_told_and_stands_at_its_default(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    old = find_run(ws, run)
    del old.data["recipe"]["class_weights"]
    record.write_json(old.folder / "run.json", record.sealed(old.data))
    assert parts(ws, run) == {}
    (told,) = [each for each in plan(ws, run).differences if each.part == "recipe"]
    assert told.what.endswith("which change nothing: class_weights 'none'")
    assert retrain(ws, run).same_weights
    assert train(ws, epochs=2).run == record.list_runs(ws)[-1].id  # and the newest of them is known as done


def test_a_record_of_format_1_loads_and_says_what_it_lacks(copy: tuple[Workspace, str]) -> None:
    ws, run = copy
    old = find_run(ws, run)
    new_keys = ("format", "seals", "threads", "code_state", "packages_sha256", "taxonomy_hash", "resumed")
    record.write_json(old.folder / "run.json", {k: v for k, v in old.data.items() if k not in new_keys})
    assert record.load(ws, run).edited == []
    found = plan(ws, run).differences
    assert found[0].what == "of format 1: code, threads and packages were not recorded whole"
    assert not any(each.stops for each in found)
