"""Masks where there is no cutout: each prior of `labeling.priors` alone and refined by GrabCut, on street's label maps.

In: --data DIR (street/ of the shared data), --part (test: photo number % 5 == 0; validation: 1; train: the rest),
--run RUN FOLDER for the trained model's rows. Out: a table, --json FILE and --sheet PNG of 24 photos. Person IoU and
street-3 mean IoU from one confusion over all photos; intervals: bootstrap over photos, 1,000 draws, seed 0; CPU ms a
photo, one thread, median. The band and rounds of GrabCut and every rule were chosen on train and validation photos.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from labeling.grabcut import find_face
from labeling.priors import NEEDS, Prior, from_model, prior_of
from labeling.scene import guess_scene, refined
from labeling.worn import garment_by_face
from modiste.demo.photos import CLOTHES
from train.models.rectangle import grabcut_person

PARTS = {"test": (0,), "validation": (1,), "train": (2, 3, 4)}
SHEET, TILE = 24, (180, 270)
COLOURS = np.array([[0, 0, 0], [255, 150, 110], [60, 110, 255]])
SHOWN, KNOW_GARMENTS = "combined + GrabCut", ("model", "combined, face rule")
STATE: dict[str, Any] = {}  # of a worker process
Probabilities = Callable[[np.ndarray], np.ndarray]


@dataclass
class Photo:
    name: str
    sha256: str
    rgb: np.ndarray
    truth: np.ndarray  # (H, W) 0 background, 1 skin, 2 garment
    found: np.ndarray | None = None  # the same, as `SHOWN` says it


@dataclass
class Scores:
    """One confusion (3, 3) a photo, truth by row, and CPU ms; a person without a garment mask counts as skin."""

    confusions: list[np.ndarray] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    has_garment: bool = False


@dataclass(frozen=True)
class Row:
    what: str
    n: int
    person_iou: float
    person_low: float
    person_high: float
    mean_iou: float | None
    mean_low: float | None
    mean_high: float | None
    classes: list[float] | None
    cpu_ms: float

    def line(self) -> str:
        text = (
            f"{self.what:24} n={self.n:<4} person {self.person_iou:.4f} [{self.person_low:.4f}, {self.person_high:.4f}]"
        )
        if self.classes is not None:
            parts = " ".join(f"{value:.3f}" for value in self.classes)
            text += f"  street-3 {self.mean_iou:.4f} [{self.mean_low:.4f}, {self.mean_high:.4f}] ({parts})"
        return f"{text}  {self.cpu_ms:.0f} ms"


def photos(data: Path, part: str, count: int | None) -> list[Path]:
    files = sorted(path for path in (data / "street" / "photos").glob("*.jpg") if int(path.stem) % 5 in PARTS[part])
    return files if count is None else files[:: max(1, len(files) // count)][:count]


def read(path: Path, garments: list[int]) -> Photo:
    labels = np.asarray(Image.open(path.parents[1] / "labels" / f"{path.stem}.png"))
    truth = np.where(np.isin(labels, garments), 2, labels > 0).astype(np.uint8)
    rgb = np.ascontiguousarray(Image.open(path).convert("RGB"))
    return Photo(path.stem, hashlib.sha256(path.read_bytes()).hexdigest(), rgb, truth)


def contenders(model: Probabilities | None) -> dict[str, Callable[[Photo], np.ndarray]]:
    """{name: photo -> (H, W) class map}; a prior alone knows no garment, so all of its person is 1."""
    found: dict[str, Callable[[Photo], np.ndarray]] = {
        "the article's rectangle": lambda photo: _person(grabcut_person(photo.rgb, int(photo.sha256[:8], 16)))
    }
    for name in NEEDS:
        if name not in ("rectangle", "skin"):
            found[name] = lambda photo, name=name: _person(prior_of(photo.rgb, name).person > 0.5)  # type: ignore[misc]
        found[f"{name} + GrabCut"] = lambda photo, name=name: _scene(photo, name)  # type: ignore[misc]
    found["combined, face rule"] = _by_face
    if model is not None:
        found["model"] = lambda photo: model(photo.rgb).argmax(-1)
        found["model + GrabCut"] = lambda photo: _index(
            *guess_scene(photo.rgb, photo.sha256, model=model(photo.rgb))[:2]
        )
        found["model and combined + GrabCut"] = lambda photo: _both(photo, model(photo.rgb))
    return found


def _person(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8)


def _index(person: np.ndarray, garment: np.ndarray) -> np.ndarray:
    return np.where(garment, 2, person).astype(np.uint8)


def _scene(photo: Photo, name: str, said: np.ndarray | None = None) -> np.ndarray:
    return _index(*guess_scene(photo.rgb, photo.sha256, name, said)[:2])


def _by_face(photo: Photo) -> np.ndarray:
    """The rule of before: no landmarks, one skin colour for everybody."""
    person = refined(photo.rgb, prior_of(photo.rgb, "combined"), photo.sha256)
    return _index(person, garment_by_face(photo.rgb, person, find_face(photo.rgb)))


def _both(photo: Photo, said: np.ndarray) -> np.ndarray:
    """The model's garment inside a person both agree on."""
    shape = photo.rgb.shape[:2]
    large = cv2.resize(said, shape[::-1])
    mean = (from_model(said, shape).person + prior_of(photo.rgb, "combined").person) / 2
    person = refined(photo.rgb, Prior("both", mean), photo.sha256)
    return _index(person, person & (large[..., 2] > large[..., 1]))


def judged(path: Path) -> tuple[Photo, dict[str, np.ndarray], dict[str, float]]:
    """One photo inside a worker: its class map by `SHOWN`, a confusion and CPU ms by every contender."""
    photo = read(path, STATE["garments"])
    counts, cpu_ms = {}, {}
    for name, make in STATE["makers"].items():
        began = time.process_time()
        index = make(photo)
        cpu_ms[name] = 1000 * (time.process_time() - began)
        flat = photo.truth.astype(np.int64).ravel() * 3 + index.ravel()
        counts[name] = np.bincount(flat, minlength=9).reshape(3, 3)
        if name == SHOWN:
            photo.found = index
    return photo, counts, cpu_ms


def begin(garments: list[int], run: Path | None, only: list[str]) -> None:
    """What a worker needs, loaded once."""
    cv2.setNumThreads(1)
    makers = contenders(segmenter(run))
    STATE.update(garments=garments, makers={name: make for name, make in makers.items() if not only or name in only})


def measured(
    files: list[Path], garments: list[int], run: Path | None, only: list[str], workers: int
) -> tuple[dict[str, Scores], list[Photo]]:
    scores: dict[str, Scores] = {}
    shown = []
    wanted = files[:: max(1, len(files) // SHEET)][:SHEET]
    with ProcessPoolExecutor(workers, get_context("spawn"), begin, (garments, run, only)) as pool:
        for path, (photo, counts, cpu_ms) in zip(files, pool.map(judged, files), strict=True):
            for name, count in counts.items():
                into = scores.setdefault(name, Scores(has_garment="+" in name or name in KNOW_GARMENTS))
                into.confusions.append(count)
                into.cpu_ms.append(cpu_ms[name])
            if path in wanted:
                shown.append(photo)
    return scores, shown


def row(name: str, scores: Scores) -> Row:
    counts = np.stack(scores.confusions)
    draws = np.random.default_rng(0).integers(0, len(counts), (1000, len(counts)))
    drawn = np.stack([counts[draw].sum(axis=0) for draw in draws])
    low, high = np.percentile(person_iou(drawn), [2.5, 97.5])
    cpu, whole = float(np.median(scores.cpu_ms)), counts.sum(axis=0)
    person = float(person_iou(whole))
    if not scores.has_garment:
        return Row(name, len(counts), person, low, high, None, None, None, None, cpu)
    least, most = np.percentile(class_iou(drawn).mean(axis=-1), [2.5, 97.5])
    classes = class_iou(whole)
    return Row(name, len(counts), person, low, high, float(classes.mean()), least, most, classes.tolist(), cpu)


def person_iou(counts: np.ndarray) -> np.ndarray:
    """(..., 3, 3) confusions -> IoU of everything that is not background."""
    both = counts[..., 1:, 1:].sum(axis=(-1, -2))
    ratio: np.ndarray = both / (counts.sum(axis=(-1, -2)) - counts[..., 0, 0])
    return ratio


def class_iou(counts: np.ndarray) -> np.ndarray:
    """(..., 3, 3) confusions -> (..., 3)."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    ratio: np.ndarray = right / (counts.sum(axis=-1) + counts.sum(axis=-2) - right)
    return ratio


def sheet(shown: list[Photo], out: Path) -> None:
    """24 photos, skin orange and garment blue, IoU of the person above each."""
    tiles = []
    for photo in shown:
        index = np.zeros_like(photo.truth) if photo.found is None else photo.found
        tint = (photo.rgb * 0.45 + COLOURS[index] * 0.55).astype(np.uint8)
        tile = cv2.resize(np.where(index[..., None] > 0, tint, photo.rgb), TILE, interpolation=cv2.INTER_AREA)
        both, either = ((photo.truth > 0) & (index > 0)).sum(), ((photo.truth > 0) | (index > 0)).sum()
        tiles.append(cv2.putText(tile, f"{photo.name} {both / either:.3f}", (4, 14), 0, 0.45, (255, 255, 0), 1))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 8)
    Image.fromarray(np.vstack([np.hstack(tiles[i : i + 8]) for i in range(0, len(tiles), 8)])).save(out)


def segmenter(run: Path | None) -> Probabilities | None:
    if run is None:
        return None
    import torch

    from train.predict import load_segmenter

    torch.set_num_threads(1)
    return load_segmenter(run).probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", choices=list(PARTS), default="test")
    parser.add_argument("--photos", type=int)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--only", nargs="+", default=[], help="names of contenders, as the table prints them")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    names = json.loads((words.data / "street" / "labels.json").read_text())
    garments = [int(index) for index, name in names.items() if name in CLOTHES]
    files = photos(words.data, words.part, words.photos)
    scores, shown = measured(files, garments, words.run, words.only, words.workers)
    rows = [row(name, each) for name, each in scores.items()]
    print("\n".join(each.line() for each in rows))
    if words.json:
        words.json.write_text(json.dumps({"part": words.part, "rows": [asdict(each) for each in rows]}, indent=1))
    if words.sheet:
        sheet(shown, words.sheet)


if __name__ == "__main__":
    main()
