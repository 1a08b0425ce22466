"""Whether data loading keeps up: photos a second of decoding, fitting in, augmenting and collating, beside the step.

In: -w WORKSPACE and -s SNAPSHOT (else drawn photos of 550 x 830), a recipe. Out: a table, and --json FILE. All by
process CPU time with one thread, so that a busy machine doesn't count; photos a second are 1 / CPU seconds, for one
worker on one core. Decoding and fitting in are paid once: training reads a cache. Intervals: bootstrap over photos,
1,000 draws, seed 0. `--gpu-per-s N` says how many workers would feed a GPU that trains N photos a second: a computation
from these rates, not a measurement. Example: python -m benchmarks.loader -w shop -s street -r segmentation/fast
"""

from __future__ import annotations

import argparse
import io
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch.utils.data import default_collate

from dataset.images import decode
from dataset.label_space import load_space
from dataset.masks import IGNORE
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train.data import masked_rows, photo, truth
from train.letterbox import letterbox
from train.loop import as_input
from train.losses import CrossEntropyDice
from train.models.backbones import channels_last
from train.models.segmenters import build_segmenter
from train.recipe import SegmentationRecipe, segmentation_recipe
from train.segmentation import varied

Pair = tuple[np.ndarray, np.ndarray]
SIZE = (830, 550)


def cpu_of(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


def drawn(count: int) -> list[Callable[[], Pair]]:
    """What decodes: JPEGs of noise blobs and a class map."""
    draw = np.random.default_rng(0)
    made = []
    for _ in range(count):
        small = draw.integers(0, 256, (40, 30, 3)).astype(np.uint8)
        rgb = np.asarray(cv2.resize(small, SIZE[::-1]), dtype=np.uint8)
        index = np.zeros(SIZE, np.uint8)
        index[200:600, 150:400] = 2
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, "JPEG", quality=90)
        data = buffer.getvalue()
        made.append(lambda data=data, index=index: (decode(data).rgb, index))
    return made


def stored(root: Path, snapshot: str, recipe: SegmentationRecipe, count: int) -> list[Callable[[], Pair]]:
    ws, space = Workspace.open(root), load_space(recipe.label_space)
    rows = masked_rows(load_snapshot(ws, snapshot), "train", recipe.mask_sources, space)[:count]
    return [lambda row=row: (photo(ws, row), truth(ws, row, space)) for row in rows]


def loading(photos: list[Callable[[], Pair]], recipe: SegmentationRecipe) -> dict[str, list[float]]:
    """CPU seconds a photo of each part of loading."""
    size, spent = (recipe.height, recipe.width), {name: [] for name in ("decode", "letterbox", "augment")}
    fitted: list[Pair] = []
    for each in photos:
        (rgb, index), cost = cpu_of(each)
        spent["decode"].append(cost)
        pair, cost = cpu_of(lambda rgb=rgb, index=index: (letterbox(rgb, size), letterbox(index, size, IGNORE)))
        spent["letterbox"].append(cost)
        fitted.append(pair)
    arrays = np.stack([rgb for rgb, _ in fitted]), np.stack([index for _, index in fitted])
    data = varied(*arrays, recipe, load_space(recipe.label_space).roles)
    data[0]  # the first call builds what later ones reuse
    spent["augment"] = [cpu_of(lambda n=n: data[n])[1] for n in range(len(data))]
    items = [data[n] for n in range(min(recipe.batch, len(data)))]
    spent["collate"] = [cpu_of(lambda: default_collate(items))[1] / len(items) for _ in range(20)]
    return spent


def stepping(recipe: SegmentationRecipe, steps: int, classes: int = 3) -> list[float]:
    """CPU seconds a photo of forward, backward and optimiser, one thread, on noise."""
    net = channels_last(build_segmenter(recipe, classes, pretrained=False)).train()
    loss, optimiser = CrossEntropyDice(recipe.dice), torch.optim.AdamW(net.parameters(), 1e-4)
    photos = torch.randint(0, 256, (recipe.batch, 3, recipe.height, recipe.width), dtype=torch.uint8)
    right = torch.randint(0, classes, (recipe.batch, recipe.height, recipe.width))

    def step() -> None:
        optimiser.zero_grad()
        loss(net(as_input(photos)), right).backward()
        optimiser.step()

    step()
    return [cpu_of(step)[1] / recipe.batch for _ in range(steps)]


def line_of(name: str, costs: list[float]) -> dict[str, Any]:
    """Mean CPU ms with its interval, and photos a second on one core."""
    values = np.array(costs)
    drawn_means = np.random.default_rng(0).choice(values, (1000, len(values))).mean(1)
    low, high = np.percentile(drawn_means, [2.5, 97.5]) * 1000
    return {"part": name, "n": len(costs), "cpu_ms": 1000 * values.mean(), "low": low, "high": high,
            "per_s": 1 / max(values.mean(), 1e-9)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path)
    parser.add_argument("-s", "--snapshot", default="street")
    parser.add_argument("-r", "--recipe", default="segmentation/fast")
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--steps", type=int, default=3, help="0 leaves the network out")
    parser.add_argument("--gpu-per-s", type=float, help="photos a second that a GPU trains, from elsewhere")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    recipe = segmentation_recipe(words.recipe)
    given = stored(words.workspace, words.snapshot, recipe, words.photos) if words.workspace else drawn(words.photos)
    costs = loading(given, recipe)
    costs |= {"step": stepping(recipe, words.steps)} if words.steps else {}
    lines = [line_of(name, each) for name, each in costs.items()]
    for line in lines:
        print(
            "{part:10} n={n:<3} CPU {cpu_ms:8.2f} ms [{low:.2f}, {high:.2f}] a photo  {per_s:8.1f} photos/s".format(
                **line
            )
        )
    worker = 1 / (np.mean(costs["augment"]) + np.mean(costs["collate"]))
    print(f"{recipe.name}: a worker feeds {worker:.0f} photos/s from the cache")
    found: dict[str, Any] = {"recipe": recipe.name, "lines": lines, "worker_per_s": worker}
    if words.gpu_per_s:
        found["workers_computed"] = math.ceil(words.gpu_per_s / worker)
        print(f"computed: {found['workers_computed']} workers feed {words.gpu_per_s:g} photos/s")
    if words.json:
        words.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
