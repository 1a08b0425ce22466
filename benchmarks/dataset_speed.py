"""CPU time per image of `check` and of the cutout path of `label masks`, by turns with bare decoding.

In: a folder of photographs or None, how many, rounds. Out: figures per step: milliseconds of bare and step, their ratio
(1 is as fast as bare decoding) with its interval, images per CPU-second. Never uses more than one core.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import simplejpeg

from dataset.blobs import BlobStore
from dataset.check import check_batch
from dataset.engine_task import keep_freed_memory
from dataset.images import decode
from labeling.cutting import Job, cut

_BATCH = 8  # photos timed together, and drawn together in the bootstrap
Pass = Callable[[int], None]


def photographs(data: Path | None, count: int) -> list[bytes]:
    """JPEG bytes: an even sample of `street` and `wardrobe`, half each; drawn pictures where there is no data."""
    if data is None:
        return [_drawn(seed) for seed in range(count)]
    both = [sorted((data / "street/photos").glob("*.jpg")), sorted((data / "wardrobe/train").glob("*/*.jpg"))]
    return [path.read_bytes() for files in both for path in files[:: max(1, len(files) // (count // 2))][: count // 2]]


def enlarged(photo: bytes, times: int = 2) -> bytes:
    rgb = decode(photo).rgb
    large = cv2.resize(rgb, None, fx=times, fy=times, interpolation=cv2.INTER_LANCZOS4)
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(large), quality=90, colorsubsampling="420"))


def jobs(photos: list[bytes]) -> list[Job]:
    """Each photo with a person and a garment cutout on white: an ellipse each, since the cost is in the pixels."""
    return [Job("0" * 64, "cutout", "scene", photo, _cutout(photo, 0.30), _cutout(photo, 0.18)) for photo in photos]


def measured(data: Path | None, count: int, rounds: int) -> dict[str, Any]:
    cv2.setNumThreads(1)
    keep_freed_memory()
    small = photographs(data, count)
    sets = {"as they are": small, "enlarged": [enlarged(photo) for photo in small[: count // 2]]}
    found: dict[str, Any] = {"photos": "real" if data else "drawn"}
    for name, photos in sets.items():
        with tempfile.TemporaryDirectory() as folder:
            found[f"check, {name}"] = _against_bare(*_check_passes(photos, folder), len(photos), rounds)
    cutouts = jobs(small[:: max(1, count // 40)])
    found["label masks, cutouts"] = _against_bare(*_mask_passes(cutouts), len(cutouts), max(1, rounds // 2))
    return found


def _check_passes(photos: list[bytes], folder: str) -> tuple[Pass, Pass]:
    store = BlobStore(folder)
    names = [store.put(photo) for photo in photos]
    paths = [Path(store.path(name)) for name in names]

    def bare(start: int) -> None:
        for path in paths[start : start + _BATCH]:
            simplejpeg.decode_jpeg(path.read_bytes(), "RGB")

    def step(start: int) -> None:
        check_batch(pa.record_batch({"sha256": names[start : start + _BATCH]}), blobs=folder)

    return bare, step


def _mask_passes(cutouts: list[Job]) -> tuple[Pass, Pass]:
    def bare(start: int) -> None:
        for job in cutouts[start : start + _BATCH]:
            simplejpeg.decode_jpeg(job.photo, "RGB")
            for png in (job.person or b"", job.garment or b""):
                cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)

    def step(start: int) -> None:
        for job in cutouts[start : start + _BATCH]:
            if reason := cut(job).reason:
                raise ValueError(f"a made cutout was refused: {reason}")

    return bare, step


def _against_bare(bare: Pass, step: Pass, n: int, rounds: int) -> dict[str, float]:
    starts = range(0, n, _BATCH)
    times = np.array([[[_cpu_s(do, start) for start in starts] for do in (bare, step)] for _ in range(rounds)])
    plain, ours = np.median(times, axis=0)
    chosen = np.random.default_rng(0).integers(0, len(plain), (1_000, len(plain)))
    low, high = np.percentile(plain[chosen].sum(axis=1) / ours[chosen].sum(axis=1), [2.5, 97.5])
    return {
        "n": n, "bare ms": 1e3 * plain.sum() / n, "step ms": 1e3 * ours.sum() / n,
        "of bare speed": plain.sum() / ours.sum(), "low": low, "high": high, "images per CPU-second": n / ours.sum(),
    }  # fmt: skip


def _cpu_s(do: Pass, start: int) -> float:
    began = time.process_time()
    do(start)
    return time.process_time() - began


def peak_mb() -> float:
    """Peak resident memory of this process; getrusage's figure would be its parent's where that is larger."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _drawn(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    rgb = cv2.resize(rng.integers(0, 255, (60, 40, 3), np.uint8), (550, 830), interpolation=cv2.INTER_CUBIC)
    noisy = np.clip(rgb + rng.normal(0, 6, rgb.shape), 0, 255).astype(np.uint8)
    return bytes(simplejpeg.encode_jpeg(noisy, quality=88, colorsubsampling="420"))


def _cutout(photo: bytes, share: float) -> bytes:
    rgb = decode(photo).rgb
    height, width = rgb.shape[:2]
    inside = np.zeros((height, width), np.uint8)
    cv2.ellipse(inside, (width // 2, height // 2), (int(share * width), int(1.4 * share * height)), 0, 0, 360, 1, -1)
    kept = np.where(inside[..., None] > 0, rgb, np.uint8(255))
    return bytes(cv2.imencode(".png", cv2.cvtColor(kept, cv2.COLOR_RGB2BGR))[1].tobytes())


def _one_step(step: str, photos: list[bytes]) -> None:
    if step == "masks":
        for job in jobs(photos):
            cut(job)
        return
    with tempfile.TemporaryDirectory() as folder:
        bare, check = _check_passes(photos, folder)
        for start in range(0, len(photos), _BATCH):
            (bare if step == "bare" else check)(start)


if __name__ == "__main__":
    _one_step(sys.argv[1], photographs(Path(sys.argv[2]) if sys.argv[2] else None, int(sys.argv[3])))
    print(peak_mb())
