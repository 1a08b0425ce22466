"""How good a generator is, on photos it has not seen: every figure of `train.generation_judge`, and CIEDE2000.

In: -w WORKSPACE, a run of task generation, --part. Out: a table, and --json FILE: figure, n, 95 % interval, the trivial
answer beside it. KID's interval is the spread of its 50 subsets; shares have Wilson's, means a bootstrap over photos
(1,000 draws), seeds fixed. A garment that is kept is compared with the same network's picture without pasting, which
was asked for the garment's pixels too (L1 everywhere) and so reinvents them as well as it can. LPIPS's network is in no
package that ships, so CIEDE2000 (Sharma et al., 2005) stands for it: mean over the garment's pixels, then over photos,
pixel by pixel and with patches that may move (`benchmarks.garment_patches`). Pairs also get the rows of
`benchmarks.generation_floor`, among them 'real photos, no map', below which no generator can be shown to be; edges get
the share of told edges that a picture shows (`train.generation_edges`).
Example: python -m benchmarks.generation -w shop latest --part test --json generation.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.garment_patches import PATCH, REACH, difference, matched
from benchmarks.generation_floor import floor_figures
from dataset.snapshot import Snapshot, load_snapshot
from dataset.workspace import Workspace
from train import metrics, record
from train.figure import Figure
from train.generation_data import Pictures, pictures
from train.generation_held import Held, drawn, held_of
from train.generation_judge import judged
from train.generation_judge_pairs import Worn, apart, worn
from train.generation_sheet import Block, sample_sheet

SHOWN = 20


def garment_figures(ws: Workspace, run: record.Run, part: str, sheet: Path) -> list[Figure]:
    """CIEDE2000 of the garment region: against the photo, and against the pixels that were given."""
    held = held_of(ws, run, load_snapshot(ws, run.data["snapshot"]), part)
    found, rows = worn(held), []
    both = found.kept, found.reinvented
    near = f"from the photo, each patch of {PATCH} px at its best place within {REACH} px"
    for words, (kept, other) in {
        "from the photo, in the garment region": [
            apart(each, found.photos, found.garment, difference) for each in both
        ],
        near: [_patches(each, found) for each in both],
        "from the garment as given (bent), where it was given": [
            apart(each, found.bent, found.pasted, difference) for each in both
        ],
    }.items():
        for name, values, beside in (("kept", kept, other), ("reinvented", other, None)):
            low, high = metrics.bootstrap(np.stack([values, np.ones_like(values)], 1), lambda c: c[..., 0] / c[..., 1])
            said = Figure(f"CIEDE2000 {words}, {name}", float(values.mean()), low, high, len(values), part)
            rows.append(
                said if beside is None else Figure(*list(asdict(said).values())[:6], "reinvented", float(beside.mean()))
            )
        ratio = np.stack([kept, other], 1)
        low, high = metrics.bootstrap(ratio, lambda c: c[..., 0] / c[..., 1])
        rows.append(
            Figure(
                f"kept over reinvented, CIEDE2000 {words}", float(kept.sum() / other.sum()), low, high, len(kept), part
            )
        )
    columns = (found.photos, found.bent, found.reinvented, found.kept)
    blocks = [Block(tuple(each[k] for each in columns), "") for k in range(min(SHOWN, len(found.photos)))]
    sample_sheet(sheet, blocks, "the photo | its garment, bent | reinvented | kept")
    return rows


def _patches(pictures: np.ndarray, found: Worn) -> np.ndarray:
    """(N,) of photos with a garment."""
    rows = zip(pictures, found.photos, found.garment, strict=True)
    return np.array([matched(made, truth, where).mean() for made, truth, where in rows if where.any()])


def _large(held: Held, ws: Workspace, frozen: Snapshot) -> Pictures | None:
    """The training part with its larger photos, where maps of regions can have canvases."""
    if held.maker.recipe.pairs != "labels":
        return None
    recipe = held.maker.recipe.model_copy(update={"canvas": "one"})
    return pictures(ws, frozen, "train", recipe, held.maker.classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="latest")
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["validation", "test"])
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    ws = Workspace.open(words.workspace)
    run = record.load(ws, words.run, task="generation")
    frozen = load_snapshot(ws, run.data["snapshot"])
    held = held_of(ws, run, frozen, words.part)
    made, names = drawn(held)
    rows, _, sheets = judged(held, run, made, names, lambda done, total: None)
    if run.data["recipe"]["kind"] == "pairs" and run.data["recipe"]["pairs"] == "garment":
        rows += garment_figures(ws, run, words.part, run.folder / "samples" / f"{words.part}-garments.png")
    if run.data["recipe"]["kind"] == "pairs":
        rows += floor_figures(held, made, _large(held, ws, frozen))
    for row in rows:
        print(row.line())
    found = run.data["results"]
    facts: dict[str, Any] = {
        key: run.data[key] for key in ("id", "recipe", "snapshot", "fingerprint", "counts", "wall_s", "cpu_s")
    }
    chosen = f"{found['score_name']} {found['score']:.4f}, best of {found['epochs']} epochs"
    print(f"{run.id}: {chosen}; sheets {', '.join(sheets)}")
    if words.json:
        words.json.write_text(json.dumps({**facts, "figures": [asdict(row) for row in rows]}, indent=1))


if __name__ == "__main__":
    main()
