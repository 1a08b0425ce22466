"""The dress article's network and its GrabCut front.

In: RGB photos. Out: class scores, or the person by rectangle GrabCut. The U-Net goes 32, 64, 128, 256, 512 filters
down and back, trained from scratch on 224 x 224 with the training set's mean image subtracted.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

FILTERS = (32, 64, 128, 256, 512)
SIDE = 224


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


def grabcut_person(rgb: npt.NDArray[np.uint8], seed: int, iterations: int = 5) -> npt.NDArray[np.bool_]:
    """(H, W, 3) uint8 RGB -> (H, W) bool: what GrabCut keeps of the article's centre rectangle.

    The photo is seen at 224 x 224, the rectangle is the article's (50, 10, 124, 204), the mask is enlarged by nearest.
    `cv2.grabCut` draws from a global generator, hence `seed`. A photo of one flat colour keeps nothing.
    """
    small = cv2.cvtColor(cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(seed % 2**31)
    try:
        cv2.grabCut(small, mask, (50, 10, SIDE - 100, SIDE - 20), *models, iterations, cv2.GC_INIT_WITH_RECT)
    except cv2.error:
        mask[:] = cv2.GC_BGD
    kept = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.resize(kept, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST), dtype=bool)


def grabcut_front(rgb: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    """The photo with all that GrabCut takes for background painted white, as the article feeds its network."""
    return np.where(grabcut_person(rgb, seed)[..., None], rgb, np.uint8(255)).astype(np.uint8)
