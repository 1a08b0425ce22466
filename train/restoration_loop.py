"""The two loops of restoration: how a batch becomes input and truth, the loss, the score on validation.

In: a network, a recipe, batches of `train.restoration_data`. Out: what `train.loop.Loop` keeps. The score is the mean
over validation crops of PSNR (repair: inside the damage), beside it the classical answer's on the same crops.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from train import spread
from train.letterbox import UInt8
from train.loop import Loop, as_input
from train.models.restoration import RepairNet, UpscaleNet
from train.restoration_damage import first_fill
from train.restoration_rays import Float32, filled_by_rays
from train.restoration_recipe import RestorationRecipe
from train.seeding import derived

SHOWN = 6  # crops of a sample sheet
TINY = 1e-3  # mean squared levels of 255 that count as none: 78 dB
Found = list[dict[str, float]]


def psnr(mse: Tensor) -> Tensor:
    """Mean squared error in levels of 255 -> dB."""
    return 10 * torch.log10(255**2 / mse.clamp_min(TINY))


def shrunk(truth: Tensor, times: int) -> Tensor:
    """(B, 3, H, W) -> (B, 3, H / times, W / times), the mean of each block to a whole level: as editing shrinks."""
    return functional.avg_pool2d(truth, times).round()


class RestorationLoop(Loop):
    """What both share: the Charbonnier loss (Lai et al., CVPR 2017), and scores from rows of {name: dB} a crop."""

    def __init__(self, net: torch.nn.Module, recipe: RestorationRecipe) -> None:
        super().__init__(net, self.charbonnier, recipe)
        self.recipe = recipe
        self._rows: Found = []
        self._shown: list[Tensor] = []  # columns of the sheet

    def charbonnier(self, found: Tensor, truth: Tensor) -> Tensor:
        """A number a value, in [0, 1]."""
        soft = self.recipe.softness
        return (((found - truth) / 255) ** 2 + soft**2).sqrt() - soft

    def scores(self) -> dict[str, float]:
        rows = self.taken()
        names = sorted({name for row in rows for name in row})
        means = {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
        values = np.array([row["score"] for row in rows])
        draws = np.random.default_rng(0).choice(values, (1000, len(values))).mean(1)
        low, high = np.percentile(draws, [2.5, 97.5])
        return means | {"score_low": float(low), "score_high": float(high)}

    def taken(self) -> Found:
        """The rows since the last call, of all processes."""
        rows: Found = spread.gathered(self._rows)
        self._rows = []
        return rows

    def sheet(self) -> UInt8 | None:
        """(H, W, 3): a row a crop: what was given, the classical answer, ours, the truth."""
        if not self._shown:
            return None
        pictures = torch.cat(self._shown, dim=3).clamp(0, 255).round().byte().cpu().numpy()
        return np.ascontiguousarray(np.concatenate(list(pictures.transpose(0, 2, 3, 1)), axis=0))

    def _counted(self, loss: Tensor, n: int) -> Tensor:
        """The loss, once the epoch's figures have it."""
        self._losses.append(float(loss.detach()))
        self._seen += n
        self._held.append((self._losses[-1], n))
        return loss

    def _judged_rows(self, rows: Found) -> None:
        self._rows += rows
        self._judged += len(rows)


class UpscaleLoop(RestorationLoop):
    """A batch is truth; the factor goes by turns with the step, what is given is the truth shrunk."""

    net: UpscaleNet

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        times = self.recipe.times[number % len(self.recipe.times)]
        truth = as_input(batch[1])
        side = truth.shape[-1] * times // max(self.recipe.times)  # every factor is given pictures of one size
        truth = truth[..., :side, :side]
        loss = self.charbonnier(self.net(self._given(truth, times), times), truth).mean()
        return self._counted(loss, len(truth))

    def _given(self, truth: Tensor, times: int) -> Tensor:
        photos = shrunk(truth, times)
        if not self.recipe.jpeg:
            return photos
        draw = np.random.default_rng(derived(self.recipe.seed, "jpeg", self.current_epoch, self.global_step))
        return torch.stack([_saved(each, draw) if draw.random() < self.recipe.jpeg else each for each in photos])

    def validation_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        truth, shown = as_input(batch[1]), []
        rows: Found = [{} for _ in batch[1]]
        for times in sorted(set(self.recipe.times)):
            given = shrunk(truth, times)
            plain = functional.interpolate(given, scale_factor=times, mode="bicubic").clamp(0, 255)
            found = self.judged()(given, times).clamp(0, 255)
            for row, ours, theirs in zip(rows, _crop_psnr(found, truth), _crop_psnr(plain, truth), strict=True):
                row |= {f"x{times}": ours, f"x{times}_bicubic": theirs}
            shown = [functional.interpolate(given, scale_factor=times, mode="nearest"), plain, found, truth]
        for row in rows:
            row["score"] = float(np.mean([row[f"x{each}"] for each in set(self.recipe.times)]))
            row["classical"] = float(np.mean([row[f"x{each}_bicubic"] for each in set(self.recipe.times)]))
        self._shown = [each[:SHOWN] for each in shown] if number == 0 else self._shown
        self._judged_rows(rows)


class RepairLoop(RestorationLoop):
    """A batch is the first fill with its mask, and the truth. Only what was damaged counts, every crop alike: the loss
    is the mean of each crop's log error (as NAFNet's, Chen et al., ECCV 2022), else the worst drown the others."""

    net: RepairNet

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        given, truth = as_input(batch[0]), as_input(batch[1])
        return self._counted(self.log_error(_crop_error(self.net(given), truth, given[:, 3:] / 255)), len(truth))

    def log_error(self, mse: Tensor) -> Tensor:
        return torch.log10(mse / 255**2 + self.recipe.softness**2).mean()

    def validation_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        given, truth = as_input(batch[0]), as_input(batch[1])
        found = self.judged()(given).clamp(0, 255)
        mask = given[:, 3:] / 255
        ours, theirs = (_crop_psnr(each, truth, mask) for each in (found, given[:, :3]))
        if number == 0:
            black = given[:, :3] * (1 - mask)
            self._shown = [each[:SHOWN] for each in (black, given[:, :3], found, truth)]
        self._judged_rows([{"score": a, "classical": b} for a, b in zip(ours, theirs, strict=True)])


class RayLoop(RepairLoop):
    """A batch is (B, N, FEATURES) rays of damaged pixels, and (B, N, 3) how far the truth lies from the first fill."""

    samples: Sequence[tuple[UInt8, UInt8]] = ()  # crops with their damage, for the sheet

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        found = self.net(batch[0].flatten(0, 1)).view_as(batch[1])
        return self._counted(self.log_error(((found - batch[1]) ** 2).mean((1, 2))), len(batch[1]))

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        found = self.judged()(batch[0].flatten(0, 1)).view_as(batch[1])
        ours, theirs = (psnr((each**2).mean((1, 2))).tolist() for each in (found - batch[1], batch[1]))
        self._judged_rows([{"score": a, "classical": b} for a, b in zip(ours, theirs, strict=True)])

    def sheet(self) -> UInt8 | None:
        return np.vstack([self._row(truth, mask) for truth, mask in self.samples]) if self.samples else None

    def _row(self, truth: UInt8, mask: UInt8) -> UInt8:
        first = first_fill(truth, mask)
        net = self.judged().cpu().eval()

        def answer(seen: Float32) -> Float32:
            with torch.inference_mode():
                return np.asarray(net(torch.from_numpy(seen)).numpy())

        black = np.where(mask[..., None] > 0, np.uint8(0), truth)
        return np.hstack([black, first, filled_by_rays(answer, first, mask > 0), truth])


def _crop_error(found: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """(B,) mean squared error of the pixels that the (B, 1, H, W) mask shows."""
    error = ((found - truth) ** 2).mean(1, keepdim=True)
    return (error * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3))


def _crop_psnr(found: Tensor, truth: Tensor, mask: Tensor | None = None) -> list[float]:
    """dB of each crop, of the masked pixels where there is a (B, 1, H, W) mask."""
    mse = ((found - truth) ** 2).mean((1, 2, 3)) if mask is None else _crop_error(found, truth, mask)
    return [float(each) for each in psnr(mse)]


def _saved(photo: Tensor, draw: np.random.Generator) -> Tensor:
    """(3, H, W) in [0, 255] after a JPEG of quality 70 to 95."""
    buffer = io.BytesIO()
    rgb = photo.byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=int(draw.integers(70, 96)))
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).to(photo)
