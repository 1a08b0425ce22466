"""How a segmenter does on garments without a person: IoU of the garment on packshots made from validation photos.

In: weights, -w WORKSPACE, -s SNAPSHOT, --photos N. Out: a table, and --json FILE. Each validation photo is judged
twice, as it is (garment against the annotators' mask) and as a packshot (`train.packshots`: its garment on a drawn
backdrop, seeded by the photo's place, truth exact). From one confusion over all photos; intervals: bootstrap over
photos, 1,000 draws. Beside it the trivial answer: nothing is garment, IoU 0. The test part is never read.
Example: python -m benchmarks.packshots plain/model.safetensors mixed/model.safetensors -w shop -s street
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from dataset.label_space import load_space
from dataset.masks import GARMENT, IGNORE
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.cutout_model import from_file
from train import metrics
from train.data import Row, masked_rows, photo, truth
from train.judge_segmentation import TRUSTED
from train.packshots import packshot
from train.segmenter import Segmenter

KINDS = ("as worn", "packshot")


def pair_of(ws: Workspace, row: Row, place: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """RGB and class map of street-3, the photo's own size."""
    space = load_space("street-3")
    rgb, index = photo(ws, row), truth(ws, row, space)
    if kind == "as worn":
        return rgb, index
    return packshot(rgb, index, tuple(space.roles), np.random.default_rng([0, place]))


def counted(ws: Workspace, rows: list[Row], models: dict[str, Segmenter]) -> dict[tuple[str, str], np.ndarray]:
    """(model, kind) -> (N, 2, 2) confusion of garment."""
    found: dict[tuple[str, str], list[Any]] = {(name, kind): [] for name in models for kind in KINDS}
    for place, row in enumerate(rows):
        for kind in KINDS:
            rgb, index = pair_of(ws, row, place, kind)
            right = np.where(index == IGNORE, IGNORE, index == GARMENT).astype(np.uint8)
            for name, model in models.items():
                said = (np.array(model.roles)[model.index(rgb)] == GARMENT).astype(np.uint8)
                found[name, kind].append(metrics.confusion(right, said, 2))
    return {key: np.stack(each) for key, each in found.items()}


def _garment(counts: Any) -> Any:
    return metrics.iou_per_class(counts)[..., 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("-s", "--snapshot", default="street")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    ws = Workspace.open(words.workspace)
    rows = masked_rows(load_snapshot(ws, words.snapshot), "validation", TRUSTED, load_space("street-3"))
    models = {f"{path.parent.name}/{path.name}": from_file(path, 1) for path in words.weights}
    lines = []
    for (name, kind), counts in counted(ws, rows[: words.photos], models).items():
        low, high = metrics.bootstrap(counts, _garment)
        lines.append({"model": name, "kind": kind, "n": len(counts), "iou": float(_garment(counts.sum(0))),
                      "low": low, "high": high, "baseline": 0.0})  # fmt: skip
        print("{model:60} {kind:8} n={n} IoU garment {iou:.3f} [{low:.3f}, {high:.3f}]".format(**lines[-1]))
    if words.json:
        words.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
