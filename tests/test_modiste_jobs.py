"""A job on drawn scenes: locked, run, skipped, stale by each part, refused by the gate, and one at a time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_train_data import drawn_workspace, png, scene
from test_train_segmentation import PARTS, SMALL

from dataset.errors import EmptyError, SettingsError, SnapshotError
from dataset.marks import mark
from dataset.workspace import Workspace
from modiste.job import job_status, run_job, workspace_held
from train import job_lock, record, surroundings
from train.code_state import CodeState
from train.job_file import read_job
from train.job_lock import lock_job, read_lock
from train.promotion import read_pointer
from train.run_compare import compare_runs
from train.run_shelf import prune, shelf, tag

RECIPE = {**SMALL, "epochs": 10}
GATE = {"least_photos": 4, "margin": 0.05}


def written(folder: Path, **changes: Any) -> Path:
    job = {"name": "nightly", "train": {"recipe": "segmentation/tiny", "set": RECIPE, "device": "cpu"}, "gate": GATE}
    path = folder / "nightly.yaml"
    path.write_text(yaml.safe_dump({**job, "report": False, **changes}, sort_keys=False))
    return path


def with_recipe(**changes: Any) -> dict[str, Any]:
    return {"recipe": "segmentation/tiny", "set": {**RECIPE, **changes}, "device": "cpu"}


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with workspace 'ws', job file and lock, the job run once."""
    folder = tmp_path_factory.mktemp("job")
    ws, path = drawn_workspace(folder / "ws", PARTS), written(folder)
    lock_job(ws, path)
    result = run_job(ws, path)
    assert (result.exit_code, result.done) == (0, ("snapshot", "train", "evaluate", "gate"))
    return folder


@pytest.fixture
def place(promoted: Path, tmp_path: Path) -> tuple[Workspace, Path]:
    shutil.copytree(promoted, tmp_path / "copy")
    return Workspace.open(tmp_path / "copy" / "ws"), tmp_path / "copy" / "nightly.yaml"


def test_the_lock_is_text_that_names_the_data(place: tuple[Workspace, Path]) -> None:
    lock = read_lock(place[1])
    assert lock["data"]["parts"] == {"test": 4, "train": 16, "validation": 4}
    assert lock["data"]["snapshot"] == f"nightly-{lock['data']['fingerprint'][:8]}"
    assert lock["data"]["first_sha256"] < lock["data"]["last_sha256"]
    assert lock["recipe"]["epochs"] == 10
    assert lock["taxonomy"]["hash"].startswith(lock["taxonomy"]["reference"].split("#")[1])


def test_an_unchanged_job_does_nothing_and_is_still_promoted(place: tuple[Workspace, Path]) -> None:
    result = run_job(*place)
    assert (result.exit_code, result.done, result.skipped) == (0, (), ("snapshot", "train", "evaluate"))
    assert "already" in result.verdict


def test_an_output_that_was_deleted_is_made_again(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    (ws.runs / run_job(ws, path).run / "evaluation.json").unlink()
    assert run_job(ws, path).done == ("evaluate",)


def test_a_new_photo_makes_the_lock_stale_by_count_and_first_sha256(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    sha = another_photo(ws)
    with pytest.raises(SnapshotError, match=f"data: 24 rows locked, 25 now .*train 16 -> 17.*1 new, the first {sha}"):
        run_job(ws, path)
    assert job_status(ws, path).moved[0].startswith("data: ")


def another_photo(ws: Workspace) -> str:
    sha, now = ws.blobs.put(png(scene(99)[0])), datetime(2026, 1, 2, tzinfo=UTC)
    size = {"width": 64, "height": 96}
    known = {"crawl_id": "d", "store": "drawn", "product_id": "99", "page_url": "p99", "url": "u99", "position": 0}
    ws.tables.append("fetches", [{**known, "status": "ok", "sha256": sha, "fetched_at": now}])
    ws.tables.append("images", [{"sha256": sha, "status": "ok", "view": "scene", "checked_at": now, **size}])
    ws.tables.append("groups", [{"sha256": sha, "store": "drawn", "group_id": sha, "cluster_id": sha, "split": "train",
                                 "split_rule": "{}"}])  # fmt: skip
    return sha


def test_another_taxonomy_makes_the_lock_stale(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    settings = ws.root / "modiste.yaml"
    settings.write_text(settings.read_text().replace("taxonomy: clothing", "taxonomy: footwear"))
    with pytest.raises(SnapshotError, match=r"stale: taxonomy: reference 'clothing@\d.* -> 'footwear@\d"):
        run_job(Workspace.open(ws.root), path)


def test_another_recipe_makes_the_lock_stale_by_its_key(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    written(path.parent, train=with_recipe(learning_rate=0.001))
    with pytest.raises(SnapshotError, match=r"stale: recipe: learning_rate 0.004 -> 0.001\."):
        run_job(ws, path)


def test_another_package_makes_the_lock_stale_by_its_name(
    place: tuple[Workspace, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = surroundings.versions()
    monkeypatch.setattr(surroundings, "versions", lambda: {**real, "numpy": "1.0"})
    with pytest.raises(SnapshotError, match=f"stale: dependency: versions.numpy '{real['numpy']}' -> '1.0'"):
        run_job(*place)


def test_other_code_makes_the_lock_stale(place: tuple[Workspace, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lock, "running", lambda: CodeState("abc", {"train/losses.py": "0"}, "diff", {}))
    with pytest.raises(SnapshotError, match=r"stale: code: train/ and dataset/ were .* are .*\(abc\+\)"):
        run_job(*place)


def test_a_worse_candidate_is_refused_and_the_pointer_stays(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    before = read_pointer(ws, "nightly")
    written(path.parent, train=with_recipe(epochs=1, learning_rate=1e-6))
    assert [each.part for each in lock_job(ws, path).changes] == ["recipe"]
    result = run_job(ws, path)
    assert (result.exit_code, result.promoted) == (3, False)
    assert "worse beyond the interval" in result.verdict
    assert read_pointer(ws, "nightly") == before
    assert run_job(ws, path).exit_code == 3  # and again, without training


def test_a_candidate_with_a_take_down_mark_is_never_promoted(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    run = run_job(ws, path).run
    (ws.root / "models" / "nightly.json").unlink()
    mark(ws.runs / run, {"takedown": "t", "kind": "brand", "at": "2026-05-03", "reason": "letter", "images": 1})
    result = run_job(ws, path)
    assert (result.exit_code, "taken down" in result.verdict) == (3, True)


def test_a_moved_data_set_is_taken_by_relock_and_the_current_model_judged_anew(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    another_photo(ws)
    first = read_pointer(ws, "nightly")
    result = run_job(ws, path, relock=True)
    assert "train" in result.done
    assert first is not None
    assert (result.promoted, first["run"] != result.run) == (True, True)  # the photo has no mask: the same model
    assert (read_pointer(ws, "nightly") or {})["previous"] == first["run"]


def test_two_jobs_at_once_are_refused_with_the_pid(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    words = [sys.executable, "-P", "-m", "modiste", "job", "run", str(path), "-w", str(ws.root)]
    with workspace_held(ws, "weekly"):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a job is at work here: pid " in done.stderr
    assert "job weekly" in done.stderr


def test_a_lock_that_is_missing_or_in_conflict_says_so(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    lock = Path(f"{path}.lock")
    lock.write_text("<<<<<<< HEAD\nrows: 1\n=======\nrows: 2\n>>>>>>> other\n")
    with pytest.raises(SettingsError, match="conflict of two branches"):
        run_job(ws, path)
    lock.unlink()
    with pytest.raises(SettingsError, match="not locked"):
        run_job(ws, path)


def test_an_unknown_key_of_a_job_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'report'"):
        read_job(written(tmp_path, reprt=True))


def test_an_empty_workspace_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(EmptyError, match="no rows with a split"):
        lock_job(Workspace.init(tmp_path / "ws"), written(tmp_path))


def test_runs_judged_on_other_rows_are_shown_apart(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    run = record.load(ws, run_job(ws, path).run)
    other = json.loads(json.dumps(run.evaluation))
    other["judged_on"]["fingerprint"] = "e" * 64
    apart = record.Run(run.folder, run.data, record.sealed(other))
    found = compare_runs([run, apart])
    assert [len(group.runs) for group in found.groups] == [1, 1]
    assert found.line().startswith("not ranked together: 2 sets of rows")
    (together,) = compare_runs([run, run]).groups
    assert len(together.runs) == 2


def test_prune_leaves_what_is_promoted_tagged_or_newest(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    first = run_job(ws, path).run
    made = [record.finish(start(ws, k), wall_s=1, cpu_s=1, results={}).id for k in range(4)]
    tag(ws, made[1], ["table-2"])
    dry = prune(ws, keep=1)
    assert (dry.dry_run, dry.deleted) == (True, (made[0], made[2]))
    assert len(shelf(ws).runs) == 5
    assert prune(ws, keep=1, yes=True).deleted == (made[0], made[2])
    assert [each.run for each in shelf(ws).runs] == [first, made[1], made[3]]
    assert not (ws.root / ".pruned").exists()


def start(ws: Workspace, number: int) -> record.Run:
    return record.new_run(
        ws, task="segmentation", recipe={"name": f"x{number}"}, snapshot="v1", fingerprint="f", taxonomy="", seeds={},
        counts={},
    )  # fmt: skip


def test_the_whole_chain_by_its_commands(place: tuple[Workspace, Path]) -> None:
    ws, path = place
    words = [sys.executable, "-P", "-m", "modiste", "job", "run", str(path), "-w", str(ws.root), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skipped"] == ["snapshot", "train", "evaluate"]
