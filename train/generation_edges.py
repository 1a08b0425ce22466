"""Drawings of edges: which training drawing is most like one, and whether a made picture shows the edges it was told.

In: edges (N, H, W) in {0, 1}, made pictures (N, H, W, 3) uint8. Out: places in the training part; figures. An edge that
moved a pixel is the same edge: drawings are compared blurred, made edges are sought within `NEAR` px. Never draws by
chance but for intervals.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from train import metrics
from train.figure import Figure
from train.generation_data import Pictures, edges
from train.generation_held import Held
from train.letterbox import UInt8

NEAR = 2  # px an edge may lie off; 1.6 % of 128
STEP = 4  # drawings are compared at a quarter of their size
Floats = npt.NDArray[np.float32]


def nearest_drawings(drawings: npt.NDArray[Any], learned: Pictures) -> npt.NDArray[np.intp]:
    """(N,) places of the training drawings whose blurred edges have the highest cosine with those of each drawing."""
    return np.asarray((_blurred(drawings) @ _blurred(learned.targets).T).argmax(1))


def _blurred(drawings: npt.NDArray[Any]) -> Floats:
    """(N, P) of length 1; all 0 where there is no edge."""
    wide = [cv2.GaussianBlur(np.asarray(each).astype(np.float32), (0, 0), STEP / 2) for each in drawings]
    flat = np.stack([each[::STEP, ::STEP].ravel() for each in wide])
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)


def edge_figures(held: Held, made: UInt8, near: str) -> list[Figure]:
    """F of edges within NEAR px of made pictures, of the nearest training pictures, and of the next held-out one's,
    which is what chance gives. The held-out pictures' own F is 1, since what is told was found in them."""
    asked = np.asarray(held.real.targets)
    lent = nearest_drawings(asked, held.data["train"])
    answers = {
        "made pictures": made, near: np.asarray(held.data["train"].photos)[lent],
        "the next held-out picture": np.roll(np.asarray(held.real.photos), 1, axis=0),
    }  # fmt: skip
    counts = {name: shown_edges(each, asked) for name, each in answers.items()}
    rows = []
    for name, each in counts.items():
        low, high = metrics.bootstrap(each, edge_f)
        beside = (near, float(edge_f(counts[near].sum(0)))) if each is counts["made pictures"] else (None, None)
        words = f"F of the told edges within {NEAR} px in {name}"
        rows.append(Figure(words, float(edge_f(each.sum(0))), low, high, len(each), held.part, *beside))
    return rows


def shown_edges(pictures: UInt8, asked: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """(N, 4): edges found, of them near an asked one; edges asked, of them near a found one."""
    rows = []
    for picture, drawing in zip(pictures, asked, strict=True):
        found, told = edges(np.ascontiguousarray(picture)) > 0, np.asarray(drawing) == 1
        rows.append([found.sum(), (found & _grown(told)).sum(), told.sum(), (told & _grown(found)).sum()])
    return np.array(rows, np.int64)


def edge_f(counts: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """(..., 4) -> (...): harmonic mean of the share of found edges that were asked and of asked ones that are found."""
    precision = counts[..., 1] / np.maximum(counts[..., 0], 1)
    recall = counts[..., 3] / np.maximum(counts[..., 2], 1)
    return np.asarray(2 * precision * recall / np.maximum(precision + recall, 1e-12))


def _grown(where: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Places within NEAR px of one."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR + 1, 2 * NEAR + 1))
    return np.asarray(cv2.dilate(where.astype(np.uint8), disc) > 0)
