"""What cutting out a photo costs: photos a second of the network and of each step from bytes to PNG, CPU and wall.
"Whole photo" is what `modiste cutout` does with one by the first network: bytes in, PNG bytes out.

In: weights (.onnx, .safetensors), --data DIR (street/photos; drawn noise of 550 x 830 without it), --count N. Out: a
table, and --json FILE. Variants take turns on each photo, so that a busy machine slows all of them alike. CPU seconds
are process_time (all threads); photos a second 'at full use' are threads / CPU seconds, what an idle machine of that
many cores can reach at best. Intervals: bootstrap over photos, 1,000 draws, seed 0. Beside rembg:
`benchmarks.cutout_rembg`.
Example: python -m benchmarks.cutout fast-fp32.onnx fast-int8.onnx --data DIR --count 12 --json cutout.json
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from dataset.images import decode
from labeling.clipping import alpha_from, without_hidden
from labeling.refine import METHODS, refine
from modiste.cutout_model import from_file
from modiste.cutout_photo import cut_one, encoded
from modiste.cutout_settings import CutoutSettings
from train.closer import log_odds, look
from train.segmenter import Segmenter

SIZE = (830, 550)
Cost = tuple[float, float]


def timed(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """What `work` gives, and its CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    return found, (time.process_time() - cpu, time.perf_counter() - wall)


def photos(data: Path | None, count: int) -> list[bytes]:
    """JPEGs fitted to 550 x 830 px, evenly out of street/photos, or drawn noise."""
    paths = sorted((data / "street" / "photos").glob("*.jpg")) if data else []
    if not paths:
        rng = np.random.default_rng(0)
        small = [rng.integers(0, 256, (40, 30, 3)).astype(np.uint8) for _ in range(count)]
        return [_jpeg(np.asarray(cv2.resize(each, SIZE[::-1]))) for each in small]
    chosen = [paths[place] for place in np.linspace(0, len(paths) - 1, count).astype(int)]
    return [_jpeg(np.asarray(cv2.resize(decode(p.read_bytes()).rgb, SIZE[::-1]))) for p in chosen]


def _jpeg(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb.astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def measured(data: bytes, networks: dict[str, Segmenter], edges: tuple[str, ...]) -> dict[str, Cost]:
    """Step -> cost, of one photo. The later steps use the first network's mask."""
    costs: dict[str, Cost] = {}
    photo, costs["decode"] = timed(lambda: decode(data).rgb)
    for name, segmenter in networks.items():
        _, costs[f"network {name}"] = timed(partial(log_odds, segmenter, photo))
    seen, costs["network + planes"] = timed(lambda: look(next(iter(networks.values())), photo))
    prior = alpha_from(seen.garment).astype(np.float32) / 255
    for method in edges:
        found, costs[f"edges {method}"] = timed(partial(refine, photo, prior, method=method))
    rgba = without_hidden(found.rgba())
    for method in edges:
        settings = CutoutSettings(edges=method)
        first = next(iter(networks.values()))
        _, costs[f"whole photo, edges {method}"] = timed(partial(cut_one, data, partial(look, first), settings, None))
    for kind in ("png", "webp"):
        _, costs[f"write {kind}"] = timed(partial(encoded, rgba, kind))
    return costs


def summary(rows: list[dict[str, Cost]], threads: int) -> list[dict[str, Any]]:
    """A line a step: mean CPU ms [95 %], median wall ms, photos a second at full use and as it went."""
    lines = []
    for step in rows[0]:
        cpu, wall = np.array([row[step] for row in rows]).T
        drawn = np.random.default_rng(0).choice(cpu, (1000, len(cpu))).mean(1)
        low, high = np.percentile(drawn, [2.5, 97.5]) * 1000
        lines.append({
            "step": step, "n": len(cpu), "cpu_ms": 1000 * cpu.mean(), "cpu_low": low, "cpu_high": high,
            "wall_ms": 1000 * float(np.median(wall)), "full_use_per_s": threads / max(cpu.mean(), 1e-9),
            "wall_per_s": 1 / max(float(np.median(wall)), 1e-9),
        })  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--edges", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    cv2.setNumThreads(words.threads)
    networks = {path.name: from_file(path, words.threads) for path in words.weights}
    given = photos(words.data, words.count)
    measured(given[0], networks, tuple(words.edges))  # warms up: buffers, and pymatting compiles itself once
    lines = summary([measured(each, networks, tuple(words.edges)) for each in given], words.threads)
    for line in lines:
        print("{step:32} n={n:<3} CPU {cpu_ms:7.1f} ms [{cpu_low:.1f}, {cpu_high:.1f}]  wall {wall_ms:8.1f} ms  "
              "{full_use_per_s:6.1f} /s at full use, {wall_per_s:5.1f} /s as it went".format(**line))  # fmt: skip
    print("rembg: python -m benchmarks.cutout_rembg")
    if words.json:
        words.json.write_text(json.dumps({"size": SIZE, "threads": words.threads, "lines": lines}, indent=1))


if __name__ == "__main__":
    main()
