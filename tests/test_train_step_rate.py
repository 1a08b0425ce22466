"""What a step multiplies, counted; how fast steps are, beside what the device reaches."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from train.step_rate import StepRate, ceiling, told
from train.torchvision_shim import lightning


class Line(lightning.LightningModule):
    """One layer of 8 x 4."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.notes = nn.Linear(8, 4, bias=False), []

    def training_step(self, batch: Any, _: int) -> Any:
        return self.layer(batch[0]).square().mean()

    def validation_step(self, batch: Any, _: int) -> None:
        return None

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def trained(tmp_path: Path, epochs: int, watched: bool = True) -> tuple[Line, StepRate]:
    loop, rate = Line(), StepRate(side=64)
    data = DataLoader(TensorDataset(torch.ones(40, 8)), batch_size=10)
    quiet: dict[str, Any] = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=[rate] if watched else [], enable_checkpointing=False,
        num_sanity_val_steps=0, default_root_dir=tmp_path, **quiet,
    )  # fmt: skip
    trainer.fit(loop, data, data)
    return loop, rate


def test_a_step_is_counted_forward_and_backward(tmp_path: Path) -> None:
    _, rate = trained(tmp_path, epochs=3)
    forward = 2 * 10 * 8 * 4  # a multiply-add is two
    assert rate.flops == 2 * forward  # and the weight's gradient; the input needs none


def test_epochs_after_the_first_are_timed_and_one_alone_is_taken(tmp_path: Path) -> None:
    loop, rate = trained(tmp_path, epochs=3)
    assert (rate.steps, rate._first[0]) == (8, 4)
    assert rate.seconds > 0
    assert len(loop.notes) == 1
    alone, once = trained(tmp_path, epochs=1)
    assert once.steps == 0
    assert "batches/s" in alone.notes[0]


def test_the_share_is_work_a_second_over_the_ceiling() -> None:
    assert told(2.0, 1e12, 8e12).startswith("2.00 batches/s of 1 TFLOP: 25.0% of the 8 TFLOP/s")


def test_the_ceiling_counts_two_for_a_multiply_add(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("train.step_rate.time.perf_counter", lambda: next(ticks) * 0.5)
    assert ceiling("cpu", 128) == 2 * 128**3 / 0.5


def test_weights_are_the_same_bits_with_and_without_counting(tmp_path: Path) -> None:
    found = []
    for watched in (True, False):
        torch.manual_seed(0)
        found.append(trained(tmp_path, epochs=2, watched=watched)[0].layer.weight)
    assert torch.equal(*found)
