"""Whose mask a cutout takes: the network's, or that of what differs from the backdrop.

In: a photo and what the network saw in it. Out: a `Seen` and the word for its way, 'network' or 'backdrop', which goes
into the row, the ledger and an edit's lineage. The network that ships has learned worn clothes; a garment laid flat or
hung it often sees in part. Where a person is seen, the network's mask stays to the bit. Limits were chosen by eye on
wardrobe training photos (61 and 205 of them) and on 75 street photos.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import UsageError
from labeling.grabcut import skin_colour
from labeling.laid_flat import Laid, laid_flat, small
from modiste.edit_outline import blind_share
from train.closer import Seen
from train.segmenter import Float32, seed_of

WAYS = ("auto", "network", "backdrop")
HEAD = 0.12  # of the figure's height, from its top
PERSON = (
    (0.08, 0.50),
    (0.03, 0.90),
)  # of the figure, and of its HEAD, no garment; 75 street photos: 0.11, 0.98 and more
BARE, SURE_SKIN = 0.015, 0.8  # of the object that is skin, by its colour and surely by the network: arms, a hand
PATCH = 0.002  # of the object; a smaller patch of skin is a button or a print
LEAST_GARMENT = 0.005  # of the photo by the network; less, and anything on a table would be a garment
AREA = (0.02, 0.90)  # of the photo
BLIND = 0.12  # share of the outline without an edge in the photo
PLAIN = 0.75  # of the rest of the photo that must be like the backdrop
AGREES, AGREES_MOST, APART = 0.60, 0.80, 0.50  # of the network's figure covered; of the garment off the backdrop
STRIKING = (0.35, 0.95, 0.97)  # agrees, apart, plain: so plain a backdrop that the network may have seen a third


def settled(rgb: npt.NDArray[np.uint8], seen: Seen, way: str = "auto") -> tuple[Seen, str]:
    """The chances to cut by, and which way they came: `seen` itself for 'network'. Raises UsageError for no such way.

    `auto` decides; `backdrop` insists, even where somebody wears the garment.
    """
    if way not in WAYS:
        raise UsageError(f"there is no mask '{way}'", expected="one of " + ", ".join(WAYS))
    if way == "network" or (way == "auto" and (has_head(seen) or not any_garment(seen))):
        return seen, "network"
    laid = laid_flat(rgb, seen.person, seed_of(rgb) & 0x7FFFFFFF)
    if way == "auto" and not believed(rgb, laid):
        return seen, "network"
    return Seen(laid.mask, _without_skin(rgb, seen, laid)), "backdrop"


def has_head(seen: Seen) -> bool:
    """Whether the network sees somebody: much that is no garment, the figure's top above all."""
    figure = small(seen.person) > 0.5
    other = figure & (small(seen.garment) <= 0.5)
    rows = np.flatnonzero(figure.any(1))
    if not len(rows):
        return False
    top = slice(rows[0], rows[0] + max(2, round(HEAD * (rows[-1] - rows[0]))))
    whole, above = other.sum() / figure.sum(), other[top].sum() / figure[top].sum()
    return any(whole >= least and above >= least_above for least, least_above in PERSON)


def any_garment(seen: Seen) -> bool:
    return bool((small(seen.garment) > 0.5).mean() >= LEAST_GARMENT)


def _without_skin(rgb: npt.NDArray[np.uint8], seen: Seen, laid: Laid) -> Float32:
    """The object's mask less a bare arm or a hand that holds it, where there is enough of such to believe in."""
    inside, skin = small(laid.mask) > 0.5, small(seen.person) - small(seen.garment)
    coloured = skin_colour(small(rgb)) & inside
    if (coloured & (skin > SURE_SKIN)).sum() < BARE * inside.sum():
        return laid.mask
    _, labels, stats, _ = cv2.connectedComponentsWithStats((inside & (skin > 0.5)).astype(np.uint8), connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA]
    bare = (np.bincount(labels.ravel(), coloured.ravel()) > 0.5 * areas) & (areas >= PATCH * inside.sum())
    bare[0] = False
    place = cv2.dilate(bare[labels].astype(np.float32), np.ones((3, 3), np.uint8))
    place = cv2.resize(place, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.minimum(laid.mask, 1 - place * (seen.person - seen.garment)), np.float32)


def believed(rgb: npt.NDArray[np.uint8], laid: Laid) -> bool:
    """Whether the figures say that the object is the garment."""
    if not AREA[0] <= laid.area <= AREA[1] or laid.plain < PLAIN:
        return False
    agrees, apart, plain = STRIKING
    striking = laid.agrees >= agrees and laid.apart >= apart and laid.plain >= plain
    witnessed = laid.agrees >= AGREES_MOST or (laid.agrees >= AGREES and laid.apart >= APART)
    return (striking or witnessed) and blind_share(small(rgb), small(laid.mask) > 0.5) <= BLIND
