"""Training a rectified flow: one optimiser, the label hidden now and then, the best epoch by the velocity's error.

In: pictures with labels, perhaps with holes and outlines. Out: the loop `train.generation` runs. Validation uses the
same noise, times and holes each epoch, so that epochs compare; sheets are drawn by the averaged weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from train.generation_flow import flow_pictures, told_beside
from train.generation_known import studied
from train.generation_loop import SHOWN, GenerationLoop, as_unit, even_labels, flipped
from train.generation_sheet import Block, sample_sheet
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
        given = None
        if self.recipe.tells:
            draw = np.random.default_rng(int(torch.randint(2**31 - 1, (1,))))
            pictures, given = studied(self.flow, self.recipe, pictures, draw, hidden)
        labels = torch.where(hidden, torch.full_like(labels, self.flow.hidden), labels)
        time = torch.sigmoid(torch.randn(len(labels), device=labels.device))  # logit-normal: Esser et al., 2024
        loss = self.flow.loss(pictures, labels, time, torch.randn_like(pictures), given).mean()
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
        pictures, labels, given = as_unit(batch[0]), batch[1], None
        if self.recipe.tells:
            pictures, given = studied(self.flow, self.recipe, pictures, self._holes(number))
        draw = torch.Generator().manual_seed(derived(self.recipe.seed, "validation", number))
        noise = torch.randn(pictures.shape, generator=draw).to(pictures)
        time = ((torch.arange(len(labels)) % 8 + 0.5) / 8).to(pictures)
        judged = self.judged()
        assert isinstance(judged, Flow)
        self._silent += (noise - pictures).square().mean((1, 2, 3)).float().cpu().tolist()
        self._errors += judged.loss(pictures, labels, time, noise, given).float().cpu().tolist()

    def scores(self) -> dict[str, float]:
        errors = np.array(self._errors)
        draw = np.random.default_rng([self.recipe.seed, 13])
        means = [draw.choice(errors, len(errors)).mean() for _ in range(1000)]
        low, high = np.percentile(means, [2.5, 97.5])
        if self.is_due(self.recipe.sheet_every * self.recipe.judge_every):
            pictures, words = self.made()
            self.show(pictures, words, self.measure(pictures))
            self._show_given()
        return {
            "score": -float(errors.mean()), "score_low": -float(high), "score_high": -float(low),
            "real": -float(np.mean(self._silent)),
        }  # fmt: skip

    def _holes(self, number: int) -> np.random.Generator:
        """The same holes and windows for a validation batch each epoch."""
        return np.random.default_rng([self.recipe.seed, 17, number])

    def _show_given(self) -> None:
        """A sheet of validation pictures: what is told of each, what is drawn, the truth."""
        found = self.data["validation"]
        if found.given is None:
            return
        labels = torch.from_numpy(np.asarray(found.targets[:SHOWN], np.int64))
        material = torch.from_numpy(np.array(found.given[:SHOWN])).permute(0, 3, 1, 2)
        truth, given = studied(self.flow, self.recipe, as_unit(material), self._holes(0))
        judged = self.judged()
        assert isinstance(judged, Flow)
        drawn = flow_pictures(judged, self.recipe, labels, self.recipe.seed, self.device, given)
        words = [self.classes.names[int(label)] for label in labels]
        blocks = [Block(each, word) for each, word in zip(told_beside(judged, given, drawn, truth), words, strict=True)]
        title = f"step {self.global_step}: what is told | drawn | the truth"
        sample_sheet(self.folder / "samples" / f"told-{self.global_step:06d}.png", blocks, title)

    def made(self) -> tuple[UInt8, list[str]]:
        labels = even_labels(SHOWN, len(self.classes.names))
        judged = self.judged()
        assert isinstance(judged, Flow)
        pictures = flow_pictures(judged, self.recipe, labels, self.recipe.seed, self.device)
        return pictures, [self.classes.names[int(label)] for label in labels]
