"""A lock on drawn scenes: each planted change is caught and named by its part, alone and with others; so is damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_train_data import drawn_workspace, png, scene
from test_train_segmentation import PARTS, SMALL

from dataset.errors import SettingsError, SnapshotError
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.job import job_status, run_job
from train import job_lock, surroundings
from train.code_state import ROOT, CodeState, code_state, running
from train.job_lock import lock_job, lock_path, read_lock

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Place = tuple[Workspace, Path]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with workspace 'ws', a job, its recipe's file, and the lock."""
    folder = tmp_path_factory.mktemp("lock")
    ws = drawn_workspace(folder / "ws", PARTS)
    (folder / "mine.yaml").write_text(yaml.safe_dump({"task": "segmentation", **SMALL}))
    job = {"name": "nightly", "train": {"recipe": "mine.yaml", "device": "cpu"}, "report": False}
    (folder / "nightly.yaml").write_text(yaml.safe_dump(job))
    lock_job(ws, folder / "nightly.yaml")
    return folder


@pytest.fixture
def place(locked: Path, tmp_path: Path) -> Place:
    shutil.copytree(locked, tmp_path / "copy")
    return Workspace.open(tmp_path / "copy" / "ws"), tmp_path / "copy" / "nightly.yaml"


def moved(place: Place) -> list[str]:
    return list(job_status(Workspace.open(place[0].root), place[1]).moved)


def first_of(place: Place, split: str) -> str:
    rows = load_snapshot(place[0], read_lock(place[1])["data"]["snapshot"]).rows.to_pylist()
    return min(row["sha256"] for row in rows if row["split"] == split)


def another_photo(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    ws = place[0]
    sha = ws.blobs.put(png(scene(99)[0]))
    fetch = {"crawl_id": "d", "store": "drawn", "product_id": "99", "page_url": "p", "url": "u", "position": 0}
    ws.tables.append("fetches", [{**fetch, "status": "ok", "sha256": sha, "fetched_at": NOW}])
    size = {"width": 64, "height": 96}
    ws.tables.append("images", [{"sha256": sha, "status": "ok", "view": "scene", "checked_at": NOW, **size}])
    group = {"sha256": sha, "store": "drawn", "group_id": sha, "cluster_id": sha, "split": "train", "split_rule": "{}"}
    ws.tables.append("groups", [group])
    return f"data: 24 rows locked, 25 now (test 4 -> 4, train 16 -> 17, validation 4 -> 4); 1 new, the first {sha}"


def another_label(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    sha = first_of(place, "train")
    row = {"sha256": sha, "field": "colour", "value": "green", "word": "green", "source": "person", "confidence": 1.0}
    place[0].tables.append("labels", [{**row, "created_at": NOW}])
    return f"; 1 with another label, mask or part, the first {sha}"


def another_mask(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    ws, sha = place[0], first_of(place, "train")
    row = next(r for r in ws.tables.read("masks", where=f"sha256 = '{sha}' AND kind = 'composite'").to_pylist())
    other = ws.tables.read("masks", where=f"sha256 <> '{sha}' AND kind = 'composite'")["mask_sha256"][0].as_py()
    ws.tables.append("masks", [{**row, "source": "review", "mask_sha256": other, "created_at": NOW}])
    return f"; 1 with another label, mask or part, the first {sha}"


def another_part(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    ws, sha = place[0], first_of(place, "test")
    row = ws.tables.read("groups", where=f"sha256 = '{sha}'").to_pylist()[0]
    ws.tables.upsert("groups", [{**row, "split": "train"}])
    return f"(test 4 -> 3, train 16 -> 17, validation 4 -> 4); 1 with another label, mask or part, the first {sha}"


def a_photo_less(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    sha = first_of(place, "train")
    place[0].tables.delete("groups", f"sha256 = '{sha}'")
    return f"24 rows locked, 23 now (test 4 -> 4, train 16 -> 15, validation 4 -> 4); 1 gone, the first {sha}"


def another_taxonomy(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    settings = place[0].root / "modiste.yaml"
    settings.write_text(settings.read_text().replace("taxonomy: clothing", "taxonomy: footwear"))
    return "taxonomy: reference 'clothing@"


def another_recipe(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    path = place[1].with_name("mine.yaml")
    path.write_text(path.read_text().replace("batch: 4", "batch: 8"))
    return "recipe: batch 4 -> 8"


def another_version(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    real = surroundings.packages()
    monkeypatch.setattr(surroundings, "packages", lambda: {**real, "numpy": "1.0"})
    return f"dependency: versions.numpy '{real['numpy']}' -> '1.0'"


def another_pin(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    root = place[1].parent
    (root / surroundings.LOCK_FILE).write_text((ROOT / surroundings.LOCK_FILE).read_text() + "left-pad==1.0\n")
    monkeypatch.setattr(surroundings, "ROOT", root)
    return "dependency: lock_sha256 '"


def another_line_of_code(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    """A real file of a real copy, hashed as the running code is."""
    root = place[1].parent / "checkout"
    for room in ("train", "dataset"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    losses = root / "train" / "losses.py"
    losses.write_text(losses.read_text() + "\n# planted\n")
    monkeypatch.setattr(job_lock, "running", lambda: code_state(root))
    return "code: train/ and dataset/ were "


def another_gate(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    job = yaml.safe_load(place[1].read_text())
    place[1].write_text(yaml.safe_dump({**job, "gate": {"margin": 0.5}}))
    return "gate: margin 0.03 -> 0.5"


Plant = Callable[[Place, pytest.MonkeyPatch], str]
DATA = (another_photo, another_label, another_mask, another_part, a_photo_less)
OTHERS = (another_taxonomy, another_recipe, another_gate, another_version, another_pin, another_line_of_code)


def test_nothing_moved_is_a_fresh_lock(place: Place) -> None:
    assert moved(place) == []


@pytest.mark.parametrize("plant", [*DATA, *OTHERS], ids=lambda plant: plant.__name__)
def test_a_planted_change_stops_the_run_and_is_named_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    said = plant(place, monkeypatch)
    with pytest.raises(SnapshotError, match="the lock is stale") as error:
        run_job(Workspace.open(place[0].root), place[1])
    assert said in error.value.what
    assert " | " not in error.value.what
    assert "modiste job lock" in error.value.cure
    assert not list(place[0].runs.glob("*"))


def test_changes_in_every_part_at_once_are_all_named_and_taken_by_a_new_lock(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for plant in (another_photo, another_taxonomy, another_recipe, another_gate, another_pin, another_line_of_code):
        plant(place, monkeypatch)
    assert [line.partition(":")[0] for line in moved(place)] == list(job_lock.PARTS)
    again = lock_job(Workspace.open(place[0].root), place[1])
    assert [each.part for each in again.changes] == list(job_lock.PARTS)
    assert moved(place) == []


def test_another_commit_of_the_same_files_is_no_change(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lock, "running", lambda: CodeState("f" * 40, running().files, "", {}))
    assert moved(place) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text.replace("rows: 24", "<<<<<<< HEAD\n  rows: 24\n=======\n  rows: 25\n>>>>>>> b"), "conflict"),
        (lambda text: text[: len(text) // 2], "is no lock of this version|is not YAML"),
        (lambda text: text.replace("format: 1", "format: 9"), "is no lock of this version"),
        (lambda text: "", "is no lock of this version"),
    ],
)
def test_a_damaged_lock_is_refused_and_taken_anew(place: Place, damage: Callable[[str], str], said: str) -> None:
    path = lock_path(place[1])
    path.write_text(damage(path.read_text()))
    with pytest.raises(SettingsError, match=said) as error:
        run_job(*place)
    assert "modiste job lock" in str(error.value) or "YAML" in str(error.value)


def test_a_lock_in_conflict_is_replaced_by_the_lock_command(place: Place) -> None:
    path = lock_path(place[1])
    whole = path.read_text()
    path.write_text(f"<<<<<<< HEAD\n{whole}=======\n{whole}>>>>>>> other\n")
    assert lock_job(*place).first
    assert path.read_text() == whole


def half_rows(ws: Workspace, name: str) -> None:
    (path,) = ws.snapshots.glob(f"{name}-*.parquet")
    path.write_bytes(path.read_bytes()[:200])


def no_rows(ws: Workspace, name: str) -> None:
    (path,) = ws.snapshots.glob(f"{name}-*.parquet")
    path.unlink()


def half_words(ws: Workspace, name: str) -> None:
    path = ws.snapshots / f"{name}.json"
    path.write_text(path.read_text()[:100])


@pytest.mark.parametrize("damage", [half_rows, no_rows, half_words])
def test_half_a_snapshot_stops_the_run_and_is_named(place: Place, damage: Callable[[Workspace, str], None]) -> None:
    ws, path = place
    name = read_lock(path)["data"]["snapshot"]
    damage(ws, name)
    with pytest.raises(SnapshotError, match=name):
        run_job(ws, path)
    assert not list(ws.runs.glob("*"))


def test_a_snapshot_whose_words_are_gone_is_frozen_again(place: Place) -> None:
    ws, path = place
    lock: dict[str, Any] = read_lock(path)
    (ws.snapshots / f"{lock['data']['snapshot']}.json").unlink()
    assert lock_job(ws, path).changes == ()
    assert load_snapshot(ws, lock["data"]["snapshot"]).fingerprint == lock["data"]["fingerprint"]
