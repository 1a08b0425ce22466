"""The networks of restoration: one makes a photo larger, two correct a first fill of what is damaged.

In: (B, C, H, W) float in [0, 255], of `RayNet` (N, FEATURES). Out: (B, 3, ...) float in [0, 255], or what is added. All
correct a classical answer. `UpscaleNet` and `RayNet` are small enough for one CPU core, `RepairNet` (a U-Net) wants
a GPU's patience. Plain 3 x 3 convolutions: depthwise ones are bound by memory on a CPU. Nothing is pretrained.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.restoration_rays import FEATURES, LEVELS, RAYS

RANGE = 50.0  # levels of 255 that one unit of an answer is: Adam's first steps would shake a larger one


class Block(nn.Module):
    """x + conv(SiLU(conv(x))): EDSR's block without batch norm (Lim et al., CVPRW 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight)
        nn.init.normal_(self.second.weight, std=0.2 * (2 / (9 * width)) ** 0.5)  # a deep sum stays of one size

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(functional.silu(self.first(x)))
        return out


class UpscaleNet(nn.Module):
    """One body at the input's size, whose blocks' answers are gathered (as in IMDN and RFDN), and a pixel shuffle a
    factor (Shi et al., CVPR 2016; one body for several factors: MDSR, Lim et al., 2017).

    The mean of each s x s block of the result is the input's pixel exactly, before clipping: truth shrunk by area has
    that too, so projecting on it can only bring the answer nearer."""

    def __init__(self, width: int, depth: int, times: tuple[int, ...] = (2, 4)) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.gather = nn.Conv2d(width * depth, width, 1)
        nn.init.kaiming_normal_(self.head.weight)  # torch's own lets what is seen die out
        nn.init.kaiming_normal_(self.gather.weight)
        self.tails = nn.ModuleDict({str(each): nn.Conv2d(width, 3 * each**2, 3, padding=1) for each in times})
        for tail in self.tails.values():
            nn.init.zeros_(tail.weight)  # type: ignore[arg-type]  # begins as the classical answer
            nn.init.zeros_(tail.bias)  # type: ignore[arg-type]

    def forward(self, photo: Tensor, times: int) -> Tensor:
        """(B, 3, h, w) -> (B, 3, times h, times w), not clipped."""
        return enlarged_as(photo, self.residual(self.features(photo), times), times)

    def features(self, photo: Tensor) -> Tensor:
        x = first = self.head(photo / 255 - 0.5)
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        out: Tensor = self.gather(torch.cat(found, 1)) + first
        return out

    def residual(self, features: Tensor, times: int) -> Tensor:
        return functional.pixel_shuffle(self.tails[str(times)](features), times) * RANGE


def enlarged_as(photo: Tensor, residual: Tensor, times: int) -> Tensor:
    """Bicubic plus the residual, moved so that each block's mean is its pixel."""
    out = functional.interpolate(photo, scale_factor=times, mode="bicubic", align_corners=False) + residual
    return out + functional.interpolate(photo - functional.avg_pool2d(out, times), scale_factor=times, mode="nearest")


class Gated(nn.Module):
    """SiLU(conv(x)) times a gate in [0, 2] of one channel: gated convolution (Yu et al., ICCV 2019) in its light form
    (Yi et al., CVPR 2020); here the first channel, for 33 of them would cost a CPU as much as 48."""

    def __init__(self, inside: int, outside: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, stride, dilation, dilation)
        nn.init.kaiming_normal_(self.conv.weight)  # torch's own lets what is seen die out after three layers

    def forward(self, x: Tensor) -> Tensor:
        found = self.conv(x)
        return functional.silu(found) * (2 * torch.sigmoid(found[:, :1]))


class RepairNet(nn.Module):
    """A U-Net of gated convolutions over half, a quarter and an eighth of the side; dilated ones below see far.

    Pixels that the mask doesn't show come out as they came in."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        one, two, three = width, 2 * width, 3 * width
        self.fine = nn.Sequential(Gated(16, one), Gated(one, one))
        self.middle = nn.Sequential(Gated(one, two, stride=2), Gated(two, two))
        self.coarse = Gated(two, three, stride=2)
        self.far = nn.ModuleList(Gated(three, three, dilation=2 ** (number % 4)) for number in range(depth))
        self.up_middle, self.up_fine = Gated(three + two, two), Gated(two + one, one)
        self.out = nn.Conv2d(one, 12, 3, padding=1)
        nn.init.zeros_(self.out.weight)  # begins as the first fill
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, filled: Tensor) -> Tensor:
        """(B, 4, H, W), RGB with the damage filled and the mask in {0, 255}, sides multiples of 8 -> (B, 3, H, W)."""
        return filled[:, :3] + filled[:, 3:] / 255 * self.residual(filled)

    def residual(self, filled: Tensor) -> Tensor:
        """(B, 3, H, W) in levels of 255; what lies outside the mask is not to be used."""
        given = torch.cat([filled[:, :3] / 255 - 0.5, filled[:, 3:] / 255], 1)
        fine = self.fine(functional.pixel_unshuffle(given, 2))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        for layer in self.far:
            coarse = coarse + layer(coarse)
        middle = self.up_middle(torch.cat([_twice(coarse), middle], 1))
        fine = self.up_fine(torch.cat([_twice(middle), fine], 1))
        return RANGE * functional.pixel_shuffle(self.out(fine), 2)


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


class RayNet(nn.Module):
    """Colours of damaged pixels from what their rays meet: a mean of those colours and the first fill's, with weights
    that the network finds, and a small correction. Begins near the first fill. Only damaged pixels are computed."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        sizes = [FEATURES] + [width] * depth
        layers = [each for a, b in pairwise(sizes) for each in (nn.Linear(a, b), nn.SiLU())]
        self.body, self.out = nn.Sequential(*layers), nn.Linear(width, RAYS + 1 + 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        nn.init.constant_(self.out.bias[RAYS : RAYS + 1], 3.0)

    def forward(self, seen: Tensor) -> Tensor:
        """(N, FEATURES) -> (N, 3) in levels of 255 over the first fill; in use the mean of the answers to the eight
        ways a picture can be turned and mirrored."""
        star = seen.reshape(-1, RAYS, 7)
        if self.training:
            return self._answer(star)
        return torch.stack([self._answer(star[:, order]) for order in turned()]).mean(0)

    def _answer(self, star: Tensor) -> Tensor:
        found = self.out(self.body(star.flatten(1)))
        weights = found[:, : RAYS + 1].softmax(1)[:, :RAYS]
        return (weights[:, :, None] * star[:, :, :3] * LEVELS).sum(1) + RANGE * found[:, RAYS + 1 :]


def turned() -> list[list[int]]:
    """Orders of the rays: by quarters of a turn, each also mirrored."""
    quarters = [[(ray + start) % RAYS for ray in range(RAYS)] for start in range(0, RAYS, RAYS // 4)]
    mirrored = [[(start - ray) % RAYS for ray in range(RAYS)] for start in range(0, RAYS, RAYS // 4)]
    return quarters + mirrored
