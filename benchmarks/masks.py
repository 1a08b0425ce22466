"""Cutouts to masks, against label maps of real photographs that nothing was tuned on; without: benchmarks/priors.py.

In: --data DIR (street/ of the shared data; its test part, photo number % 5 == 0), --photos N. Out: a table, and --json
FILE. `binarise`: person and garment cutouts on white, saved as JPEG; IoU against the mask they were cut by, beside the
dress article's rule (255 is background); with the photo at hand and without it; as they are, and with the garment made
white (mean 240 and 248 of 255, its folds kept in proportion) on white. Intervals: bootstrap over photos, 1,000 draws,
seed 0.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from labeling.cutouts import article_rule, binarise, read_cutout
from modiste.demo.photos import CLOTHES

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


METHODS: dict[str, Callable[[bytes, np.ndarray], np.ndarray]] = {
    "ours": lambda cutout, rgb: binarise(read_cutout(cutout), rgb)[0],
    "ours, without the photo": lambda cutout, rgb: binarise(read_cutout(cutout))[0],
    "the article's rule": lambda cutout, rgb: article_rule(read_cutout(cutout)),
}
WHITES = (240, 248)
LEAST_GARMENT_PX = 2000


def binarising(data: Path, count: int) -> list[Figure]:
    found: dict[tuple[str, str], list[float]] = {}
    for _, rgb, person, garment in photos(data, count):
        for kind, shown, mask in pairs(rgb, person, garment):
            for quality in QUALITIES:
                cutout = saved(np.where(mask[:, :, None], shown, 255).astype(np.uint8), quality)
                for name, method in METHODS.items():
                    score = iou(method(cutout, shown), mask)
                    found.setdefault((f"{kind} JPEG q{quality}", name), []).append(score)
    return [figure(what, name, values) for (what, name), values in found.items()]


def pairs(rgb: np.ndarray, person: np.ndarray, garment: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(kind, photo, mask) of what one street photo is cut into."""
    yield "cutout", rgb, person
    yield "cutout", rgb, garment
    if garment.sum() >= LEAST_GARMENT_PX:
        for level in WHITES:
            yield f"white {level}", whitened(rgb, garment, level), garment


def whitened(rgb: np.ndarray, garment: np.ndarray, level: int) -> np.ndarray:
    """The photo with a garment of mean `level`: every difference from white scaled alike, so folds stay."""
    scale = (255 - level) / (255 - float(rgb[garment].mean()))
    white = 255 - (255 - rgb.astype(np.float32)) * scale
    return np.where(garment[..., None], np.clip(np.rint(white), 0, 255), rgb).astype(np.uint8)


def saved(pixels: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    figures = binarising(words.data, words.photos)
    print("\n".join(each.line() for each in figures))
    if words.json:
        words.json.write_text(json.dumps([asdict(each) for each in figures], indent=1))


if __name__ == "__main__":
    main()
