"""The dress article's network.

In: RGB photos. Out: class scores. The U-Net goes 32, 64, 128, 256, 512 filters
down and back, trained from scratch on 224 x 224 with the training set's mean image subtracted.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FILTERS = (32, 64, 128, 256, 512)


def _double(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class ArticleUNet(nn.Module):
    """(B, 3, H, W) -> logits (B, classes, H, W); H and W are multiples of 16. Mean subtraction is the caller's."""

    def __init__(self, classes: int, filters: tuple[int, ...] = FILTERS) -> None:
        super().__init__()
        self.down = nn.ModuleList(_double(a, b) for a, b in zip((3, *filters[:-1]), filters, strict=True))
        back = list(zip(filters[:0:-1], filters[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in back)
        self.merge = nn.ModuleList(_double(2 * b, b) for _, b in back)
        self.pool, self.head = nn.MaxPool2d(2), nn.Conv2d(filters[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for block in self.down:
            x = block(self.pool(x) if skips else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1], strict=True):
            x = merge(torch.cat([skip, up(x)], dim=1))
        out: Tensor = self.head(x)
        return out
