"""From a segmentation recipe to a network that takes photos as they are.

In: a recipe and the class count. Out: a module (B, 3, H, W) float RGB in [0, 255] -> logits (B, classes, H, W). The
input's normalisation lies inside the module, so that a saved or exported weight can't be fed wrongly.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dataset.errors import SettingsError
from train.models.article import ArticleUNet
from train.models.backbones import check_offline, load_by_order, normalisation, offline_state
from train.recipe import SegmentationRecipe
from train.torchvision_shim import smp


class Normalised(nn.Module):
    """`net` behind (x / 255 - mean) / std; `mean` is (3, 1, 1), or the article's mean image (3, H, W)."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net((x / 255 - self.mean) / self.std)
        return out


def build_segmenter(recipe: SegmentationRecipe, classes: int, *, pretrained: bool = True) -> Normalised:
    """`pretrained=False` leaves the weights random: for loading a trained file on top. Raises SettingsError."""
    if recipe.height % 32 or recipe.width % 32:
        raise SettingsError(f"input {recipe.height} x {recipe.width}", where=recipe.name, expected="multiples of 32")
    if recipe.architecture == "article":
        return Normalised(ArticleUNet(classes), torch.zeros(3, recipe.height, recipe.width), torch.ones(3, 1, 1))
    weights = recipe.weights if pretrained else "none"
    check_offline(recipe.backbone, weights)
    mean, std = normalisation(recipe.backbone)
    net = _smp(recipe, classes, hub=weights == "hub")
    if weights == "offline":
        load_by_order(net.encoder, offline_state(recipe.backbone))  # type: ignore[arg-type]
    return Normalised(net, torch.tensor(mean).view(3, 1, 1), torch.tensor(std).view(3, 1, 1))


def _smp(recipe: SegmentationRecipe, classes: int, *, hub: bool) -> nn.Module:
    keywords: dict[str, Any] = {**recipe.decoder, "classes": classes, "encoder_weights": "imagenet" if hub else None}
    try:
        model: nn.Module = smp.create_model(recipe.architecture, f"tu-{recipe.backbone}", **keywords)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SettingsError(f"{recipe.architecture} can't be built: {error}", where=recipe.name) from error
    return model
