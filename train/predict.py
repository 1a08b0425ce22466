"""Use a trained weight: photos in, probabilities and masks at the photo's own size out.

In: a run folder or a weight file (safetensors only, fingerprint proved). Out: `Segmenter` or `Tagger`. Never trains,
never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from dataset.errors import TrainingError
from dataset.masks import CLASSES
from train.letterbox import UInt8
from train.models.backbones import channels_last, feature_extractor
from train.models.segmenters import build_segmenter
from train.models.taggers import TagNet, both_flips, is_mean_of_places, place_features, place_logits
from train.onnx_tagger import load_onnx_tagger
from train.recipe import SegmentationRecipe, TaggingRecipe
from train.segmenter import Segmenter
from train.tagger import Seen, Tagger
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
class TagBackend:
    """`train.tagger.Backend` on torch, on any device."""

    net: TagNet
    device: str = "cpu"

    @property
    def parameters(self) -> int:
        return sum(each.numel() for each in self.net.parameters())

    def see(self, squares: UInt8, flips: bool, maps: bool = False) -> Seen:
        batch = torch.from_numpy(squares).permute(0, 3, 1, 2).float().to(self.device)
        with torch.inference_mode():
            vectors = both_flips(self.net, batch, flips)
            logits = _arrays(self.net.heads_on(vectors))
            found = _arrays(place_logits(self.net, self._places(batch, flips))) if maps else None
        return Seen(vectors.float().cpu().numpy(), logits, found)

    def _places(self, batch: Tensor, flips: bool) -> Tensor:
        if not is_mean_of_places(self.net, batch.shape[-1]):
            raise TrainingError(
                "its answer is no mean over places", cure="train.heat explains such a network by Grad-CAM"
            )
        return place_features(self.net, batch, flips)


def _arrays(found: dict[str, Tensor]) -> dict[str, Float32]:
    return {field: value.float().cpu().numpy() for field, value in found.items()}


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
    """As `load_segmenter`, or from an .onnx file. With `taxonomy`, a weight trained under another one is refused."""
    if Path(path).suffix == ".onnx":
        return _of_taxonomy(load_onnx_tagger(Path(path)), taxonomy, Path(path))
    file = weight_path(path)
    tensors, facts = read_weights(file, "tagging")
    recipe = TaggingRecipe.model_validate(facts["recipe"])
    # a weight's text is sorted, its heads stand in the order of training
    counts = {field: len(facts["values"][field]) for field in facts.get("fields", facts["values"])}
    net = TagNet(feature_extractor(recipe.backbone, "none"), recipe.backbone, counts)
    _ready(net, tensors, file, device)
    return _of_taxonomy(Tagger(TagBackend(net, device), recipe, facts), taxonomy, file)


def _of_taxonomy(tagger: Tagger, taxonomy: str | None, file: Path) -> Tagger:
    if taxonomy is not None and tagger.facts.get("taxonomy") != taxonomy:
        what = f"was trained under taxonomy {tagger.facts.get('taxonomy')}"
        raise TrainingError(what, where=str(file), expected=taxonomy, cure="Train it again")
    return tagger


def _ready(net: nn.Module, tensors: dict[str, Tensor], file: Path, device: str) -> nn.Module:
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise TrainingError(
            "doesn't fit the network its recipe names", where=str(file), cure=str(error)[:300]
        ) from error
    return channels_last(net.to(device)).eval()
