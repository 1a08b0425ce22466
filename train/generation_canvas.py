"""A canvas for a map: training photos whose people stand most alike, bent until their maps fit, laid together.

Semi-parametric image synthesis (Qi et al., 2018) with donors that are bent whole, so that most seams never arise. In: a
training part, and the map that is asked for; nothing else of a held-out photo. Out: `Canvas`: a picture, which of its
pixels are a training photo's own in the region they belong to, and whose they are. What no donor covers is drawn out of
its own region's nearest pixels, a background is inpainted; a translator may mend that. Never draws by chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from train.generation_data import Classes, Pictures
from train.generation_maps import coarse, shares
from train.letterbox import PAD, UInt8
from train.map_heads import lent_head
from train.map_registration import Bent, bend

DONORS = 8  # training photos that are bent before the best is chosen
ENOUGH = 0.25  # of a region that its donor must cover; with less, another donor gives the region
TOGETHER = ("skin", "hair")  # a face and its hair are of one donor


@dataclass(frozen=True)
class Layer:
    """What one training photo gives: its `place` in the part, whether it is mirrored first, `places` (H, W, 2) as in
    `map_registration.Bent`, `where` (H, W) bool it is shown."""

    place: int
    mirrored: bool
    places: npt.NDArray[np.float32]
    where: npt.NDArray[np.bool_]

    def moved(self, photo: UInt8, times: int = 1) -> UInt8:
        """(times H, times W, 3) of the donor's letterboxed photo (sH, sW, 3)."""
        return moved_photo(photo[:, ::-1] if self.mirrored else photo, self.places, times)


@dataclass(frozen=True)
class Canvas:
    """`rgb` (H, W, 3) uint8; `trusted` (H, W) bool; `layers`: what gave pixels, the base first; `fit`: mean IoU of the
    base's bent map with the asked one, over the asked one's regions."""

    rgb: UInt8
    trusted: npt.NDArray[np.bool_]
    layers: tuple[Layer, ...]
    fit: float

    @property
    def donors(self) -> tuple[int, ...]:
        """Places in the training part, the base's first."""
        return tuple(dict.fromkeys(each.place for each in self.layers))


class Canvases:
    """Makes them of one training part, whose photos are also taken mirrored, and large where the part has them so."""

    def __init__(self, learned: Pictures, classes: Classes, several: bool, whole_heads: bool = False) -> None:
        self.learned, self.names, self.several, self.whole_heads = learned, classes.names, several, whole_heads
        self.photos = learned.photos if learned.fine is None else learned.fine
        self.k = len(classes.names)
        maps = np.asarray(learned.targets).astype(np.uint8)
        self.maps = np.concatenate([maps, maps[:, :, ::-1]])
        self.seen = coarse(self.maps, self.k)

    def __call__(self, asked: UInt8, without: frozenset[int] = frozenset()) -> Canvas:
        """For a map (H, W) uint8 with 255 outside. Training photos at `without` give nothing."""
        return self.laid(asked, *self.bent(asked, without), self.several)

    def bent(self, asked: UInt8, without: frozenset[int] = frozenset()) -> tuple[npt.NDArray[np.intp], Bent]:
        """The places of donors among the photos and their mirrored selves, and their maps bent to the asked one."""
        asked = np.asarray(asked).astype(np.uint8)
        pool = self._donors(asked, without)
        return pool, bend(self.maps[pool], asked, self.k)

    def laid(self, asked: UInt8, pool: npt.NDArray[np.intp], bent: Bent, several: bool) -> Canvas:
        """One donor's photo, with others' where it lacks a region; or of each region that of the donor it fits best."""
        asked = np.asarray(asked).astype(np.uint8)
        fit = np.nanmean(bent.fit, axis=1)
        base = int(np.argmax(fit))
        whose = self._whose(asked, bent, base, several)
        layers = self._layers(bent, pool, whose, base)
        if self.whole_heads and (head := self._head(asked, pool, fit)) is not None:
            whose[head.where] = base  # trusted, though another class may be asked there
            layers = (*(replace(each, where=each.where & ~head.where) for each in layers), head)
        rgb = np.full((*asked.shape, 3), PAD, np.uint8)
        for each in layers:
            rgb[each.where] = each.moved(np.asarray(self.photos[each.place]))[each.where]
        trusted = whose >= 0
        return Canvas(filled(rgb, asked, trusted), trusted, layers, float(fit[base]))

    def _head(self, asked: UInt8, pool: npt.NDArray[np.intp], fit: npt.NDArray[np.float64]) -> Layer | None:
        """A donor's head, moved whole instead of bent."""
        found, n = lent_head(asked, self.maps[pool], fit, self.names), len(self.maps) // 2
        if found is None:
            return None
        place = int(pool[found.place])
        return Layer(place % n, place >= n, found.places, found.where)

    def _donors(self, asked: UInt8, without: frozenset[int]) -> npt.NDArray[np.intp]:
        alike = shares(coarse(asked[None], self.k)[0], self.seen)
        n = len(self.maps) // 2
        banned = [place + half for place in without for half in (0, n)]
        alike[banned] = -1
        return np.argsort(-alike, kind="stable")[: min(DONORS, 2 * n - len(banned))]

    def _whose(self, asked: UInt8, bent: Bent, base: int, several: bool) -> npt.NDArray[np.int64]:
        """(H, W): which bent donor gives each pixel, -1 for none."""
        whose = np.full(asked.shape, -1, np.int64)
        for regions in self._groups(asked):
            best = base
            if several or np.max(_covered(asked, bent, regions)[best]) < ENOUGH:
                best = int(np.argmax(np.nan_to_num(bent.fit[:, regions]).sum(1)))
            for region in regions:
                whose[(asked == region) & (bent.maps[best] == region)] = best
        return whose

    def _groups(self, asked: UInt8) -> list[list[int]]:
        """Regions of the map, those that belong together in one."""
        there = [int(k) for k in np.unique(asked[asked < self.k])]
        face = [k for k in there if self.names[k] in TOGETHER]
        return ([face] if face else []) + [[k] for k in there if k not in face]

    def _layers(
        self, bent: Bent, pool: npt.NDArray[np.intp], whose: npt.NDArray[np.int64], base: int
    ) -> tuple[Layer, ...]:
        n, used = len(self.maps) // 2, dict.fromkeys([base, *(int(k) for k in np.unique(whose[whose >= 0]))])
        return tuple(Layer(int(pool[k]) % n, bool(pool[k] >= n), bent.places[k], whose == k) for k in used)


def canvas_of(found: Canvas) -> UInt8:
    """(H, W, 4): RGB, and how far a pixel is kept, as a translator that mends wants it."""
    return np.dstack([found.rgb, kept_shares(found.trusted)])


def kept_shares(trusted: npt.NDArray[np.bool_]) -> UInt8:
    """(H, W) 0 to 255: 255 two pixels inside what is trusted, falling to 0 at its rim, so that no seam is cut."""
    inner = cv2.erode(trusted.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
    return np.asarray(np.minimum(cv2.blur(inner, (3, 3)), trusted.astype(np.uint8) * 255))


def gaps_of(canvases: Canvases, n: int) -> npt.NDArray[np.bool_]:
    """(n, H, W): what the canvases of `n` training maps, evenly taken, lack; none gives itself anything."""
    count = len(canvases.maps) // 2
    places = np.unique(np.linspace(0, count - 1, min(n, count)).astype(int))
    return np.stack([~canvases(canvases.maps[k], frozenset({int(k)})).trusted for k in places])


def moved_photo(photo: UInt8, places: npt.NDArray[np.float32], times: int = 1) -> UInt8:
    """(times H, times W, 3) of (sH, sW, 3) at `places` (H, W, 2), px of the small size; means of finer samples."""
    height, width = places.shape[:2]
    scale = photo.shape[0] // height
    fine = np.ascontiguousarray(places)
    if scale > 1:
        wide = cv2.resize(fine, (width * scale, height * scale), interpolation=cv2.INTER_LINEAR)
        fine = (wide + 0.5) * scale - 0.5  # centres of pixels, not their corners
    moved = cv2.remap(
        np.ascontiguousarray(photo), fine[..., 0], fine[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(moved, (width * times, height * times), interpolation=cv2.INTER_AREA))


def _covered(asked: UInt8, bent: Bent, regions: list[int]) -> npt.NDArray[np.float64]:
    """(N, len(regions)) share of each asked region that each bent donor has at its place."""
    return np.stack([(bent.maps[:, asked == region] == region).mean(1) for region in regions], axis=1, dtype=np.float64)


def filled(rgb: UInt8, asked: UInt8, trusted: npt.NDArray[np.bool_]) -> UInt8:
    """What is not trusted, of its own region: the background inpainted (Telea, 2004), other regions by their nearest
    trusted pixel; one without any by the nearest of all. The outside is padding."""
    out = rgb.copy()
    for region in np.unique(asked[asked != 255]):
        inside = asked == region
        hole, known = inside & ~trusted, inside & trusted
        if not hole.any():
            continue
        known = known if known.any() else trusted
        if known.any():
            out[hole] = _nearest(rgb, known)[hole]
    out[asked == 255] = PAD
    hole = (asked == 0) & ~trusted
    if hole.any() and (trusted & (asked == 0)).any():
        out = np.asarray(cv2.inpaint(out, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA))
    return out


def _nearest(rgb: UInt8, known: npt.NDArray[np.bool_]) -> UInt8:
    """(H, W, 3): each pixel's nearest known one."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    colours[labels[known]] = rgb[known]
    return np.asarray(colours[labels])
