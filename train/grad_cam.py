"""Grad-CAM (Selvaraju et al., ICCV 2017) for taggers on torch whose answer is no mean over places.

In: a tagger, a square of its size, a field and a value. Out: (h, w) float32, what the last map's channels, each weighed
by the mean gradient of the value's logit, add up to. Needs a backbone with `forward_features` that gives (B, d, h, w)
or (B, h, w, d); never trains.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dataset.errors import TrainingError
from train.letterbox import UInt8
from train.predict import TagBackend
from train.tagger import Float32, Tagger


def grad_cam(tagger: Tagger, square: UInt8, field: str, value: str) -> Float32:
    """(S, S, 3) uint8 -> (h, w) float32. Raises TrainingError for a network without maps, or an ONNX file."""
    backend = tagger.backend
    if not isinstance(backend, TagBackend) or not hasattr(backend.net.backbone, "forward_features"):
        raise TrainingError("can't say why: it has no feature maps", cure="Give the run or its .safetensors")
    caught: list[Tensor] = []
    hooks = _watch(backend, caught)
    try:
        batch = torch.from_numpy(square).permute(2, 0, 1)[None].float().to(backend.device).requires_grad_(True)
        logits = backend.net(batch)[field][0]
    finally:
        for hook in hooks:
            hook.remove()
    if not caught:
        raise TrainingError("can't say why: its features are no map of places")
    place = tagger.values[field].index(value)
    wanted = logits[place] if field in tagger.multi else logits[place] - logits.mean()
    (gradient,) = torch.autograd.grad(wanted, caught[-1])
    found, gradient = (_channels_first(each, backend) for each in (caught[-1], gradient))
    return np.asarray((found * gradient.mean((2, 3), keepdim=True)).sum(1)[0].detach().cpu().numpy())


def _watch(backend: TagBackend, caught: list[Tensor]) -> list[torch.utils.hooks.RemovableHandle]:
    """Catch, in the order of the pass, what modules give that still has places."""

    def keep(_: torch.nn.Module, __: object, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and min(out.shape[1:]) > 1 and out.requires_grad:
            caught.append(out)

    return [module.register_forward_hook(keep) for module in backend.net.backbone.modules()]


def _channels_first(found: Tensor, backend: TagBackend) -> Tensor:
    width = int(backend.net.backbone.num_features)  # type: ignore[arg-type]
    return found if found.shape[1] == width or found.shape[-1] != width else found.permute(0, 3, 1, 2)
