"""Translators and their critics: U-Net or ResNet generator, PatchGAN at one or more scales.

In: what is given (B, G, H, W) float. Out: a picture (B, 3, H, W) in [-1, 1]; of a critic, for each scale its features,
the last of which are the logits of patches (B, 1, h, w).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.generation_recipe import GenerationRecipe

SLOPE, MOST = 0.2, 8  # the deepest layers have at most so many times the base channels


class UNet(nn.Module):
    """Isola et al., 2017, with group norm and resize-convolutions, which leave no checkerboard."""

    def __init__(self, given: int, recipe: GenerationRecipe) -> None:
        super().__init__()
        wide = [recipe.base * min(2**level, MOST) for level in range(recipe.depth)]
        self.down = nn.ModuleList(
            _halved(a, b, level > 0) for level, (a, b) in enumerate(zip([given, *wide], wide, strict=False))
        )
        self.up = nn.ModuleList()
        below = wide[-1]
        for width in [*wide[-2::-1], recipe.base]:
            self.up.append(_doubled(below, width))
            below = width * 2 if len(self.up) < recipe.depth else width + given
        self.last = nn.Conv2d(below, 3, 3, padding=1)

    def forward(self, given: Tensor) -> Tensor:
        seen = [given]
        for down in self.down:
            seen.append(down(seen[-1]))
        x = seen.pop()
        for up in self.up:
            x = torch.cat([up(x), seen.pop()], 1)
        return torch.tanh(self.last(x))


def _halved(given: int, out: int, norm: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(given, out, 4, stride=2, padding=1),
        nn.GroupNorm(8 if out % 8 == 0 else 4, out) if norm else nn.Identity(),
        nn.LeakyReLU(SLOPE),
    )


def _doubled(given: int, out: int) -> nn.Module:
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(given, out, 3, padding=1),
        nn.GroupNorm(8 if out % 8 == 0 else 4, out), nn.LeakyReLU(SLOPE),
    )  # fmt: skip


class ResNet(nn.Module):
    """Johnson et al., 2016: halved twice, `depth` residual blocks, doubled twice."""

    def __init__(self, given: int, recipe: GenerationRecipe) -> None:
        super().__init__()
        base = recipe.base
        self.body = nn.Sequential(
            nn.Conv2d(given, base, 7, padding=3), nn.LeakyReLU(SLOPE), _halved(base, 2 * base, True),
            _halved(2 * base, 4 * base, True), *[_Residual(4 * base) for _ in range(recipe.depth)],
            _doubled(4 * base, 2 * base), _doubled(2 * base, base), nn.Conv2d(base, 3, 7, padding=3), nn.Tanh(),
        )  # fmt: skip

    def forward(self, given: Tensor) -> Tensor:
        return torch.as_tensor(self.body(given))


class _Residual(nn.Module):
    def __init__(self, wide: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(wide, wide, 3, padding=1), nn.GroupNorm(4, wide), nn.LeakyReLU(SLOPE),
            nn.Conv2d(wide, wide, 3, padding=1), nn.GroupNorm(4, wide),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.as_tensor(self.body(x))


class PatchCritic(nn.Module):
    """Features of each layer, the logits of 34 px patches last; sees the picture beside what was given."""

    def __init__(self, given: int, base: int) -> None:
        super().__init__()
        wide = [given + 3, base, 2 * base, 4 * base]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)) for a, b in pairwise(wide)
        )
        self.last = nn.Conv2d(wide[-1], 1, 3, padding=1)

    def forward(self, given: Tensor, picture: Tensor) -> list[Tensor]:
        found = [torch.cat([given, picture], 1)]
        for layer in self.layers:
            found.append(layer(found[-1]))
        return [*found[1:], self.last(found[-1])]


class Critics(nn.Module):
    """The same judgement at 1, 1/2, 1/4 of the size (Wang et al., 2018)."""

    def __init__(self, given: int, recipe: GenerationRecipe) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchCritic(given, recipe.critic_base) for _ in range(recipe.scales))

    def forward(self, given: Tensor, picture: Tensor) -> list[list[Tensor]]:
        found = []
        for number, critic in enumerate(self.scales):
            if number:
                given, picture = functional.avg_pool2d(given, 2), functional.avg_pool2d(picture, 2)
            found.append(critic(given, picture))
        return found


def build_translator(recipe: GenerationRecipe, given: int) -> nn.Module:
    return ResNet(given, recipe) if recipe.generator == "resnet" else UNet(given, recipe)
