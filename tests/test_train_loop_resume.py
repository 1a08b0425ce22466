"""metrics.csv and steps.csv of a training that was cut off: every epoch stands there once, whenever the kill came."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from test_train_data import drawn_workspace
from test_train_loop import STILL, data, looped, steps

import train.tagging
from dataset.workspace import Workspace
from train import record
from train.data import Photos, plain_loader, train_loader
from train.loop import CHECKPOINT, fit
from train.runs import RunResult
from train.tagging import train_tagging


class Told:
    """Progress that a sweep gives: interrupts at a step, or when an epoch is told."""

    def __init__(self, step: int = 0, epoch: int = 0) -> None:
        self.step, self.last, self.scores = step, epoch, dict[int, float]()

    def __call__(self, done: int, total: int | None) -> None:
        if done == self.step:
            raise KeyboardInterrupt

    def epoch(self, number: int, score: float) -> None:
        self.scores[number] = score
        if number == self.last:
            raise KeyboardInterrupt


def fitted(folder: Path, progress: Told | None = None) -> Any:
    """Four epochs of three steps."""
    loop = looped()
    training = train_loader(Photos(*data(), STILL, 0), 4, 0, 0)
    fit(loop, training, plain_loader(Photos(*data(5)), 4), folder, "cpu", progress or Told())
    return loop


def rows(folder: Path, name: str = "metrics.csv") -> list[dict[str, str]]:
    with open(folder / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scores(folder: Path) -> list[tuple[str, str]]:
    return [(row["epoch"], row["score"]) for row in rows(folder)]


@pytest.mark.parametrize("kill", [Told(step=8), Told(epoch=2), Told(epoch=4)], ids=["a step", "an epoch", "the last"])
def test_a_resumed_training_tells_each_epoch_once_as_an_unbroken_one(tmp_path: Path, kill: Told) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    fitted(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "cut", kill)
    fitted(tmp_path / "cut")
    assert [epoch for epoch, _ in scores(tmp_path / "cut")] == ["1", "2", "3", "4"]
    assert scores(tmp_path / "cut") == scores(tmp_path / "whole")
    losses = [[row["step"] for row in steps(tmp_path / name, "train", "loss")] for name in ("cut", "whole")]
    assert losses == [[str(number) for number in range(1, 13)]] * 2


def test_what_another_step_wrote_over_the_rows_is_mended_before_training_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path, Told(step=8))
    (tmp_path / "metrics.csv").write_text("field,strength,score\ntype,3.0,0.5\n")
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path, Told(step=8))
    assert [epoch for epoch, _ in scores(tmp_path)] == ["1", "2"]


def test_a_done_checkpoint_gives_its_rows_back(tmp_path: Path) -> None:
    fitted(tmp_path)
    before = (tmp_path / "metrics.csv").read_text()
    (tmp_path / "metrics.csv").unlink()
    fitted(tmp_path)
    assert (tmp_path / "metrics.csv").read_text() == before


def test_each_epoch_is_told_to_a_progress_that_wants_it(tmp_path: Path) -> None:
    told = Told()
    loop = fitted(tmp_path, told)
    assert told.scores == {int(row["epoch"]): row["score"] for row in loop.history}


def fine(ws: Workspace, progress: Any) -> RunResult:
    small = {
        "side": 64, "train_side": 48, "workers": 0, "backbone": "test_convnext", "weights": "none", "epochs": 3,
        "batch": 4, "strengths": [1.0],
    }  # fmt: skip
    return train_tagging(
        ws, snapshot="v1", recipe="fast", field="colour", overrides=small, device="cpu", progress=progress
    )


def test_a_warm_tagger_cut_off_after_its_last_epoch_keeps_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    ws = drawn_workspace(tmp_path, {"train": 16, "validation": 6, "test": 6})
    with monkeypatch.context() as patch:
        patch.setattr(train.tagging, "_flipped_logits", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fine(ws, Told())
    (folder,) = ws.runs.iterdir()
    before = scores(folder)
    assert (folder / CHECKPOINT).is_file()
    assert fine(ws, Told()).run == folder.name
    assert scores(folder) == before
    assert [epoch for epoch, _ in before] == ["1", "2", "3"]
    assert record.load(ws, folder.name).data["results"]["epochs"] == 3
