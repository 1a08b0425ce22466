"""How well a garment warped onto another person fills its place, beside its box laid onto the other's box.

In: --data DIR (street/photos, street/labels, labels.json), test photos only (number % 5 == 0), in pairs that wear a
like garment. Out: share of the place that is filled (bootstrap over pairs), folds, roughness; --json FILE.
Example: python -m benchmarks.garment_warp --data DIR --json warp.json
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from train import metrics
from train.garment_warp import warp

LIKE = (
    ("dress",), ("coat", "jacket", "blazer", "cardigan"), ("shirt", "blouse", "t-shirt", "top", "sweater"),
    ("pants", "jeans"), ("skirt",),
)  # fmt: skip
LEAST = 0.04  # of the photo
Worn = tuple[Path, np.ndarray]


def pairs(street: Path, most: int) -> list[tuple[Worn, Worn]]:
    """Of each kind at most `most` pairs of test photos, each photo once."""
    numbers = {name: int(value) for value, name in json.loads((street / "labels.json").read_text()).items()}
    found: list[tuple[Worn, Worn]] = []
    for words in LIKE:
        worn: list[Worn] = []
        for path in sorted((street / "labels").glob("*.png")):
            if int(path.stem) % 5 or len(worn) >= 2 * most:
                continue
            region = np.isin(np.asarray(Image.open(path)), [numbers[word] for word in words if word in numbers])
            if region.mean() > LEAST:
                worn.append((street / "photos" / f"{path.stem}.jpg", region))
        found += list(zip(worn[::2], worn[1::2], strict=False))
    return found


def box_onto_box(source: np.ndarray, target: np.ndarray) -> float:
    """Share of `target` that `source` fills, stretched from its own box to the other's."""
    (top, left, bottom, right), (a, b, c, d) = box(target), box(source)
    part = source[a:c, b:d].astype(np.uint8)
    stretched = cv2.resize(part, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST) > 0
    return float((stretched & target[top:bottom, left:right]).sum() / target.sum())


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def measured(one: Worn, other: Worn) -> tuple[float, float, float, float]:
    """Filled, filled by boxes, least Jacobian, roughness."""
    photo = np.asarray(Image.open(one[0]).convert("RGB"))
    made = warp(np.dstack([photo, one[1].astype(np.uint8) * 255]), other[1])
    return made.filled, box_onto_box(one[1], other[1]), made.least_jacobian, made.roughness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MODISTE_DATA", "../shared/data")))
    parser.add_argument("--pairs", type=int, default=10, help="of each kind, at most")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = np.array([measured(*each) for each in pairs(args.data / "street", args.pairs)])
    report: dict[str, object] = {"n": len(found), "folds": int((found[:, 2] <= 0).sum())}
    report |= {"least_jacobian": float(found[:, 2].min()), "roughness_median": float(np.median(found[:, 3]))}
    for name, values in (("filled", found[:, 0]), ("filled_by_boxes", found[:, 1])):
        low, high = metrics.bootstrap(np.stack([values, np.ones_like(values)], 1), lambda c: c[..., 0] / c[..., 1])
        report[name] = {"mean": float(values.mean()), "low": low, "high": high}
    print(json.dumps(report, indent=1))
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
