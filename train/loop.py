"""What both trained models share: device, trainer, averaged weights, best epoch, metrics.csv, last.ckpt and resuming.

In: a network, a recipe's numbers, loaders, a run folder. Out: the best epoch's tensors. A run that is killed goes on
from its last whole epoch and ends with the same weights as one that was not. Where the device's memory runs out, the
batch is halved and twice as many are gathered for a step, so that a step still sees as many photos.
"""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from dataset.errors import TrainingError, UsageError
from dataset.progress import Progress
from train import spread
from train.boards import Board, open_boards
from train.letterbox import UInt8
from train.models.backbones import channels_last
from train.record import write_csv
from train.seeding import derived
from train.step_rate import StepRate
from train.torchvision_shim import lightning

CHECKPOINT = "last.ckpt"
KEPT = (
    "history",
    "steps",
    "best",
    "best_score",
    "best_epoch",
)  # what a checkpoint holds of a `Loop` beside its tensors


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
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class How:
    """How a training runs beside its numbers; the defaults change nothing. `patience` is in epochs without a better
    score, 0 for never stopping early; `accumulate` batches make one step; `loggers` are names of `train.boards`;
    `precision` 'auto' is bf16 on CUDA and single elsewhere."""

    patience: int = 0
    accumulate: int = 1
    devices: int = 1
    loggers: tuple[str, ...] = ()
    precision: str = "auto"

    def lightning_precision(self, device: str) -> Literal["bf16-mixed", "32-true"]:
        bf16 = self.precision == "bf16" or (self.precision == "auto" and device == "cuda")
        return "bf16-mixed" if bf16 else "32-true"


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
            self.average = AveragedModel(net, multi_avg_fn=_Ema(numbers.ema), use_buffers=True)
            self.average.requires_grad_(False)  # several devices would wait for gradients that never come
        self.history: list[dict[str, float]] = []
        self.steps: list[dict[str, float | str]] = []  # rows of steps.csv
        self.best: dict[str, Tensor] = {}
        self.best_score, self.best_epoch = float("-inf"), -1
        self.patience = 0
        self.notes: list[str] = []  # what happened on the way that the one who asked should hear
        self._losses: list[float] = []
        self._held: list[tuple[float, int]] = []  # loss and photos of each batch since the last step
        self._seen, self._began, self._seconds, self._judged, self._stepped = 0, 0.0, 0.0, 0, 0

    # What a task supplies.
    def judge(self, logits: Tensor, truth: Tensor) -> None:
        """Take in one validation batch."""
        raise NotImplementedError

    def scores(self) -> dict[str, float]:
        """Validation scores since the last call; 'score' is what the best epoch is chosen by."""
        raise NotImplementedError

    def sheet(self) -> UInt8 | None:
        """A picture of some validation predictions for the boards; None where there is none to show."""
        return None

    # What Lightning calls.
    def configure_optimizers(self) -> Any:
        rate, decay = self.numbers.learning_rate, self.numbers.weight_decay
        if self.plain_adam:
            return torch.optim.Adam(self.net.parameters(), lr=rate, weight_decay=decay)
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=rate, weight_decay=decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2), pct_start=0.15)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_start(self) -> None:
        self._stepped = self.global_step

    def on_train_epoch_start(self) -> None:
        self._losses, self._seen, self._began = [], 0, time.perf_counter()
        where = (spread.rank(),) if spread.world() > 1 else ()
        torch.manual_seed(derived(self.numbers.seed, "epoch", self.current_epoch, *where))  # dropout resumes as it was

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        photos, truth = batch
        loss = self.loss(self.net(as_input(photos)), truth)
        self._losses.append(float(loss.detach()))
        self._seen += len(photos)
        self._held.append((self._losses[-1], len(photos)))
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        if self.global_step == self._stepped:
            return  # gradients are still being gathered
        self._stepped, held, self._held = self.global_step, self._held, []
        loss = sum(value for value, _ in held) / len(held)
        self._note("train", {"loss": loss}, sum(n for _, n in held), self.global_step)
        if self.average is not None:
            self.average.update_parameters(self.net)

    def on_validation_epoch_start(self) -> None:
        self._seconds, self._judged = time.perf_counter() - self._began, 0
        spread.same_buffers(self.judged())

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        self.judge(self.judged()(as_input(batch[0])), batch[1])
        self._judged += len(batch[0])

    def on_validation_epoch_end(self) -> None:
        scores = self.scores()
        losses, counts = zip(*spread.gathered([(sum(self._losses), len(self._losses))]), strict=True)
        row = {"epoch": self.current_epoch + 1, "train_loss": sum(losses) / max(sum(counts), 1), **scores}
        row["photos_per_s"] = self._seen * spread.world() / max(self._seconds, 1e-9)
        self.history.append({name: round(value, 6) for name, value in row.items()})
        self._note("validation", scores, sum(spread.gathered([self._judged])), self.global_step)
        if scores["score"] > self.best_score:
            self.best_score, self.best_epoch = scores["score"], self.current_epoch + 1
            self.best = {name: value.detach().cpu().clone() for name, value in self.judged().state_dict().items()}
        self.trainer.should_stop |= self.is_over

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["modiste"] = {name: getattr(self, name) for name in KEPT}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        for name, value in checkpoint["modiste"].items():
            setattr(self, name, value)

    @property
    def is_over(self) -> bool:
        """Nothing better for `patience` epochs. Known from what a checkpoint holds, so a kill changes nothing."""
        return 0 < self.patience <= len(self.history) - self.best_epoch

    def _note(self, split: str, values: dict[str, float], n: int, step: int) -> None:
        known: dict[str, float | str] = {"step": step, "epoch": self.current_epoch + 1, "split": split}
        self.steps += [known | {"metric": name, "value": round(value, 6), "n": n} for name, value in values.items()]

    def judged(self) -> nn.Module:
        """The network that is validated and kept: the averaged one where there is one."""
        return self.net if self.average is None else self.average.module


@dataclass(frozen=True)
class _Ema:
    """torch's exponential average with this decay; its own is a closure, which other processes can't be sent."""

    decay: float

    def __call__(self, average: Any, now: Any, count: Any) -> None:
        get_ema_multi_avg_fn(self.decay)(average, now, count)


def as_input(photos: Tensor) -> Tensor:
    """(B, 3, H, W) uint8 -> float in [0, 255], channels last: half as slow again otherwise on a CPU."""
    return photos.float().contiguous(memory_format=torch.channels_last)


class _Report(lightning.Callback):
    """Draws progress by step; writes metrics.csv (a row an epoch), steps.csv (a row a figure, with its n), boards."""

    def __init__(self, folder: Path, progress: Progress, loggers: tuple[str, ...]) -> None:
        self.folder, self.progress, self.loggers = folder, progress, loggers
        self.boards: list[Board] = []

    def on_train_start(self, _: Any, loop: Any) -> None:
        if spread.rank() == 0:
            self.boards = open_boards(self.loggers, self.folder, len(loop.history))

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self.progress(int(trainer.global_step), int(trainer.estimated_stepping_batches))

    def on_validation_end(self, _: Any, loop: Any) -> None:
        row = loop.history[-1]
        picture = loop.sheet() if self.boards else None
        for board in self.boards:
            board.row(int(row["epoch"]), {name: value for name, value in row.items() if name != "epoch"})
            if picture is not None:
                board.sheet(int(row["epoch"]), picture)

    def on_train_epoch_end(self, _: Any, loop: Any) -> None:
        if spread.rank() == 0:
            _tell(self.folder, loop)
        if epoch := getattr(self.progress, "epoch", None):  # a sweep's, which may end a training that is not worth it
            epoch(int(loop.history[-1]["epoch"]), float(loop.history[-1]["score"]))

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        for board in self.boards:
            board.close()
        self.boards = []

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.teardown(trainer, pl_module, "fit")


def fit(
    loop: Loop,
    training: DataLoader[Any],
    validation: DataLoader[Any],
    folder: Path,
    device: str,
    progress: Progress,
    how: How | None = None,
) -> None:
    """Train in `folder`, from its last.ckpt where there is one. Errors come through; the checkpoint stays.

    Out of memory: half the batch and twice the gathering, from the last whole epoch on, told in `loop.notes`. Raises
    TrainingError where one photo at a time is too much."""
    how = how or How()
    loop.patience = how.patience
    channels_last(loop.net)
    begin = copy.deepcopy(loop.state_dict()) if not (folder / CHECKPOINT).is_file() else {}
    while not _was_enough(loop, training, validation, folder, device, progress, how):
        told = f"memory ran out: batches of {training.batch_size} halved"
        if (training.batch_size or 1) < 2:
            raise TrainingError("the device's memory is full with one photo", cure="Take a smaller height and width")
        logging.getLogger(__name__).warning("%s, twice as many gathered for each step", told)
        training, validation = halved(training), halved(validation)
        how = replace(how, accumulate=2 * how.accumulate)
        _begin_again(loop, folder, begin)
        loop.notes.append(told)


def halved(loader: DataLoader[Any]) -> DataLoader[Any]:
    """The same photos in the same order, half as many at a time."""
    return DataLoader(
        loader.dataset, batch_size=max(1, (loader.batch_size or 1) // 2), sampler=loader.sampler,
        num_workers=loader.num_workers, drop_last=loader.drop_last, worker_init_fn=loader.worker_init_fn,
        pin_memory=loader.pin_memory, persistent_workers=loader.persistent_workers,
    )  # fmt: skip


def _begin_again(loop: Loop, folder: Path, begin: dict[str, Tensor]) -> None:
    """Free what the device holds; without a whole epoch to go on from, the network is as it was at first."""
    loop._held = []
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if not (folder / CHECKPOINT).is_file():
        loop.load_state_dict(begin)
        loop.history, loop.steps, loop.best, loop.best_score, loop.best_epoch = [], [], {}, float("-inf"), -1


def _was_enough(
    loop: Loop, training: Any, validation: Any, folder: Path, device: str, progress: Progress, how: How
) -> bool:
    """Train to the end; False where memory ran out. An error's frames hold tensors, so it is let go of here."""
    from torch.multiprocessing.spawn import ProcessRaisedException

    if (folder / CHECKPOINT).is_file() and (_take(loop, folder) or loop.is_over):
        return True
    try:
        if how.devices == 1:
            _fit_here(loop, training, validation, folder, device, how, progress)
        else:
            work = (loop, training, validation, folder, device, how)
            spread.in_processes(how.devices, _fit_here, *work, progress=progress)
            _take(loop, folder)
    except torch.OutOfMemoryError:
        return False
    except ProcessRaisedException as error:
        if "OutOfMemoryError" in str(error):
            return False
        raise TrainingError(f"one of {how.devices} processes failed: {str(error).strip().splitlines()[-1]}") from error
    return True


def _take(loop: Loop, folder: Path) -> bool:
    """What the checkpoint holds of the loop; True where it is of the last epoch, so that nothing is left to train."""
    try:
        found = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
        loop.on_load_checkpoint(found)
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        cure = "Delete it, and the same command trains this run from its start"
        raise TrainingError("is no whole checkpoint", where=str(folder / CHECKPOINT), cure=cure) from error
    _tell(folder, loop)  # what lies there may be of a warm start, or hold an epoch that is told anew
    return len(loop.history) >= loop.numbers.epochs


def _tell(folder: Path, loop: Loop) -> None:
    write_csv(folder / "metrics.csv", loop.history)
    write_csv(folder / "steps.csv", loop.steps)


def _fit_here(
    loop: Loop, training: Any, validation: Any, folder: Path, device: str, how: How, progress: Progress
) -> None:
    """This process's part of a training; all of it where there is one device."""
    loop = copy.deepcopy(loop) if how.devices > 1 else loop  # what another process is sent, it shares with the others
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # its advice is not for the person at the screen
    keep = lightning.pytorch.callbacks.ModelCheckpoint(
        folder, filename=Path(CHECKPOINT).stem, save_top_k=1, save_on_train_epoch_end=True, enable_version_counter=False
    )
    watching = [StepRate()] if device == "cuda" and how.devices == 1 else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=loop.numbers.epochs, accelerator=device, devices=how.devices, logger=False,
            strategy="ddp" if how.devices > 1 else "auto", use_distributed_sampler=False,
            accumulate_grad_batches=how.accumulate, callbacks=[keep, _Report(folder, progress, how.loggers), *watching],
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, log_every_n_steps=1,
            precision=how.lightning_precision(device), default_root_dir=folder,
        )  # fmt: skip
        begun = str(folder / CHECKPOINT) if (folder / CHECKPOINT).is_file() else None
        try:
            trainer.fit(loop, training, validation, ckpt_path=begun, weights_only=True)
        except SystemExit as error:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error
    if trainer.interrupted:
        raise KeyboardInterrupt
