"""How well does a flow fill holes in packshots, beside Telea, Navier-Stokes and the learned repair that ships?

In: -w WORKSPACE, a run of generation/inpaint, --part. Out: a table, and --json FILE, --sheet FILE. Two sizes: the
network's own (the photo fitted into it, one hole of each kind in each photo), and the photo's own, as `modiste
generate --fill` does it. Holes are drawn by train/generation_holes.py, seeded by the photo's hash. PSNR inside the
hole, over RGB, of one draw; of the mean of --draws draws, which is what PSNR rewards; of one told the type; of one
begun with half noise over a classical filling. 95 % by bootstrap over photos (2,000 draws), gains over the best of the
classical ways on the same photos. Draws apart: mean absolute difference inside the hole between draws, beside that
between the truth and another picture. KID by EfficientNet-Lite0 (`train.generation_measures`) of the filled pictures
to other photos of the part. Classical ways at radius 2 and 4, as benchmarks/restoration.py takes them.
Example: python -m benchmarks.inpainting -w shop latest --part test --photos 100 --json inpainting.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.restoration import psnr, show, summed
from dataset.blobs import write_atomically
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.edit_learned import repairer
from modiste.edit_repair import METHODS
from modiste.generate_fill import fillings, flow_that
from train import record
from train.data import photo
from train.generation_data import Pictures, fitted, pictures
from train.generation_flow import filled, hinted
from train.generation_holes import KINDS, Bool, hole
from train.generation_measures import Features, features_of, kid
from train.generation_recipe import GenerationRecipe
from train.generation_samples import Maker, load_maker
from train.generation_sheet import Block, sheet_png
from train.letterbox import UInt8, letterbox
from train.restoration_damage import filled as classical
from train.seeding import derived

Row = dict[str, Any]
ONE, MEAN, TOLD, OVER = "flow, one draw", "flow, mean of draws", "flow told the type", "flow over a classical"
LEARNED, BEGIN = "learned repair", 0.5  # chosen on validation
SHEET_PX, SHOWN = 128, 12


@dataclass(frozen=True)
class Case:
    """A photo, its hole and what each way made of it; `apart` are the draws' differences, and another photo's."""

    name: str
    truth: UInt8
    lost: Bool
    ways: dict[str, UInt8]
    apart: tuple[float, float]


def classical_ways(truth: UInt8, lost: Bool) -> dict[str, UInt8]:
    mask = lost.astype(np.uint8) * 255
    found = {f"{name} {radius}": classical(truth, mask, radius, METHODS[name]) for name in METHODS for radius in (2, 4)}
    found[LEARNED] = repairer().filled(truth, lost)
    mean = np.rint(truth[~lost].mean(0)).astype(np.uint8)
    return found | {"mean colour": np.where(lost[..., None], mean, truth)}


def flow_ways(draws: Sequence[UInt8], told: UInt8, over: UInt8, truth: UInt8, lost: Bool) -> dict[str, UInt8]:
    mean = np.rint(np.mean(np.stack(draws), axis=0, dtype=np.float64)).astype(np.uint8)
    return {ONE: draws[0], MEAN: np.where(lost[..., None], mean, truth), TOLD: told, OVER: over}


def small_cases(maker: Maker, found: Pictures, places: Sequence[int], kind: str, draws: int) -> Iterator[Case]:
    """At the network's size."""
    net, size = flow_that(maker, "fills"), maker.recipe.size
    truth = np.stack([np.asarray(found.photos[place]) for place in places])
    names = [str(found.rows[place]["sha256"]) for place in places]
    lost = np.stack([hole(np.random.default_rng(derived(1, name, kind)), kind, size) for name in names])
    plain, labels = untold(maker.recipe), torch.full((len(places),), net.hidden)
    made = np.stack([filled(net, plain, truth, lost, labels, seed, maker.device) for seed in range(draws)])
    types = torch.from_numpy(np.asarray(found.targets)[list(places)])
    told = filled(net, maker.recipe, truth, lost, types, 0, maker.device)
    over = filled(net, begun(plain), truth, lost, labels, 0, maker.device)
    for k, name in enumerate(names):
        ways = classical_ways(truth[k], lost[k]) | flow_ways(list(made[:, k]), told[k], over[k], truth[k], lost[k])
        yield Case(name, truth[k], lost[k], ways, _apart(made[:, k], truth[k], truth[k - 1], lost[k]))


def untold(recipe: GenerationRecipe) -> GenerationRecipe:
    """As the command draws where no type is named."""
    return recipe.model_copy(update={"guidance": 1.0})


def begun(recipe: GenerationRecipe) -> GenerationRecipe:
    return recipe.model_copy(update={"begin": BEGIN})


def large_cases(
    ws: Workspace, maker: Maker, found: Pictures, places: Sequence[int], kind: str, draws: int
) -> Iterator[Case]:
    """At the photo's own size."""
    net = flow_that(maker, "fills")
    for place in places:
        name, truth = str(found.rows[place]["sha256"]), photo(ws, found.rows[place])
        lost = hole(np.random.default_rng(derived(1, name, kind)), kind, truth.shape[:2])
        made = fillings(net, maker, truth, lost, torch.full((draws,), net.hidden), 0)
        told = fillings(net, maker, truth, lost, torch.tensor([int(found.targets[place])]), 0)[0]
        over = fillings(net, replace(maker, recipe=begun(maker.recipe)), truth, lost, torch.tensor([net.hidden]), 0)[0]
        ways = classical_ways(truth, lost) | flow_ways(list(made), told, over, truth, lost)
        yield Case(name, truth, lost, ways, _apart(made, truth, truth[:, ::-1], lost))


def _apart(draws: UInt8, truth: UInt8, other: UInt8, lost: Bool) -> tuple[float, float]:
    """Mean absolute difference inside the hole: between following draws; between the truth and another picture."""
    inside = draws[:, lost].astype(float)
    mine = float(np.abs(np.diff(inside, axis=0)).mean()) if len(draws) > 1 else 0.0
    return mine, float(np.abs(truth[lost].astype(float) - other[lost]).mean())


def measured(task: str, cases: list[Case], features: Features, rest: UInt8, recipe: GenerationRecipe) -> list[Row]:
    """PSNR inside for each way with its gain over the best classical; KID; how far draws lie apart."""
    rows = [
        {"task": task, "photo": case.name, "way": way, "inside": psnr((made.astype(float) - case.truth)[case.lost])}
        for case in cases for way, made in case.ways.items()
    ]  # fmt: skip
    old = [way for way in cases[0].ways if way.split()[0] in METHODS]
    best = max(old, key=lambda way: np.mean([row["inside"] for row in rows if row["way"] == way]))
    table = summed(rows, task, "inside", best)
    real = features(rest)
    for way in [*cases[0].ways, "the truth"]:
        made = [case.ways.get(way, case.truth) for case in cases]
        found = kid(features(np.stack([fitted(each, recipe.size, True) for each in made])), real)
        table.append({
            "task": task, "measure": f"KID ({features.name}; subsets of {found.subset})", "way": way, "n": len(made),
            "mean": found.mean, "low": found.low, "high": found.high,
        })  # fmt: skip
    apart = np.array([case.apart for case in cases])
    draw = np.random.default_rng(0).integers(0, len(apart), (2000, len(apart)))
    for way, values in zip(("draws", "truth and another picture"), apart.T, strict=True):
        low, high = np.percentile(values[draw].mean(1), [2.5, 97.5])
        table.append({
            "task": task, "measure": "difference inside, of 255", "way": way, "n": len(values),
            "mean": float(values.mean()), "low": float(low), "high": float(high),
        })  # fmt: skip
    return table


def sheet(cases: list[Case], title: str) -> bytes:
    """Photo with its hole, the best of each family, the truth."""
    blocks = []
    for case in cases[:SHOWN]:
        names = ["telea 4", LEARNED, ONE, TOLD, OVER, MEAN]
        columns = [hinted(case.truth, case.lost), *(case.ways[name] for name in names), case.truth]
        blocks.append(Block(tuple(_shown(each) for each in columns), case.name[:8]))
    return sheet_png(
        blocks, f"{title}: given | Telea | learned repair | flow | told the type | over a classical | mean | truth"
    )


def _shown(picture: UInt8) -> UInt8:
    if picture.shape[0] > SHEET_PX:
        return letterbox(picture, (SHEET_PX, SHEET_PX), 255)
    return picture.repeat(SHEET_PX // picture.shape[0], 0).repeat(SHEET_PX // picture.shape[1], 1)


def main() -> None:
    args = _arguments()
    torch.set_num_threads(1)
    ws = Workspace.open(args.workspace)
    run = record.load(ws, args.run, task="generation")
    maker = load_maker(run.folder)
    found = pictures(ws, load_snapshot(ws, run.data["snapshot"]), args.part, maker.recipe, maker.classes)
    table: list[Row] = []
    for size, n in (("small", args.photos), ("own", args.large)):
        if n == 0:
            continue
        places = np.linspace(0, len(found.rows) - 1, min(n, len(found.rows) // 2)).astype(int).tolist()
        rest = np.asarray(found.photos)[sorted(set(range(len(found.rows))) - set(places))]
        for kind in args.kinds or KINDS:
            if size == "small":
                cases = list(small_cases(maker, found, places, kind, args.draws))
            else:
                cases = list(large_cases(ws, maker, found, places, kind, args.draws))
            task = f"{kind}, {f'{maker.recipe.height} px' if size == 'small' else 'own size'}"
            table += measured(task, cases, features_of(maker.recipe), rest, maker.recipe)
            if args.sheet:
                write_atomically(args.sheet.with_name(f"{args.sheet.stem}-{kind}-{size}.png"), sheet(cases, task))
    told(table)
    if args.json:
        facts = {key: run.data[key] for key in ("id", "recipe", "snapshot", "fingerprint", "counts", "wall_s", "cpu_s")}
        args.json.write_text(json.dumps({**facts, "part": args.part, "draws": args.draws, "table": table}, indent=1))


def told(table: list[Row]) -> None:
    show([row for row in table if "gain" in row])
    for row in table:
        if "gain" not in row:
            mean = f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            print(f"{row['task']:18} {row['measure']:46} {row['way']:26} n={row['n']} {mean}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="latest")
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["validation", "test"], help="test is read once")
    parser.add_argument("--photos", type=int, default=100, help="at the network's size")
    parser.add_argument("--large", type=int, default=50, help="at the photo's own size")
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS))
    parser.add_argument("--sheet", type=Path, help="PNG; one for each kind and size, named after it")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
