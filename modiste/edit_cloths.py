"""Which pixels are one cloth: the garments of a photo parted by colour, whatever the light on their folds.

In: the photo, its garment pixels. Out: `Cloths`, a label a pixel and a colour a label, and `piece_of`: the one piece
that is meant, by its colour, its place or its size. A colour is told along its own shades (a fold is darker and paler
in proportion); votes of the surroundings decide, so a weave or a small print doesn't part a cloth. Knows no coat from
a dress: only colours and places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from dataset.errors import ImageError
from labeling.colour_difference import delta_e_2000
from labeling.colour_names import to_lab
from modiste.edit_colours import named
from modiste.edit_picture import Bool, UInt8

Labels = np.ndarray[Any, np.dtype[np.int32]]
SAME = 14.0  # CIELAB distance from a colour's line of shades
LIGHT_COUNTS = 0.35  # of a difference in lightness: folds vary it, dye does little
SHADES = (0.15, 1.3)  # of a colour's lightness, between which its chroma goes along in proportion
MOST, LEAST = 6, 0.03  # colours, and the share of the garments one must have
VOTES = 0.008  # of the garments' longer side: half a window whose pixels vote
SHADE_HUE = 20.0  # degrees a fold's own colour may be off
SHADE_TOUCH = 0.35  # of its outline a shade has in common with its cloth; half of it where both are vivid
GREY, VIVID, BLACK = 8.0, 25.0, 25.0  # chroma, chroma, lightness: a black speck in a cloth moves along with it
NEAR = 0.03  # of the longer side: pieces of a cloth so close are one garment, parted by a strap or an arm
PIECE = 0.02  # of the garments: what is smaller is no piece to be named
UNLIKE = 30.0  # CIEDE2000 from which on no piece has the colour that was named
PLACES = ("all", "upper", "lower")


@dataclass(frozen=True)
class Cloths:
    """`labels` (H, W) int32, -1 off the garments; `colours` (n, 3) CIELAB, the commonest first found."""

    labels: Labels
    colours: np.ndarray


def cloths_of(rgb: UInt8, garment: Bool) -> Cloths:
    """(H, W, 3) and (H, W), with at least one garment pixel."""
    lab = cv2.cvtColor(cv2.bilateralFilter(rgb, 7, 25, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    pixels = lab[garment]
    colours = _colours(pixels[:: max(1, len(pixels) // 40_000)])
    labels = _voted(lab, garment, colours)
    return Cloths(_without_shades(labels, colours), np.array(colours))


def off_line(lab: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """(...) distance of (..., 3) CIELAB from a colour's line of shades: towards black a and b shrink as L does."""
    share = np.clip(lab[..., :1] / max(float(colour[0]), 6.0), *SHADES)
    chroma = np.linalg.norm(lab[..., 1:] - share * colour[1:], axis=-1)
    return np.asarray(np.hypot(chroma, LIGHT_COUNTS * (lab[..., 0] - colour[0])))


def piece_of(cloths: Cloths, of: str = "", at: tuple[int, int] | None = None) -> tuple[Bool, int]:
    """(H, W) of the one piece meant, and its label. `at` is (row, column); `of` a colour's name, 'upper', 'lower', or
    'all' for everything of the commonest colour; neither: the largest piece. Raises ImageError 'no_such_piece'."""
    pieces = _pieces(cloths)
    if at is not None:
        return _at(cloths, pieces, at)
    if of == "all":
        label = int(np.bincount(cloths.labels[cloths.labels >= 0]).argmax())
        return cloths.labels == label, label
    chosen = pieces
    if of in PLACES:
        rows = np.flatnonzero((cloths.labels >= 0).any(1))
        middle = (rows[0] + rows[-1]) / 2
        chosen = [each for each in pieces if (np.nonzero(each[0])[0].mean() < middle) == (of == "upper")]
    elif of:
        goal = to_lab(np.array([named(of)], np.uint8))[0]
        far = {label: float(delta_e_2000(cloths.colours[label], goal)) for _, label in pieces}
        chosen = [each for each in pieces if far[each[1]] == min(far.values()) <= UNLIKE]
    if not chosen:
        raise ImageError("no_such_piece", f"no piece of the garments is {of}", cure="Name it by 'at X Y', in px")
    return max(chosen, key=lambda each: int(each[0].sum()))


def _at(cloths: Cloths, pieces: list[tuple[Bool, int]], at: tuple[int, int]) -> tuple[Bool, int]:
    height, width = cloths.labels.shape
    if not (0 <= at[0] < height and 0 <= at[1] < width):
        raise ImageError("no_such_piece", f"{at[1]} {at[0]} lies off the photo of {width} x {height} px")
    found = [each for each in pieces if each[0][at]]
    if not found:
        raise ImageError("no_such_piece", f"no garment, or too little of one, at {at[1]} {at[0]}")
    return found[0]


def _pieces(cloths: Cloths) -> list[tuple[Bool, int]]:
    """Parts of one label, near ones together, of at least PIECE of the garments."""
    held = cloths.labels >= 0
    side = max(np.ptp(np.flatnonzero(held.any(axis))) for axis in (0, 1))
    reach = 2 * round(NEAR * side / 2) + 1
    found = []
    for label in np.unique(cloths.labels[held]):
        own = cloths.labels == label
        bridged = cv2.dilate(own.astype(np.uint8), np.ones((reach, reach), np.uint8))
        count, parts = cv2.connectedComponents(bridged)
        found += [(own & (parts == part), int(label)) for part in range(1, count)]
    return [each for each in found if each[0].sum() >= PIECE * held.sum()]


def _colours(lab: np.ndarray) -> list[np.ndarray]:
    """(N, 3) -> the colours at least LEAST of them have, the commonest first."""
    rest, found = lab, list[np.ndarray]()
    while not found or (len(found) < MOST and len(rest) >= LEAST * len(lab)):
        found.append(dominant(rest))
        rest = rest[off_line(rest, found[-1]) >= SAME]
    return found


def dominant(lab: np.ndarray) -> np.ndarray:
    """(N, 3) CIELAB -> (3,): the middle of what lies near the fullest part of a coarse histogram."""
    cells = np.floor(lab / (24, 12, 12)).astype(int)
    _, owner, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    centre = np.median(lab[owner.ravel() == counts.argmax()], axis=0)
    return np.asarray(np.median(lab[off_line(lab, centre) < SAME], axis=0))


def _voted(lab: np.ndarray, garment: Bool, colours: list[np.ndarray]) -> Labels:
    """The label whose colour is nearest to the pixel's surroundings in the garment."""
    side = max(np.ptp(np.flatnonzero(garment.any(axis))) for axis in (0, 1))
    window = (max(3, 2 * round(VOTES * side) + 1),) * 2
    held = garment.astype(np.float32)
    costs = [np.minimum(off_line(lab, each), 2 * SAME).astype(np.float32) * held for each in colours]
    costs = [cv2.blur(cv2.blur(each, window), window) for each in costs]
    return np.where(garment, np.argmin(costs, axis=0), -1).astype(np.int32)


def _without_shades(labels: Labels, colours: list[np.ndarray]) -> Labels:
    """A fold found as a colour of its own goes to its cloth: of like hue, and lying in it or along it."""
    out = labels.copy()
    for label in np.argsort(np.bincount(labels[labels >= 0], minlength=len(colours))):
        count, parts, stats, _ = cv2.connectedComponentsWithStats((out == label).astype(np.uint8))
        for part in range(1, count):
            left, top, wide, tall, area = stats[part]
            box = slice(max(0, top - 1), top + tall + 1), slice(max(0, left - 1), left + wide + 1)
            own = parts[box] == part
            beside = out[box][cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~own]
            touch = np.bincount(beside[beside >= 0], minlength=len(colours)) / max(1, len(beside))
            for other in np.flatnonzero(touch >= [_touch(colours[label], each) for each in colours]):
                if other != label and np.count_nonzero(out == other) > area:
                    out[box][own] = other
                    break
    return out


def _touch(colour: np.ndarray, cloth: np.ndarray) -> float:
    """How much of its outline a part must share with a cloth to be a shade of it; over 1 where it is none."""
    chroma = np.hypot(colour[1], colour[2]), np.hypot(cloth[1], cloth[2])
    if min(chroma) < GREY:
        return 2 * SHADE_TOUCH if max(chroma) < GREY or colour[0] < BLACK else 2.0
    turn = np.degrees(np.arctan2(colour[2], colour[1]) - np.arctan2(cloth[2], cloth[1]))
    if abs((turn + 180) % 360 - 180) > SHADE_HUE:
        return 2.0
    return SHADE_TOUCH if min(chroma) < VIVID else SHADE_TOUCH / 2
