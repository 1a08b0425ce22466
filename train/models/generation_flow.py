"""Rectified flow on diffusers' UNet2DModel: a straight path from pictures to noise, walked back.

In: pictures (B, C, H, W) in [-1, 1] at a time in [0, 1], labels (B,) with `classes` meaning 'not told'. Out: the path's
velocity; `drawn` gives pictures. Liu et al., 2022; guidance without a classifier: Ho and Salimans, 2022.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from dataset.errors import TrainingError
from train.generation_recipe import GenerationRecipe


class Flow(nn.Module):
    """x(t) = (1 - t) picture + t noise; the network tells noise - picture."""

    def __init__(self, recipe: GenerationRecipe, classes: int) -> None:
        super().__init__()
        self.shape, self.hidden = (recipe.channels, *recipe.size), classes
        self.unet = _unet(recipe, classes + 1)

    def forward(self, x: Tensor, time: Tensor, labels: Tensor) -> Tensor:
        return torch.as_tensor(self.unet(x, time * 1000, class_labels=labels, return_dict=False)[0])

    def loss(self, pictures: Tensor, labels: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """(B,) mean squared error of the velocity at `time` (B,)."""
        t = time[:, None, None, None]
        said = self((1 - t) * pictures + t * noise, time, labels)
        return (said - (noise - pictures)).square().mean((1, 2, 3))

    @torch.no_grad()
    def drawn(self, noise: Tensor, labels: Tensor, steps: int, guidance: float) -> Tensor:
        """Heun's method from t = 1 to 0; `guidance` 1 listens to the label as it was learned, more exaggerates it."""
        x, times = noise, torch.linspace(1, 0, steps + 1).tolist()
        for now, then in pairwise(times):
            slope = self._guided(x, now, labels, guidance)
            ahead = x + (then - now) * slope
            if then > 0:
                slope = (slope + self._guided(ahead, then, labels, guidance)) / 2
            x = x + (then - now) * slope
        return x.clamp(-1, 1)

    def _guided(self, x: Tensor, time: float, labels: Tensor, guidance: float) -> Tensor:
        times = torch.full((len(x),), time, device=x.device)
        told = self(x, times, labels)
        if guidance == 1:
            return told
        plain = self(x, times, torch.full_like(labels, self.hidden))
        return plain + guidance * (told - plain)


def _unet(recipe: GenerationRecipe, labels: int) -> Any:
    """Attention at the coarsest level only: elsewhere a CPU would wait for it."""
    import train.torchvision_shim  # noqa: F401  (diffusers reaches torchvision)

    try:
        from diffusers import UNet2DModel
    except ImportError as error:
        raise TrainingError("diffusers is not installed", cure="pip install 'modiste[generation]'") from error
    wide = tuple(recipe.base * (level + 1) for level in range(recipe.depth))
    plain = recipe.depth - 1
    return UNet2DModel(
        sample_size=recipe.size, in_channels=recipe.channels, out_channels=recipe.channels, layers_per_block=1,
        block_out_channels=wide, norm_num_groups=8, attention_head_dim=8, num_class_embeds=labels,
        down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * plain,
    )  # fmt: skip
