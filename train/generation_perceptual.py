"""How far two pictures are apart in the eyes of a frozen network (Johnson et al., 2016; unit channels as in LPIPS).

In: pictures (B, 3, H, W) in [-1, 1]. Out: a scalar that gradients flow through. The network is EfficientNet-Lite0 with
ImageNet's weights, at strides 2 to 16; it is never trained and never part of what is saved. KID is by the same network,
so a generator that learned by this is flattered by it: judge it by features it never saw too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from train.models.backbones import OFFLINE, load_by_order, offline_state
from train.torchvision_shim import timm

DEPTHS = 4  # strides 2, 4, 8, 16; at 32 a picture of 128 px has 4 x 3 places left


class Perceptual:
    """No module on purpose: a loop that holds it saves no tensor of it."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        net: nn.Module = timm.create_model(OFFLINE[0], pretrained=False, features_only=True)
        load_by_order(net, offline_state(OFFLINE[0]))
        self.net = net.eval().requires_grad_(False).to(device)

    def __call__(self, made: Tensor, real: Tensor) -> Tensor:
        """Mean over depths of the mean squared distance of unit feature vectors; 0 for the same pictures."""
        with torch.no_grad():
            truth = self._unit(real)
        pairs = zip(self._unit(made), truth, strict=True)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in pairs]).mean()

    def _unit(self, pictures: Tensor) -> list[Tensor]:
        """Input in [-1, 1] is what the converted network wants; vectors (B, c, h, w) of length 1 over channels."""
        return [nn.functional.normalize(each.float(), dim=1) for each in self.net(pictures)[:DEPTHS]]
