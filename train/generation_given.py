"""What a translator is given, and how its answer is put together: regions, colours, the garment's own pixels.

In: photos (B, 3, H, W) in [-1, 1] and maps of regions (B, H, W) int64, 255 outside the photo. Out: `Given`, and from
the network's raw picture the composed one, in which pasted pixels and the outside are what they were given as, never
the network's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dataset.masks import GARMENT
from train.generation_data import Classes
from train.generation_recipe import GenerationRecipe
from train.letterbox import PAD
from train.models.generation_pairs import build_translator

OUTSIDE = PAD / 127.5 - 1  # what padding is in [-1, 1]


@dataclass(frozen=True)
class Given:
    """`maps` (B, G, H, W) go in; `paste` (B, 3, H, W) where `alpha` (B, 1, H, W) is 1; `outside` (B, 1, H, W) bool."""

    maps: Tensor
    paste: Tensor
    alpha: Tensor
    outside: Tensor

    def composed(self, raw: Tensor) -> Tensor:
        """The picture: the garment's own pixels over the network's."""
        return self.framed(raw.float() * (1 - self.alpha) + self.paste * self.alpha)

    def framed(self, raw: Tensor) -> Tensor:
        """The network's own picture, with the outside as photos have it."""
        return torch.where(self.outside, torch.full_like(raw, OUTSIDE), raw).float()


class Translator(nn.Module):
    """The network with the colours it takes for regions it is told no colour of."""

    colours: Tensor

    def __init__(self, recipe: GenerationRecipe, classes: Classes) -> None:
        super().__init__()
        self.k, self.palette, self.bend = len(classes.names), recipe.palette, recipe.warp
        self.pastes = recipe.pairs == "garment"
        garment = [role == GARMENT for role in classes.roles] or [False] * self.k
        self.register_buffer("garment", torch.tensor([*garment, False]).float(), persistent=False)
        self.register_buffer("colours", torch.zeros(self.k, 3))
        self.mends = recipe.canvas != "none"
        self.given = self.k + 1 + 3 * self.palette + 4 * (self.pastes + self.mends)
        self.net = build_translator(recipe, self.given)
        if self.mends:
            _silence(self.net)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, given, H, W) -> the raw picture (B, 3, H, W) in [-1, 1]; with the canvas for one that mends."""
        raw = torch.as_tensor(self.net(maps))
        return maps[:, self.k + 1 : self.k + 4] + raw if self.mends else raw

    def given_of(
        self,
        photos: Tensor,
        regions: Tensor,
        *,
        colours: Tensor | None = None,
        garment: Tensor | None = None,
        canvas: Tensor | None = None,
        bends: torch.Generator | bool | None = False,
    ) -> Given:
        """`colours` (B, K, 3), by default the photos' own. `garment` (B, 4, H, W): RGB in [-1, 1] and alpha, already in
        its place; by default the photo's own, bent at random where `bends` is a generator (or None: torch's own).
        `canvas` (B, 4, H, W): RGB in [-1, 1] and how far each pixel is kept, for a network that mends; colours are
        its."""
        outside = (regions == 255)[:, None]
        places = torch.where(regions == 255, self.k, regions)
        planes = functional.one_hot(places, self.k + 1).permute(0, 3, 1, 2).float()
        parts, paste, alpha = [planes], torch.zeros_like(photos), torch.zeros_like(photos[:, :1])
        if self.pastes:
            region = torch.as_tensor(self.garment)[places][:, None]
            paste, alpha = self._pasted(photos, region, garment, bends)
            parts += [paste, alpha]
        if self.mends:
            paste, alpha = _split(canvas)
            photos, parts = paste, [*parts, paste, alpha]
        if self.palette:
            shown = planes[:, : self.k]
            parts.append(self._painted(shown, region_colours(photos, shown) if colours is None else colours))
        return Given(torch.cat(parts, 1), paste, alpha, outside)

    def _pasted(
        self, photos: Tensor, region: Tensor, garment: Tensor | None, bends: torch.Generator | bool | None
    ) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, H, W) in [-1, 1] and where they are (B, 1, H, W); none outside the region."""
        worn = torch.cat([photos * region, region], 1) if garment is None else garment
        if garment is None and bends is not False:
            worn = bent(worn, self.bend, bends if isinstance(bends, torch.Generator) else None)
        alpha = (worn[:, 3:] > 0.5).float() * region
        paste = worn[:, :3] / worn[:, 3:].clamp(min=1e-3) if garment is None else worn[:, :3]
        return paste.clamp(-1, 1) * alpha, alpha

    def _painted(self, planes: Tensor, colours: Tensor) -> Tensor:
        """(B, 3, H, W): each region in its colour; what is worn is told by its pixels, not by a colour."""
        if self.pastes:
            planes = planes * (1 - torch.as_tensor(self.garment)[: self.k])[None, :, None, None]
        return torch.einsum("bkhw,bkc->bchw", planes, colours)


def _silence(net: nn.Module) -> None:
    """The last convolution begins at 0, so that an untrained network leaves a canvas as it is."""
    last = [each for each in net.modules() if isinstance(each, nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)


def _split(canvas: Tensor | None) -> tuple[Tensor, Tensor]:
    if canvas is None:
        raise ValueError("a translator that mends was given no canvas")
    return canvas[:, :3], canvas[:, 3:]


def region_colours(photos: Tensor, planes: Tensor) -> Tensor:
    """(B, K, 3): mean colour of each region; 0 where it has no pixel."""
    total = torch.einsum("bchw,bkhw->bkc", photos, planes)
    return total / planes.sum((2, 3)).clamp(min=1)[..., None]


def lent_colours(colours: Tensor, has: Tensor, usual: Tensor) -> Tensor:
    """Colours (B, K, 3) of other photos, the usual (K, 3) where those photos lack a region: `has` (B, K) bool."""
    return torch.where(has[..., None], colours, usual.expand_as(colours))


def bent(worn: Tensor, amount: float, generator: torch.Generator | None) -> Tensor:
    """(B, 4, H, W) premultiplied, moved by a smooth random field of about `amount` of the side, for each its own."""
    batch = len(worn)
    coarse = torch.randn(batch, 2, 4, 4, generator=generator) + 0.7 * torch.randn(batch, 2, 1, 1, generator=generator)
    field = functional.interpolate(coarse * amount, worn.shape[-2:], mode="bicubic", align_corners=True).to(worn.device)
    theta = torch.eye(2, 3, device=worn.device).expand(batch, 2, 3)
    grid = functional.affine_grid(theta, list(worn.shape), align_corners=False) + field.permute(0, 2, 3, 1)
    return functional.grid_sample(worn, grid, padding_mode="zeros", align_corners=False)
