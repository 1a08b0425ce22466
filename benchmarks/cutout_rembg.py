"""Cutting a person out beside rembg itself: IoU of the person and CPU time of a photo, taking turns on each photo.

In: -w WORKSPACE, -s SNAPSHOT with annotated masks, --python (an interpreter with rembg in an environment of its own),
--model (an ONNX file that rembg takes, e.g. ISNet at 1024 px), --part, --photos N. Out: a table, and --json FILE. The
truth is the annotators' person (all that is not background); rembg knows 'what is salient', not garments. Its mask
counts from one half up. IoU from one confusion over all photos; intervals: bootstrap over photos, 1,000 draws. CPU
seconds of one thread each: ours is `modiste cutout`'s network and planes, rembg's its session's `predict`.
Example: python -m benchmarks.cutout_rembg -w shop -s street --python venv/bin/python --model isnet.onnx --photos 40
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from dataset.label_space import load_space
from dataset.masks import IGNORE
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.cutout_model import from_file
from train import metrics
from train.closer import look
from train.data import Row, masked_rows, photo, truth
from train.judge_segmentation import TRUSTED
from train.segmenter import Segmenter
from train.shipped import shipped

WORKER = Path(__file__).with_name("rembg_worker.py")


class Rembg:
    """The other process: a photo's path in, its person and its CPU seconds out."""

    def __init__(self, python: Path, model: Path, kind: str, folder: Path) -> None:
        words = [str(python), str(WORKER), str(model), kind, str(folder)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"rembg's process ended with {self.process.wait()}: see its words above")
        return dict(json.loads(line))

    def person(self, path: Path) -> tuple[np.ndarray, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        row = self._answer()
        return np.asarray(Image.open(row["mask"])) >= 128, row["cpu_s"]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)


def ours(model: Segmenter, rgb: np.ndarray) -> tuple[np.ndarray, float]:
    began = time.process_time()
    seen = look(model, rgb)
    return seen.person >= 0.5, time.process_time() - began


def compared(ws: Workspace, rows: list[Row], model: Segmenter, other: Rembg, folder: Path) -> dict[str, Any]:
    """(N, 2, 2) confusions and (N,) CPU seconds of each side."""
    space = load_space("street-3")
    found: dict[str, Any] = {"ours": [], "rembg": [], "ours_s": [], "rembg_s": []}
    for row in rows:
        rgb, index = photo(ws, row), truth(ws, row, space)
        right = np.where(index == IGNORE, IGNORE, index > 0).astype(np.uint8)
        path = folder / "photo.png"
        Image.fromarray(rgb).save(path)
        for name, (said, seconds) in (("ours", ours(model, rgb)), ("rembg", other.person(path))):
            found[name].append(metrics.confusion(right, said.astype(np.uint8), 2))
            found[f"{name}_s"].append(seconds)
    return {name: np.array(each) for name, each in found.items()}


def _person(counts: Any) -> Any:
    return metrics.iou_per_class(counts)[..., 1]


def told(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A line a side: IoU [95 %], CPU ms [95 %]; and the ratio of CPU times."""
    lines: list[dict[str, Any]] = []
    for name in ("ours", "rembg"):
        low, high = metrics.bootstrap(found[name], _person)
        seconds = found[f"{name}_s"]
        drawn = np.random.default_rng(0).choice(seconds, (1000, len(seconds))).mean(1) * 1000
        ends = np.percentile(drawn, [2.5, 97.5])
        lines.append({
            "side": name, "n": len(seconds), "person_iou": round(float(_person(found[name].sum(0))), 4),
            "low": round(low, 4), "high": round(high, 4), "cpu_ms": round(1000 * float(seconds.mean()), 1),
            "cpu_low": round(float(ends[0]), 1), "cpu_high": round(float(ends[1]), 1),
        })  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("-s", "--snapshot", required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--kind", default="dis_custom", help="rembg's session: dis_custom or u2net_custom")
    parser.add_argument("--weights", type=Path, default=None, help="ours; the one that ships without it")
    parser.add_argument("--part", default="test")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    cv2.setNumThreads(1)
    ws = Workspace.open(words.workspace)
    rows = masked_rows(load_snapshot(ws, words.snapshot), words.part, TRUSTED, load_space("street-3"))
    rows = [rows[place] for place in np.linspace(0, len(rows) - 1, min(words.photos, len(rows))).astype(int)]
    model = from_file(words.weights or shipped("segmentation"), 1)
    with tempfile.TemporaryDirectory() as folder:
        other = Rembg(words.python, words.model, words.kind, Path(folder))
        found = compared(ws, rows, model, other, Path(folder))
        other.close()
    lines, ratio = told(found), float(found["rembg_s"].sum() / found["ours_s"].sum())
    for line in lines:
        print("{side:6} n={n}  person IoU {person_iou:.4f} [{low:.4f}, {high:.4f}]  CPU {cpu_ms:.0f} ms "
              "[{cpu_low:.0f}, {cpu_high:.0f}]".format(**line))  # fmt: skip
    print(f"rembg takes {ratio:.1f} times the CPU of ours")
    if words.json:
        told_of = {"model": words.model.name, "bytes": words.model.stat().st_size, "lines": lines, "ratio": ratio}
        words.json.write_text(json.dumps(told_of, indent=1))


if __name__ == "__main__":
    main()
