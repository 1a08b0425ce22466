"""The tagging network: one backbone, a linear head per taxonomy field, logits scaled by a temperature per field.

In: photos (B, 3, S, S) float RGB in [0, 255]. Out: {field: logits (B, K)}. A head found by logistic regression and
one found by gradient descent are the same module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.models.backbones import normalisation


class TagNet(nn.Module):
    """`heads[i]` is `fields[i]`'s linear layer on unit-length features times `scale`."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, name: str, counts: Mapping[str, int], dropout: float = 0.0) -> None:
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
        self.dropout = nn.Dropout(dropout)  # on the features, in training alone
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def features(self, x: Tensor) -> Tensor:
        """(B, d) of unit length."""
        raw: Tensor = self.backbone((x / 255 - self.mean) / self.std)
        return functional.normalize(raw.float(), dim=1)

    def heads_on(self, features: Tensor) -> dict[str, Tensor]:
        return {field: head(features * self.scale) for field, head in zip(self.fields, self.heads, strict=True)}

    def head(self, field: str) -> nn.Linear:
        found = self.heads[self.fields.index(field)]
        assert isinstance(found, nn.Linear)
        return found

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.heads_on(self.dropout(self.features(x)))


def both_flips(net: TagNet, x: Tensor, flips: bool) -> Tensor:
    """Features (B, d) of unit length: of the photo, or the mean of it and its mirror image."""
    found = net.features(x)
    return functional.normalize(found + net.features(x.flip(-1)), dim=1) if flips else found


def place_features(net: TagNet, x: Tensor, flips: bool) -> Tensor:
    """(B, d, h, w) whose mean over places is `both_flips` of the same photos, where the backbone's last step is a mean
    over places: each view's feature map over its features' length, the mirrored one turned back."""
    maps = _places(net, x)
    if not flips:
        return maps
    both = maps + _places(net, x.flip(-1)).flip(-1)
    return both / both.mean((2, 3)).norm(dim=1)[:, None, None, None]


def _places(net: TagNet, x: Tensor) -> Tensor:
    features: Callable[[Tensor], Tensor] = net.backbone.forward_features  # type: ignore[assignment]
    maps = features((x / 255 - net.mean) / net.std).float()
    return maps / maps.mean((2, 3)).norm(dim=1)[:, None, None, None]


def is_mean_of_places(net: TagNet, side: int) -> bool:
    """Whether the backbone's features are the mean over its last map's places, tried on noise: then a logit is a sum
    over places, and a class activation map (Zhou et al., 2016) exact."""
    if not hasattr(net.backbone, "forward_features"):
        return False
    noise = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(net.mean.device)
    features: Callable[[Tensor], Tensor] = net.backbone.forward_features  # type: ignore[assignment]
    with torch.inference_mode():
        maps, pooled = features(noise), net.backbone(noise)
    return maps.ndim == 4 and maps.shape[1] == pooled.shape[1] and torch.allclose(maps.mean((2, 3)), pooled, atol=1e-4)


def place_logits(net: TagNet, maps: Tensor) -> dict[str, Tensor]:
    """(B, d, h, w) of `place_features` -> {field: (B, K, h, w)}, whose mean over places is the logit less its bias."""
    return {
        field: functional.conv2d(maps * net.scale, net.head(field).weight[:, :, None, None]) for field in net.fields
    }
