"""Run folders: written whole, 'done' last, found again when cut off."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataset.errors import EmptyError, TrainingError
from dataset.workspace import Workspace
from train import energy, record, surroundings
from train.code_state import CodeState, changed_files, code_state, hash_of
from train.runs import unfinished
from train.surroundings import variables


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


def start(ws: Workspace, **changes: object) -> record.Run:
    made = {
        "task": "segmentation",
        "recipe": {"name": "segmentation/fast", "epochs": 2},
        "snapshot": "v1",
        "fingerprint": "f" * 64,
    }
    rest = {"taxonomy": "clothing@1#abc", "seeds": {"seed": 0}, "counts": {"train": 3, "validation": 1}}
    return record.new_run(ws, **{**made, **rest, **changes})  # type: ignore[arg-type]


def test_a_run_id_says_when_what_and_how(ws: Workspace) -> None:
    assert re.fullmatch(r"\d{8}-\d{4}-segmentation-fast-[0-9a-f]{6}", start(ws).id)


def test_finishing_adds_the_seconds_of_every_stretch(ws: Workspace) -> None:
    run = record.add_time(start(ws), wall_s=2.0, cpu_s=3.0)
    done = record.finish(run, wall_s=1.5, cpu_s=1.0, results={"score": 0.5})
    assert (done.data["wall_s"], done.data["cpu_s"]) == (3.5, 4.0)
    assert record.load(ws).data["results"] == {"score": 0.5}


def test_an_unfinished_run_is_not_the_latest_but_is_found_to_go_on_with(ws: Workspace) -> None:
    run = start(ws)
    assert [each.id for each in unfinished(ws, run.data["recipe"], "f" * 64)] == [run.id]
    assert unfinished(ws, run.data["recipe"], "e" * 64) == []
    with pytest.raises(EmptyError, match="no finished run"):
        record.load(ws)


def test_latest_of_a_task_passes_over_the_other_task(ws: Workspace) -> None:
    first = record.finish(start(ws), wall_s=1, cpu_s=1, results={})
    record.finish(start(ws, task="tagging", fingerprint="a" * 64), wall_s=1, cpu_s=1, results={})
    assert [record.load(ws, task="segmentation").id, record.load(ws, "latest:segmentation").id] == [first.id] * 2


def test_an_unknown_run_lists_the_newest_and_no_path_leaves_the_folder(ws: Workspace) -> None:
    run = record.finish(start(ws), wall_s=1, cpu_s=1, results={})
    with pytest.raises(EmptyError, match=run.id):
        record.load(ws, "20200101-nothing")
    with pytest.raises(EmptyError):
        record.load(ws, f"../runs/{run.id}")


def test_a_broken_run_json_is_named(ws: Workspace) -> None:
    run = start(ws)
    (run.folder / "run.json").write_text("{")
    with pytest.raises(TrainingError, match=r"run\.json"):
        record.list_runs(ws)


def test_a_second_holder_of_the_lock_is_told_so(ws: Workspace) -> None:
    run = start(ws)
    with record.locked(run.folder) as mine, record.locked(run.folder) as second:
        assert (mine, second) == (True, False)
    with record.locked(run.folder) as again:
        assert again


def test_a_later_row_may_bring_a_new_column(tmp_path: Path) -> None:
    record.write_csv(tmp_path / "m.csv", [{"epoch": 1}, {"epoch": 2, "score": 0.5}])
    assert (tmp_path / "m.csv").read_text().split() == ["epoch,score", "1,", "2,0.5"]


def test_the_record_imports_nothing_heavy() -> None:
    heavy = "[m for m in ('torch', 'cv2', 'sklearn') if m in sys.modules]"
    code = f"import sys, json, train.record; print(json.dumps({heavy}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert json.loads(done.stdout) == []


def test_a_record_says_what_it_was_made_with(ws: Workspace) -> None:
    data = record.load(ws, record.finish(start(ws), wall_s=1, cpu_s=1, results={}).id).data
    assert data["versions"]["numpy"] == np.__version__
    assert data["hardware"]["cpus"] >= 1
    assert (data["format"], data["energy_j"]) == (2, energy.used(energy.joules()))
    made_with = json.loads((ws.runs / data["id"] / "made_with.json").read_text())
    assert hash_of(made_with) == data["made_with_sha256"]
    assert hash_of(made_with["files"]) == data["code_state"]["files_sha256"]
    assert "train/record.py" in made_with["files"]


def test_a_secret_in_the_environment_is_never_recorded() -> None:
    given = {"MODISTE_WORKSPACE": "s3://me:word@host/x", "MODISTE_API_TOKEN": "x", "OMP_NUM_THREADS": "2", "HOME": "/"}
    assert variables(given) == {"MODISTE_WORKSPACE": "s3://host/x", "OMP_NUM_THREADS": "2"}


@pytest.mark.parametrize("edit", [{"wall_s": 0.5}, {"note": "mine"}, {"recipe": None}])
def test_a_record_edited_by_hand_is_noticed_and_named(ws: Workspace, edit: dict[str, object]) -> None:
    run = record.finish(start(ws), wall_s=1, cpu_s=1, results={})
    (run.folder / "run.json").write_text(json.dumps({**run.data, **edit}))
    with pytest.raises(TrainingError, match=f"edited by hand: {next(iter(edit))}"):
        record.load(ws, run.id)
    assert record.list_runs(ws)[0].edited == [*edit]


def test_seals_that_were_cut_out_are_noticed(ws: Workspace) -> None:
    run = record.finish(start(ws), wall_s=1, cpu_s=1, results={})
    (run.folder / "run.json").write_text(json.dumps({k: v for k, v in run.data.items() if k != "seals"}))
    assert record.read_run(run.folder).edited == ["seals"]


def test_going_on_with_other_code_is_noted(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(ws)
    monkeypatch.setattr(surroundings, "running", lambda: CodeState("abc", {}, "", {}))
    (stretch,) = record.resume(run).data["resumed"]
    assert (stretch["other"], stretch["code"]) == (["code_state"], "abc")


def test_code_hashes_do_not_depend_on_git_and_name_the_changed_file(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.py").write_text("x = 1\n")
    before = code_state(tmp_path)
    (tmp_path / "train" / "a.py").write_text("x = 2\n")
    (tmp_path / "train" / "b.py").write_text("")
    after = code_state(tmp_path)
    assert (before.revision, after.fingerprint != before.fingerprint) == (None, True)
    assert changed_files(before.files, after.files) == ["~train/a.py", "+train/b.py"]


def test_git_gives_revision_diff_and_untracked_files(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.py").write_text("x = 1\n")
    for words in ("init -q", "add .", "-c user.name=a -c user.email=a@example.org commit -qm first"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    assert not code_state(tmp_path).dirty
    (tmp_path / "train" / "a.py").write_text("x = 2\n")
    (tmp_path / "train" / "b.py").write_text("y = 1\n")
    found = code_state(tmp_path)
    assert (len(found.revision or ""), "+x = 2" in found.diff) == (40, True)
    assert found.untracked == {"train/b.py": "y = 1\n"}
