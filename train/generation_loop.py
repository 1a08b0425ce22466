"""What all generators share in training: rates that fall, validation by KID, sheets of samples by step.

In: a network, a recipe, features of real pictures. Out: the best epoch's averaged tensors, by the validation part's
KID; `samples/step-*.png` in the run's folder, each picture beside the nearest one that was learned. A run that was cut
off goes on from its last whole epoch and ends with the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dataset.errors import TrainingError
from train.generation_data import Classes, Pictures
from train.generation_losses import critic_loss, generator_loss, gradient_penalty, varied
from train.generation_measures import Features, Floats, kid, nearest
from train.generation_recipe import GenerationRecipe
from train.generation_sheet import Block, sample_sheet
from train.letterbox import UInt8
from train.loop import Loop
from train.seeding import derived

SHOWN = 24


def as_unit(pictures: Tensor) -> Tensor:
    """uint8 -> float in [-1, 1]."""
    return pictures.float() / 127.5 - 1


def as_bytes(pictures: Tensor) -> UInt8:
    """(B, C, H, W) in [-1, 1] -> (B, H, W, C) uint8."""
    found = ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().byte()
    return np.ascontiguousarray(found.permute(0, 2, 3, 1).cpu().numpy())


def flipped(pictures: Tensor, chance: float) -> Tensor:
    """Each picture mirrored with this chance; a map that came along is flipped by the caller's own draw."""
    turn = torch.rand(len(pictures), 1, 1, 1, device=pictures.device) < chance
    return torch.where(turn, pictures.flip(-1), pictures)


class GenerationLoop(Loop):
    """What the kinds supply: `training_step`, `made`, and where it isn't KID `scores`."""

    def __init__(
        self, net: nn.Module, recipe: GenerationRecipe, classes: Classes, data: dict[str, Pictures], folder: Path
    ) -> None:
        super().__init__(net, _no_loss, recipe)
        self.recipe, self.classes, self.data, self.folder = recipe, classes, data, folder
        if recipe.ema_warm:
            self.average = AveragedModel(net, multi_avg_fn=WarmAverage(recipe.ema), use_buffers=True)
            self.average.requires_grad_(False)
        self.features: Features | None = None
        self._known: dict[str, Floats] = {}

    def made(self) -> tuple[UInt8, list[str]]:
        """Pictures for a validation score, the same noise each time, and what was asked for."""
        raise NotImplementedError

    def rate_share(self) -> float:
        """1, falling to 0 in the last `decay` of all steps. Known from the step alone."""
        total, now = int(self.trainer.estimated_stepping_batches), self.global_step
        last = max(1.0, self.recipe.decay * total)
        return min(1.0, max(0.0, (total - now) / last)) if self.recipe.decay else 1.0

    def on_train_batch_start(self, *_: Any) -> None:
        """Draws depend on (seed, step) alone: making a loader's iterator draws too, and resuming makes it elsewhere."""
        torch.manual_seed(derived(self.recipe.seed, "step", self.global_step))
        for optimiser in self.trainer.optimizers:
            for group in optimiser.param_groups:
                group.setdefault("first_lr", group["lr"])
                group["lr"] = group["first_lr"] * self.rate_share()

    def noted(self, loss: Tensor, n: int) -> None:
        self._losses.append(float(loss.detach()))
        self._seen += n
        self._held.append((self._losses[-1], n))

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        self._judged += len(batch[0])

    def known(self, part: str) -> Floats:
        """Features of a part's real pictures, computed once."""
        if part not in self._known:
            self._known[part] = self.measure(np.asarray(self.data[part].photos))
        return self._known[part]

    def measure(self, pictures: UInt8) -> Floats:
        if self.features is None:
            self.features = Features(self.recipe.judge, self.recipe.judge_px, str(self.device))
        return self.features(pictures)

    def scores(self) -> dict[str, float]:
        """KID to the validation part, negative so that more is better; the training part's own beside it."""
        if not self.is_due(self.recipe.judge_every):
            return {name: self.history[-1][name] for name in ("score", "score_low", "score_high", "real")}
        pictures, words = self.made()
        seen = self.measure(pictures)
        found = kid(seen, self.known("validation"))
        self.show(pictures, words, seen)
        return {
            "score": -found.mean, "score_low": -found.high, "score_high": -found.low,
            "real": -kid(self.known("train"), self.known("validation")).mean,
        }  # fmt: skip

    def is_due(self, every: int) -> bool:
        """This epoch, the first or the last of all."""
        epoch = self.current_epoch + 1
        return epoch % every == 0 or epoch in (1, self.recipe.epochs) or not self.history

    def show(self, pictures: UInt8, words: list[str], seen: Floats) -> None:
        """A sheet of the first samples beside the nearest pictures that were learned."""
        if not self.is_due(self.recipe.sheet_every * self.recipe.judge_every):
            return
        place, away = nearest(seen[:SHOWN], self.known("train"))
        learned = np.asarray(self.data["train"].photos)[place]
        blocks = [
            Block((mine, near), f"{word} | nearest {far:.1f}")
            for mine, near, word, far in zip(pictures, learned, words, away, strict=False)
        ]
        title = (
            f"step {self.global_step}: made | nearest training picture by {self.features.name if self.features else ''}"
        )
        sample_sheet(self.folder / "samples" / f"step-{self.global_step:06d}.png", blocks, title)


def _no_loss(*_: Any) -> Tensor:
    raise NotImplementedError


@dataclass(frozen=True)
class WarmAverage:
    """An exponential average that forgets its first steps: with 0.998 throughout, 1,000 steps of a flow averaged to
    noise although the network itself had learned."""

    decay: float

    def __call__(self, average: Any, now: Any, count: Any) -> None:
        n = int(count)
        get_ema_multi_avg_fn(min(self.decay, (1 + n) / (10 + n)))(average, now, count)


class AdversarialLoop(GenerationLoop):
    """Two optimisers by hand. A batch counts as one step, though both are moved."""

    def __init__(
        self, net: nn.Module, critic: nn.Module, recipe: GenerationRecipe, classes: Classes, data: dict[str, Pictures],
        folder: Path,
    ) -> None:  # fmt: skip
        super().__init__(net, recipe, classes, data, folder)
        self.critic = critic
        self.automatic_optimization = False

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        rates = ((self.net, recipe.learning_rate), (self.critic, recipe.learning_rate * recipe.critic_rate))
        return [
            torch.optim.Adam(each.parameters(), lr=rate, betas=(recipe.beta1, recipe.beta2)) for each, rate in rates
        ]

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:  # type: ignore[override]
        """Batches can't be halved on the way as in `Loop`: gradients of two networks are not gathered."""
        try:
            self.both(*batch)
        except torch.OutOfMemoryError as error:
            cure = f"Take a smaller batch: --set batch={max(1, self.recipe.batch // 2)}"
            raise TrainingError(f"the device's memory is full with {len(batch[0])} pictures", cure=cure) from error

    def both(self, pictures: Tensor, targets: Tensor) -> None:
        """Move the critic, then the generator."""
        raise NotImplementedError

    def step_critic(self, loss: Tensor) -> None:
        """Not counted by Lightning: a batch is one step."""
        optimiser = self.trainer.optimizers[1]
        optimiser.zero_grad()
        self.manual_backward(loss)
        optimiser.step()

    def step_generator(self, loss: Tensor, n: int) -> None:
        optimiser = self.optimizers()[0]  # type: ignore[index]
        optimiser.zero_grad()
        self.manual_backward(loss)
        optimiser.step()
        self.noted(loss, n)

    def is_penalised(self) -> bool:
        return self.recipe.penalty > 0 and self.global_step % self.recipe.penalty_every == 0


class GanLoop(AdversarialLoop):
    """From noise and a label."""

    def both(self, pictures: Tensor, targets: Tensor) -> None:
        recipe = self.recipe
        real, labels = flipped(as_unit(pictures), recipe.flip), targets
        noise = torch.randn(len(real), recipe.latent, device=real.device)
        self.critic.requires_grad_(True)
        made = self.net(noise, labels).detach()
        self.step_critic(self._critic_loss(real, made, labels))
        self.critic.requires_grad_(False)
        noise = torch.randn(len(real), recipe.latent, device=real.device)
        said = self.critic(varied(self.net(noise, labels), recipe.vary), labels)
        with torch.no_grad():
            truth = self.critic(varied(real, recipe.vary), labels).logits
        loss = recipe.adversary * generator_loss(recipe.loss, truth, said.logits)
        if recipe.classify:
            loss = loss + recipe.classify * nn.functional.cross_entropy(said.classes, labels)
        self.step_generator(loss, len(real))

    def _critic_loss(self, real: Tensor, made: Tensor, labels: Tensor) -> Tensor:
        recipe = self.recipe
        real, made = varied(real, recipe.vary), varied(made, recipe.vary)
        right, wrong = self.critic(real, labels), self.critic(made, labels)
        loss = critic_loss(recipe.loss, right.logits, wrong.logits)
        if recipe.classify:
            loss = loss + recipe.classify * nn.functional.cross_entropy(right.classes, labels)
        if self.is_penalised():
            slopes = [gradient_penalty(lambda x: self.critic(x, labels).logits, each) for each in (real, made)]
            loss = loss + recipe.penalty * recipe.penalty_every * torch.stack(slopes).sum()
        return loss

    def made(self) -> tuple[UInt8, list[str]]:
        n = self.recipe.judged
        labels = even_labels(n, len(self.classes.names))
        pictures = noise_pictures(self.judged(), self.recipe, labels, self.recipe.seed, self.device)
        return pictures, [self.classes.names[int(label)] for label in labels]


def even_labels(n: int, classes: int) -> Tensor:
    """(n,) each class in turn."""
    return torch.arange(n) % classes


@torch.no_grad()
def noise_pictures(net: nn.Module, recipe: GenerationRecipe, labels: Tensor, seed: int, device: Any = "cpu") -> UInt8:
    """(N, H, W, C) uint8 of a generator from noise; each picture depends on (seed, its place) alone."""
    noise = torch.stack([
        torch.randn(recipe.latent, generator=torch.Generator().manual_seed(derived(seed, "noise", place)))
        for place in range(len(labels))
    ])  # fmt: skip
    was = net.training
    net.eval()
    found = [
        as_bytes(net(some.to(device), told.to(device)))
        for some, told in zip(noise.split(64), labels.split(64), strict=True)
    ]
    net.train(was)
    return np.concatenate(found)
