"""How near do learned upscaling and repair come to the truth, beside the classical ways?

In: a workspace with a snapshot of photographs (-w, --snapshot), a part, the networks (by default those that ship).
Out: a table, and --json FILE.
Truth: each photo shrunk by 2 (area), so that its JPEG blocks are no detail. Upscale: the truth shrunk by 2, 3 or 4 (the
mean of each block), enlarged again, the whole picture compared: bicubic, Lanczos with back-projection, learned. Repair:
of each photo one 128 px crop with strong edges, damaged in four ways (train/restoration_damage.py), seeded by the
photo's hash: Telea and Navier-Stokes (radius 4, as `modiste edit` uses them, and 2), learned. PSNR over RGB, over luma
(BT.601), SSIM over luma (Gaussian window of 1.5 px; Wang et al., 2004). Intervals: 95 %, bootstrap over photos, of
means and of the gain over the baseline on the same photos: bicubic; the best of the four classical repairs by its mean.
Example: python -m benchmarks.restoration -w shop --snapshot spring --photos 460 --json restoration.json
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.color import rgb2ycbcr
from skimage.metrics import structural_similarity

from dataset.images import decode
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.edit_learned import WEIGHTS
from modiste.edit_repair import METHODS
from modiste.edit_steps import Repair, Upscale
from modiste.edit_upscale import enlarged, learned, shrunk
from train.data import rows_of
from train.letterbox import UInt8
from train.restoration_damage import KINDS, damage, filled
from train.restoration_data import crop_of, truth_of
from train.restoration_onnx import Repairer, Upscaler, load_repairer, load_upscaler
from train.seeding import derived
from train.shipped import FOLDER

SIDE, SHRINK, DRAWS = 128, 2, 2000
Row = dict[str, Any]


def upscaled(truth: UInt8, times: int, network: Upscaler) -> Iterator[Row]:
    """A row a method: PSNR, luma's PSNR, SSIM of one photo."""
    high, wide = (side // times * times for side in truth.shape[:2])
    truth = np.ascontiguousarray(truth[:high, :wide])
    small = shrunk(truth, times)
    ways = {
        "bicubic": cv2.resize(small, (wide, high), interpolation=cv2.INTER_CUBIC),
        "lanczos": enlarged(small, times),
        "learned": learned(small, times, network),
    }
    for way, made in ways.items():
        yield {"task": f"upscale x{times}", "way": way, **_likeness(np.asarray(made), truth)}


def repaired(truth: UInt8, kind: str, seed: int, network: Repairer) -> Iterator[Row]:
    """A row a method: PSNR inside the damage, of the whole crop, and its SSIM."""
    mask = damage(np.random.default_rng(seed), kind, truth.shape[:2])
    ways = {f"{name} {radius}": filled(truth, mask, radius, METHODS[name]) for name in METHODS for radius in (2, 4)}
    ways["learned"] = network.filled(truth, mask > 0)
    for way, made in ways.items():
        inside = psnr((made.astype(float) - truth)[mask > 0])
        yield {"task": f"repair {kind}", "way": way, "inside": inside, **_likeness(made, truth)}


def psnr(difference: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(float(np.mean(difference**2)), 1e-3)))


def _likeness(made: UInt8, truth: UInt8) -> Row:
    luma, right = (rgb2ycbcr(each)[..., 0] for each in (made, truth))
    same = structural_similarity(
        luma, right, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return {"psnr": psnr(made.astype(float) - truth), "psnr_y": psnr(luma - right), "ssim": float(same)}


def summed(rows: list[Row], task: str, measure: str, baseline: str | None = None) -> list[Row]:
    """For each way of a task: n, mean, interval, and the gain over `baseline`, by default the best classical mean."""
    values: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        if row["task"] == task and measure in row:
            values[row["way"]][row["photo"]] = row[measure]
    means = {way: float(np.mean(list(found.values()))) for way, found in values.items()}
    beside = baseline or max((way for way in means if way != "learned"), key=means.__getitem__, default="learned")
    photos = sorted(values[beside])
    base = np.array([values[beside][photo] for photo in photos])
    draws = np.random.default_rng(0).integers(0, len(photos), (DRAWS, len(photos)))
    out = []
    for way, found in values.items():
        mine = np.array([found[photo] for photo in photos])
        low, high = np.percentile(mine[draws].mean(1), [2.5, 97.5])
        gain_low, gain_high = np.percentile((mine - base)[draws].mean(1), [2.5, 97.5])
        out.append({
            "task": task, "measure": measure, "way": way, "n": len(photos), "mean": means[way], "low": float(low),
            "high": float(high), "beside": beside, "gain": means[way] - means[beside], "gain_low": float(gain_low),
            "gain_high": float(gain_high), "better_on": float((mine > base).mean()),
        })  # fmt: skip
    return out


TASKS = {
    "upscale": [f"upscale x{times}" for times in (2, 3, 4)],
    "repair": [*(f"repair {kind}" for kind in KINDS), "repair all four"],
}


def measured(name: str, truth: UInt8, up: Upscaler | None, mend: Repairer | None) -> Iterator[Row]:
    """Every row of one photo, by the networks that are asked for."""
    if up is not None:
        for times in (2, 3, 4):
            yield from upscaled(truth, times, up)
    if mend is not None:
        crop = crop_of(truth, SIDE, np.random.default_rng(derived(1, name)))
        for kind in KINDS:
            yield from repaired(crop, kind, derived(1, name, kind), mend)


def tabled(rows: list[Row]) -> list[Row]:
    """The summary of all tasks there are rows of."""
    there, out = {row["task"] for row in rows}, []
    for task in (each for tasks in TASKS.values() for each in tasks if each in there):
        for measure in ("psnr", "psnr_y", "ssim") if task.startswith("upscale") else ("inside", "psnr", "ssim"):
            out += summed(rows, task, measure, "bicubic" if task.startswith("upscale") else None)
    return out


def main() -> None:
    args = _arguments()
    ws = Workspace.open(args.workspace)
    rows = rows_of(load_snapshot(ws, args.snapshot), args.part)
    rows = [rows[place] for place in np.linspace(0, len(rows) - 1, min(args.photos, len(rows))).astype(int)]
    up = load_upscaler(args.upscale, 1) if args.only != "repair" else None
    mend = load_repairer(args.repair, 1) if args.only != "upscale" else None
    found: list[Row] = []
    for row in rows:
        name = str(row["sha256"])
        truth = truth_of(decode(ws.blobs.get(name)).rgb, SHRINK)
        found += [{"photo": name, **each} for each in measured(name, truth, up, mend)]
    table = tabled(found + _over_kinds(found))
    show(table)
    if args.json:
        networks = [each.fingerprint for each in (up, mend) if each is not None]
        facts = {"snapshot": args.snapshot, "part": args.part, "photos": len(rows), "networks": networks}
        args.json.write_text(json.dumps({**facts, "table": table, "rows": found}, indent=1))


def _over_kinds(rows: list[Row]) -> list[Row]:
    """Each photo's mean over its four kinds of damage, for an interval over photos."""
    values: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["task"].startswith("repair"):
            values[row["photo"], row["way"]].append(row)
    return [
        {"task": "repair all four", "photo": photo, "way": way}
        | {measure: float(np.mean([row[measure] for row in each])) for measure in ("inside", "psnr", "ssim")}
        for (photo, way), each in values.items()
    ]


def show(table: list[Row]) -> None:
    for row in table:
        said = f"{row['task']:18} {row['measure']:7} {row['way']:16} n={row['n']}"
        gain = f"{row['gain']:+.3f} [{row['gain_low']:+.3f}, {row['gain_high']:+.3f}] over {row['beside']}"
        mean = f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        print(f"{said} {mean}  {gain}, on {row['better_on']:.0%}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--snapshot", required=True)
    parser.add_argument("--part", default="test", help="validation for choosing, test once")
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--only", choices=list(TASKS), help="measure one of the two")
    parser.add_argument("--upscale", type=Path, default=FOLDER / WEIGHTS[Upscale])
    parser.add_argument("--repair", type=Path, default=FOLDER / WEIGHTS[Repair])
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
