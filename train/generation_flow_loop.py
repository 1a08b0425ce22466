"""Training a rectified flow: one optimiser, the label hidden now and then, the best epoch by the velocity's error.

In: pictures with labels. Out: the loop `train.generation` runs. Validation uses the same noise and times each epoch, so
that epochs compare; sheets are drawn by the averaged weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from train.generation_loop import SHOWN, GenerationLoop, as_bytes, as_unit, even_labels, flipped
from train.generation_recipe import GenerationRecipe
from train.letterbox import UInt8
from train.models.generation_flow import Flow
from train.seeding import derived


class FlowLoop(GenerationLoop):
    """`net` is a `Flow`. The score is the negative error of the velocity on validation pictures."""

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        return torch.optim.AdamW(
            self.net.parameters(), lr=recipe.learning_rate, betas=(0.9, recipe.beta2), weight_decay=recipe.weight_decay
        )

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        pictures, labels = flipped(as_unit(batch[0]), self.recipe.flip), batch[1]
        hidden = torch.rand(len(labels), device=labels.device) < self.recipe.drop
        labels = torch.where(hidden, torch.full_like(labels, self.flow.hidden), labels)
        time = torch.sigmoid(torch.randn(len(labels), device=labels.device))  # logit-normal: Esser et al., 2024
        loss = self.flow.loss(pictures, labels, time, torch.randn_like(pictures)).mean()
        self.noted(loss, len(pictures))
        return loss

    @property
    def flow(self) -> Flow:
        assert isinstance(self.net, Flow)
        return self.net

    def on_validation_epoch_start(self) -> None:
        super().on_validation_epoch_start()
        self._errors: list[float] = []
        self._silent: list[float] = []  # what a network that always says 0 would err

    def validation_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        super().validation_step(batch, number)
        pictures, labels = as_unit(batch[0]), batch[1]
        draw = torch.Generator().manual_seed(derived(self.recipe.seed, "validation", number))
        noise = torch.randn(pictures.shape, generator=draw).to(pictures)
        time = ((torch.arange(len(labels)) % 8 + 0.5) / 8).to(pictures)
        judged = self.judged()
        assert isinstance(judged, Flow)
        self._silent += (noise - pictures).square().mean((1, 2, 3)).float().cpu().tolist()
        self._errors += judged.loss(pictures, labels, time, noise).float().cpu().tolist()

    def scores(self) -> dict[str, float]:
        errors = np.array(self._errors)
        draw = np.random.default_rng([self.recipe.seed, 13])
        means = [draw.choice(errors, len(errors)).mean() for _ in range(1000)]
        low, high = np.percentile(means, [2.5, 97.5])
        if self.is_due(self.recipe.sheet_every * self.recipe.judge_every):
            pictures, words = self.made()
            self.show(pictures, words, self.measure(pictures))
        return {
            "score": -float(errors.mean()), "score_low": -float(high), "score_high": -float(low),
            "real": -float(np.mean(self._silent)),
        }  # fmt: skip

    def made(self) -> tuple[UInt8, list[str]]:
        labels = even_labels(SHOWN, len(self.classes.names))
        judged = self.judged()
        assert isinstance(judged, Flow)
        pictures = flow_pictures(judged, self.recipe, labels, self.recipe.seed, self.device)
        return pictures, [self.classes.names[int(label)] for label in labels]


@torch.no_grad()
def flow_pictures(net: Flow, recipe: GenerationRecipe, labels: Tensor, seed: int, device: Any = "cpu") -> UInt8:
    """(N, H, W, C) uint8; each picture depends on (seed, its place) alone."""
    was = net.training
    net.eval()
    noise = torch.stack([
        torch.randn(net.shape, generator=torch.Generator().manual_seed(derived(seed, "noise", place)))
        for place in range(len(labels))
    ])  # fmt: skip
    found = [
        as_bytes(net.drawn(some.to(device), told.to(device), recipe.steps, recipe.guidance))
        for some, told in zip(noise.split(32), labels.split(32), strict=True)
    ]
    net.train(was)
    return np.concatenate(found)
