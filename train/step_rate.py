"""How much of a card a training uses: steps a second, what a step multiplies, and the rate that this card reaches.

In: Lightning's hooks. Out: a note in `loop.notes`, which the result's line and the record hold. The ceiling is
measured, not taken from a data sheet: the best of some large bf16 products on the same device in the same run. What a
step multiplies is counted by torch's FlopCounterMode (products and convolutions, forward and backward) on the third
step of a stretch. Only on CUDA: waiting for the card at an epoch's ends costs nothing there, and a CPU's bits stay as
they were.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from train.torchvision_shim import lightning

COUNTED = 2  # the batch whose products are counted; the first ones choose kernels
SIDE, TRIES = 8192, 20


class StepRate(lightning.Callback):
    """Times epochs from the second on (the first where there is one alone), validation left out."""

    def __init__(self, side: int = SIDE) -> None:
        self.side, self.flops, self.steps, self.seconds = side, 0, 0, 0.0
        self._counter: FlopCounterMode | None = None
        self._batches, self._began, self._first = 0, 0.0, (0, 0.0)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        _wait(pl_module.device)
        self._began, self._epoch_batches = time.perf_counter(), 0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._batches == COUNTED:
            self._counter = FlopCounterMode(display=False)
            self._counter.__enter__()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._batches, self._epoch_batches = self._batches + 1, self._epoch_batches + 1
        if self._counter is not None:
            self._counter.__exit__(None, None, None)
            self.flops, self._counter = self._counter.get_total_flops(), None

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Of an epoch's end: what training is done is timed here, before the photos are judged."""
        _wait(pl_module.device)
        spent = (self._epoch_batches, time.perf_counter() - self._began)
        if self._first == (0, 0.0):
            self._first = spent
            return
        self.steps, self.seconds = self.steps + spent[0], self.seconds + spent[1]

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        steps, seconds = (self.steps, self.seconds) if self.steps else self._first
        if steps and self.flops:
            pl_module.notes.append(told(steps / seconds, self.flops, ceiling(pl_module.device, self.side)))


def told(steps_per_s: float, flops: float, most: float) -> str:
    """`flops` a step, `most` in FLOP/s; a multiply-add counts as two."""
    share = steps_per_s * flops / most
    return (
        f"{steps_per_s:.2f} batches/s of {flops / 1e12:.3g} TFLOP: "
        f"{share:.1%} of the {most / 1e12:.3g} TFLOP/s that this device multiplies bf16 at"
    )


def ceiling(device: Any, side: int = SIDE) -> float:
    """FLOP/s of the fastest of `TRIES` products of (side, side) bf16 matrices."""
    a, b = (torch.ones(side, side, dtype=torch.bfloat16, device=device) for _ in range(2))
    best = float("inf")
    for _ in range(TRIES):
        _wait(device)
        began = time.perf_counter()
        torch.mm(a, b)
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def _wait(device: Any) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
