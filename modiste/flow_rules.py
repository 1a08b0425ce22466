"""What a flow needs beside its models: boxes of the garment or person, and the colour measured inside the garment.

In: a segmenter. Out: `finders` and `rules` for `train.flow_run`. A photo is segmented once, however many nodes ask
about it. Never trains, never writes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from labeling.colour import is_multicolour, measure
from train.answers import Answer, UInt8
from train.flow_answer import Tag
from train.flow_run import Box, Finder, Rule
from train.segmenter import Segmenter

RULES = ("colour",)
GARMENT, SKIN = 2, 1  # channels of a composite mask
LEAST_SHARE = 0.005  # of the photo: less than that is a speck, no garment
COLOUR_SHARE = 0.15  # a colour of a smaller share of the garment isn't said
SHORT_SIDE_PX = 512  # colours are measured on a photo reduced to about this
KEPT = 64  # masks held at once

Mask = npt.NDArray[np.bool_]


class Eyes:
    """One segmenter for all nodes of a flow. The masks of the last photos and crops are kept, by their pixels."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self._masks: OrderedDict[tuple[tuple[int, ...], int], UInt8] = OrderedDict()

    def composite(self, photo: UInt8) -> UInt8:
        """(H, W, 3) mask of the contract."""
        key = (photo.shape, hash(photo.tobytes()))
        if key not in self._masks:
            self._masks[key] = self.segmenter.mask(photo)
        self._masks.move_to_end(key)
        while len(self._masks) > KEPT:
            self._masks.popitem(last=False)
        return self._masks[key]

    @property
    def finders(self) -> dict[str, Finder]:
        return {
            "garment": lambda photo: box_of(self.composite(photo)[..., GARMENT] > 0),
            "person": lambda photo: box_of(np.asarray(self.composite(photo)[..., [SKIN, GARMENT]].any(-1))),
        }

    @property
    def rules(self) -> dict[str, Rule]:
        return {"colour": self.colour}

    def colour(self, photo: UInt8, known: Mapping[str, Tag]) -> Answer | None:
        """The colours that cover enough of the garment; None where there is no garment. Their confidence is share x
        chance of the name, which is no calibrated chance."""
        garment = self.composite(photo)[..., GARMENT] > 0
        if garment.mean() < LEAST_SHARE:
            return None
        step = max(1, min(photo.shape[:2]) // SHORT_SIDE_PX)
        rgb, mask = (np.ascontiguousarray(each[::step, ::step]) for each in (photo, garment))
        found = measure(rgb, mask).colours
        if not found:
            return None
        kept = [colour for place, colour in enumerate(found) if place == 0 or colour.share >= COLOUR_SHARE]
        sure = [(colour.name, min(1.0, colour.share * colour.confidence)) for colour in kept]
        if is_multicolour(found):
            sure.append(("multicolour", 1.0))
        return Answer(tuple(sorted(sure, key=lambda pair: -pair[1])), multi=True)


def box_of(mask: Mask) -> Box | None:
    """(left, top, right, bottom) px of what is set; None for a speck or nothing."""
    if mask.mean() < LEAST_SHARE:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
