"""Garments laid flat: the network's mask alone beside the one `modiste cutout` settles on, and whether worn ones stay.

In: -w WORKSPACE, -s SNAPSHOT (street, validation), --photos N; --data DIR for real photos (every eighth of
wardrobe/validation). Out: a table, and --json FILE.
Made: each validation photo's own garment on a drawn backdrop of five kinds, truth exact, IoU from one confusion over
all, bootstrap over photos (1,000 draws), the gain paired. Worn: of the same photos as they are, how many masks stay to
the bit. Real: verdicts of `background white shadow, compose square` under the guard, by either mask, Wilson intervals.
Example: python -m benchmarks.flat_cutout -w W -s street --photos 135 --data DIR --json flat.json
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.errors import ImageError
from dataset.label_space import load_space
from dataset.masks import BACKGROUND, IGNORE
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.cutout_backdrop import settled
from modiste.cutout_model import choose
from modiste.edit_chain import from_words
from modiste.edit_photo import edit_one
from train import metrics
from train.closer import look
from train.data import masked_rows, photo, truth
from train.judge_segmentation import TRUSTED
from train.packshots import LEAST_SHARE, packshot

KINDS = ("plain", "graded", "shadowed", "crumpled", "planks")
WAYS = ("network", "auto")
CHAIN = "background white shadow, compose square"
Draw = np.random.Generator
Line = dict[str, Any]


def laid(rgb: np.ndarray, index: np.ndarray, kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The photo's garments on a backdrop of this kind: RGB and their (H, W) bool mask."""
    shot, moved = packshot(rgb, index, tuple(load_space("street-3").roles), np.random.default_rng([0, seed]))
    inside = (moved != BACKGROUND) & (moved != IGNORE)
    whole = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    alpha = cv2.GaussianBlur(whole, (0, 0), 0.7)[..., None]
    ground = backdrop(inside, kind, np.random.default_rng([1, seed, KINDS.index(kind)]))
    return np.rint(shot * alpha + ground * (1 - alpha)).astype(np.uint8), inside


def backdrop(inside: np.ndarray, kind: str, draw: Draw) -> np.ndarray:
    """(H, W, 3) float32 in [0, 255]: any light colour, with what the kind adds, and grain."""
    height, width = inside.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    ground = np.ones((height, width, 3), np.float32) * np.float32(draw.uniform(150, 245) + draw.uniform(-25, 25, 3))
    if kind != "plain":
        lamp = draw.uniform(-1, 1, 2)
        ground *= (1 - draw.uniform(0.05, 0.25) * ((x - lamp[0]) ** 2 + (y - lamp[1]) ** 2) / 4)[..., None]
    if kind == "shadowed":
        move = np.array([[1, 0, draw.uniform(-0.04, 0.04) * width], [0, 1, draw.uniform(0, 0.03) * height]])
        cast = cv2.warpAffine(inside.astype(np.float32), move, (width, height))
        ground *= (1 - draw.uniform(0.2, 0.45) * cv2.GaussianBlur(cast, (0, 0), draw.uniform(4, 14)))[..., None]
    if kind == "crumpled":
        folds = sum(cv2.GaussianBlur(draw.standard_normal((height, width)), (0, 0), s) * s for s in (8, 20))
        ground *= (1 + 0.12 * np.clip(folds, -2, 2))[..., None].astype(np.float32)
    if kind == "planks":
        ground *= _planks(height, width, draw)[..., None]
    return np.clip(ground + draw.standard_normal((height, width, 1)) * draw.uniform(0.5, 3), 0, 255).astype(np.float32)


def _planks(height: int, width: int, draw: Draw) -> np.ndarray:
    """(H, W) float32 factors: boards of differing shade with dark joints and a grain along them."""
    board = max(12, round(0.12 * width))
    shades = np.repeat(draw.uniform(0.85, 1.08, width // board + 1), board)[:width]
    shades[::board] = 0.6
    grain = cv2.GaussianBlur(draw.standard_normal((height, width)), (0, 0), sigmaX=1, sigmaY=12) * 0.25
    return (shades[None] + grain).astype(np.float32)


def made(ws: Workspace, rows: list[Any], see: Callable[[np.ndarray], Any]) -> list[Line]:
    """A line a kind: IoU of either way, the paired gain, how often the backdrop's mask was taken."""
    space, lines = load_space("street-3"), []
    for kind in KINDS:
        counts: dict[str, list[Any]] = {way: [] for way in WAYS}
        taken = 0
        for place, row in enumerate(rows):
            rgb, index = photo(ws, row), truth(ws, row, space)
            if ((index != BACKGROUND) & (index != IGNORE)).mean() < LEAST_SHARE:
                continue
            shot, inside = laid(rgb, index, kind, place)
            seen = see(shot)
            for way in WAYS:
                found, said = settled(shot, seen, way)
                taken += said == "backdrop"
                counts[way].append(
                    metrics.confusion(inside.astype(np.uint8), (found.garment > 0.5).astype(np.uint8), 2)
                )
        lines.append({"kind": kind, "n": len(counts["auto"]), "taken": taken, **_judged(counts)})
        print(
            "{kind:10} n={n} backdrop's {taken}: IoU {network} -> {auto}, gain {gain}".format(**lines[-1]), flush=True
        )
    return lines


def _judged(counts: dict[str, list[Any]]) -> Line:
    both = np.stack([np.stack(counts[way]) for way in WAYS], axis=1)

    def iou(summed: Any) -> Any:
        return metrics.iou_per_class(summed)[..., 1]

    def gain(summed: Any) -> Any:
        return iou(summed[..., 1, :, :]) - iou(summed[..., 0, :, :])

    told = {way: _figure(np.stack(counts[way]), iou) for way in WAYS}
    return {**told, "gain": _figure(both, gain)}


def _figure(counts: np.ndarray, figure: Callable[[Any], Any]) -> list[float]:
    """Value, low, high."""
    low, high = metrics.bootstrap(counts, figure)
    return [round(float(each), 4) for each in (figure(counts.sum(0)), low, high)]


def worn(ws: Workspace, rows: list[Any], see: Callable[[np.ndarray], Any]) -> Line:
    same = 0
    for row in rows:
        rgb = photo(ws, row)
        seen = see(rgb)
        found, _ = settled(rgb, seen)
        same += bool((found.garment == seen.garment).all() and (found.person == seen.person).all())
    return {"n": len(rows), "the same to the bit": same, "interval": metrics.wilson(same, len(rows))}


def guarded(paths: list[Path], see: Callable[[np.ndarray], Any]) -> Line:
    """Verdicts by either way; a photo refused or without a garment isn't written."""
    chain, verdicts = from_words(CHAIN), {way: Counter[str]() for way in WAYS}
    taken: Counter[str] = Counter()
    for path in paths:
        for way in WAYS:
            try:
                done = edit_one(path.name, path.read_bytes(), see, chain, mask=way)
                verdicts[way][done.verdict] += 1
                taken[done.mask] += way == "auto"
            except ImageError as error:
                verdicts[way][error.code] += 1
    passed = {
        way: [found["pass"], len(paths), *metrics.wilson(found["pass"], len(paths))] for way, found in verdicts.items()
    }
    return {"n": len(paths), "verdicts": {way: dict(found) for way, found in verdicts.items()}, "passed": passed,
            "mask of those written": dict(taken)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("-s", "--snapshot", default="street")
    parser.add_argument("--weights", type=Path, help="by default the weight that ships")
    parser.add_argument("--photos", type=int, default=135)
    parser.add_argument("--data", type=Path, help="real photos: wardrobe/validation inside")
    parser.add_argument("--flat", type=int, default=41, help="real photos under the guard")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    ws = Workspace.open(words.workspace)
    rows = masked_rows(load_snapshot(ws, words.snapshot), "validation", TRUSTED, load_space("street-3"))
    rows = rows[: words.photos]
    network, name = choose(None, weights=words.weights, threads=1)

    def see(rgb: np.ndarray) -> Any:
        return look(network, rgb)

    report: Line = {"model": name, "made": made(ws, rows, see), "worn": worn(ws, rows, see)}
    print("worn", report["worn"], flush=True)
    if words.data:
        flat = sorted((words.data / "wardrobe" / "validation").glob("*/*.jpg"))[3::8][: words.flat]
        report["guard"] = guarded(flat, see)
        print("guard", json.dumps(report["guard"]), flush=True)
    if words.json:
        words.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
