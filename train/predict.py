"""Use a trained weight: photos in, probabilities and masks at the photo's own size out.

In: a run folder or a weight file (safetensors only, fingerprint proved). Out: `Segmenter` or `Tagger`. Never trains,
never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from dataset.errors import TrainingError
from dataset.masks import CLASSES
from train.letterbox import UInt8, letterbox
from train.models.backbones import channels_last, feature_extractor
from train.models.segmenters import build_segmenter
from train.models.taggers import TagNet, probabilities
from train.recipe import SegmentationRecipe, TaggingRecipe
from train.segmenter import Segmenter
from train.weights import read_weights, weight_path

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TorchBackend:
    """`train.segmenter.Backend` on torch, on any device."""

    net: nn.Module
    device: str = "cpu"

    @property
    def parameters(self) -> int:
        return sum(each.numel() for each in self.net.parameters())

    def logits(self, photo: UInt8, flips: bool) -> Float32:
        batch = torch.from_numpy(photo).permute(2, 0, 1)[None].float().to(self.device)
        with torch.inference_mode():
            out: Tensor = self.net(batch)
            out = (out + self.net(batch.flip(-1)).flip(-1)) / 2 if flips else out
        return np.asarray(out[0].float().cpu().numpy())


@dataclass(frozen=True)
class Tagger:
    """A loaded tagging model. `values` are the words of each field, in the order of its probabilities."""

    net: TagNet
    recipe: TaggingRecipe
    facts: dict[str, Any]
    device: str = "cpu"

    @property
    def values(self) -> dict[str, list[str]]:
        return dict(self.facts["values"])

    def probabilities(self, rgb: UInt8) -> dict[str, Float32]:
        """(H, W, 3) uint8 RGB -> {field: (K,) float32 calibrated, sums to 1}."""
        square = letterbox(rgb, (self.recipe.side, self.recipe.side))
        batch = torch.from_numpy(square).permute(2, 0, 1)[None].float().to(self.device)
        with torch.inference_mode():
            found = probabilities(self.net, batch, self.recipe.flips, self.facts["temperature"])
        return {field: value[0].cpu().numpy().astype(np.float32) for field, value in found.items()}

    def tags(self, rgb: UInt8) -> dict[str, tuple[str, float]]:
        """{field: (value, confidence in [0, 1])}."""
        found = self.probabilities(rgb)
        return {field: (self.values[field][int(p.argmax())], float(p.max())) for field, p in found.items()}


def load_segmenter(path: Path | str, device: str = "cpu") -> Segmenter:
    """From a run folder or a weight file. Raises TrainingError: missing, cut short, changed, of other classes."""
    file = weight_path(path)
    tensors, facts = read_weights(file, "segmentation")
    classes, roles = facts.get("classes") or [], facts.get("roles", [0, 1, 2])
    if len(classes) < 2 or len(roles) != len(classes) or not set(roles) <= set(range(len(CLASSES))):
        raise TrainingError(
            f"has classes {classes} and roles {roles}", where=str(file), expected="a role for each class"
        )
    recipe = SegmentationRecipe.model_validate(facts["recipe"])
    net = build_segmenter(recipe, len(classes), pretrained=False)
    return Segmenter(TorchBackend(_ready(net, tensors, file, device), device), recipe, facts)


def load_tagger(path: Path | str, device: str = "cpu", *, taxonomy: str | None = None) -> Tagger:
    """As `load_segmenter`. With `taxonomy`, a weight trained under another one is refused."""
    file = weight_path(path)
    tensors, facts = read_weights(file, "tagging")
    if taxonomy is not None and facts.get("taxonomy") != taxonomy:
        raise TrainingError(
            f"was trained under taxonomy {facts.get('taxonomy')}",
            where=str(file),
            expected=taxonomy,
            cure="Train it again",
        )
    recipe = TaggingRecipe.model_validate(facts["recipe"])
    counts = {field: len(values) for field, values in facts["values"].items()}
    net = TagNet(feature_extractor(recipe.backbone, "none"), recipe.backbone, counts)
    _ready(net, tensors, file, device)
    return Tagger(net, recipe, facts, device)


def _ready(net: nn.Module, tensors: dict[str, Tensor], file: Path, device: str) -> nn.Module:
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise TrainingError(
            "doesn't fit the network its recipe names", where=str(file), cure=str(error)[:300]
        ) from error
    return channels_last(net.to(device)).eval()
