"""The loop by itself, on a network of one convolution: stopping early, gathering, halving, boards, several devices."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dataset.errors import TrainingError, UsageError
from train import boards, spread
from train.data import Photos, plain_loader, train_loader
from train.loop import CHECKPOINT, How, fit
from train.recipe import Augment, segmentation_recipe
from train.segmentation import SegmentationLoop

STILL = Augment(flip=0, scale=0, rotate=0, shift=0, colour=0)


class Scaled(nn.Module):
    """One convolution and its batch norm, on photos in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        return self.net(photos / 255)


class Scripted(SegmentationLoop):
    """Scores as the list says, epoch by epoch."""

    def scores(self) -> dict[str, float]:
        found = super().scores()
        return found | {"score": [0.1, 0.5, 0.4, 0.3, 0.2, 0.9, 0.9, 0.9][self.current_epoch]}


class Tight(nn.Module):
    """A loss for which memory runs out where `full` (calls so far, photos) says so; `seen` are the batches' sizes."""

    def __init__(self, loss: nn.Module, full: Callable[[int, int], bool]) -> None:
        super().__init__()
        self.loss, self.full = loss, full
        self.seen: list[int] = []

    def forward(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(truth))
        if self.full(len(self.seen), len(truth)):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.loss(logits, truth)


def data(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Photos whose class is their strongest channel."""
    photos = np.random.default_rng(0).integers(0, 256, (n, 16, 16, 3)).astype(np.uint8)
    return photos, photos.argmax(-1).astype(np.uint8)


def looped(kind: type[SegmentationLoop] = SegmentationLoop, **changes: Any) -> SegmentationLoop:
    overrides = {"epochs": 4, "learning_rate": 0.05, "ema": 0.5, **changes}
    return kind(Scaled(), segmentation_recipe("tiny", overrides), 3)  # type: ignore[arg-type]


def fitted(
    folder: Path, loop: SegmentationLoop, batch: int = 4, how: How | None = None, devices: int = 1
) -> SegmentationLoop:
    folder.mkdir(exist_ok=True)
    training = train_loader(Photos(*data(), STILL, 0), batch, 0, 0, devices)
    fit(loop, training, plain_loader(Photos(*data(5)), batch), folder, "cpu", lambda done, total: None, how)
    return loop


def steps(folder: Path, split: str, metric: str) -> list[dict[str, str]]:
    with open(folder / "steps.csv", newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if (row["split"], row["metric"]) == (split, metric)]


def test_training_stops_after_its_patience_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    loop = fitted(tmp_path, looped(Scripted, epochs=8), how=How(patience=3))
    assert (len(loop.history), loop.best_epoch, loop.best_score) == (5, 2, 0.5)


def test_a_run_that_had_stopped_early_is_not_trained_further_when_it_is_resumed(tmp_path: Path) -> None:
    stopped = fitted(tmp_path, looped(Scripted, epochs=8), how=How(patience=3))
    again = fitted(tmp_path, looped(Scripted, epochs=8), how=How(patience=3))
    assert (len(again.history), again.best_epoch) == (5, 2)
    assert all(torch.equal(again.best[name], stopped.best[name]) for name in stopped.best)


def test_a_checkpoint_that_was_cut_short_is_an_error_with_its_cure(tmp_path: Path) -> None:
    fitted(tmp_path, looped(epochs=1))
    whole = (tmp_path / CHECKPOINT).read_bytes()
    for left in (0, len(whole) // 2):
        (tmp_path / CHECKPOINT).write_bytes(whole[:left])
        with pytest.raises(TrainingError, match=r"no whole checkpoint.*Delete it"):
            fitted(tmp_path, looped(epochs=2))


def test_gathered_batches_are_one_step_and_one_row(tmp_path: Path) -> None:
    fitted(tmp_path, looped(epochs=2), batch=2, how=How(accumulate=3))
    rows = steps(tmp_path, "train", "loss")
    assert [(row["step"], row["n"]) for row in rows] == [("1", "6"), ("2", "6"), ("3", "6"), ("4", "6")]


def test_gathering_gives_nearly_what_the_whole_batch_gives(tmp_path: Path) -> None:
    """Equal but for batch norm and Dice, which see each part by itself."""
    whole = fitted(tmp_path / "whole", looped(epochs=2), batch=4)
    parts = fitted(tmp_path / "parts", looped(epochs=2), batch=2, how=How(accumulate=2))
    first, second = (steps(tmp_path / name, "train", "loss")[0]["value"] for name in ("whole", "parts"))
    assert float(first) == pytest.approx(float(second), rel=0.02)
    assert len(whole.steps) == len(parts.steps)


def test_where_memory_runs_out_the_batch_is_halved_told_and_the_step_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = looped()
    loop.loss = loss = Tight(loop.loss, lambda calls, n: calls > 4 and n > 2)  # the first epoch passes
    fitted(tmp_path, loop)
    assert loop.notes == ["memory ran out: batches of 4 halved"]
    assert "halved" in caplog.text
    assert [row["n"] for row in steps(tmp_path, "train", "loss")] == ["4"] * 12
    assert loss.seen[:5] == [4] * 5
    assert loss.seen[5:] == [2] * 18  # three epochs of six halves


def test_memory_that_ends_before_the_first_epoch_starts_from_the_first_weights(tmp_path: Path) -> None:
    loop = looped(epochs=1)
    loop.loss = Tight(loop.loss, lambda calls, n: calls == 2)
    fitted(tmp_path / "tight", loop)
    free = fitted(tmp_path / "free", looped(epochs=1), batch=2, how=How(accumulate=2))
    assert all(torch.equal(loop.best[name], free.best[name]) for name in free.best)


def test_memory_that_holds_no_single_photo_is_an_error_with_its_cure(tmp_path: Path) -> None:
    loop = looped()
    loop.loss = Tight(loop.loss, lambda calls, n: True)
    with pytest.raises(TrainingError, match="smaller height"):
        fitted(tmp_path, loop)


def test_tensorboard_gets_every_epochs_figures_and_a_sheet_and_changes_no_bit(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    watched = fitted(tmp_path / "a", looped(), how=How(loggers=("csv", "tensorboard")))
    plain = fitted(tmp_path / "b", looped())
    events = EventAccumulator(str(tmp_path / "a" / "tensorboard"), {"scalars": 0, "images": 0})
    events.Reload()
    assert [e.value for e in events.Scalars("score")] == pytest.approx([row["score"] for row in watched.history])
    sheet = events.Images("photo | truth | prediction")[-1]
    assert (len(events.Images("photo | truth | prediction")), sheet.width, sheet.height) == (4, 6 * 16, 2 * 16)
    assert all(torch.equal(watched.best[name], plain.best[name]) for name in plain.best)


def test_mlflow_gets_the_same_and_a_resumed_run_goes_on_in_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    for epoch in (1, 2):
        (board,) = boards.open_boards(["mlflow"], tmp_path / "runs" / "the-run")
        board.row(epoch, {"score": epoch / 10})
        board.sheet(epoch, np.zeros((8, 8, 3), np.uint8))
        board.close()
    from mlflow.tracking import MlflowClient

    client = MlflowClient((tmp_path / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("modiste").experiment_id])
    assert [each.value for each in client.get_metric_history(run.info.run_id, "score")] == [0.1, 0.2]
    assert [each.path for each in client.list_artifacts(run.info.run_id, "predictions")][-1].endswith("0002.png")


def test_a_logger_whose_package_is_missing_is_an_error_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.boards.find_spec", lambda name: None)
    boards.check_boards(["csv"])
    with pytest.raises(TrainingError, match="pip install mlflow-skinny"):
        boards.check_boards(["csv", "mlflow"])


def test_more_devices_than_there_are_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(TrainingError, match=r"2 devices were asked for, and there are 1 GPUs.*--devices 1"):
        spread.check_devices("cuda", 2)
    with pytest.raises(UsageError, match="--devices 0"):
        spread.check_devices("cpu", 0)


class Witness(SegmentationLoop):
    """Each process writes what it ends with: its weights, its scores, and how many photos it judged."""

    def on_fit_end(self) -> None:
        where = self.trainer.default_root_dir
        torch.save(
            {"net": self.net.state_dict(), "best": self.best, "history": self.history, "judged": self._judged},
            f"{where}/rank{spread.rank()}.pt",
        )


@pytest.mark.slow
def test_two_processes_end_with_equal_weights_and_judge_each_photo_once(tmp_path: Path) -> None:
    loop = fitted(tmp_path, looped(Witness, epochs=2), batch=4, how=How(devices=2), devices=2)
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    for kept in ("net", "best"):
        parameters = [name for name in first[kept] if kept == "best" or "running" not in name]
        assert all(torch.equal(first[kept][name], second[kept][name]) for name in parameters)
    assert (first["judged"], second["judged"]) == (3, 2)
    assert [row["n"] for row in steps(tmp_path, "validation", "score")] == ["5", "5"]
    assert [row["score"] for row in first["history"]] == [row["score"] for row in second["history"]]
    assert len(loop.history) == 2
    assert all(torch.equal(loop.best[name], first["best"][name]) for name in loop.best)
    assert (tmp_path / CHECKPOINT).is_file()
