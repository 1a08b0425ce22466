"""One integer seeds everything a run draws from. In: a seed. Out: nothing but the state of the generators.

`derived` makes independent seeds for parts (an epoch, an image) so that order and worker count never change a draw.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch, and ask for deterministic algorithms.

    On CUDA some kernels (bilinear upsampling's backward) have no deterministic form: torch warns there.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())


def derived(seed: int, *parts: int | str) -> int:
    """A seed in [0, 2**32) that depends on `seed` and all `parts`, the same on every machine."""
    text = "|".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
