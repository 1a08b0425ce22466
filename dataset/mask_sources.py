"""Which of an image's masks is believed first, by its source. items.sql ranks a snapshot's masks in the same order.

In: the `source` of a row of `masks`. Out: a place, 0 the best. A person's word, then an annotator's, a trained model's,
and last GrabCut's, the better its prior the sooner.
"""

from __future__ import annotations

PRIORS = ("combined", "pose", "selfie", "skin", "rectangle")  # best first
RANKS = ("review", "cutout", "import", "model", "grabcut:backdrop", *(f"grabcut:{name}" for name in PRIORS), "grabcut")


def rank(source: str) -> int:
    """Place of `source` in RANKS; what is unknown is worst."""
    for name in (source, source.split(":")[0]):
        if name in RANKS:
            return RANKS.index(name)
    return len(RANKS)
