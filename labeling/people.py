"""Who is who in a photo of several people: a map of persons, those who touch told apart too.

In: (H, W, 3) uint8 RGB and (H, W) float32 chance of being a person. Out: (H, W) uint8, 0 for nobody anywhere, else 1 to
n from the left: which person each pixel is nearest to. Background between people tells them apart; where the pose
network was fetched and finds more people than that, their own masks do. Never fetches a weight, never changes a mask.
"""

from __future__ import annotations

import cv2
import numpy as np

from dataset.package_files import is_fetched
from labeling import litert
from labeling.clipping import LOOKED_AT_PX, PERSON_SHARE, people_map
from labeling.person_net import Person, pose
from labeling.priors import NEEDS

OWN_SHARE = 0.25  # of a body's mask; where less of it is his alone, the network has shown somebody else a second time


def told_apart(rgb: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The map; worked out at 768 px where the photo is larger."""
    apart = people_map(person)
    if not apart.any() or not can_see_bodies():
        return apart
    height, width = person.shape
    scale = min(1.0, LOOKED_AT_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(person, size, interpolation=cv2.INTER_AREA)
    seeds = _seeds(pose(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))), small > 0.5)
    if len(seeds) <= int(apart.max()):
        return apart
    return np.asarray(cv2.resize(_nearest(seeds), (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def can_see_bodies() -> bool:
    """Whether the pose networks and what runs them are there."""
    return litert.is_installed() and all(map(is_fetched, NEEDS["pose"]))


def _seeds(people: list[Person], inside: np.ndarray) -> list[np.ndarray]:
    """(h, w) bool of each person: what is in his mask and in nobody else's, in one piece; from the left."""
    if len(people) < 2:
        return []
    bodies = [inside & (each.chance > 0.5) for each in people]
    alone = np.sum(bodies, axis=0) == 1
    seeds = [_one_piece(body & alone) for body in bodies]
    least = PERSON_SHARE * max(int(seed.sum()) for seed in seeds)
    kept = [seed for seed, body in zip(seeds, bodies, strict=True) if seed.sum() > max(least, OWN_SHARE * body.sum())]
    return sorted(kept, key=lambda seed: float(np.nonzero(seed)[1].mean()))


def _one_piece(seed: np.ndarray) -> np.ndarray:
    """Its largest component."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(seed.astype(np.uint8), connectivity=8)
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())) if count > 1 else seed


def _nearest(seeds: list[np.ndarray]) -> np.ndarray:
    """(h, w) uint8: number of the seed that is nearest, from 1."""
    away = [cv2.distanceTransform((~seed).astype(np.uint8), cv2.DIST_L2, 5) for seed in seeds]
    return (np.stack(away).argmin(0) + 1).astype(np.uint8)
