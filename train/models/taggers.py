"""The tagging network: one backbone, a linear head per taxonomy field, logits scaled by a temperature per field.

In: photos (B, 3, S, S) float RGB in [0, 255]. Out: {field: logits (B, K)}. A head found by logistic regression and
one found by gradient descent are the same module.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.models.backbones import normalisation


class TagNet(nn.Module):
    """`heads[i]` is `fields[i]`'s linear layer on unit-length features times `scale`."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, name: str, counts: Mapping[str, int]) -> None:
        """`counts` is the number of values of each field; `name` is the backbone's timm name."""
        super().__init__()
        mean, std = normalisation(name)
        self.backbone = backbone
        width = int(backbone.num_features)  # type: ignore[arg-type]
        self.scale = float(width) ** 0.5  # so that an entry of the unit vector is about 1
        self.fields = list(counts)
        self.heads = nn.ModuleList(
            nn.Linear(width, count) for count in counts.values()
        )  # a dict refuses the key 'type'
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def features(self, x: Tensor) -> Tensor:
        """(B, d) of unit length."""
        raw: Tensor = self.backbone((x / 255 - self.mean) / self.std)
        return functional.normalize(raw.float(), dim=1)

    def heads_on(self, features: Tensor) -> dict[str, Tensor]:
        return {field: head(features * self.scale) for field, head in zip(self.fields, self.heads, strict=True)}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.heads_on(self.features(x))


def both_flips(net: TagNet, x: Tensor, flips: bool) -> Tensor:
    """Features (B, d) of unit length: of the photo, or the mean of it and its mirror image."""
    found = net.features(x)
    return functional.normalize(found + net.features(x.flip(-1)), dim=1) if flips else found


def probabilities(net: TagNet, x: Tensor, flips: bool, temperature: Mapping[str, float]) -> dict[str, Tensor]:
    """{field: (B, K)}, calibrated, rows sum to 1."""
    logits = net.heads_on(both_flips(net, x, flips))
    return {field: (value / temperature[field]).softmax(1) for field, value in logits.items()}
