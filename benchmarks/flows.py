"""Flows on `wardrobe`: one flat model against category first, the most likely answer against the least expected cost.

In: a workspace with the snapshot of garments and three finished `tagging/linear` runs: type and category on all
(--flat), type of tops (--tops), type of bottoms (--bottoms). Out: a table and --json FILE; every figure with n and a
95 % interval (Wilson, or bootstrap over photos, 1,000 draws, seed 0), differences to the flat model paired by photo.
Nothing is chosen here: every flow is judged once, on the test part, with the same photos and the same weights.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset.progress import silent
from dataset.taxonomy import taxonomy_of
from dataset.workspace import Workspace
from train import record
from train.answers import Answer, Float32, Predictor, UInt8
from train.figure import Figure
from train.flow import load_flow
from train.flow_check import check_flow
from train.flow_evaluate import evaluate_flow
from train.flow_models import load_models

SHOWN = (
    "type accuracy", "type answered", "type accuracy where answered", "whole path accuracy", "hierarchical F1",
    "type mean mistake severity", "type mean severity, all", "type mean edges off, all", "share with an abstention",
    "models called per photo",
)  # fmt: skip
FLAT = "steps:\n  - {task: type, model: flat, above: category%s}\n"
ONE = "steps:\n  - {task: category, model: flat%s}\n  - {task: type, model: flat, given: category%s}\n"
HEADS = """steps:
  - {task: category, model: flat%s}
  - branch: category
    cases:
      tops: {task: type, model: tops%s}
      bottoms: {task: type, model: bottoms%s}
    otherwise: {task: type, model: flat, given: category%s}
"""
RISK, HEIGHT = ", decide: risk", ", decide: risk, costs: height, inner: false"
FLOWS = {
    "flat": FLAT % "",
    "flat, least cost (edges, parents allowed)": FLAT % RISK,
    "flat, least cost (height, values only)": FLAT % HEIGHT,
    "category, then type of the same model": ONE % ("", ""),
    "category, then a model of its own": HEADS % ("", "", "", ""),
    "category, then a model of its own, least cost": HEADS % (RISK, RISK, RISK, RISK),
}


@dataclass(frozen=True)
class Row:
    flow: str
    figures: dict[str, Any]
    differences: dict[str, tuple[float, float, float]]


class Remembered:
    """A predictor that computes each photo once, for all flows: what is measured is the same, the wait is not."""

    def __init__(self, inner: Predictor) -> None:
        self.inner, self.known = inner, dict[tuple[tuple[int, ...], int], dict[str, Answer]]()

    @property
    def values(self) -> Mapping[str, Sequence[str]]:
        return self.inner.values

    @property
    def taxonomy(self) -> str:
        return self.inner.taxonomy

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    def answers(self, photos: Sequence[UInt8], fields: Sequence[str] | None = None) -> list[dict[str, Answer]]:
        keys = [(photo.shape, hash(photo.tobytes())) for photo in photos]
        new = [place for place, key in enumerate(keys) if key not in self.known]
        for place, found in zip(new, self.inner.answers([photos[place] for place in new]), strict=True):
            self.known[keys[place]] = found
        wanted = list(self.values if fields is None else fields)
        return [{field: self.known[key][field] for field in wanted} for key in keys]

    def vectors(self, photos: Sequence[UInt8]) -> Float32:
        return self.inner.vectors(photos)


def pins(ws: Workspace, runs: Mapping[str, str]) -> str:
    """The `models:` of every flow here."""
    lines = []
    for name, run in runs.items():
        found = record.load(ws, run, task="tagging")
        lines.append(f"  {name}: {{run: {found.id}, fingerprint: {found.data['results']['weights'][:16]}}}")
    return "models:\n" + "\n".join(lines) + "\n"


def difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Mean of one - other with its paired 95 % bootstrap interval."""
    apart = np.array(one, float) - np.array(other, float)
    drawn = np.random.default_rng(0).integers(0, len(apart), (1000, len(apart)))
    low, high = np.percentile(apart[drawn].mean(1), [2.5, 97.5])
    return float(apart.mean()), float(low), float(high)


def measured(ws: Workspace, runs: Mapping[str, str], snapshot: str, part: str) -> list[Row]:
    head, taxonomy = f"taxonomy: clothing\n{pins(ws, runs)}", taxonomy_of(ws, "clothing")
    kept: dict[str, Predictor] = {}
    rows: list[Row] = []
    flat: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for place, (name, steps) in enumerate(FLOWS.items()):
            path = Path(folder) / f"flow-{place}.yaml"
            path.write_text(f"name: flow-{place}\n{head}{steps}")
            flow = load_flow(path)
            if not kept:
                models = load_models(flow, ws)
                if models.missing:
                    raise SystemExit(f"not here: {models.missing}")
                kept = {each: Remembered(found) for each, found in models.found.items()}
            check_flow(flow, taxonomy, kept)
            result = evaluate_flow(ws, flow, taxonomy, kept, snapshot=snapshot, part=part, progress=silent)
            per_photo = result.detail["per_photo"]
            flat = flat or per_photo
            paired = {key: difference(per_photo[key], flat[key]) for key in ("type", "type edges")}
            rows.append(Row(name, {figure.metric: asdict(figure) for figure in result.rows}, paired))
            print("\n".join(lines(rows[-1], result.rows)), flush=True)
    return rows


def lines(row: Row, figures: Sequence[Figure]) -> list[str]:
    shown = [figure for figure in figures if figure.metric in SHOWN]
    apart = [
        f"{key} - flat's {mean:+.4f} [{low:+.4f}, {high:+.4f}]" for key, (mean, low, high) in row.differences.items()
    ]
    return [row.flow, *(f"  {figure.line()}" for figure in shown), *(f"  {each}" for each in apart)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--flat", required=True, help="run of type and category")
    parser.add_argument("--tops", required=True, help="run of type on tops alone")
    parser.add_argument("--bottoms", required=True, help="run of type on bottoms alone")
    parser.add_argument("--snapshot", default="garments")
    parser.add_argument("--part", default="test", choices=("test", "validation"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    runs = {"flat": args.flat, "tops": args.tops, "bottoms": args.bottoms}
    rows = measured(Workspace.open(args.workspace), runs, args.snapshot, args.part)
    if args.json:
        told = {"snapshot": args.snapshot, "part": args.part, "runs": runs, "rows": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
