"""Generators from noise and their critics: small convolutions, and the article's dense pair.

In: noise (B, latent) and labels (B,) int64, all zeros where unconditional. Out: pictures (B, C, H, W) in [-1, 1]. A
critic takes pictures and labels and gives `Verdict`s.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.generation_recipe import GenerationRecipe

SLOPE = 0.2  # of leaky ReLU, the article's


@dataclass(frozen=True)
class Verdict:
    """`logits` (B,): how real, given the label. `classes` (B, K): which class it looks like."""

    logits: Tensor
    classes: Tensor


class ConvGenerator(nn.Module):
    """Dense to a quarter of the side, twice doubled; noise and label scale and shift each layer (FiLM)."""

    def __init__(self, recipe: GenerationRecipe, classes: int) -> None:
        super().__init__()
        base, self.low = recipe.base, (recipe.height // 4, recipe.width // 4)
        style = recipe.latent + 32
        self.label = nn.Embedding(classes, 32)
        self.first = nn.Linear(style, 4 * base * self.low[0] * self.low[1])
        self.one, self.two = Doubled(4 * base, 2 * base, style), Doubled(2 * base, base, style)
        self.last = nn.Conv2d(base, recipe.channels, 3, padding=1)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        noise = functional.normalize(noise, dim=1) * noise.shape[1] ** 0.5
        style = torch.cat([noise, self.label(labels)], 1)
        x = self.first(style).view(len(noise), -1, *self.low)
        return torch.tanh(self.last(self.two(self.one(x, style), style)))


class Doubled(nn.Module):
    """(B, a, h, w) -> (B, b, 2h, 2w)."""

    def __init__(self, given: int, out: int, style: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(given, out, 4, stride=2, padding=1)
        self.norm = nn.GroupNorm(4, out, affine=False)
        self.film = nn.Linear(style, 2 * out)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.film(style)[..., None, None].chunk(2, 1)
        return functional.leaky_relu(self.norm(self.conv(x)) * (1 + scale) + shift, SLOPE)


class ConvCritic(nn.Module):
    """Twice halved; judges given the label by projection (Miyato and Koyama, 2018), names the class by a head."""

    def __init__(self, recipe: GenerationRecipe, classes: int) -> None:
        super().__init__()
        base = recipe.critic_base
        self.body = nn.Sequential(
            nn.Conv2d(recipe.channels, base, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE),
            nn.Conv2d(base, 2 * base, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * base, 3 * base, 3, padding=1), nn.LeakyReLU(SLOPE), nn.Flatten(),
            nn.Linear(3 * base * (recipe.height // 4) * (recipe.width // 4), 128), nn.LeakyReLU(SLOPE),
        )  # fmt: skip
        self.real, self.label, self.name = nn.Linear(128, 1), nn.Embedding(classes, 128), nn.Linear(128, classes)

    def forward(self, pictures: Tensor, labels: Tensor) -> Verdict:
        seen = self.body(pictures)
        told = (self.label(labels) * seen).sum(1) / seen.shape[1] ** 0.5
        return Verdict(self.real(seen)[:, 0] + told, self.name(seen))


class DenseGenerator(nn.Module):
    """The article's: 256, 512, 1024, pixels, batch norm, leaky ReLU, tanh; the label joins the noise."""

    def __init__(self, recipe: GenerationRecipe, classes: int) -> None:
        super().__init__()
        self.shape, self.classes = (recipe.channels, *recipe.size), classes
        layers: list[nn.Module] = []
        given = recipe.latent + classes
        for out in (256, 512, 1024):
            layers += [nn.Linear(given, out, bias=False), nn.BatchNorm1d(out), nn.LeakyReLU(SLOPE)]
            given = out
        self.body = nn.Sequential(*layers, nn.Linear(given, recipe.channels * recipe.height * recipe.width), nn.Tanh())

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        told = functional.one_hot(labels, self.classes).to(noise)
        return torch.as_tensor(self.body(torch.cat([noise, told], 1)).view(len(noise), *self.shape))


class DenseCritic(nn.Module):
    """The article's: 1024, 512, 256, 1. Logits, no sigmoid; no batch norm, which would tell real from made by batch."""

    def __init__(self, recipe: GenerationRecipe, classes: int) -> None:
        super().__init__()
        self.classes = classes
        layers: list[nn.Module] = []
        given = recipe.channels * recipe.height * recipe.width
        for out in (1024, 512, 256):
            layers += [nn.Linear(given, out), nn.LeakyReLU(SLOPE)]
            given = out
        self.body = nn.Sequential(nn.Flatten(), *layers)
        self.real, self.label, self.name = nn.Linear(256, 1), nn.Embedding(classes, 256), nn.Linear(256, classes)

    def forward(self, pictures: Tensor, labels: Tensor) -> Verdict:
        seen = self.body(pictures)
        told = (self.label(labels) * seen).sum(1) / seen.shape[1] ** 0.5
        return Verdict(self.real(seen)[:, 0] + told, self.name(seen))


def build_pair(recipe: GenerationRecipe, classes: int) -> tuple[nn.Module, nn.Module]:
    """Generator and critic of a recipe of kind gan."""
    if recipe.generator == "dense":
        return DenseGenerator(recipe, classes), DenseCritic(recipe, classes)
    return ConvGenerator(recipe, classes), ConvCritic(recipe, classes)
