"""What both trained models share: device, trainer, averaged weights, best epoch, metrics.csv, last.ckpt and resuming.

In: a network, a recipe's numbers, loaders, a run folder. Out: the best epoch's tensors. A run that is killed goes on
from its last whole epoch and ends with the same weights as one that was not.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from dataset.errors import TrainingError, UsageError
from dataset.progress import Progress
from train.models.backbones import channels_last
from train.record import write_csv
from train.torchvision_shim import lightning

CHECKPOINT = "last.ckpt"


class Numbers(Protocol):
    """The numbers of a recipe that the loop needs."""

    @property
    def epochs(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def ema(self) -> float: ...


def choose_device(device: str) -> str:
    """'cpu' or 'cuda'; 'auto' takes CUDA where there is one. Raises UsageError / TrainingError."""
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device '{device}'", expected="auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("CUDA was asked for, and torch finds none here", cure="Use --device cpu, or auto")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


class Loop(lightning.LightningModule):
    """Trains `net` by `loss`, judges the averaged weights by `score` after each epoch, keeps the best tensors."""

    def __init__(
        self,
        net: nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        numbers: Numbers,
        *,
        plain_adam: bool = False,
    ) -> None:
        super().__init__()
        self.net, self.loss, self.numbers, self.plain_adam = net, loss, numbers, plain_adam
        self.average = None
        if numbers.ema:
            self.average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(numbers.ema), use_buffers=True)
        self.history: list[dict[str, float]] = []
        self.steps: list[dict[str, float | str]] = []  # rows of steps.csv
        self.best: dict[str, Tensor] = {}
        self.best_score, self.best_epoch = float("-inf"), -1
        self._losses: list[float] = []
        self._seen, self._began, self._seconds, self._judged = 0, 0.0, 0.0, 0

    # What a task supplies.
    def judge(self, logits: Tensor, truth: Tensor) -> None:
        """Take in one validation batch."""
        raise NotImplementedError

    def scores(self) -> dict[str, float]:
        """Validation scores since the last call; 'score' is what the best epoch is chosen by."""
        raise NotImplementedError

    # What Lightning calls.
    def configure_optimizers(self) -> Any:
        rate, decay = self.numbers.learning_rate, self.numbers.weight_decay
        if self.plain_adam:
            return torch.optim.Adam(self.net.parameters(), lr=rate, weight_decay=decay)
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=rate, weight_decay=decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2), pct_start=0.15)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        self._losses, self._seen, self._began = [], 0, time.perf_counter()

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        photos, truth = batch
        loss = self.loss(self.net(as_input(photos)), truth)
        self._losses.append(float(loss.detach()))
        self._seen += len(photos)
        self._note("train", {"loss": self._losses[-1]}, len(photos), self.global_step + 1)
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        if self.average is not None:
            self.average.update_parameters(self.net)

    def on_validation_epoch_start(self) -> None:
        self._seconds, self._judged = time.perf_counter() - self._began, 0

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        self.judge(self.judged()(as_input(batch[0])), batch[1])
        self._judged += len(batch[0])

    def on_validation_epoch_end(self) -> None:
        scores = self.scores()
        loss = sum(self._losses) / max(len(self._losses), 1)
        row = {"epoch": self.current_epoch + 1, "train_loss": loss, **scores}
        row["photos_per_s"] = self._seen / max(self._seconds, 1e-9)
        self.history.append({name: round(value, 6) for name, value in row.items()})
        self._note("validation", scores, self._judged, self.global_step)
        if scores["score"] > self.best_score:
            self.best_score, self.best_epoch = scores["score"], self.current_epoch + 1
            self.best = {name: value.detach().cpu().clone() for name, value in self.judged().state_dict().items()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        kept = ("history", "steps", "best", "best_score", "best_epoch")
        checkpoint["modiste"] = {name: getattr(self, name) for name in kept}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        for name, value in checkpoint["modiste"].items():
            setattr(self, name, value)

    def _note(self, split: str, values: dict[str, float], n: int, step: int) -> None:
        known: dict[str, float | str] = {"step": step, "epoch": self.current_epoch + 1, "split": split}
        self.steps += [known | {"metric": name, "value": round(value, 6), "n": n} for name, value in values.items()]

    def judged(self) -> nn.Module:
        """The network that is validated and kept: the averaged one where there is one."""
        return self.net if self.average is None else self.average.module


def as_input(photos: Tensor) -> Tensor:
    """(B, 3, H, W) uint8 -> float in [0, 255], channels last: half as slow again otherwise on a CPU."""
    return photos.float().contiguous(memory_format=torch.channels_last)


class _Report(lightning.Callback):
    """Draws progress by step; writes metrics.csv (a row an epoch) and steps.csv (a row a figure, with its n)."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder, self.progress = folder, progress

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self.progress(int(trainer.global_step), int(trainer.estimated_stepping_batches))

    def on_train_epoch_end(self, _: Any, loop: Any) -> None:
        write_csv(self.folder / "metrics.csv", loop.history)
        write_csv(self.folder / "steps.csv", loop.steps)


def fit(
    loop: Loop, training: DataLoader[Any], validation: DataLoader[Any], folder: Path, device: str, progress: Progress
) -> None:
    """Train in `folder`, from its last.ckpt where there is one. Errors come through; the checkpoint stays."""
    channels_last(loop.net)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # its advice is not for the person at the screen
    keep = lightning.pytorch.callbacks.ModelCheckpoint(
        folder, filename=Path(CHECKPOINT).stem, save_top_k=1, save_on_train_epoch_end=True, enable_version_counter=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=loop.numbers.epochs, accelerator=device, devices=1, logger=False,
            callbacks=[keep, _Report(folder, progress)],
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, log_every_n_steps=1,
            precision="bf16-mixed" if device == "cuda" else "32-true", default_root_dir=folder,
        )  # fmt: skip
        begun = str(folder / CHECKPOINT) if (folder / CHECKPOINT).is_file() else None
        try:
            trainer.fit(loop, training, validation, ckpt_path=begun, weights_only=True)
        except SystemExit as error:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error
        except torch.OutOfMemoryError as error:
            raise TrainingError("the device's memory is full", cure="Halve the batch and run again") from error
    if trainer.interrupted:
        raise KeyboardInterrupt
