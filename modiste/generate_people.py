"""People who wear a garment that is not theirs: a generator draws them by the map of a held-out photo.

In: a run trained on garments or one that mends canvases, its snapshot, perhaps a cutout. Out: `Made`. The garment's
pixels are bent into the region where one is worn and kept. The person's other clothes are their own; on a canvas all
but the garment is training photos'. Without a file, a garment is another held-out person's. At the network's size, or
at the photo's (`modiste.generate_large`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.errors import ImageError, ModisteError, UsageError
from dataset.images import decode
from dataset.masks import GARMENT
from dataset.workspace import Workspace
from modiste.generate_large import RIM_PX, SIZES, canvas_at_photo_size, laid_on, person_of, without_padding, worn_part
from modiste.generate_pairs import Made, held_out, some
from train import record
from train.generation_data import Pictures
from train.generation_held import drafts_of
from train.generation_pairs_loop import translated
from train.generation_samples import Maker
from train.letterbox import UInt8, letterbox

LEAST_PX = 40  # of a region at the generator's size; less shows no garment


@dataclass(frozen=True)
class Cutout:
    """`rgba` (h, w, 4) uint8; `source`: a file's name, or the photo's sha256."""

    rgba: UInt8
    source: str


@dataclass(frozen=True)
class Dressed:
    """A person in a garment, what a sheet shows before it, words, facts for the lineage."""

    picture: UInt8
    before: UInt8
    words: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Fitting:
    """Held-out people in the order they are tried on, a garment from a file or each other's. `learned` where people are
    made of training photos."""

    ws: Workspace
    maker: Maker
    people: Pictures
    order: tuple[int, ...]
    file: Cutout | None
    region: str | None
    large: bool
    learned: Pictures | None

    def all(self) -> Iterator[Dressed]:
        """Those who have a place for a garment."""
        for place in self.order:
            if (found := self.dressed(place)) is not None:
                yield found

    def dressed(self, place: int) -> Dressed | None:
        """The person at `place`; None who has no place for a garment, or whose outline no spline can follow."""
        photo, regions = np.asarray(self.people.photos[place]), np.asarray(self.people.targets[place])
        chosen = self.region or largest_region(regions, self.maker)
        if not chosen or (regions == self.index(chosen)).sum() < LEAST_PX:
            return None
        cutout = self.file or self.other(place, chosen)
        if cutout is None:
            return None
        try:
            picture, told = self.picture(place, cutout, chosen)
        except ModisteError:
            return None
        row = self.people.rows[place]
        facts = {"person": str(row["sha256"]), "garment": cutout.source, "region": chosen, **told}
        before = np.hstack([letterbox(_on_white(cutout.rgba), photo.shape[:2], 255), photo])
        return Dressed(picture, before, f"{chosen} of {cutout.source[:12]} on {facts['person'][:8]}", facts)

    def picture(self, place: int, cutout: Cutout, chosen: str) -> tuple[UInt8, dict[str, Any]]:
        """At the size asked for, with what the lineage says of it."""
        photo, regions = np.asarray(self.people.photos[place]), np.asarray(self.people.targets[place])
        seen, index = person_of(self.ws, self.people.rows[place], self.maker) if self.large else (photo, regions)
        if self.learned is not None:
            return self.on_canvas(place, self.learned, index, cutout, chosen)
        own = own_clothes(photo, regions, self.maker)
        drawn = self.maker.dressed(photo, regions, self.bent_into(own, regions, cutout, chosen))
        if not self.large:
            return drawn, {}
        clothes = self.bent_into(own_clothes(seen, index, self.maker), index, cutout, chosen)
        return laid_on(without_padding(drawn, index.shape), clothes, RIM_PX), {}

    def on_canvas(
        self, place: int, learned: Pictures, regions: UInt8, cutout: Cutout, chosen: str
    ) -> tuple[UInt8, dict[str, Any]]:
        """The person by training photos bent to the map; of the held-out photo its map alone."""
        asked = some(self.people, [place])
        drafts, (canvas,) = drafts_of(self.maker, learned, asked)
        person = translated(self.maker.net, asked, None, learned, drafts=drafts)[0]
        if self.large:
            person = canvas_at_photo_size(self.ws, learned, canvas, person, regions.shape)
        clothes = self.bent_into(np.zeros((*regions.shape, 4), np.uint8), regions, cutout, chosen)
        told = {"pixels_of": [str(learned.rows[k]["sha256"]) for k in canvas.donors]}
        return laid_on(person, clothes, RIM_PX if self.large else 0), told

    def bent_into(self, clothes: UInt8, regions: UInt8, cutout: Cutout, chosen: str) -> UInt8:
        """`clothes` (h, w, 4) with the cutout bent into the chosen region of a map (h, w)."""
        from train.garment_warp import warped

        target = regions == self.index(chosen)
        out = clothes.copy()
        out[target] = warped(cutout.rgba, target)[target]
        return out

    def other(self, place: int, chosen: str) -> Cutout | None:
        """The same kind of garment off the next person in order that wears one, and whose photo that is."""
        at = self.order.index(place)
        for other in [*self.order[at + 1 :], *self.order[:at]]:
            mask = np.asarray(self.people.targets[other]) == self.index(chosen)
            if mask.sum() < LEAST_PX:
                continue
            rgb, row = np.asarray(self.people.photos[other]), self.people.rows[other]
            if self.large:
                rgb, regions = person_of(self.ws, row, self.maker)
                mask = regions == self.index(chosen)
            return Cutout(worn_part(rgb, mask), str(row["sha256"]))
        return None

    def index(self, name: str) -> int:
        return self.maker.classes.names.index(name)


def on_people(
    ws: Workspace, run: record.Run, maker: Maker, n: int, seed: int, garment: Path | None, region: str | None,
    size: str = "network", learned: Pictures | None = None,
) -> Made:  # fmt: skip
    """`n` held-out people, each in the garment of the file, or in another held-out person's. A run that mends canvases
    makes the people of `learned`, the training photos. Raises UsageError."""
    if maker.recipe.canvas == "none":
        maker.translator("garment")
        learned = None
    elif learned is None:
        raise UsageError("no training photo to borrow pixels from", cure="Generate in the run's own workspace")
    if size not in SIZES:
        raise UsageError(f"--size {size}", expected=f"one of {', '.join(SIZES)}")
    people, wearable = held_out(ws, run, maker), wearable_regions(maker)
    if region is not None and region not in wearable:
        raise UsageError(f"--region {region}", expected=f"one of {', '.join(wearable)}")
    file = Cutout(read_cutout(garment), garment.name) if garment is not None else None
    order = tuple(int(k) for k in np.random.default_rng([seed, 5]).permutation(len(people.rows)))
    every = Fitting(ws, maker, people, order, file, region, size == "photo", learned).all()
    kept = list(islice(every, n))
    if not kept:
        raise UsageError("no held-out person wears such a garment", expected=f"--region one of {', '.join(wearable)}")
    pictures = tuple(each.picture for each in kept)
    return Made(
        pictures if size == "photo" else np.stack(pictures), tuple(each.words for each in kept),
        tuple(each.facts for each in kept), tuple((each.before,) for each in kept), kept=True,
    )  # fmt: skip


def wearable_regions(maker: Maker) -> list[str]:
    """Regions of the label space that are garments."""
    pairs = zip(maker.classes.names, maker.classes.roles, strict=True)
    return [name for name, role in pairs if role == GARMENT]


def own_clothes(photo: np.ndarray, regions: np.ndarray, maker: Maker) -> np.ndarray:
    """(H, W, 4): what the person wears, its own pixels."""
    roles = np.zeros(256, np.uint8)
    roles[: len(maker.classes.roles)] = maker.classes.roles
    alpha = np.where(roles[regions] == GARMENT, 255, 0).astype(np.uint8)
    return np.dstack([photo, alpha])


def largest_region(regions: np.ndarray, maker: Maker) -> str:
    """The garment that most of the person is dressed in; '' for none."""
    sizes = {name: int((regions == maker.classes.names.index(name)).sum()) for name in wearable_regions(maker)}
    best = max(sizes, key=lambda name: sizes[name], default="")
    return best if best and sizes[best] else ""


def read_cutout(path: Path) -> np.ndarray:
    """(h, w, 4) uint8 of a picture with transparency. Raises UsageError."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}", expected="a cutout: a PNG with transparency")
    try:
        found = decode(path.read_bytes())
    except ImageError as error:
        raise UsageError(f"{path.name}: {error}", expected="a cutout: a PNG with transparency") from error
    alpha = found.alpha
    if alpha is None or not (alpha > 127).any() or (alpha > 127).all():
        raise UsageError(
            f"{path.name} is no cutout", expected="a PNG with transparency", cure="modiste cutout makes one"
        )
    return np.dstack([found.rgb, alpha])


def _on_white(rgba: np.ndarray) -> np.ndarray:
    """The cutout's box on white, as a sheet shows it."""
    places = np.argwhere(rgba[..., 3] > 127)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    share = rgba[top:bottom, left:right, 3:].astype(np.float32) / 255
    rgb = rgba[top:bottom, left:right, :3] * share + 255 * (1 - share)
    return cv2.convertScaleAbs(rgb)
