"""Use a trained weight: photos in, probabilities and masks at the photo's own size out.

In: a run folder or a weight file (safetensors only, fingerprint proved). Out: `Segmenter` or `Tagger`. Never trains,
never writes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from dataset.errors import TrainingError
from dataset.masks import BACKGROUND, CLASSES, from_index
from train.data import PAD, UInt8, letterbox, place
from train.models.article import grabcut_front
from train.models.backbones import channels_last, feature_extractor
from train.models.segmenters import build_segmenter
from train.models.taggers import TagNet, probabilities
from train.recipe import SegmentationRecipe, TaggingRecipe
from train.weights import read_weights, weight_path

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Segmenter:
    """A loaded model. `facts` says what it is: recipe, snapshot, fingerprint, taxonomy, classes, weights."""

    net: nn.Module
    recipe: SegmentationRecipe
    facts: dict[str, Any]
    device: str = "cpu"

    @property
    def classes(self) -> list[str]:
        return list(self.facts["classes"])

    @property
    def roles(self) -> list[int]:
        """Of each class, what it is in a composite mask: 0 background, 1 skin, 2 garment."""
        return list(self.facts.get("roles", range(len(CLASSES))))  # weights from before label spaces: the three

    def probabilities(self, rgb: UInt8) -> Float32:
        """(H, W, 3) uint8 RGB -> (H, W, 3) float32 that sum to 1: background, skin, garment."""
        found = self.class_probabilities(rgb)
        if self.roles == list(range(len(CLASSES))):
            return found
        out = np.zeros((*found.shape[:2], len(CLASSES)), np.float32)
        for index, role in enumerate(self.roles):
            out[..., role] += found[..., index]
        return out

    def class_probabilities(self, rgb: UInt8) -> Float32:
        """(H, W, 3) uint8 RGB -> (H, W, C) float32 that sum to 1, in the order of `classes`."""
        if self.recipe.grabcut_front:
            rgb = grabcut_front(rgb, seed_of(rgb))
        size = (self.recipe.height, self.recipe.width)
        spot = place(rgb.shape[0], rgb.shape[1], size)
        batch = torch.from_numpy(letterbox(rgb, size, PAD)).permute(2, 0, 1)[None].float().to(self.device)
        logits = spot.crop(self._logits(batch))
        large = functional.interpolate(logits, size=rgb.shape[:2], mode="bilinear", align_corners=False)
        return np.ascontiguousarray(large.softmax(1)[0].permute(1, 2, 0).cpu().numpy())

    def index(self, rgb: UInt8) -> UInt8:
        """(H, W) map of `classes`; below the recipe's threshold a pixel is background."""
        return self.decided(self.class_probabilities(rgb))

    def decided(self, found: Float32) -> UInt8:
        """(H, W, C) probabilities -> (H, W) map of `classes`, by the recipe's rule."""
        index = found.argmax(-1).astype(np.uint8)
        if self.recipe.threshold is not None:
            index[found.max(-1) < self.recipe.threshold] = BACKGROUND
        return index

    def mask(self, rgb: UInt8) -> UInt8:
        """(H, W, 3) uint8 composite of the mask contract, the photo's own size."""
        return from_index(np.array(self.roles, np.uint8)[self.index(rgb)])

    def _logits(self, batch: Tensor) -> Tensor:
        with torch.inference_mode():
            out: Tensor = self.net(batch)
            return (out + self.net(batch.flip(-1)).flip(-1)) / 2 if self.recipe.flips else out


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
    return Segmenter(_ready(net, tensors, file, device), recipe, facts, device)


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


def seed_of(rgb: UInt8) -> int:
    """A seed from the pixels, for GrabCut: the same photo is cut the same way, whoever asks."""
    return int(hashlib.sha256(cv2.resize(rgb, (64, 64)).tobytes()).hexdigest()[:8], 16)
