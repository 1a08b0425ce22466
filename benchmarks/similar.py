"""How well `modiste search` finds products of one kind: Recall@1, 5, 10 and mAP of colour histograms, ImageNet features
and learned views, a query's own product and near-duplicates left out of the gallery.

In: WORKSPACE, checked, labelled, split and embedded (`modiste embed`; `--masked` too, if it is to be judged), and which
rows make a set. Out: a table and --json FILE. Views learn from the train part of all sets; queries and gallery are one
part of one set. Choose on validation; read test once. Intervals: groups drawn anew, 1,000 times.

    python -m benchmarks.similar WORKSPACE --part test --json similar.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.images import decode
from dataset.similar import encoders
from dataset.snapshot import items
from dataset.workspace import Workspace
from train.data import Row
from train.metric import class_of, fit, vectors_and_grids
from train.metric_recipe import similar_recipe
from train.metric_score import NAMES, Asked, asked, intervals

SETS = (  # name, which rows, which labels must agree
    ("wardrobe, same type", "product_id LIKE 'WR-%'", "type"),
    ("street, same type", "product_id LIKE 'ST-%'", "type"),
    ("street, same type and colour", "product_id LIKE 'ST-%'", "type,colour"),
)
VIEWS = {  # what is changed of the recipe
    "learned, kind alone": {"look": 0.0, "colour": 0.0},
    "learned, kind + look": {"colour": 0.0},
    "learned, kind + look + colour (the recipe)": {},
}
WEIGHED = {  # tried on validation alone
    "learned, kind + 2 look + colour": {"look": 2.0},
    "learned, kind + 0.5 look + 0.25 colour": {"look": 0.5, "colour": 0.25},
}
SIDE_PX = 128


def measure(ws: Workspace, part: str, sets: tuple[tuple[str, str, str], ...] = SETS) -> dict[str, Any]:
    """{set: {method: figures}}, and which shrinkage validation chose for each view."""
    rows = {name: _rows(ws, where, part) for name, where, _ in sets}
    names = sorted(name for name in encoders(ws) if name.startswith("tf_efficientnet_lite0-256-flips"))
    plain = next(name for name in names if "-masked" not in name)
    found: dict[str, dict[str, Asked]] = {name: {} for name in rows}
    chosen: dict[str, float] = {}
    for method, vectors in _methods(ws, plain, names, rows, VIEWS | (WEIGHED if part == "validation" else {}), chosen):
        for name, _, field in sets:
            groups = [str(row["group_id"]) for row in rows[name]]
            found[name][method] = asked(vectors[name], groups, [class_of(row, field) for row in rows[name]])
    told = {name: {method: _told(each) for method, each in of.items()} for name, of in found.items()}
    return {"part": part, "images": {name: len(each) for name, each in rows.items()}, "chosen": chosen, "sets": told}


def _methods(
    ws: Workspace,
    plain: str,
    names: list[str],
    rows: dict[str, list[Row]],
    views: dict[str, dict[str, float]],
    chosen: dict[str, float],
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    yield "HSV histogram", {name: _histograms(ws, found, hsv=True) for name, found in rows.items()}
    yield "Lab histogram", {name: _histograms(ws, found, hsv=False) for name, found in rows.items()}
    data = {name: vectors_and_grids(ws, plain, found) for name, found in rows.items()}
    yield "ImageNet features", {name: vectors for name, (vectors, _) in data.items()}
    for masked in (name for name in names if "-masked" in name):
        yield (
            "ImageNet features, garment alone",
            {name: vectors_and_grids(ws, masked, found)[0] for name, found in rows.items()},
        )
    for method, changes in views.items():
        view = _view(ws, plain, changes, chosen, method)
        yield method, {name: view.apply(*each) for name, each in data.items()}


def _view(ws: Workspace, encoder: str, changes: dict[str, float], chosen: dict[str, float], method: str) -> Any:
    """As `train_similar` does it: fitted on train, shrinkage by mAP on validation."""
    recipe = similar_recipe("similar/linear", changes)
    parts = {
        part: [row for row in _rows(ws, "true", part) if class_of(row, "type")] for part in ("train", "validation")
    }
    data = {part: vectors_and_grids(ws, encoder, found) for part, found in parts.items()}
    words = {part: [class_of(row, "type") for row in found] for part, found in parts.items()}
    groups = [str(row["group_id"]) for row in parts["validation"]]
    tried = []
    for shrinkage in recipe.shrinkage:
        view = fit(encoder, *data["train"], words["train"], recipe, shrinkage)
        score = asked(view.apply(*data["validation"]), groups, words["validation"]).means[-1]
        tried.append((float(score), -shrinkage, view))
    best = max(tried, key=lambda each: each[:2])
    chosen[method] = -best[1]
    return best[2]


def _rows(ws: Workspace, where: str, part: str) -> list[Row]:
    found = items(ws, f"split = '{part}' AND ({where})").to_pylist()
    return [{**row, "labels": json.loads(row["labels"])} for row in found]


def _histograms(ws: Workspace, rows: list[Row], *, hsv: bool) -> np.ndarray:
    """(n, bins) square roots of shares, so that a product of two is Bhattacharyya's coefficient."""
    out = []
    for row in rows:
        rgb = decode(ws.blobs.get(row["sha256"]), shorter_side_px=SIDE_PX).rgb
        few = cv2.resize(rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        turned = cv2.cvtColor(few, cv2.COLOR_RGB2HSV if hsv else cv2.COLOR_RGB2LAB)
        bins, top = ([12, 4, 4], 180) if hsv else ([6, 8, 8], 256)
        counts = cv2.calcHist([turned], [0, 1, 2], None, bins, [0, top, 0, 256, 0, 256]).ravel()
        out.append(np.sqrt(counts / counts.sum()))
    return np.array(out, np.float32)


def _told(found: Asked) -> dict[str, Any]:
    low, high = intervals(found)
    return {"n": len(found.scores)} | {
        name: [round(float(each), 4) for each in row]
        for name, row in zip(NAMES, zip(found.means, low, high, strict=True), strict=True)
    }


def table(report: dict[str, Any]) -> str:
    lines = []
    for name, methods in report["sets"].items():
        lines += [
            f"{name} ({report['part']}, gallery {report['images'][name]})",
            "| method | n | " + " | ".join(NAMES) + " |",
        ]
        lines += ["|---" * (len(NAMES) + 2) + "|"]
        for method, found in methods.items():
            cells = ["{:.3f} [{:.3f}, {:.3f}]".format(*found[each]) for each in NAMES]
            lines.append(f"| {method} | {found['n']} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--part", default="validation", choices=["validation", "test"])
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked_for = parser.parse_args()
    report = measure(Workspace.open(asked_for.workspace), asked_for.part)
    print(table(report))
    if asked_for.json:
        asked_for.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
