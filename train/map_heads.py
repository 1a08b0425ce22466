"""Where the head is in a map of regions, and how one photo's head is laid on another's without bending it.

In: maps (H, W) uint8, 255 outside, and the names of their classes. Out: the head as pixels; which donor lends its head,
where its pixels lie (places as in `map_registration.Bent`, by a similarity that does not turn). A head's own labels are
coarse (a fringe, glasses), and a free bend between two such labellings tears the face; a head that is moved whole keeps
it. Pixels are never looked at, maps alone; no chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from train.map_registration import UInt8, moved_map

Bool = npt.NDArray[np.bool_]
BARE, WORN = ("hair", "skin"), ("accessories",)  # glasses and hats are in a head's place
TALL = 0.17  # of the person's height that a head with its neck takes at most; 1 / 7.5 without the neck
LEAST_PX = 12  # pixels of a head
GAIN = 0.7, 1.4  # how much smaller or larger a lent head may become
HAT = 0.25  # of a head; where the worn share differs by more, one wears a hat and the other does not
RIM = 4  # px of background that lent hair may cover


@dataclass(frozen=True)
class Head:
    """`where` (H, W) bool; its middle in px; `size` in px, the root of its area; `worn`: its share of WORN."""

    where: Bool
    x: float
    y: float
    size: float
    worn: float


@dataclass(frozen=True)
class Lent:
    """The donor's `place` among those offered; `places` (H, W, 2), x and y in its photo in px; `where` (H, W) bool its
    head is shown."""

    place: int
    places: npt.NDArray[np.float32]
    where: Bool


def lent_head(asked: UInt8, maps: UInt8, fit: npt.NDArray[np.float64], names: Sequence[str]) -> Lent | None:
    """Of donors' maps (N, H, W) the head of the one that fits best, of those with a hat where one is asked and without
    where none is, if there are such. It may lie over any class of the asked head, and over a rim of the background.
    None where the map or no donor has a head."""
    goal = head_of(asked, names)
    heads = [(int(k), head_of(maps[k], names)) for k in np.argsort(-fit, kind="stable")] if goal is not None else []
    found = [(k, head) for k, head in heads if head is not None]
    if goal is None or not found:
        return None
    place, head = min(found, key=lambda each: abs(each[1].worn - goal.worn) > HAT)
    places = laid_places(goal, head)
    moved = moved_map(head.where.astype(np.uint8), places) == 1
    near = cv2.dilate(goal.where.astype(np.uint8), np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)) > 0
    return Lent(place, places, moved & near & (goal.where | (asked == 0)))


def head_of(index: UInt8, names: Sequence[str]) -> Head | None:
    """The largest piece of hair, skin and what is worn on them in the top TALL of the person, small holes closed."""
    worn, bare = ([k for k, name in enumerate(names) if name in each] for each in (WORN, BARE))
    person = (index > 0) & (index != 255)
    rows = np.flatnonzero(person.any(1))
    if len(rows) == 0:
        return None
    group = np.isin(index, [*worn, *bare])
    group[round(rows[0] + TALL * (rows[-1] + 1 - rows[0])) :] = False
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(group.astype(np.uint8), connectivity=8)
    if count < 2 or facts[1:, cv2.CC_STAT_AREA].max() < LEAST_PX:
        return None
    piece = (pieces == 1 + facts[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    where = (cv2.morphologyEx(piece, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0) & person
    y, x = np.argwhere(where).mean(0)
    share = float(np.isin(index[where], worn).mean())
    return Head(where, float(x), float(y), float(np.sqrt(where.sum())), share)


def laid_places(asked: Head, given: Head) -> npt.NDArray[np.float32]:
    """(H, W, 2) places x, y in the given head's photo, px."""
    gain = float(np.clip(given.size / asked.size, 1 / GAIN[1], 1 / GAIN[0]))
    y, x = np.mgrid[: asked.where.shape[0], : asked.where.shape[1]].astype(np.float32)
    return np.dstack([(x - asked.x) * gain + given.x, (y - asked.y) * gain + given.y]).astype(np.float32)
