"""The same product in another shop: precision and recall of `modiste match` on planted copies, and how often a second
photo of a product finds the first.

In: --data DIR with `wardrobe` (default MODISTE_DATA; drawn garments where there is none). Out: tables and --json FILE.
Six shops with looks of their own choose the threshold, three others with other photographs judge it (shops, looks and
copies are benchmarks/leakage.py's). True pairs: products of two shops that show one photograph, copied (cropped to 4 %,
resized, saved again) or in the other shop's look; a colour variant is another product. Intervals: Wilson.

    python -m benchmarks.similar_match --data DIR --products 900 --json match.json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from leakage import SHOPS, UNSEEN
from leakage_crawl import crawled
from leakage_photos import sample
from leakage_stock import COPIED, NEAR, REDRESSED, SEASONS, SECOND, VARIANT, Planted, make_stock

from dataset.similar_match import SAME, Match, match
from dataset.snapshot import items
from dataset.workspace import Workspace
from train.embeddings import embed, load_encoder
from train.metric import class_of, fit, vectors_and_grids
from train.metric_recipe import similar_recipe
from train.metrics import wilson

LEAST = 0.80  # what is looked at; every threshold above is a choice
WANTED = 0.98  # precision on the choosing shops
Pair = tuple[str, str]


class Truth:
    """Which products are one, by the planted pairs."""

    def __init__(self, ws: Workspace, planted: Iterable[Planted]) -> None:
        self.parent: dict[str, str] = {}
        self.planted = list(planted)
        for pair in self.planted:
            if pair.kind in (*NEAR, SECOND):
                self.parent[self.root(pair.first)] = self.root(pair.second)
        self.variants = {
            frozenset((self.root(pair.first), self.root(pair.second))) for pair in self.planted if pair.kind == VARIANT
        }
        shown = ws.tables.query(
            "SELECT DISTINCT sha256, store, store || '|' || product_id AS product FROM fetches WHERE sha256 IS NOT NULL"
        ).to_pylist()
        self.image_of = {row["product"]: self.root(row["sha256"]) for row in shown}
        stores = {row["product"]: row["store"] for row in shown}
        of: dict[str, list[str]] = {}
        for product, root in self.image_of.items():
            of.setdefault(root, []).append(product)
        self.pairs = {
            (a, b) for each in of.values() for a, b in combinations(sorted(each), 2) if stores[a] != stores[b]
        }

    def root(self, name: str) -> str:
        while self.parent.setdefault(name, name) != name:
            name = self.parent[name]
        return name

    def is_variant(self, pair: Pair) -> bool:
        return frozenset(self.image_of[product] for product in pair) in self.variants


def measure(data: str, products: int, folder: Path, seed: int) -> dict[str, Any]:
    """The curve on the choosing shops, the shipped and the chosen threshold on the others."""
    photos = sample(Path(data) if data else None, products, folder, seed)
    cut = round(0.75 * len(photos))
    stock = make_stock(photos[:cut], list(SHOPS), folder / "stock", seed)
    others = make_stock(photos[cut:], list(UNSEEN), folder / "unseen-stock", seed)
    ws, _ = crawled(stock, folder / "ws")
    unseen, _ = crawled(others, folder / "unseen", seasons=[SEASONS - 1])
    encoder = load_encoder(device="cpu")
    for each in (ws, unseen):
        embed(each, encoder)
    plain = encoder.name
    report: dict[str, Any] = {"encoder": plain, "photos": len(photos), "shipped": SAME[plain.split("#")[0]]}
    for name, each, pairs in (("choosing", ws, stock.pairs), ("judging", unseen, others.pairs)):
        truth = Truth(each, pairs)
        for word, any_colour in (("", False), (", any colour", True)):
            found = match(each, encoder=plain, threshold=LEAST, any_colour=any_colour).matches
            report[name + word] = _curve(found, truth)
    report["chosen"] = _chosen(report["choosing"]["curve"])
    report["second photos"] = _second_photos(ws, unseen, plain, others.pairs)
    return report


def _curve(found: tuple[Match, ...], truth: Truth) -> dict[str, Any]:
    pairs = [(_pair(each), each.similarity) for each in found]
    rows = []
    for threshold in np.arange(LEAST, 0.985, 0.01).round(2).tolist():
        kept = [pair for pair, similarity in pairs if similarity >= threshold]
        right = sum(pair in truth.pairs for pair in kept)
        rows.append(
            {
                "threshold": threshold, "found": len(kept), "right": right, "true": len(truth.pairs),
                "variants": sum(truth.is_variant(pair) for pair in kept),
                "precision": _share(right, len(kept)), "recall": _share(right, len(truth.pairs)),
            }
        )  # fmt: skip
    return {"curve": rows}


def _pair(found: Match) -> Pair:
    a, b = sorted((f"{found.store}|{found.product_id}", f"{found.other_store}|{found.other_product_id}"))
    return a, b


def _share(part: int, whole: int) -> list[float]:
    return [round(part / whole if whole else 0.0, 4), *(round(each, 4) for each in wilson(part, whole))]


def _chosen(curve: list[dict[str, Any]]) -> float:
    """The least threshold from which on precision stays at what is wanted."""
    good = [row["threshold"] for row in curve if row["precision"][0] >= WANTED]
    bad = [row["threshold"] for row in curve if row["precision"][0] < WANTED]
    return float(min((each for each in good if not bad or each > max(bad)), default=curve[-1]["threshold"]))


def _second_photos(ws: Workspace, unseen: Workspace, encoder: str, pairs: list[Planted]) -> dict[str, Any]:
    """Of the unseen shops' products with two photographs: how often one finds the other first, or among ten, between
    pictures of all other groups. The views learned on the six shops' train part."""
    recipe, kinds = similar_recipe(), {"kind alone": {"look": 0.0, "colour": 0.0}, "the recipe": {}}
    rows = [{**row, "labels": json.loads(row["labels"])} for row in items(ws, "split = 'train'").to_pylist()]
    rows = [row for row in rows if class_of(row, recipe.field)]
    learned = vectors_and_grids(ws, encoder, rows), [class_of(row, recipe.field) for row in rows]
    gallery = items(unseen).to_pylist()
    data = vectors_and_grids(unseen, encoder, gallery)
    found = {"colour grid": np.nan_to_num(data[1] - np.nanmean(data[1], 0)), "ImageNet features": data[0]}
    for name, changes in kinds.items():
        view = fit(encoder, *learned[0], learned[1], recipe.model_copy(update=changes), 0.6)
        found[f"learned, {name}"] = view.apply(*data)
    return {name: _found_again(vectors, gallery, pairs) for name, vectors in found.items()}


def _found_again(vectors: np.ndarray, rows: list[dict[str, Any]], pairs: list[Planted]) -> dict[str, Any]:
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    near, place = unit @ unit.T, {row["sha256"]: number for number, row in enumerate(rows)}
    group = np.array([row["group_id"] for row in rows])
    told: dict[str, Any] = {}
    for word, kinds in (("second photo", (SECOND,)), ("in another shop", (COPIED, REDRESSED))):
        ranks = [
            int((near[i][group != group[i]] > near[i, j]).sum())
            for pair in pairs
            if pair.kind in kinds and pair.first != pair.second
            for i, j in ((place[pair.first], place[pair.second]), (place[pair.second], place[pair.first]))
        ]
        told[word] = {f"Recall@{k}": _share(sum(rank < k for rank in ranks), len(ranks)) for k in (1, 10)}
        told[word]["n"] = len(ranks)
    return told


def table(report: dict[str, Any]) -> str:
    lines = ["| shops | threshold | pairs told | precision | recall | colour variants among them |", "|---" * 6 + "|"]
    for name in ("choosing", "choosing, any colour", "judging", "judging, any colour"):
        for row in report[name]["curve"]:
            if row["threshold"] in (0.85, 0.88, report["chosen"], report["shipped"], 0.95):
                p, r = row["precision"], row["recall"]
                lines.append(
                    f"| {name} | {row['threshold']} | {row['found']} | {row['right']}/{row['found']} = {p[0]:.3f} "
                    f"[{p[1]:.3f}, {p[2]:.3f}] | {row['right']}/{row['true']} = {r[0]:.3f} [{r[1]:.3f}, {r[2]:.3f}] "
                    f"| {row['variants']} |"
                )
    lines += ["", f"least threshold with precision {WANTED} on the choosing shops: {report['chosen']}", ""]
    lines += ["| one photo finds the other, unseen shops | kind | n | Recall@1 | Recall@10 |", "|---" * 5 + "|"]
    for method, kinds in report["second photos"].items():
        for kind, found in kinds.items():
            cells = ["{:.3f} [{:.3f}, {:.3f}]".format(*found[f"Recall@{k}"]) for k in (1, 10)]
            lines.append(f"| {method} | {kind} | {found['n']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("MODISTE_DATA", ""), help="holds wardrobe; '' draws garments")
    parser.add_argument("--products", type=int, default=900, help="photographs, before copies are planted")
    parser.add_argument("--seed", type=int, default=0, help="of the shops, their looks and the copies")
    parser.add_argument("--work", type=Path, help="keep shops and workspaces here; the same command goes on there")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.work or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        report = measure(asked.data, asked.products, folder, asked.seed)
    print(table(report))
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
