"""Which of an image's masks is believed first: by its source, and of equals the newest.

In: a row of `masks`. Out: what to sort by, the best first. A person's word, then an annotator's, a trained model's, and
last GrabCut's, the better its prior the sooner. items.sql sorts a snapshot's masks in the same order; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRIORS = ("combined", "pose", "selfie", "skin", "rectangle")  # best first
RANKS = ("review", "cutout", "import", "model", "grabcut:backdrop", *(f"grabcut:{name}" for name in PRIORS), "grabcut")


def rank(source: str) -> int:
    """Place of `source` in RANKS; what is unknown is worst."""
    for name in (source, source.split(":")[0]):
        if name in RANKS:
            return RANKS.index(name)
    return len(RANKS)


def stands(row: Mapping[str, Any]) -> tuple[int, float, str]:
    """What masks of one image are sorted by, given `source` and `created_at` (None is oldest); the first is the one
    shown, and taken by a snapshot. A newer run's mask stands before an older run's, never before a person's."""
    created = row.get("created_at")
    return rank(row["source"]), -created.timestamp() if created else 0.0, row["source"]
