"""Error bars for shares: of a sample, and of a catalogue counted by a tagger whose mistakes are known.

In: counts. Out: (value, low, high) in [0, 1]. Never reads a workspace. Sources: Wilson 1927; Rogan & Gladen, Am. J.
Epidemiol. 107 (1978): true = (apparent + specificity - 1) / (sensitivity + specificity - 1). Its interval here
is drawn:
sensitivity, specificity and apparent share from their Jeffreys posteriors, 4,000 draws, 2.5 % to 97.5 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Z = 1.959964
DRAWS = 4_000
LEAST_YOUDEN = 0.2  # below it the correction divides by next to nothing


@dataclass(frozen=True)
class Share:
    """`method` is 'corrected' or 'as said' (where the tagger can't be told from a guess, or was never tested)."""

    apparent: float
    value: float
    low: float
    high: float
    method: str


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % score interval of a share; (0, 1) for nothing."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, Z * Z
    middle, half = share + z2 / (2 * n), Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z2 / n)), min(1.0, (middle + half) / (1 + z2 / n))


def corrected(hits: int, n: int, right: int, positives: int, alarms: int, negatives: int) -> Share:
    """The share of a class among n products of which the tagger says `hits`, corrected by its test: of `positives` it
    found `right`, of `negatives` it wrongly said `alarms`."""
    apparent = hits / n if n else 0.0
    sensitivity = right / positives if positives else 0.0
    specificity = 1 - alarms / negatives if negatives else 0.0
    if not n or sensitivity + specificity - 1 < LEAST_YOUDEN:
        return Share(apparent, apparent, *wilson(hits, n), "as said")
    rng = np.random.default_rng(0)
    drawn = rogan_gladen(
        rng.beta(hits + 0.5, n - hits + 0.5, DRAWS),
        rng.beta(right + 0.5, positives - right + 0.5, DRAWS),
        rng.beta(negatives - alarms + 0.5, alarms + 0.5, DRAWS),
    )
    low, high = np.percentile(drawn, [2.5, 97.5])
    value = float(rogan_gladen(np.array(apparent), np.array(sensitivity), np.array(specificity)))
    return Share(apparent, value, float(low), float(high), "corrected")


def rogan_gladen(apparent: np.ndarray, sensitivity: np.ndarray, specificity: np.ndarray) -> np.ndarray:
    """Elementwise, clipped to [0, 1]."""
    youden = np.maximum(sensitivity + specificity - 1, 1e-6)
    return np.asarray(np.clip((apparent + specificity - 1) / youden, 0, 1))
