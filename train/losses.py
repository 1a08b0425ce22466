"""The segmentation loss: cross entropy plus Dice.

In: logits and class maps. Out: one number. 255 counts as nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from dataset.masks import IGNORE
from train.torchvision_shim import smp


def inverse_sqrt_weights(truth: np.ndarray, classes: int) -> Tensor:
    """(classes,) float: 1 / sqrt(share of the pixels of `truth`), mean 1 over the classes that occur; 0 for one that
    doesn't. 255 is not counted. A softer form of median-frequency balancing (Eigen & Fergus, ICCV 2015)."""
    counts = np.zeros(256, np.int64)
    for each in truth:
        counts += np.bincount(each.ravel(), minlength=256)
    shares = counts[:classes] / max(counts[:classes].sum(), 1)
    weights = np.where(shares > 0, 1 / np.sqrt(np.maximum(shares, 1e-12)), 0.0)
    return torch.tensor(weights / weights[shares > 0].mean(), dtype=torch.float32)


class CrossEntropyDice(nn.Module):
    """Mean cross entropy, weighed by class where `weights` (C,) are given, + `dice` x (1 - Dice, averaged over the
    classes that occur in the batch)."""

    def __init__(self, dice: float, weights: Tensor | None = None) -> None:
        super().__init__()
        self.dice = dice
        self._cross_entropy = nn.CrossEntropyLoss(weight=weights, ignore_index=IGNORE)
        self._dice = smp.losses.DiceLoss(mode="multiclass", ignore_index=IGNORE)

    def forward(self, logits: Tensor, truth: Tensor) -> Tensor:
        """logits (B, C, H, W) float, truth (B, H, W) int64 of class indices or 255."""
        loss: Tensor = self._cross_entropy(logits.float(), truth)
        return loss + self.dice * self._dice(logits.float(), truth) if self.dice else loss
