"""Edges on exact composites: SAD, MSE, boundary IoU and fringe colour of each refine method, before and after.

In: --data DIR (holds street/; without it nothing real is among the scenes), --count N. Out: a table, and --json FILE.
Coarse masks are the true ones spoilt as a network spoils them (benchmarks/edges_score.py). Beside ours: the coarse mask
itself with the photo's own colours, and rembg 2.0's `alpha_matting_cutout` with its defaults (240, 10, 10), reproduced
from its source (2.0.86) on pymatting, so that no model package is needed. CPU milliseconds a megapixel are
process_time. Intervals: bootstrap over scenes, 1,000 draws, seed 0.
Example: python -m benchmarks.edges --data DIR --count 60 --size 600 400 --json edges.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import binary_erosion

from benchmarks.edges_scenes import Scene, scenes
from benchmarks.edges_score import SPOILT, scores
from labeling.refine import METHODS, refine

Method = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
ORDER = ("sad", "mse", "boundary_iou", "fringe_de", "white_de", "cpu_ms_per_mp")


def coarse(rgb: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Before: the probability as alpha, the photo's own colours."""
    return probability, rgb.astype(np.float32)


def ours(method: str) -> Method:
    def run(rgb: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = refine(rgb, probability, method=method)
        return found.alpha.astype(np.float32) / 255, found.foreground.astype(np.float32)

    return run


def rembg(rgb: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rembg.bg.alpha_matting_cutout(img, mask, 240, 10, 10): its trimap, closed-form alpha, multi-level foreground."""
    from pymatting import estimate_alpha_cf, estimate_foreground_ml

    mask = np.rint(probability * 255).astype(np.uint8)
    square = np.ones((10, 10), np.uint8)
    trimap = np.full(mask.shape, 128, np.uint8)
    trimap[binary_erosion(mask > 240, structure=square)] = 255
    trimap[binary_erosion(mask < 10, structure=square, border_value=1)] = 0
    alpha = estimate_alpha_cf(rgb / 255.0, trimap / 255.0)
    colour = np.asarray(estimate_foreground_ml(rgb / 255.0, alpha))
    return np.asarray(alpha, np.float32), np.clip(colour * 255, 0, 255)


def measured(scene: Scene, method: Method, probability: np.ndarray) -> dict[str, float]:
    start = time.process_time()
    alpha, colour = method(scene.photo, probability)
    spent = (time.process_time() - start) * 1000
    found = scores(alpha, colour, scene.alpha, scene.foreground)
    return found | {"cpu_ms_per_mp": spent / (scene.alpha.size / 1e6)}


def warm_up(methods: dict[str, Method]) -> dict[str, float]:
    """CPU seconds of each method's very first call: pymatting compiles itself where no cache of it exists."""
    rgb, probability = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.float32)
    rgb[:, 32:], probability[:, 32:] = 200, 1
    spent = {}
    for name, method in methods.items():
        start = time.process_time()
        method(rgb, cv2.GaussianBlur(probability, (0, 0), 3))
        spent[name] = round(time.process_time() - start, 2)
    return spent


def interval(values: list[float]) -> tuple[float, float, float]:
    drawn = np.random.default_rng(0).choice(values, (1000, len(values))).mean(axis=1)
    return float(np.mean(values)), *(float(v) for v in np.percentile(drawn, [2.5, 97.5]))


def cell(key: str, values: list[float]) -> str:
    mean, low, high = interval(values)
    return f"{key} {mean:.3f} [{low:.3f}, {high:.3f}]"


def table(rows: list[dict[str, object]], by: str | None = None) -> list[str]:
    """One line a method: mean [95 %] of every score; with `by`, boundary IoU and white_de a kind or spoiling."""
    lines = []
    for name in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == name]
        if by is None:
            cells = [cell(key, [float(str(row[key])) for row in mine]) for key in ORDER]
        else:
            groups = dict.fromkeys(str(row[by]) for row in mine)
            cells = []
            for group in groups:
                chosen = [row for row in mine if row[by] == group]
                edge, white = (np.mean([float(str(r[key])) for r in chosen]) for key in ("boundary_iou", "white_de"))
                cells.append(f"{group} (n={len(chosen)}) {edge:.3f} / {white:.2f}")
        lines.append(f"{name!s:18} n={len(mine):<3} " + "  ".join(cells))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--size", type=int, nargs=2, default=(750, 500), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--without-rembg", action="store_true")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    cv2.setNumThreads(1)
    methods: dict[str, Method] = {"before": coarse} | {f"ours, {name}": ours(name) for name in METHODS}
    methods |= {} if words.without_rembg else {"rembg's matting": rembg}
    first, rows = warm_up(methods), []
    for number, scene in enumerate(scenes(words.count, tuple(words.size), words.data)):
        how = list(SPOILT)[(number // 2) % len(SPOILT)]
        probability = SPOILT[how](scene.alpha, np.random.default_rng(number))
        for name, method in methods.items():
            facts = {"scene": scene.name, "kind": scene.kind, "spoilt": how, "method": name}
            rows.append(facts | measured(scene, method, probability))
        print(scene.name, how, flush=True)
    print(
        "\n".join(table(rows)),
        "boundary IoU / dE2000 on white:",
        *table(rows, "kind"),
        *table(rows, "spoilt"),
        sep="\n",
    )
    print("CPU seconds of the first call:", first)
    if words.json:
        facts = {"size": list(words.size), "first_call_cpu_s": first, "rows": rows}
        words.json.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
