"""What a critic and a generator are told: adversarial losses, zero-centred gradient penalties, DiffAugment.

In: logits, and pictures (B, C, H, W) in [-1, 1]. Out: scalars and varied pictures. Draws come from torch's own
generator, seeded for each epoch by the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional


def critic_loss(kind: str, real: Tensor, made: Tensor) -> Tensor:
    """relativistic (Jolicoeur-Martineau, 2018; with R1 and R2 Huang et al., 2024): each real beside its made one; hinge
    (Lim and Ye, 2017); classic: cross entropy of logits (Goodfellow et al., 2014)."""
    if kind == "relativistic":
        return functional.softplus(made - real).mean()
    if kind == "hinge":
        return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()
    return functional.softplus(-real).mean() + functional.softplus(made).mean()


def generator_loss(kind: str, real: Tensor, made: Tensor) -> Tensor:
    """The other side; only the relativistic one looks at the real logits. Classic is the non-saturating form."""
    if kind == "relativistic":
        return functional.softplus(real - made).mean()
    return -made.mean() if kind == "hinge" else functional.softplus(-made).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Half the mean squared gradient of the critic at `pictures` (R1 at real ones, R2 at made ones; Mescheder et al.,
    2018), in float32 whatever the training's precision."""
    with torch.autocast(pictures.device.type, enabled=False):
        seen = pictures.detach().float().requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(seen).float().sum(), seen, create_graph=True)
        return 0.5 * slope.square().sum((1, 2, 3)).mean()


def varied(pictures: Tensor, ways: Sequence[str]) -> Tensor:
    """DiffAugment (Zhao et al., 2020): brightness and contrast, shifts of 1/8, a blanked box of half the side; each
    differentiable, so that what the critic never sees unvaried doesn't leak into the generator."""
    for way in ways:
        pictures = _WAYS[way](pictures)
    return pictures


def _draw(pictures: Tensor, low: float, high: float) -> Tensor:
    """(B, 1, 1, 1) uniform."""
    return torch.empty(len(pictures), 1, 1, 1, device=pictures.device).uniform_(low, high)


def _colour(pictures: Tensor) -> Tensor:
    middle = pictures.mean((1, 2, 3), keepdim=True)
    return (pictures - middle) * _draw(pictures, 0.7, 1.3) + middle + _draw(pictures, -0.3, 0.3)


def _shift(pictures: Tensor) -> Tensor:
    """By whole pixels, up to an eighth of the side; what is uncovered repeats the edge."""
    height, width = pictures.shape[-2:]
    down = torch.randint(-(height // 8), height // 8 + 1, (len(pictures), 1), device=pictures.device)
    right = torch.randint(-(width // 8), width // 8 + 1, (len(pictures), 1), device=pictures.device)
    rows = (torch.arange(height, device=pictures.device) + down).clamp(0, height - 1)[:, None, :, None]
    columns = (torch.arange(width, device=pictures.device) + right).clamp(0, width - 1)[:, None, None, :]
    batch = torch.arange(len(pictures), device=pictures.device)[:, None, None, None]
    channel = torch.arange(pictures.shape[1], device=pictures.device)[None, :, None, None]
    return pictures[batch, channel, rows, columns]


def _cutout(pictures: Tensor) -> Tensor:
    """In half of the pictures a box of half the side is blanked."""
    height, width = pictures.shape[-2:]
    top, left = (_draw(pictures, 0, 1) * side for side in (height, width))
    rows = torch.arange(height, device=pictures.device).view(1, 1, -1, 1)
    columns = torch.arange(width, device=pictures.device).view(1, 1, 1, -1)
    box = ((rows - top).abs() < height / 4) & ((columns - left).abs() < width / 4)
    return pictures.masked_fill(box & (_draw(pictures, 0, 1) < 0.5), 0.0)


_WAYS: dict[str, Callable[[Tensor], Tensor]] = {"colour": _colour, "shift": _shift, "cutout": _cutout}
