"""Rectified flow on diffusers' UNet2DModel: a straight path from pictures to noise, walked back.

In: pictures (B, C, H, W) in [-1, 1] at a time in [0, 1], labels (B,) with `classes` meaning 'not told'; of a recipe
that tells more also `given` (B, extra, H, W): the picture with zeros in its hole, the hole as 1, the garment's outline
as 1 inside, -1 outside, 0 not told (as Rombach et al., 2022, fill holes). Out: the path's velocity; `drawn` pictures.
Liu et al., 2022; guidance without a classifier: Ho and Salimans, 2022.
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
        self.fills, self.outlines = recipe.known == "masked", recipe.silhouette
        self.extra = self.fills * (recipe.channels + 1) + self.outlines
        self.unet = _unet(recipe, classes + 1, self.extra)

    def forward(self, x: Tensor, time: Tensor, labels: Tensor, given: Tensor | None = None) -> Tensor:
        """Without `given` nothing is known: neither a part of the picture nor an outline."""
        if self.extra:
            x = torch.cat([x, self._nothing(x) if given is None else given.to(x)], 1)
        return torch.as_tensor(self.unet(x, time * 1000, class_labels=labels, return_dict=False)[0])

    def loss(
        self, pictures: Tensor, labels: Tensor, time: Tensor, noise: Tensor, given: Tensor | None = None
    ) -> Tensor:
        """(B,) mean squared error of the velocity at `time` (B,)."""
        t = time[:, None, None, None]
        said = self((1 - t) * pictures + t * noise, time, labels, given)
        return (said - (noise - pictures)).square().mean((1, 2, 3))

    def given_of(self, pictures: Tensor, lost: Tensor, outline: Tensor | None = None) -> Tensor:
        """(B, extra, H, W) of pictures with holes (B, H, W) bool and an outline (B, 1, H, W); no pixel of a hole goes
        in."""
        found = []
        if self.fills:
            gone = lost[:, None].to(pictures)
            found += [torch.where(gone > 0, torch.zeros_like(pictures), pictures), gone]
        if self.outlines:
            found.append(torch.zeros_like(pictures[:, :1]) if outline is None else outline.to(pictures))
        return torch.cat(found, 1)

    def _nothing(self, x: Tensor) -> Tensor:
        return self.given_of(torch.zeros_like(x), torch.ones_like(x[:, 0]) > 0)

    @torch.no_grad()
    def drawn(
        self,
        noise: Tensor,
        labels: Tensor,
        steps: int,
        guidance: float,
        given: Tensor | None = None,
        begin: float = 1.0,
    ) -> Tensor:
        """Heun's method from t = `begin` to 0; `guidance` 1 listens to label and outline as it was learned, more
        exaggerates them. Where it begins below 1, `noise` is a picture with so much noise in it (Meng et al., 2022).
        """
        x, times = noise, torch.linspace(begin, 0, steps + 1).tolist()
        for now, then in pairwise(times):
            slope = self._guided(x, now, labels, guidance, given)
            ahead = x + (then - now) * slope
            if then > 0:
                slope = (slope + self._guided(ahead, then, labels, guidance, given)) / 2
            x = x + (then - now) * slope
        return x.clamp(-1, 1)

    def _guided(self, x: Tensor, time: float, labels: Tensor, guidance: float, given: Tensor | None) -> Tensor:
        times = torch.full((len(x),), time, device=x.device)
        told = self(x, times, labels, given)
        if guidance == 1:
            return told
        plain = self(x, times, torch.full_like(labels, self.hidden), self._plain(given))
        return plain + guidance * (told - plain)

    def _plain(self, given: Tensor | None) -> Tensor | None:
        """What is known stays; the outline, which is the last channel, is not told."""
        if given is None or not self.outlines:
            return given
        return torch.cat([given[:, :-1], torch.zeros_like(given[:, -1:])], 1)


def _unet(recipe: GenerationRecipe, labels: int, extra: int) -> Any:
    """Attention at the coarsest level only: elsewhere a CPU would wait for it."""
    import train.torchvision_shim  # noqa: F401  (diffusers reaches torchvision)

    try:
        from diffusers import UNet2DModel
    except ImportError as error:
        raise TrainingError("diffusers is not installed", cure="pip install 'modiste[generation]'") from error
    wide = tuple(recipe.base * (level + 1) for level in range(recipe.depth))
    plain = recipe.depth - 1
    return UNet2DModel(
        sample_size=recipe.size, in_channels=recipe.channels + extra, out_channels=recipe.channels, layers_per_block=1,
        block_out_channels=wide, norm_num_groups=8, attention_head_dim=8, num_class_embeds=labels,
        down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * plain,
    )  # fmt: skip
