"""The few-label curve: how accurate a linear tagger is with 5, 10, 25, 50, 100 photos a label.

    python -m benchmarks.tagging_curve WORKSPACE [--seeds 10] [--json FILE] [--plot FILE]

In: a workspace with a snapshot whose photos have embeddings of one encoder (`modiste train tagging` keeps them). Each
seed draws so many training photos of every value (all, where a value has fewer), fits `tagging/linear`'s head with C
chosen on the whole validation part, and judges it on the test part. Intervals: 95 % over seeds by t, and beside them
over seeds and test photos together by bootstrap. The trivial answer is the most frequent value of training.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train.data import rows_of
from train.tagging_heads import Ints, heads_of, target_matrix
from train.tagging_linear import fit_logistic

COUNTS: tuple[int | None, ...] = (5, 10, 25, 50, 100, None)
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
ENCODER = "tf_efficientnet_lite0-256-flips"
Floats = npt.NDArray[np.float32]
Part = tuple[Floats, Ints]


def parts_of(ws: Workspace, snapshot: str, field: str, encoder: str) -> dict[str, Part]:
    """Of each part, (N, d) features scaled as the tagger scales them, and (N,) places of their values."""
    frozen = load_snapshot(ws, snapshot)
    rows = {part: [row for row in rows_of(frozen, part) if field in row["labels"]]
            for part in ("train", "validation", "test")}  # fmt: skip
    table = ws.tables.read("embeddings", columns=["sha256", "encoder", "vector"])
    known = {
        row["sha256"]: np.asarray(row["vector"], np.float32)
        for row in table.to_pylist()
        if row["encoder"].split("#")[0] == encoder
    }
    heads = heads_of(rows["train"], [field])
    scale = len(next(iter(known.values()))) ** 0.5
    return {
        part: (np.stack([known[row["sha256"]] for row in found]) * scale, target_matrix(found, heads.values)[:, 0])
        for part, found in rows.items()
    }


def drawn(y: Ints, count: int | None, seed: int) -> npt.NDArray[np.int64]:
    """Places of `count` rows of each value, all where there are fewer."""
    draw = np.random.default_rng(seed)
    found = [draw.permutation(np.flatnonzero(y == value))[:count] for value in range(int(y.max()) + 1)]
    return np.sort(np.concatenate(found))


def right_of(parts: dict[str, Part], count: int | None, seed: int) -> tuple[npt.NDArray[np.bool_], int]:
    """(test photos,) whether right, and how many labels it took."""
    x, y = parts["train"]
    rows = drawn(y, count, seed)
    fitted = fit_logistic(x[rows], y[rows], *parts["validation"], STRENGTHS, seed)
    test, truth = parts["test"]
    return (test @ fitted.weight.T + fitted.bias).argmax(1) == truth, len(rows)


def summary(rights: Sequence[npt.NDArray[np.bool_]], count: int | None, labels: Sequence[int]) -> dict[str, Any]:
    """Mean accuracy, its interval over seeds and over seeds and photos, and what it took."""
    table = np.stack(rights).astype(float)
    scores, draw = table.mean(1), np.random.default_rng(0)
    half = 2.262 * scores.std(ddof=1) / len(scores) ** 0.5 if len(scores) > 1 else 0.0  # t of 9 degrees of freedom
    both = [
        table[draw.integers(0, len(table), len(table))][:, draw.integers(0, table.shape[1], table.shape[1])].mean()
        for _ in range(1000)
    ]
    low, high = np.percentile(both, [2.5, 97.5])
    return {
        "a_label": count, "labels": float(np.mean(labels)), "accuracy": round(float(scores.mean()), 4),
        "seeds_low": round(float(scores.mean() - half), 4), "seeds_high": round(float(scores.mean() + half), 4),
        "low": round(float(low), 4), "high": round(float(high), 4), "seeds": len(scores), "n": table.shape[1],
    }  # fmt: skip


def measure(parts: dict[str, Part], seeds: int) -> dict[str, Any]:
    curve = []
    for count in COUNTS:
        tries = [right_of(parts, count, seed) for seed in range(seeds if count else 1)]
        row = summary([right for right, _ in tries], count, [labels for _, labels in tries])
        curve.append(row)
        print(f"{count or 'all'} a label ({row['labels']:.0f} labels): {row['accuracy']:.3f} over seeds "
              f"[{row['seeds_low']:.3f}, {row['seeds_high']:.3f}], with the test part's own error "
              f"[{row['low']:.3f}, {row['high']:.3f}], n = {row['n']}")  # fmt: skip
    often = np.bincount(parts["train"][1][parts["train"][1] >= 0]).argmax()
    majority = round(float((parts["test"][1] == often).mean()), 4)
    print(f"majority: {majority:.3f}")
    return {"curve": curve, "majority": majority}


def plot(found: dict[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in found["curve"] if row["a_label"]]
    whole = next(row for row in found["curve"] if not row["a_label"])
    x = [row["a_label"] for row in rows]
    figure, axes = pyplot.subplots(figsize=(6.4, 4.0), dpi=120)
    axes.fill_between(x, [row["low"] for row in rows], [row["high"] for row in rows], alpha=0.2, lw=0,
                      label="95 %, seeds and test photos")  # fmt: skip
    axes.plot(x, [row["accuracy"] for row in rows], marker="o", label=f"mean of {rows[0]['seeds']} draws")
    axes.axhline(whole["accuracy"], ls="--", color="grey", label=f"all {whole['labels']:.0f} labels")
    axes.axhline(found["majority"], ls=":", color="grey", label="majority answer")
    axes.set(xscale="log", xlabel="photos a label", ylabel=f"test accuracy (n = {whole['n']})", ylim=(0, 1))
    axes.set_xticks(x, [str(each) for each in x])
    axes.minorticks_off()
    axes.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--snapshot", default="single-garments")
    parser.add_argument("--field", default="type")
    parser.add_argument("--encoder", default=ENCODER, help="name of the embeddings, up to the '#'")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    found = measure(parts_of(Workspace.open(given.workspace), given.snapshot, given.field, given.encoder), given.seeds)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
