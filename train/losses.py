"""The segmentation loss: cross entropy plus Dice.

In: logits and class maps. Out: one number. 255 counts as nothing.
"""

from __future__ import annotations

from torch import Tensor, nn

from train.torchvision_shim import smp

IGNORE = 255


class CrossEntropyDice(nn.Module):
    """Mean cross entropy + `dice` x (1 - Dice, averaged over the classes that occur in the batch)."""

    def __init__(self, dice: float) -> None:
        super().__init__()
        self.dice = dice
        self._cross_entropy = nn.CrossEntropyLoss(ignore_index=IGNORE)
        self._dice = smp.losses.DiceLoss(mode="multiclass", ignore_index=IGNORE)

    def forward(self, logits: Tensor, truth: Tensor) -> Tensor:
        """logits (B, C, H, W) float, truth (B, H, W) int64 of class indices or 255."""
        loss: Tensor = self._cross_entropy(logits.float(), truth)
        return loss + self.dice * self._dice(logits.float(), truth) if self.dice else loss
