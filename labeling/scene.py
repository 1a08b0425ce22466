"""Person and garment of a person's photo where nobody made a cutout: a prior, GrabCut in its unsure band, worn.py.

In: (H, W, 3) uint8 RGB, its sha256 (GrabCut's seed), the name of a prior or a model's probabilities. Out: two (H, W)
bool masks and what was done. Networks and garment rules see the photo at WORKING_SIDE px at most; edges are of the
photo's own size. Weak, and flagged so: never called truth.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from labeling.cutouts import tidy
from labeling.grabcut import ITERATIONS, SURE, SURE_OF_NETWORK, cut_foreground, find_face, seed_of
from labeling.priors import Prior, from_model, prior_of
from labeling.worn import garment_by_body, garment_by_face

WORKING_SIDE = 1024  # px; the networks see 256 and GrabCut 480, so a larger photo costs time and brings nothing
NETWORK_ROUNDS = 3
GUESSED = ("skin", "rectangle")  # priors that no network made

Scene = tuple[np.ndarray, np.ndarray, dict[str, Any]]


def working_copy(rgb: np.ndarray) -> np.ndarray:
    """The photo at WORKING_SIDE px at most, reduced by area."""
    height, width = rgb.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb


def guess_scene(rgb: np.ndarray, sha256: str, prior: str = "rectangle", model: np.ndarray | None = None) -> Scene:
    """Person, garment and what was done; both empty where the prior finds nobody.

    `model` (h, w, 3) float, probabilities of background, skin and garment at any size: they are the prior then.
    """
    small = working_copy(rgb)
    made = prior_of(small, prior) if model is None else from_model(model, small.shape[:2])
    method: dict[str, Any] = {"kind": "grabcut", "prior": made.name, "weak": True}
    if made.is_empty:
        nothing = np.zeros(rgb.shape[:2], bool)
        return nothing, nothing, method
    person = refined(rgb, made, sha256)
    garment, how = _garment(small, _to(person, small.shape[:2]), made)
    return person, _to(garment, rgb.shape[:2]) & person, method | how


def refined(rgb: np.ndarray, prior: Prior, sha256: str) -> np.ndarray:
    """(H, W) bool person: GrabCut where the prior is unsure."""
    guessed = prior.name in GUESSED
    sure, rounds = (SURE, ITERATIONS) if guessed else (SURE_OF_NETWORK, NETWORK_ROUNDS)
    return cut_foreground(rgb, prior.person, seed_of(sha256), sure=sure, rounds=rounds)


def _garment(rgb: np.ndarray, person: np.ndarray, prior: Prior) -> tuple[np.ndarray, dict[str, Any]]:
    if prior.garment is not None:
        likelier = prior.garment * 2 > prior.person  # than skin, which is the rest of the person
        return tidy(person & likelier, speck_share=1e-3)[0] & person, {"garment": "model"}
    if prior.people:
        return garment_by_body(rgb, person, prior.people), {"garment": "body", "people": len(prior.people)}
    face = find_face(rgb)
    return garment_by_face(rgb, person, face), {"garment": "face", "face": face}


def _to(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A bool mask at another (H, W)."""
    if mask.shape == shape:
        return mask
    method = cv2.INTER_AREA if shape[0] < mask.shape[0] else cv2.INTER_LINEAR
    large: np.ndarray = cv2.resize(mask.astype(np.float32), shape[::-1], interpolation=method) > 0.5
    return large
