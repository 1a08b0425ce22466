"""Begin a training with another run's weights instead of a package's: from three classes to nine, on with new photos,
or a segmenter with the backbone of a tagger.

In: a network and a finished run. Out: the network with each tensor of the same name and shape, and what the record says
of it. The head of other classes stays as it was drawn. Never trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dataset.errors import TrainingError
from dataset.workspace import Workspace
from train import record
from train.weights import WEIGHT_FILE, read_weights

# Task of the run -> how its backbone's names begin, and how those of a segmenter do.
NAMES = {"segmentation": ("net.", "net."), "tagging": ("backbone.", "net.encoder.model.")}
LEAST = 0.5  # share of the network's numbers; with less it would be another architecture


@dataclass(frozen=True)
class Begin:
    """A run whose weights are begun with, and their fingerprint."""

    run: str
    weights: str
    file: Path
    task: str

    @property
    def recorded(self) -> dict[str, str]:
        """What stands in the recipe of a run that began so: another beginning is another run."""
        return {"run": self.run, "weights": self.weights}


def begin_of(ws: Workspace, run: str) -> Begin:
    """For a segmenter: of a run id, 'latest' (segmentation) or 'latest:tagging'. Raises EmptyError, TrainingError: not
    finished, of a task whose network has no such backbone."""
    found = record.load(ws, run, task="segmentation")
    if found.task not in NAMES or not found.done:
        raise TrainingError(
            f"is a {found.task} run" if found.done else "is not finished",
            where=f"run {found.id}",
            expected=f"a finished run of {' or '.join(NAMES)} to begin with",
        )
    return Begin(found.id, str(found.data["results"]["weights"]), found.folder / WEIGHT_FILE, found.task)


def take(net: nn.Module, begin: Begin) -> str:
    """Copy what fits and tell how much did. Raises TrainingError where less than half of the network's numbers do, or
    the file is not the one recorded."""
    tensors, facts = read_weights(begin.file, begin.task)
    theirs, ours = NAMES[begin.task]
    tensors = {name.replace(theirs, ours, 1) if name.startswith(theirs) else name: t for name, t in tensors.items()}
    if facts["weights"] != begin.weights:
        raise TrainingError("are not those of its record", where=str(begin.file), cure="Train that run again")
    own = net.state_dict()
    fit = {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
    share = _numbers(fit) / max(_numbers(own), 1)
    if share < LEAST:
        raise TrainingError(
            f"only {share:.0%} of this network's numbers have a place in run {begin.run}",
            expected="a run of the same architecture and backbone",
        )
    net.load_state_dict(fit, strict=False)
    return f"began with {share:.1%} of run {begin.run}'s numbers"


def _numbers(tensors: dict[str, torch.Tensor]) -> int:
    return sum(value.numel() for value in tensors.values())


def recorded_begin(recipe: dict[str, Any]) -> str | None:
    """The run that a recorded recipe began with, None for most."""
    found = recipe.get("begin")
    return str(found["run"]) if found else None
