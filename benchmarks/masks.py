"""Cutouts to masks, and masks without cutouts, against label maps of real photographs that nothing was tuned on.

In: --data DIR (street/ of the shared data; its test part, photo number % 5 == 0), --photos N. Out: a table, and --json
FILE. `binarise`: person and garment cutouts on white, saved as JPEG; IoU against the mask they were cut by, beside the
dress article's rule (255 is background). `grabcut`: person IoU of our GrabCut and of the article's rectangle at 224 px.
Intervals: bootstrap over photos, 1,000 draws, seed 0.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from labeling.cutouts import article_rule, binarise, read_cutout
from labeling.grabcut import guess_scene
from modiste.demo.photos import CLOTHES
from train.models.article import grabcut_person

QUALITIES = (60, 75, 85, 95)


@dataclass(frozen=True)
class Figure:
    what: str
    method: str
    n: int
    mean: float
    low: float
    high: float
    median: float
    least: float

    def line(self) -> str:
        return (
            f"{self.what:22} {self.method:22} n={self.n:<4} mean {self.mean:.4f} [{self.low:.4f}, {self.high:.4f}] "
            f"median {self.median:.4f} min {self.least:.4f}"
        )


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def figure(what: str, method: str, values: list[float]) -> Figure:
    drawn = np.random.default_rng(0).choice(values, (1000, len(values))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(
        what, method, len(values), float(np.mean(values)), low, high, float(np.median(values)), float(min(values))
    )


def photos(data: Path, count: int) -> Iterator[tuple[bytes, np.ndarray, np.ndarray, np.ndarray]]:
    """(bytes, rgb, person, garment) of an even sample of street's test part."""
    names = json.loads((data / "street" / "labels.json").read_text())
    garments = [int(index) for index, name in names.items() if name in CLOTHES]
    files = sorted(path for path in (data / "street" / "photos").glob("*.jpg") if int(path.stem) % 5 == 0)
    for path in files[:: max(1, len(files) // count)][:count]:
        labels = np.asarray(Image.open(data / "street" / "labels" / f"{path.stem}.png"))
        rgb = np.asarray(Image.open(path).convert("RGB"))
        yield path.read_bytes(), rgb, labels > 0, np.isin(labels, garments)


def binarising(data: Path, count: int) -> list[Figure]:
    methods: dict[str, Callable[[bytes, np.ndarray], np.ndarray]] = {
        "ours": lambda cutout, rgb: binarise(read_cutout(cutout), rgb)[0],
        "the article's rule": lambda cutout, rgb: article_rule(read_cutout(cutout)),
    }
    found: dict[tuple[int, str], list[float]] = {(q, name): [] for q in QUALITIES for name in methods}
    for _, rgb, person, garment in photos(data, count):
        for mask in (person, garment):
            for quality in QUALITIES:
                cutout = saved(np.where(mask[:, :, None], rgb, 255).astype(np.uint8), quality)
                for name, method in methods.items():
                    found[quality, name].append(iou(method(cutout, rgb), mask))
    return [figure(f"cutout JPEG q{quality}", name, values) for (quality, name), values in found.items()]


def saved(pixels: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def guessing(data: Path, count: int) -> list[Figure]:
    ours, article, garments = [], [], []
    for raw, rgb, person, garment in photos(data, count):
        sha256 = hashlib.sha256(raw).hexdigest()
        found, worn, _ = guess_scene(rgb, sha256)
        ours.append(iou(found, person))
        garments.append(iou(worn, garment))
        article.append(iou(grabcut_person(rgb, int(sha256[:8], 16)), person))
    return [
        figure("person, no cutout", "our GrabCut", ours),
        figure("person, no cutout", "the article's rectangle", article),
        figure("garment, no cutout", "our GrabCut, weak", garments),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    figures = binarising(words.data, words.photos) + guessing(words.data, words.photos)
    print("\n".join(each.line() for each in figures))
    if words.json:
        words.json.write_text(json.dumps([asdict(each) for each in figures], indent=1))


if __name__ == "__main__":
    main()
