"""The prior of a person where nobody made a cutout: the best that is installed, or the one asked for.

In: (H, W, 3) uint8 RGB. Out: a `Prior`, whose `person` is (H, W) float32 in [0, 1]: chance of being a person, all zero
where nobody was found. In falling order: `model` (a trained run's probabilities, handed in: rooms don't import each
other), `combined` (pose inside each person's own box, mirrored too, and selfie), `pose`, `selfie`, `skin` (a face and
the body below it), `rectangle` (the article's). Never fetches a weight, never trains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from dataset.errors import UsageError
from dataset.package_files import MissingWeights, cache_folder, is_fetched
from labeling import litert
from labeling.grabcut import find_face, rectangle_prior
from labeling.person_net import Person, Roi, person_in, pose, selfie, union

NEEDS = {
    "combined": ("pose-full", "pose-detection", "selfie"),
    "pose": ("pose-full", "pose-detection"),
    "selfie": ("selfie",),
    "skin": (),
    "rectangle": (),
}
NAMES = ("model", *NEEDS)
ROOM = 1.1  # side of the second square over the person's own box
AIR = 0.08  # around a person's box, in his own heights
LOGIT_CAP = 0.01  # no single network is surer than 99 %


@dataclass(frozen=True)
class Prior:
    """`person` (H, W) float32; `garment` too where a model says; `people` where pose found them (photo px)."""

    name: str
    person: np.ndarray
    garment: np.ndarray | None = None
    people: list[Person] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """True where nobody was found."""
        return not bool((self.person >= 0.5).any())


def best_installed() -> str:
    """The best prior whose weights were fetched and whose library is there; `skin` needs neither."""
    if not litert.is_installed():
        return "skin"
    return next(name for name, weights in NEEDS.items() if all(map(is_fetched, weights)))


def check_installed(name: str) -> None:
    """UsageError for an unknown name, MissingWeights naming all that is missing, MissingLibrary."""
    if name not in NAMES:
        raise UsageError(f"there is no prior '{name}'", expected="auto, " + ", ".join(NAMES))
    needed = NEEDS.get(name, ())
    missing = [weight for weight in needed if not is_fetched(weight)]
    if missing:
        what = f"the prior '{name}' needs weights that are not there whole: {', '.join(missing)}"
        raise MissingWeights(what, where=str(cache_folder()), cure=f"Run 'modiste weights fetch {' '.join(missing)}'")
    if needed and not litert.is_installed():
        raise litert.MissingLibrary(f"the prior '{name}' needs ai-edge-litert", cure=litert.CURE)


def prior_of(rgb: np.ndarray, name: str) -> Prior:
    """The prior called `name`, not `model`, of one photo. `skin` without a face in the photo is the rectangle."""
    return _MAKERS[name](rgb)


def from_model(probabilities: np.ndarray, shape: tuple[int, int]) -> Prior:
    """(h, w, 3) background / skin / garment that sum to 1, of any size, as a prior of a photo of `shape` (H, W)."""
    large = cv2.resize(probabilities.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    return Prior("model", np.clip(1 - large[..., 0], 0, 1), np.clip(large[..., 2], 0, 1))


def _combined(rgb: np.ndarray) -> Prior:
    """Each person again in a square around his own mask, the same mirrored, and selfie (three views), in logits.

    Three equal voices: what only one of them sees, such as a small bystander or a poster, mostly falls below 0.5.
    """
    shape, mirrored = rgb.shape[:2], np.ascontiguousarray(rgb[:, ::-1])
    boxes = [box for box in (_own_box(person.chance) for person in pose(rgb)) if box is not None]
    everyone = [selfie(rgb), np.ascontiguousarray(selfie(mirrored)[:, ::-1])]
    if not boxes:
        return Prior("combined", mean_logit(everyone))
    again = [person_in(rgb, box) for box in boxes]
    flipped = union([person_in(mirrored, _mirrored(box, shape[1])) for box in boxes], shape)[:, ::-1]
    near = np.maximum.reduce([_selfie_in(rgb, person.chance) for person in again])
    voices = [union(again, shape), np.ascontiguousarray(flipped), mean_logit([*everyone, near])]
    return Prior("combined", mean_logit(voices), None, again)


def _selfie_in(rgb: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Selfie's answer inside a person's box and some air around it, 0 outside."""
    out = np.zeros(chance.shape, np.float32)
    rows, columns = np.nonzero(chance > 0.5)
    if len(rows) < 50:
        return out
    air = round(AIR * float(rows.max() - rows.min()))
    top, left = max(0, rows.min() - air), max(0, columns.min() - air)
    inside = (slice(top, rows.max() + air), slice(left, columns.max() + air))
    out[inside] = selfie(rgb[inside])
    return out


def mean_logit(chances: list[np.ndarray]) -> np.ndarray:
    """Average of chances in logits, each capped first; float32."""
    capped = [np.clip(chance, LOGIT_CAP, 1 - LOGIT_CAP) for chance in chances]
    mean = np.mean([np.log(each / (1 - each)) for each in capped], axis=0)
    return (1 / (1 + np.exp(-mean))).astype(np.float32)


def _own_box(chance: np.ndarray) -> Roi | None:
    """An upright square around a mask; None where it is nearly empty."""
    rows, columns = np.nonzero(chance > 0.5)
    if len(rows) < 50:
        return None
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    side = ROOM * max(bottom - top, right - left)
    return Roi((left + right) / 2, (top + bottom) / 2, float(side), 0.0, 1.0)


def _mirrored(roi: Roi, width: int) -> Roi:
    return Roi(width - 1 - roi.x, roi.y, roi.side, -roi.angle, roi.score)


def _pose(rgb: np.ndarray) -> Prior:
    people = pose(rgb)
    return Prior("pose", union(people, rgb.shape[:2]), None, people)


def _skin(rgb: np.ndarray) -> Prior:
    """A skin-coloured face and a body of 9 faces by 2.6 below it; without a face the rectangle.

    Skin colour elsewhere is not asked: on 27 validation photos it brought nothing (person IoU 0.844 to 0.845).
    """
    face = find_face(rgb)
    if face is None:
        return _rectangle(rgb)
    height, width = rgb.shape[:2]
    x, y, w, h = face
    rows, columns = np.ogrid[0:height, 0:width]
    across, down = np.abs(columns - (x + w / 2)) / w, (rows - y) / h
    body = np.where((across < 1.3) & (down > -0.2) & (down < 9), 0.6, 0.3)
    body = np.where((across < 0.9) & (down > -0.2) & (down < 1.2), 0.8, body)
    return Prior("skin", np.where((across > 2.2) | (down < -0.5) | (down > 10), 0.0, body).astype(np.float32))


def _rectangle(rgb: np.ndarray) -> Prior:
    return Prior("rectangle", rectangle_prior(rgb.shape[:2]))


_MAKERS: dict[str, Callable[[np.ndarray], Prior]] = {
    "combined": _combined,
    "pose": _pose,
    "selfie": lambda rgb: Prior("selfie", selfie(rgb)),
    "skin": _skin,
    "rectangle": _rectangle,
}
