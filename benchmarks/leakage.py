"""Which split tells the truth: one recipe trained on random, grouped, shop-out and season-out splits of one crawled
set with planted near-duplicates, and each model judged once more on shops that no split knew.

In: --data DIR with `wardrobe` (default MODISTE_DATA; drawn garments where there is none), --products N photographs.
Out: Markdown tables and --json FILE. Six shops with looks of their own, and three that nobody trains on, are served on
loopback and crawled over six simulated dates. `said - true` is a split's test accuracy less the same models' accuracy
on the unseen shops: the nearer to 0, the truer. Intervals: Wilson for a run, groups drawn anew for means. The leak
check is asked for every planted pair that a split tore apart. Everything follows from --seed.

    python benchmarks/leakage.py --data DIR --products 900 --json leakage.json
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import leakage_leaks
import leakage_table
from leakage_crawl import crawled
from leakage_leaks import COUNTS
from leakage_photos import sample
from leakage_scores import Judged, apart, judge, summed, unseen_rows
from leakage_stock import SEASONS, Photo, Planted, make_stock

from dataset.duplicates import dedup
from dataset.workspace import Workspace

SHOPS = ("aster", "birch", "cedar", "daisy", "elm", "fern")
UNSEEN = ("gorse", "hazel", "iris")
STRATEGIES = ("random", "grouped", "shop-out", "season-out")
BY_HASH = "grouped, dedup by hash alone"
SEEDLESS = ("season-out",)  # it follows from the dates
SMALL = {"side": 96, "strengths": [10.0]}


def measure(photos: list[Photo], folder: Path, *, seeds: int, seed: int, recipe: dict[str, Any]) -> dict[str, Any]:
    """The whole report; a quarter of the photographs go to the unseen shops."""
    cut = round(0.75 * len(photos))
    stock = make_stock(photos[:cut], list(SHOPS), folder / "stock", seed)
    ws, said = crawled(stock, folder / "ws")
    others = make_stock(photos[cut:], list(UNSEEN), folder / "unseen-stock", seed)
    unseen, _ = crawled(others, folder / "unseen", seasons=[SEASONS - 1])
    rows = unseen_rows(unseen)
    runs: dict[str, list[Judged]] = {}
    leaks: dict[str, list[dict[str, dict[str, int]]]] = {}

    def judged(name: str, strategy: str, word: str) -> None:
        runs[name], leaks[name] = [], []
        for number in range(1 if strategy in SEEDLESS else seeds):
            runs[name].append(judge(ws, (unseen, rows), strategy, number, recipe, word))
            leaks[name].append(leakage_leaks.tally(ws, stock.pairs))
            _say(name, runs[name][-1])

    for strategy in STRATEGIES:
        judged(strategy, strategy, strategy)
    joined = {"with copies by their pixels": _joined(unseen, others.pairs)}
    for each in (ws, unseen):
        said.append(dedup(each, copies=False).line())
    joined["by hash alone"] = _joined(unseen, others.pairs)
    judged(BY_HASH, "grouped", "hashes")
    return {
        "photos": len(photos), "images": ws.tables.read("groups").num_rows, "unseen_images": len(rows), "seed": seed,
        "planted": dict(Counter(pair.kind for pair in stock.pairs)), "steps": said,
        "looks": {shop: asdict(look) for shop, look in stock.looks.items()},
        "splits": {name: _of_strategy(found) for name, found in runs.items()},
        "random_over_grouped": apart(runs["random"], runs["grouped"]),
        "leaks": {name: _added(found) for name, found in leaks.items()},
        "joined": joined,
        "cpu_s": round(sum(sum(resource.getrusage(who)[:2]) for who in (0, resource.RUSAGE_CHILDREN)), 1),
    }  # fmt: skip


def _say(name: str, run: Judged) -> None:
    told = f"{name} {run.seed}: {run.figure.line()}; unseen shops {run.unseen.accuracy:.3f}"
    print(told, file=sys.stderr, flush=True)


def _of_strategy(runs: list[Judged]) -> dict[str, Any]:
    told = summed(runs)
    return {
        "test": told.test, "unseen": told.unseen, "gap": told.gap,
        "runs": [
            {
                "seed": run.seed, "counts": run.split.counts, "leaks": run.split.leaks, "figure": asdict(run.figure),
                "unseen": run.unseen.accuracy, "unseen_majority": run.unseen.majority,
                "unseen_by_shop": _by_shop(run), "at_home": float(run.at_home.mean()),
                "copied": {"n": int(run.copied.sum()), "right": int(run.test.right[run.copied].sum())},
                "single": {"n": int((~run.copied).sum()), "right": int(run.test.right[~run.copied].sum())},
                "away": {"n": int((~run.at_home).sum()), "right": int(run.test.right[~run.at_home].sum())},
            }
            for run in runs
        ],
    }  # fmt: skip


def _by_shop(run: Judged) -> dict[str, float]:
    shops = run.unseen.shops
    return {str(shop): float(run.unseen.right[shops == shop].mean()) for shop in sorted(set(shops.tolist()))}


def _added(found: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    """Counts summed over the seeds."""
    return {kind: {name: sum(each[kind][name] for each in found) for name in COUNTS} for kind in found[0]}


def _joined(ws: Workspace, pairs: list[Planted]) -> dict[str, Any]:
    """[joined in one group, planted] by kind; the pairs of images in one near-duplicate cluster, and how many of them
    no chain of planted pairs explains."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for pair in pairs:
        parent[root(pair.first)] = root(pair.second)
    sql = "SELECT a.sha256 AS a, b.sha256 AS b FROM groups a JOIN groups b USING (cluster_id) WHERE a.sha256 < b.sha256"
    found = ws.tables.query(sql).to_pylist()
    kinds = {kind: (n["joined"], n["planted"]) for kind, n in leakage_leaks.tally(ws, pairs).items()}
    strangers = sum(root(row["a"]) != root(row["b"]) for row in found)
    return {"kinds": kinds, "pairs": len(found), "unexplained": strangers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("MODISTE_DATA", ""), help="holds wardrobe; '' draws garments")
    parser.add_argument("--products", type=int, default=900, help="photographs, before copies are planted")
    parser.add_argument("--seeds", type=int, default=3, help="splits of each kind that has seeds")
    parser.add_argument("--seed", type=int, default=0, help="of the shops, their looks and the copies")
    parser.add_argument("--small", action="store_true", help="a smaller input and one strength: a trial, no figure")
    parser.add_argument("--work", type=Path, help="keep shops and workspaces here; the same command goes on there")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.work or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        photos = sample(Path(asked.data) if asked.data else None, asked.products, folder, asked.seed)
        report = measure(photos, folder, seeds=asked.seeds, seed=asked.seed, recipe=SMALL if asked.small else {})
    print(leakage_table.table(report))
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
