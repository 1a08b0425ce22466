"""Training a translator: L1, a critic of patches, its features matched (pix2pix, Isola et al., 2017; pix2pixHD, Wang et
al., 2018).

In: photos and their maps. Out: the loop `train.generation` runs. A translator that mends canvases learns on photos
where pixels are taken away as canvases lack some. L1 is asked of the raw picture everywhere, also where the garment's
pixels are pasted over it, so that the same network can be judged with and without pasting; of one that mends, where
nothing is kept. The critic sees the composed picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dataset.masks import IGNORE
from train.generation_canvas import Canvases, canvas_of, filled, gaps_of, kept_shares
from train.generation_data import Pictures
from train.generation_given import Given, Translator, lent_colours, region_colours
from train.generation_loop import AdversarialLoop, as_bytes, as_unit
from train.generation_losses import critic_loss, generator_loss, gradient_penalty
from train.generation_maps import lenders
from train.generation_perceptual import Perceptual
from train.letterbox import UInt8
from train.seeding import derived

GAPS = 64  # maps of the training part whose canvases say what usually is missing


class PairsLoop(AdversarialLoop):
    """`net` is a `Translator`, `critic` a `Critics`."""

    eyes: Perceptual | None = None
    _gaps: npt.NDArray[np.bool_] | None = None
    _drafts: UInt8 | None = None

    def given_of(self, photos: Tensor, regions: Tensor, **words: Any) -> Given:
        if self.translator.mends:
            words["canvas"] = self._damaged(photos, regions)
        return self.translator.given_of(photos, regions, **words)

    def canvases(self) -> Canvases:
        return Canvases(self.data["train"], self.classes, self.recipe.canvas == "several", self.recipe.heads == "whole")

    def _damaged(self, photos: Tensor, regions: Tensor) -> Tensor:
        """(B, 4, H, W): each photo without what another map's canvas lacked, drawn from torch's generator."""
        if self._gaps is None:
            self._gaps = gaps_of(self.canvases(), GAPS)
        found = []
        for photo, index in zip(as_bytes(photos), regions.cpu().numpy().astype(np.uint8), strict=True):
            gaps = self._gaps[int(torch.randint(len(self._gaps), (1,)))]
            whole = ~(gaps[:, ::-1] if torch.rand(1) < 0.5 else gaps) & (index != IGNORE)
            found.append(np.dstack([filled(photo, index, whole), kept_shares(whole)]))
        return canvas_tensor(np.stack(found)).to(photos.device)

    @property
    def translator(self) -> Translator:
        assert isinstance(self.net, Translator)
        return self.net

    def both(self, pictures: Tensor, targets: Tensor) -> None:
        recipe = self.recipe
        photos, regions = self._turned(as_unit(pictures), targets)
        given = self.given_of(photos, regions, bends=None)
        raw = self.net(given.maps)
        made = given.composed(raw)
        self.critic.requires_grad_(True)
        self.step_critic(self._critic_loss(given.maps, photos, made.detach()))
        self.critic.requires_grad_(False)
        loss = recipe.l1 * self._apart(raw, photos, given)
        if recipe.perceptual:
            shown = made if self.translator.mends else given.framed(raw)
            loss = loss + recipe.perceptual * self._seen_apart(shown, photos)
        if recipe.adversary or recipe.matching:
            loss = loss + self._fooling(given.maps, photos, made)
        self.step_generator(loss, len(photos))

    def _turned(self, photos: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Photo and map mirrored together."""
        turn = torch.rand(len(photos), 1, 1, device=photos.device) < self.recipe.flip
        return torch.where(turn[:, None], photos.flip(-1), photos), torch.where(turn, regions.flip(-1), regions)

    def _apart(self, raw: Tensor, photos: Tensor, given: Given) -> Tensor:
        inside = (~given.outside).float()
        weight = inside * (1 - given.alpha) if self.translator.mends else inside
        return ((raw - photos).abs() * weight).sum() / (weight.sum() * 3).clamp(min=1)

    def _seen_apart(self, made: Tensor, photos: Tensor) -> Tensor:
        if self.eyes is None:
            self.eyes = Perceptual(made.device)
        return self.eyes(made, photos)

    def _critic_loss(self, maps: Tensor, photos: Tensor, made: Tensor) -> Tensor:
        recipe = self.recipe
        real, fake = self.critic(maps, photos), self.critic(maps, made)
        loss = torch.stack([critic_loss(recipe.loss, a[-1], b[-1]) for a, b in zip(real, fake, strict=True)]).mean()
        if self.is_penalised():
            slopes = [
                gradient_penalty(
                    lambda x: torch.stack([each[-1].mean() for each in self.critic(maps.float(), x)]), each
                )
                for each in (photos, made)
            ]
            loss = loss + recipe.penalty * recipe.penalty_every * torch.stack(slopes).sum()
        return loss

    def _fooling(self, maps: Tensor, photos: Tensor, made: Tensor) -> Tensor:
        recipe = self.recipe
        with torch.no_grad():
            real = self.critic(maps, photos)
        fake = self.critic(maps, made)
        parts = []
        for a, b in zip(real, fake, strict=True):
            alike = torch.stack([(x - y).abs().mean() for x, y in zip(a[:-1], b[:-1], strict=True)]).mean()
            parts.append(recipe.adversary * generator_loss(recipe.loss, a[-1], b[-1]) + recipe.matching * alike)
        return torch.stack(parts).mean()

    def made(self) -> tuple[UInt8, list[str]]:
        found = self.data["validation"]
        if self.translator.mends and self._drafts is None:
            make = self.canvases()
            self._drafts = np.stack([canvas_of(make(each)) for each in np.asarray(found.targets)])
        lent = None if self.translator.mends else lenders(found.targets, self.data["train"])
        pictures = translated(self.judged(), found, lent, self.data["train"], drafts=self._drafts)
        return pictures, [str(row["sha256"])[:8] for row in found.rows]


@torch.no_grad()
def translated(
    net: Any, given: Pictures, lent: npt.NDArray[np.intp] | None, learned: Pictures | None, *, raw: bool = False,
    bend_seed: int | None = None, drafts: UInt8 | None = None, batch: int = 16, device: Any = None,
) -> UInt8:  # fmt: skip
    """(N, H, W, 3) uint8 for the maps of `given`. Colours are borrowed from the training photos at `lent`, or are the
    photos' own where that is None. `raw` leaves the pasting out; `bend_seed` bends the garment as training did;
    `drafts` (N, H, W, 4) are the canvases (`canvas_of`) that a network which mends needs."""
    was, where = net.training, device or next(net.parameters()).device
    net.eval()
    found = []
    for start in range(0, len(given.photos), batch):
        places = range(start, min(start + batch, len(given.photos)))
        photos, regions = tensors(given, list(places), where)
        words: dict[str, Any] = {}
        if lent is not None and learned is not None and net.palette:
            words["colours"] = colours_of(net, *tensors(learned, [int(lent[k]) for k in places], where))
        if bend_seed is not None:
            words["bends"] = torch.Generator().manual_seed(derived(bend_seed, "bend", start))
        if drafts is not None:
            words["canvas"] = canvas_tensor(drafts[start : start + batch]).to(where)
        told = net.given_of(photos, regions, **words)
        said = net(told.maps)
        whole = told.composed(said)
        found.append(as_bytes(torch.where(told.outside, whole, said.float()) if raw else whole))
    net.train(was)
    return np.concatenate(found)


def colours_of(net: Any, photos: Tensor, regions: Tensor) -> Tensor:
    """(B, K, 3) colours that other photos lend, the usual ones where they lack a region."""
    planes = torch.nn.functional.one_hot(torch.where(regions == 255, net.k, regions), net.k + 1)[..., : net.k]
    shown = planes.permute(0, 3, 1, 2).float()
    return lent_colours(region_colours(photos, shown), shown.sum((2, 3)) > 0, net.colours)


def canvas_tensor(drafts: UInt8) -> Tensor:
    """(B, H, W, 4) uint8 -> (B, 4, H, W): RGB in [-1, 1], how far each pixel is kept in [0, 1]."""
    planes = torch.from_numpy(drafts).permute(0, 3, 1, 2)
    return torch.cat([as_unit(planes[:, :3]), planes[:, 3:].float() / 255], 1)


def tensors(found: Pictures, places: list[int], device: Any) -> tuple[Tensor, Tensor]:
    photos = torch.from_numpy(np.stack([np.asarray(found.photos[k]) for k in places])).permute(0, 3, 1, 2)
    regions = torch.from_numpy(np.stack([np.asarray(found.targets[k]) for k in places]).astype(np.int64))
    return as_unit(photos).to(device), regions.to(device)
