"""Does a flow draw a garment where the outline says? IoU of what it drew with the outline that was asked for.

In: -w WORKSPACE, a run of generation/outline (garments on white), --part. Out: a table, and --json FILE, --sheet FILE.
What is drawn counts where a pixel is off white (any channel below 230 of 255), the same for real pictures, whose IoU
with their own outline is the ceiling. Beside: the same network told no outline, and the next garment's picture (chance:
garments lie in the middle). 95 % by bootstrap over garments, 2,000 draws.
Example: python -m benchmarks.outline -w street latest --part test --json outline.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from dataset.blobs import write_atomically
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.generate_fill import flow_that
from train import record
from train.figure import Figure
from train.generation_data import pictures
from train.generation_flow import flow_pictures
from train.generation_holes import Bool
from train.generation_known import with_given
from train.generation_measures import features_of, kid
from train.generation_samples import load_maker
from train.generation_sheet import Block, sheet_png
from train.letterbox import UInt8

WHITE, SHOWN = 230, 24


def shown(photos: UInt8) -> Bool:
    """(N, H, W, 3) -> (N, H, W): where there is anything."""
    return np.asarray(photos.min(-1) < WHITE)


def overlaps(photos: UInt8, asked: Bool) -> np.ndarray:
    """(N,) IoU."""
    there = shown(photos)
    return (there & asked).sum((1, 2)) / np.maximum((there | asked).sum((1, 2)), 1)


def figure(name: str, values: np.ndarray, part: str, beside: np.ndarray | None = None) -> Figure:
    draw = np.random.default_rng(0).integers(0, len(values), (2000, len(values)))
    low, high = np.percentile(values[draw].mean(1), [2.5, 97.5])
    told = ("the next garment's picture", float(beside.mean())) if beside is not None else (None, None)
    return Figure(
        f"IoU with the outline, {name}", float(values.mean()), float(low), float(high), len(values), part, *told
    )


def main() -> None:
    args = _arguments()
    torch.set_num_threads(1)
    ws = Workspace.open(args.workspace)
    run = record.load(ws, args.run, task="generation")
    frozen, maker = load_snapshot(ws, run.data["snapshot"]), load_maker(run.folder)
    net, recipe = flow_that(maker, "outlines"), maker.recipe
    found = with_given(ws, frozen, args.part, recipe, pictures(ws, frozen, args.part, recipe, maker.classes))
    real, planes = np.asarray(found.photos), np.asarray(found.given)[..., -1]
    asked, labels = planes > 127, torch.from_numpy(np.asarray(found.targets, np.int64))
    outline = torch.from_numpy(planes.copy())[:, None].float() / 127.5 - 1
    given = net.given_of(torch.zeros(len(real), *net.shape), torch.ones(len(real), *recipe.size) > 0, outline)
    made = flow_pictures(net, recipe, labels, 0, maker.device, given)
    plain = flow_pictures(net, recipe, labels, 0, maker.device)
    chance = overlaps(np.roll(real, 1, axis=0), asked)
    rows = [
        figure("drawn into it", overlaps(made, asked), args.part, chance),
        figure("told no outline", overlaps(plain, asked), args.part),
        figure("the next garment's picture", chance, args.part),
        figure("its own real picture", overlaps(real, asked), args.part),
    ]
    features = features_of(recipe)
    for name, photos in (("drawn into outlines", made), ("told no outline", plain)):
        score = kid(features(photos), features(real))
        words = f"KID, {name} ({features.name}; subsets of {score.subset})"
        rows.append(Figure(words, score.mean, score.low, score.high, len(photos), args.part))
    for row in rows:
        print(row.line())
    if args.sheet:
        columns = zip(np.where(asked, 0, 255).astype(np.uint8), made, plain, real, strict=True)
        blocks = [Block((np.dstack([plane] * 3), *rest), "") for plane, *rest in list(columns)[:SHOWN]]
        write_atomically(args.sheet, sheet_png(blocks, f"{run.id}: outline | drawn | told none | the real one"))
    if args.json:
        facts = {key: run.data[key] for key in ("id", "recipe", "snapshot", "fingerprint", "counts", "wall_s", "cpu_s")}
        args.json.write_text(json.dumps({**facts, "figures": [asdict(row) for row in rows]}, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="latest")
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["validation", "test"], help="test is read once")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
