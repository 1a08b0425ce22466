"""Does a made picture look like what was asked for? A small network that has seen real pictures only says so.

In: real pictures and their classes. Out: a `Namer`, chosen on validation. It is another network than the critic's
class head, from another seed, and has never seen a made picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from dataset.progress import Progress, silent
from train.generation_data import Pictures
from train.generation_loop import as_unit, flipped
from train.generation_losses import varied
from train.letterbox import UInt8

BATCH, RATE = 64, 2e-3
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Namer:
    net: nn.Module
    validation: float  # accuracy it was chosen by

    @torch.no_grad()
    def __call__(self, pictures: UInt8) -> Ints:
        """(N, H, W, C) uint8 -> (N,) classes; the mirrored picture is averaged in."""
        self.net.eval()
        found = []
        for start in range(0, len(pictures), 256):
            x = as_unit(torch.from_numpy(np.array(pictures[start : start + 256])).permute(0, 3, 1, 2))
            found.append((self.net(x).softmax(1) + self.net(x.flip(-1)).softmax(1)).argmax(1).numpy())
        return np.concatenate(found)


def trained_namer(
    train: Pictures, validation: Pictures, classes: int, *, epochs: int = 24, seed: int = 1, progress: Progress = silent
) -> Namer:
    """Adam, one cycle, flips, shifts and brightness; the best epoch on validation."""
    torch.manual_seed(seed)
    net = _net(train.photos.shape[3], classes)
    photos = torch.from_numpy(np.array(train.photos)).permute(0, 3, 1, 2)
    labels = torch.from_numpy(np.asarray(train.targets))
    steps = max(1, len(photos) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * steps + 1)
    best, kept = -1.0, net.state_dict()
    for epoch in range(epochs):
        net.train()
        for some in torch.randperm(len(photos))[: steps * BATCH].chunk(steps):
            _step(net, varied(flipped(as_unit(photos[some]), 0.5), ("colour", "shift")), labels[some], optimiser)
            schedule.step()
        right = float(np.mean(Namer(net, 0)(np.asarray(validation.photos)) == validation.targets))
        if right > best:
            best, kept = right, {name: value.clone() for name, value in net.state_dict().items()}
        progress(epoch + 1, epochs)
    net.load_state_dict(kept)
    return Namer(net.eval(), best)


def _step(net: nn.Module, pictures: Tensor, labels: Tensor, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    functional.cross_entropy(net(pictures), labels, label_smoothing=0.05).backward()
    optimiser.step()


def _net(channels: int, classes: int) -> nn.Module:
    def block(a: int, b: int) -> list[nn.Module]:
        return [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]

    return nn.Sequential(
        *block(channels, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2),
        *block(64, 128), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Dropout(0.3), nn.Linear(1152, classes),
    )  # fmt: skip
