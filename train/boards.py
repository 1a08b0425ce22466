"""Where a training is watched: TensorBoard and MLflow, beside the csv files that are always written.

In: names of boards, a run's folder, after each epoch its row of figures and a sheet of predictions. Out: TensorBoard's
event files in `<run>/tensorboard`, or a run of MLflow's (where MLFLOW_TRACKING_URI says, else a file in the workspace).
Never changes a training: nothing here draws from a generator.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dataset.errors import TrainingError

NAMES = ("csv", "tensorboard", "mlflow")
_PACKAGES = {"tensorboard": "tensorboard", "mlflow": "mlflow-skinny"}


class Board(Protocol):
    """Takes in what an epoch has brought."""

    def row(self, epoch: int, figures: Mapping[str, float]) -> None: ...
    def sheet(self, epoch: int, picture: npt.NDArray[np.uint8]) -> None:
        """`picture` is (H, W, 3) uint8 RGB."""
        ...

    def close(self) -> None: ...


def check_boards(names: Sequence[str]) -> None:
    """TrainingError where a board's package isn't installed, before anything is trained."""
    for name in names:
        if name in _PACKAGES and find_spec(name) is None:
            cure = f"Run: pip install {_PACKAGES[name]}; or take it out of the recipe's logger"
            raise TrainingError(f"the logger '{name}' needs the package {_PACKAGES[name]}", cure=cure)


def open_boards(names: Sequence[str], folder: Path, begun_epochs: int = 0) -> list[Board]:
    """The boards of the run in `folder`; of what lies there only `begun_epochs` epochs count. 'csv' is none of them."""
    check_boards(names)
    makers: dict[str, Callable[[Path, int], Board]] = {"tensorboard": _TensorBoard, "mlflow": _MLflow}
    return [makers[name](folder, begun_epochs) for name in dict.fromkeys(names) if name in makers]


class _TensorBoard:
    def __init__(self, folder: Path, begun_epochs: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        purge = begun_epochs + 1 if begun_epochs else None  # epochs that a kill left half-told are told anew
        self.writer: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=purge)

    def row(self, epoch: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.writer.add_scalar(name, value, epoch)

    def sheet(self, epoch: int, picture: npt.NDArray[np.uint8]) -> None:
        self.writer.add_image("photo | truth | prediction", picture, epoch, dataformats="HWC")
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class _MLflow:
    """One run of the experiment 'modiste', by the name of the run's folder: found again when training is resumed."""

    def __init__(self, folder: Path, _: int) -> None:
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # newer versions ask before they use plain files
        from mlflow.tracking import MlflowClient

        where = os.environ.get("MLFLOW_TRACKING_URI") or (folder.parent.parent / "mlruns").resolve().as_uri()
        self.client: Any = MlflowClient(where)
        known = self.client.get_experiment_by_name("modiste")
        experiment = known.experiment_id if known else self.client.create_experiment("modiste")
        same = self.client.search_runs([experiment], f"attributes.run_name = '{folder.name}'", max_results=1)
        self.run = same[0].info.run_id if same else self.client.create_run(experiment, run_name=folder.name).info.run_id

    def row(self, epoch: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.client.log_metric(self.run, name, value, step=epoch)

    def sheet(self, epoch: int, picture: npt.NDArray[np.uint8]) -> None:
        self.client.log_image(self.run, picture, artifact_file=f"predictions/{epoch:04d}.png")

    def close(self) -> None:
        self.client.set_terminated(self.run)
