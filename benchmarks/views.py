"""How a segmenter does on photos unlike street photos of whole people, made from validation photos with exact truth.

In: weights, -w WORKSPACE, -s SNAPSHOT, --photos N. Out: a table, and --json FILE. Each validation photo is judged as it
is and as each view: its garment alone (`train.packshots`), its people before a studio or a blurred street
(`train.backdrops`), shrunk to some height, cropped to its upper or lower half, to a landscape, saved as a poor JPEG.
Views are seeded by the photo's place. Figures come from one confusion over all photos; intervals: bootstrap over
photos, 1,000 draws. The trivial answer beside them: nothing is garment, IoU 0. The test part is never read.
Example: python -m benchmarks.views old/model.onnx new/model.onnx -w shop -s street --json views.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from dataset.label_space import load_space
from dataset.masks import IGNORE
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.cutout_model import from_file
from train import metrics
from train.backdrops import Backdrops
from train.data import Row, masked_rows, photo, truth
from train.judge_segmentation import TRUSTED
from train.packshots import packshot
from train.segmenter import Segmenter

SPACE = load_space("street-3")
ROLES = tuple(SPACE.roles)
Pair = tuple[np.ndarray, np.ndarray]
View = Callable[[np.ndarray, np.ndarray, np.random.Generator], Pair]


def as_taken(rgb: np.ndarray, index: np.ndarray, draw: np.random.Generator) -> Pair:
    return rgb, index


def garment_alone(rgb: np.ndarray, index: np.ndarray, draw: np.random.Generator) -> Pair:
    return packshot(rgb, index, ROLES, draw)


def another_backdrop(rgb: np.ndarray, index: np.ndarray, draw: np.random.Generator) -> Pair:
    return Backdrops(1.0, ROLES)(rgb, index, np.ascontiguousarray(rgb[::-1]), draw)


def shrunk(rgb: np.ndarray, index: np.ndarray, draw: np.random.Generator, *, tall: int) -> Pair:
    size = (max(1, round(rgb.shape[1] * tall / rgb.shape[0])), tall)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return small, cv2.resize(index, size, interpolation=cv2.INTER_NEAREST)


def part(rgb: np.ndarray, index: np.ndarray, draw: np.random.Generator, *, top: float, bottom: float) -> Pair:
    rows = slice(round(top * len(rgb)), round(bottom * len(rgb)))
    return np.ascontiguousarray(rgb[rows]), np.ascontiguousarray(index[rows])


def poor_jpeg(rgb: np.ndarray, index: np.ndarray, draw: np.random.Generator) -> Pair:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 20])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]), index


VIEWS: dict[str, View] = {
    "as taken": as_taken,
    "garment alone": garment_alone,
    "studio or blurred street": another_backdrop,
    **{f"{tall} px tall": partial(shrunk, tall=tall) for tall in (300, 200, 128)},
    "upper half": partial(part, top=0.0, bottom=0.5),
    "lower half": partial(part, top=0.5, bottom=1.0),
    "landscape, 0.17 to 0.64": partial(part, top=0.17, bottom=0.64),
    "JPEG of quality 20": poor_jpeg,
}


def counted(ws: Workspace, rows: list[Row], models: dict[str, Segmenter]) -> dict[tuple[str, str], np.ndarray]:
    """(model, view) -> (N, 3, 3) confusion of background, skin, garment."""
    found: dict[tuple[str, str], list[Any]] = {(name, view): [] for name in models for view in VIEWS}
    for place, row in enumerate(tqdm(rows, unit="photo")):
        rgb, index = photo(ws, row), truth(ws, row, SPACE)
        for view, made in VIEWS.items():
            seen, right = made(rgb, index, np.random.default_rng([0, place]))
            right = np.where(right == IGNORE, IGNORE, right).astype(np.uint8)
            for name, model in models.items():
                said = np.array(model.roles, np.uint8)[model.index(np.asarray(seen))]
                found[name, view].append(metrics.confusion(right, said, 3))
    return {key: np.stack(each) for key, each in found.items()}


def line_of(name: str, view: str, counts: np.ndarray) -> dict[str, Any]:
    """IoU of the garment, and mean IoU where the view has all three classes, with their intervals."""
    line: dict[str, Any] = {"model": name, "view": view, "n": len(counts)}
    for figure, measure in (("garment", lambda each: metrics.iou_per_class(each)[..., 2]), ("mean", metrics.mean_iou)):
        line[figure] = [float(measure(counts.sum(0))), *metrics.bootstrap(counts, measure)]
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+", help="run folders' .safetensors, or exported .onnx")
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("-s", "--snapshot", default="street")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    ws = Workspace.open(words.workspace)
    rows = masked_rows(load_snapshot(ws, words.snapshot), "validation", TRUSTED, SPACE)
    models = {f"{path.parent.name}/{path.name}": from_file(path, 1) for path in words.weights}
    lines = [line_of(*key, counts) for key, counts in counted(ws, rows[: words.photos], models).items()]
    for line in lines:
        garment, mean = ("{:.3f} [{:.3f}, {:.3f}]".format(*line[figure]) for figure in ("garment", "mean"))
        print(f"{line['model']:50} {line['view']:26} n={line['n']} IoU garment {garment}  mean {mean}")
    if words.json:
        words.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
