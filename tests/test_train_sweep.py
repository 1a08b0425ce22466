"""A sweep: best by validation, failures as rows, gone on with after a kill, no test item opened before it is asked."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_train_data import drawn_workspace
from test_train_metric import ws as made  # noqa: F401  # a fixture: vectors of 180 made images
from test_train_segmentation import PARTS, SMALL

import train.sweep_trainers
from dataset.blobs import BlobStore
from dataset.errors import DataError, EmptyError, StorageError, TrainingError, UsageError, WorkspaceError
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.run_shelf import shelf
from train.sweep import Pruned, _Watch, sweep
from train.sweep_result import SweepResult
from train.sweep_space import read_space
from train.sweep_study import Asked, opened, study_path

TINY = {key: value for key, value in SMALL.items() if key != "learning_rate"} | {"epochs": 2}


def view(ws: Workspace, over: tuple[str, ...] = ("look=0..2", "dims=1..3"), **changes: Any) -> SweepResult:
    """A sweep of `train similar`, which takes a fifth of a second a trial."""
    asked: dict[str, Any] = {"trials": 3, **changes}
    return sweep(ws, "similar", snapshot="v1", axes=read_space(over), **asked)


def cut(ws: Workspace, over: tuple[str, ...] = ("learning_rate=1e-4..1e-2:log",), **changes: Any) -> SweepResult:
    """A sweep of a tiny segmentation."""
    asked: dict[str, Any] = {"recipe": "tiny", "fixed": TINY, "trials": 2, "device": "cpu", **changes}
    return sweep(ws, "segmentation", snapshot="v1", axes=read_space(over), **asked)


def broken(monkeypatch: pytest.MonkeyPatch, when: Callable[[dict[str, Any]], Exception | None]) -> None:
    """Trainings fail with what `when` says of their overrides."""
    real = train.sweep_trainers.train

    def instead(ws: Workspace, task: str, frozen: Any, known: dict[str, Any], field: str) -> Any:
        if error := when(known["overrides"]):
            raise error
        return real(ws, task, frozen, known, field)

    monkeypatch.setattr("train.sweep.train", instead)


def test_the_best_is_the_highest_validation_score_of_normal_runs(made: Workspace) -> None:  # noqa: F811
    result = view(made)
    runs = [record.load(made, str(row.run)) for row in result.trials]
    scores = [run.data["results"]["score"] for run in runs]
    assert [row.score for row in result.trials] == scores
    assert (result.best.score, result.lowest) == (max(scores), min(scores))
    assert [run.data["recipe"]["dims"] for run in runs] == [row.over["dims"] for row in result.trials]
    beside = json.loads((runs[0].folder / "sweep.json").read_text())["trials"]
    assert beside == [{"sweep": result.study, "trial": 0, "over": result.trials[0].over}]
    assert len(shelf(made).runs) == len({row.run for row in result.trials})
    assert result.alike == sum(score >= runs[result.best.number].data["results"]["low"] for score in scores)


def test_the_line_says_best_spread_and_importance_and_a_csv_holds_the_rows(made: Workspace) -> None:  # noqa: F811
    result = view(made, trials=5)
    first, second, *rest = result.line().splitlines()
    assert f"run {result.best.run}" in first
    assert "best of 5, so optimistic, n = " in first
    assert second.startswith("  5 done; scores ")
    assert rest[0].startswith("  what the score moved with (fANOVA, 5 trials; so few")
    assert sum(result.importance.values()) == pytest.approx(1, abs=1e-3)
    with open(study_path(made, result.study).with_suffix(".csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["score"]) for row in rows] == [row.score for row in result.trials]
    assert list(rows[0])[-3:] == ["error", "over look", "over dims"]
    assert rows[0]["over dims"] == str(result.trials[0].over["dims"])


def test_the_same_command_trains_nothing_more_and_more_trials_go_on(made: Workspace) -> None:  # noqa: F811
    first = view(made, trials=2)
    runs = sorted(path.name for path in made.runs.iterdir())
    assert view(made, trials=2).trials == first.trials
    assert sorted(path.name for path in made.runs.iterdir()) == runs
    more = view(made, trials=4)
    assert (len(more.trials), more.trials[:2]) == (4, first.trials)


def test_a_space_that_can_be_counted_is_gone_through_once(made: Workspace) -> None:  # noqa: F811
    result = view(made, ("dims=1,2", "look=0.0,1.0"), trials=20)
    drawn = [(row.over["dims"], row.over["look"]) for row in result.trials]
    assert drawn == [(1, 0.0), (1, 1.0), (2, 0.0), (2, 1.0)]


def test_a_trial_that_fails_is_a_row_with_its_reason(
    made: Workspace,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken(monkeypatch, lambda known: ValueError("no such luck\nat all") if known["dims"] == 2 else None)
    result = view(made, ("dims=1,2,3",), trials=3)
    assert [(row.state, row.error) for row in result.trials] == [
        ("done", None), ("failed", "ValueError: no such luck"), ("done", None),
    ]  # fmt: skip
    assert "1 failed (first: ValueError: no such luck)" in result.line()


def test_three_that_fail_alike_end_a_sweep_and_it_goes_on_once_that_is_mended(
    made: Workspace,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        broken(patch, lambda known: EmptyError("no label"))
        with pytest.raises(TrainingError, match="3 trials failed alike: no label"):
            view(made, trials=9)
    assert [row.state for row in view(made, trials=4).trials] == ["failed"] * 3 + ["done"]


def test_a_full_disk_is_no_row(made: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    with monkeypatch.context() as patch:
        broken(patch, lambda known: StorageError("can't write"))
        with pytest.raises(StorageError):
            view(made, trials=2)
    assert [row.state for row in view(made, trials=2).trials] == ["done", "done"]


def test_a_name_that_answers_another_question_is_refused_by_what_differs(made: Workspace) -> None:  # noqa: F811
    view(made, trials=1, name="mine")
    with pytest.raises(UsageError, match=r"sweep mine: answers another question: colour was 0\.5, is 0\.1"):
        view(made, trials=1, name="mine", fixed={"colour": 0.1})
    with pytest.raises(UsageError, match="over was"):
        view(made, ("look=0..3", "dims=1..3"), trials=1, name="mine")


def test_two_at_once_on_one_study_are_refused(made: Workspace) -> None:  # noqa: F811
    asked = Asked("similar", "v1", "f", {}, (), 0, "tpe", prune=False)
    with opened(made, asked, "one"), pytest.raises(WorkspaceError, match=r"sweep one: is at work: pid \d+"):
        view(made, trials=1, name="one")


def test_a_file_that_is_no_study_is_said_with_its_cure(made: Workspace) -> None:  # noqa: F811
    made.scratch("sweeps")
    study_path(made, "one").write_bytes(b"SQLite format 3\x00" + b"\x07" * 200)
    with pytest.raises(DataError, match=r"one\.sqlite: is no study of this version: .*Delete it"):
        view(made, trials=1, name="one")


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"trials": 0}, "1 or more"), ({"sampler": "luck"}, "tpe or random"), ({"fixed": {"lok": 1}}, "lok")],
)
def test_wrong_words_are_refused_before_a_study_is_made(
    made: Workspace,  # noqa: F811
    changes: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(UsageError, match=said):
        view(made, **changes)
    assert not (made.root / "sweeps").exists()


def test_vectors_of_test_photos_are_not_computed_on_the_way(made: Workspace) -> None:  # noqa: F811
    made.tables.delete("embeddings", f"sha256 = '{load_snapshot(made, 'v1').rows['sha256'][0]}'")
    with pytest.raises(TrainingError, match="1 of the snapshot's images have no vector"):
        view(made, trials=3)


def test_no_item_of_the_test_part_is_opened_or_judged_until_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = drawn_workspace(tmp_path, PARTS)
    rows = load_snapshot(ws, "v1").rows.to_pylist()
    kept = {split: {row["sha256"] for row in rows if row["split"] == split} for split in PARTS}
    masks = {row["mask_sha256"] for row in rows if row["split"] == "test"}  # two scenes may have one mask
    masks -= {row["mask_sha256"] for row in rows if row["split"] != "test"}
    read: set[str] = set()
    real = BlobStore.get

    def spied(store: BlobStore, sha256: str) -> bytes:
        read.add(sha256)
        return real(store, sha256)

    monkeypatch.setattr(BlobStore, "get", spied)
    result = cut(ws)
    assert (kept["train"] | kept["validation"]) <= read
    assert not read & (kept["test"] | masks)
    assert not list(ws.runs.glob("*/evaluation.json"))
    asked = cut(ws, evaluate_best=True)
    assert (asked.trials, asked.test_read, "n = 4" in str(asked.test)) == (result.trials, True, True)
    assert read >= kept["test"]
    read.clear()
    again = cut(ws, evaluate_best=True)
    assert (again.test, again.test_read, read) == (asked.test, False, set())


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_what_an_unbroken_one_finds(tmp_path: Path) -> None:
    whole = cut(drawn_workspace(tmp_path / "whole", PARTS), trials=3)
    ws = drawn_workspace(tmp_path / "cut", PARTS)

    def interrupt(done: int, total: int | None) -> None:
        if done >= 1750:  # in the second epoch of the second trial
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut(ws, trials=3, progress=interrupt)
    gone_on = cut(ws, trials=3)
    assert [(row.over, row.score) for row in gone_on.trials] == [(row.over, row.score) for row in whole.trials]
    assert len(list(ws.runs.iterdir())) == 3
    resumed = record.load(ws, str(gone_on.trials[1].run))
    assert len(resumed.data["resumed"]) == 1
    with open(resumed.folder / "metrics.csv", newline="", encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


@pytest.mark.slow
def test_a_pruned_trial_is_a_row_and_its_run_is_no_finished_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna.trial.Trial.should_prune", lambda trial: trial.number == 1)
    ws = drawn_workspace(tmp_path, PARTS)
    result = cut(ws, prune=True)
    assert [row.state for row in result.trials] == ["done", "pruned"]
    assert result.trials[1].score is not None
    assert sorted(run.done for run in record.list_runs(ws)) == [False, True]
    assert result.best.number == 0


def test_an_epoch_under_the_median_of_the_others_is_pruned(made: Workspace) -> None:  # noqa: F811
    asked = Asked("segmentation", "v1", "f", {"epochs": 3}, (), 0, "tpe", prune=True)

    def silent(done: int, total: int | None) -> None:
        """Nobody looks."""

    with opened(made, asked, "p") as study:
        for score in (0.5, 0.6, 0.7, 0.8):
            trial = study.ask()
            for epoch in (1, 2, 3):
                _Watch(trial, True, silent, 0, 1).epoch(epoch, score)
            study.tell(trial, score)
        bad = _Watch(study.ask(), True, silent, 0, 1)
        with pytest.raises(Pruned):
            bad.epoch(1, 0.1)
        _Watch(study.ask(), True, silent, 0, 1).epoch(1, 0.9)
        _Watch(study.ask(), False, silent, 0, 1).epoch(1, 0.1)
