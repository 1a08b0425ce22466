"""A trained segmentation model in use: photos in, probabilities and masks at each photo's own size out.

In: a backend (torch or onnxruntime) that gives logits at the network's input size, and the facts of its weight. Out:
class maps and composites. numpy and cv2 only: where the backend is onnxruntime's, no torch is loaded. Never trains,
never writes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from dataset.masks import BACKGROUND, CLASSES, from_index
from train.letterbox import PAD, UInt8, letterbox, place
from train.models.rectangle import grabcut_front
from train.recipe import SegmentationRecipe

Float32 = npt.NDArray[np.float32]


class Backend(Protocol):
    """What computes."""

    def logits(self, photo: UInt8, flips: bool) -> Float32:
        """(H, W, 3) uint8 RGB of the network's size -> (C, H, W) float32; `flips` averages the mirrored photo."""
        ...

    @property
    def parameters(self) -> int: ...


@dataclass(frozen=True)
class Segmenter:
    """A loaded model. `facts` says what it is: recipe, snapshot, fingerprint, taxonomy, classes, roles, weights."""

    backend: Backend
    recipe: SegmentationRecipe
    facts: dict[str, Any]

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
        found = spot.crop(self.backend.logits(letterbox(rgb, size, PAD), self.recipe.flips))
        return softmax(enlarged(found, rgb.shape[:2]))

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


def enlarged(logits: Float32, size: tuple[int, int]) -> Float32:
    """(C, h, w) -> (H, W, C) by bilinear interpolation between pixel centres."""
    planes = [cv2.resize(np.ascontiguousarray(plane), size[::-1], interpolation=cv2.INTER_LINEAR) for plane in logits]
    return np.stack(planes, axis=-1)


def softmax(logits: Float32) -> Float32:
    """Over the last axis."""
    grown = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(grown / grown.sum(-1, keepdims=True), dtype=np.float32)


def seed_of(rgb: UInt8) -> int:
    """A seed from the pixels, for GrabCut: the same photo is cut the same way, whoever asks."""
    return int(hashlib.sha256(cv2.resize(rgb, (64, 64)).tobytes()).hexdigest()[:8], 16)
