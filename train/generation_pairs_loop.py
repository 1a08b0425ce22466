"""Training a translator: L1, a critic of patches, its features matched (pix2pix, Isola et al., 2017; pix2pixHD, Wang et
al., 2018).

In: photos and their maps. Out: the loop `train.generation` runs. L1 is asked of the raw picture everywhere, also where
the garment's pixels are pasted over it, so that the same network can be judged with and without pasting; the critic
sees the composed picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from train.generation_data import Pictures
from train.generation_given import Given, Translator, lent_colours, region_colours
from train.generation_loop import AdversarialLoop, as_bytes, as_unit
from train.generation_losses import critic_loss, generator_loss, gradient_penalty
from train.letterbox import UInt8
from train.seeding import derived


class PairsLoop(AdversarialLoop):
    """`net` is a `Translator`, `critic` a `Critics`."""

    def given_of(self, photos: Tensor, regions: Tensor, **words: Any) -> Given:
        return self.translator.given_of(photos, regions, **words)

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
        if recipe.adversary or recipe.matching:
            loss = loss + self._fooling(given.maps, photos, made)
        self.step_generator(loss, len(photos))

    def _turned(self, photos: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Photo and map mirrored together."""
        turn = torch.rand(len(photos), 1, 1, device=photos.device) < self.recipe.flip
        return torch.where(turn[:, None], photos.flip(-1), photos), torch.where(turn, regions.flip(-1), regions)

    def _apart(self, raw: Tensor, photos: Tensor, given: Given) -> Tensor:
        inside = (~given.outside).float()
        return ((raw - photos).abs() * inside).sum() / (inside.sum() * 3).clamp(min=1)

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
        pictures = translated(self.judged(), found, lenders(found.targets, self.data["train"]), self.data["train"])
        return pictures, [str(row["sha256"])[:8] for row in found.rows]


def coarse(maps: npt.NDArray[Any], classes: int, step: int = 4) -> npt.NDArray[np.float32]:
    """(N, K, h * w) one-hot of every `step`th pixel; the outside is no class."""
    small = np.asarray(maps)[:, ::step, ::step].reshape(len(maps), -1)
    return (small[:, None] == np.arange(classes)[None, :, None]).astype(np.float32)


def lenders(maps: npt.NDArray[Any], learned: Pictures) -> npt.NDArray[np.intp]:
    """Of each map (N, H, W) the place of the training photo whose map is most like it, by mean IoU over the classes
    that occur in either. The nearest-neighbour baseline, and whose colours a translator borrows."""
    classes = int(max(each[each < 255].max(initial=0) for each in (np.asarray(maps), np.asarray(learned.targets)))) + 1
    theirs = coarse(learned.targets, classes)
    sizes = theirs.sum(2)
    best = []
    for mine in coarse(maps, classes):
        both = np.einsum("kp,nkp->nk", mine, theirs, optimize=True)
        either = mine.sum(1)[None] + sizes - both
        iou = np.where(either > 0, both / np.maximum(either, 1), np.nan)
        best.append(int(np.nanmean(iou, axis=1).argmax()))
    return np.array(best)


@torch.no_grad()
def translated(
    net: Any, given: Pictures, lent: npt.NDArray[np.intp] | None, learned: Pictures | None, *, raw: bool = False,
    bend_seed: int | None = None, batch: int = 16, device: Any = None,
) -> UInt8:  # fmt: skip
    """(N, H, W, 3) uint8 for the maps of `given`. Colours are borrowed from the training photos at `lent`, or are the
    photos' own where that is None. `raw` leaves the pasting out; `bend_seed` bends the garment as training did."""
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


def tensors(found: Pictures, places: list[int], device: Any) -> tuple[Tensor, Tensor]:
    photos = torch.from_numpy(np.stack([np.asarray(found.photos[k]) for k in places])).permute(0, 3, 1, 2)
    regions = torch.from_numpy(np.stack([np.asarray(found.targets[k]) for k in places]).astype(np.int64))
    return as_unit(photos).to(device), regions.to(device)
