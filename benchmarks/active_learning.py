"""Does `modiste queue` pick labels that teach more than random ones? Curves of accuracy over labels, on `wardrobe`.

In: --data DIR (shared data: wardrobe). Out: a Markdown table, --json FILE, --plot FILE. Train is wardrobe's own without
the fixed tenth by sha256 that is the test part. Features of a frozen EfficientNet-Lite0 (256 px, mirrored too) are
computed once and kept in --cache; a logistic head learns from the labels so far after each batch. Every strategy
starts from the same random labels in a seed and asks for `--batch` more at a time, by the very functions that `modiste
queue` calls. --choose judges mixes on validation by other seeds than the reported ones; the test part is read by plain
runs only. Run it as a module: python -m benchmarks.active_learning.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labeling import queue_scores as scores
from labeling.queue_heads import committee, directions
from labeling.queue_pick import Mix, pick, pick_typical, worth

START, TARGET, STRENGTH = 20, 0.95, 10.0
CHOOSING, REPORTED = range(100, 106), range(10)  # seeds
SHOWN = (20, 100, 200, 300, 400, 600, 800)
Strategy = Callable[["Pool", list[int], int, np.random.Generator], list[int]]


@dataclass(frozen=True)
class Pool:
    """Train vectors (N, d) with their classes, and those of the part that judges."""

    x: np.ndarray
    y: np.ndarray
    x_judge: np.ndarray
    y_judge: np.ndarray
    small: np.ndarray
    classes: int

    def accuracy(self, labelled: list[int]) -> float:
        """Of a logistic head on standardised features, C = 10 / d as in the tagging recipe's middle."""
        from sklearn.linear_model import LogisticRegression

        mean, std = self.x.mean(0), self.x.std(0) + 1e-6
        model = LogisticRegression(C=STRENGTH / self.x.shape[1], max_iter=300, tol=1e-3)
        model.fit((self.x[labelled] - mean) / std, self.y[labelled])
        return float((model.predict((self.x_judge - mean) / std) == self.y_judge).mean())

    def free(self, labelled: list[int]) -> np.ndarray:
        free = np.ones(len(self.x), bool)
        free[labelled] = False
        return free


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("active-learning-cache"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--most", type=int, default=800, help="labels at the end")
    parser.add_argument("--seeds", type=int, default=len(REPORTED))
    parser.add_argument("--choose", action="store_true", help="judge mixes on validation, by other seeds")
    options = parser.parse_args()
    part = "validation" if options.choose else "test"
    seeds = list(CHOOSING if options.choose else REPORTED)[: options.seeds]
    pool = pool_of(options.data, options.cache, part)
    strategies = candidates() if options.choose else reported()
    report = measure(pool, strategies, seeds, options.batch, options.most) | {"part": part}
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.plot:
        from benchmarks.active_learning_plot import plot

        plot(report, options.plot)


def pool_of(data: Path, cache: Path, judge: str) -> Pool:
    from benchmarks.active_learning_photos import features

    found = features(data, cache)
    classes, y = np.unique(found["class"], return_inverse=True)
    train, judged = found["part"] == "train", found["part"] == judge
    x = found["vector"]
    return Pool(x[train], y[train], x[judged], y[judged], directions(x[train]), len(classes))


def asks_random(pool: Pool, labelled: list[int], n: int, rng: np.random.Generator) -> list[int]:
    return [int(k) for k in rng.choice(np.flatnonzero(pool.free(labelled)), n, replace=False)]


def asks_diverse(pool: Pool, labelled: list[int], n: int, rng: np.random.Generator) -> list[int]:
    """k-center greedy (Sener & Savarese, 2018)."""
    same = np.ones(len(pool.x))
    found = pick(same, n, free=pool.free(labelled), rng=None, vectors=pool.x, known=np.array(labelled))
    return [each.place for each in found]


def asks_typical(pool: Pool, labelled: list[int], n: int, rng: np.random.Generator) -> list[int]:
    found = pick_typical(
        pool.x, n, free=pool.free(labelled), known=np.array(labelled, np.int64), seed=int(rng.integers(2**31))
    )
    return [each.place for each in found]


def asks_by(mix: Mix, spread: bool = True) -> Strategy:
    """A mix as `modiste queue` picks by; without `spread`, simply the largest worths."""

    def ask(pool: Pool, labelled: list[int], n: int, rng: np.random.Generator) -> list[int]:
        known = np.array(labelled)
        opinion = committee(pool.small, known, pool.y[known], pool.classes, seed=int(rng.integers(2**31)))
        counts = np.bincount(pool.y[known], minlength=pool.classes)
        found = {
            "uncertainty": scores.margin(opinion.mean),
            "disagreement": scores.disagreement(opinion.votes, opinion.fair),
            "rarity": scores.rarity(opinion.mean, counts),
        }
        value, free = worth(found, mix), pool.free(labelled)
        if not spread:
            return [int(k) for k in np.argsort(-np.where(free, value, -1))[:n]]
        chosen = pick(value, n, free=free, rng=rng, vectors=pool.x, known=known, diversity=mix.diversity)
        return [each.place for each in chosen]

    return ask


def reported() -> dict[str, tuple[Strategy, bool]]:
    """{name: (strategy, whether its first labels are typical ones instead of random ones)}."""
    only = {"uncertainty": 1.0, "disagreement": 0.0, "rarity": 0.0}
    return {
        "random": (asks_random, False),
        "uncertainty only": (asks_by(Mix(**only), spread=False), False),
        "diversity only": (asks_diverse, False),
        "ours": (asks_by(Mix()), False),
        "ours, cold start": (asks_by(Mix()), True),
    }


def candidates() -> dict[str, tuple[Strategy, bool]]:
    """Mixes to choose from: weights of uncertainty, disagreement, rarity, diversity."""
    tried = [
        (1, 0, 0, 1),
        (1, 1, 0, 1),
        (1, 0, 0.3, 1),
        (1, 1, 0.3, 1),
        (1, 2, 0.6, 1),
        (1, 1, 0.3, 0.5),
        (1, 1, 0.3, 2),
    ]
    mixes = {
        f"mix u{u} d{d} r{r} v{v}": Mix(uncertainty=u, disagreement=d, rarity=r, diversity=v) for u, d, r, v in tried
    }
    return {"random": (asks_random, False)} | {name: (asks_by(mix), False) for name, mix in mixes.items()}


def measure(
    pool: Pool, strategies: dict[str, tuple[Strategy, bool]], seeds: list[int], batch: int, most: int
) -> dict[str, Any]:
    """Curves (seeds, rounds) of every strategy, labels needed to reach the target, and their ratio to random's."""
    full = pool.accuracy(list(range(len(pool.x))))
    target, sizes = TARGET * full, list(range(START, most + 1, batch))
    report: dict[str, Any] = {"train": len(pool.x), "judged": len(pool.x_judge), "seeds": seeds, "batch": batch,
                              "full": full, "target": target, "sizes": sizes, "strategies": {}}  # fmt: skip
    for name, (strategy, typical) in strategies.items():
        curves = np.array([curve(pool, strategy, typical, seed, sizes) for seed in seeds])
        needed = [labels_needed(each, sizes, target) for each in curves]
        report["strategies"][name] = {"curves": curves.round(5).tolist(), "needed": needed}
        print(f"{name}: {np.mean(curves):.4f} mean accuracy over the curve", flush=True)
    return summed_up(report)


def summed_up(report: dict[str, Any]) -> dict[str, Any]:
    """What follows from the curves: ratios to random's labels, areas, accuracies at some sizes."""
    sizes, random = report["sizes"], report["strategies"]["random"]
    for each in report["strategies"].values():
        curves = np.array(each["curves"])
        each["ratio"] = ratio(each["needed"], random["needed"], sizes[-1])
        each["on_mean"] = ratio_on_mean(curves, np.array(random["curves"]), sizes, report["target"])
        each["area"] = spread_of(curves.mean(1))
        each["at"] = {size: spread_of(curves[:, sizes.index(size)]) for size in SHOWN if size in sizes}
    return report


def curve(pool: Pool, strategy: Strategy, typical: bool, seed: int, sizes: list[int]) -> list[float]:
    """Accuracy at each of `sizes`. The first labels are the same in every strategy of a seed, unless `typical`."""
    rng = np.random.default_rng(seed)
    labelled = (asks_typical if typical else asks_random)(pool, [], START, rng)
    found = [pool.accuracy(labelled)]
    for size in sizes[1:]:
        labelled = labelled + strategy(pool, labelled, size - len(labelled), rng)
        found.append(pool.accuracy(labelled))
    return found


def labels_needed(found: Any, sizes: list[int], target: float) -> int | None:
    """The first size whose accuracy, averaged with its neighbours' (a round's noise is a point), is at the target."""
    padded = np.pad(np.asarray(found), 1, mode="edge")
    smooth = np.convolve(padded, np.ones(3) / 3, "valid")
    return sizes[int((smooth >= target).argmax())] if (smooth >= target).any() else None


def ratio(needed: list[int | None], random: list[int | None], most: int) -> dict[str, Any]:
    """Labels needed over random's of the same seed: geometric mean, range, bootstrap over seeds. One that never got
    there counts as `most`."""
    each = np.array([(a or most) / (b or most) for a, b in zip(needed, random, strict=True)])
    drawn = np.random.default_rng(0).integers(0, len(each), (1000, len(each)))
    low, high = np.percentile(np.exp(np.log(each)[drawn].mean(1)), [2.5, 97.5])
    return {"mean": float(np.exp(np.log(each).mean())), "low": float(low), "high": float(high),
            "least": float(each.min()), "most": float(each.max()), "never": sum(a is None for a in needed)}  # fmt: skip


def ratio_on_mean(curves: np.ndarray, random: np.ndarray, sizes: list[int], target: float) -> dict[str, Any]:
    """Labels needed by the seeds' mean curve, over random's; bootstrap over seeds, paired. A crossing of one curve on
    some 300 photos is mostly noise: a photo is 0.3 points, and 100 labels near the target are 1."""

    def needed(found: np.ndarray) -> int:
        return labels_needed(found.mean(0), sizes, target) or sizes[-1]

    drawn = np.random.default_rng(0).integers(0, len(curves), (1000, len(curves)))
    low, high = np.percentile([needed(curves[d]) / needed(random[d]) for d in drawn], [2.5, 97.5])
    labels = needed(curves)
    return {"labels": labels, "mean": labels / needed(random), "low": float(low), "high": float(high)}


def spread_of(values: np.ndarray) -> dict[str, float]:
    """Mean over seeds with its bootstrap 95 % interval."""
    drawn = np.random.default_rng(0).integers(0, len(values), (1000, len(values)))
    low, high = np.percentile(values[drawn].mean(1), [2.5, 97.5])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def table(report: dict[str, Any]) -> str:
    shown = [size for size in SHOWN if size in report["sizes"]]
    head = (
        f"{report['part']} n = {report['judged']}, {len(report['seeds'])} seeds, {report['train']} photos to ask for; "
    )
    head += f"all labels {report['full']:.3f}, target {report['target']:.3f}\n\n"
    lines = ["| strategy | labels needed by the mean curve; ratio | by seed: median (range) | ratio | area | "
             + " | ".join(f"at {size}" for size in shown) + " |", "|---" * (5 + len(shown)) + "|"]  # fmt: skip
    for name, each in report["strategies"].items():
        needed = sorted(value or report["sizes"][-1] for value in each["needed"])
        r, never = each["ratio"], f", {each['ratio']['never']} never" if each["ratio"]["never"] else ""
        cells = [
            name,
            f"{each['on_mean']['labels']}; {_with_interval(each['on_mean'], 2)}",
            f"{np.median(needed):.0f} ({needed[0]} to {needed[-1]}{never})",
            f"{_with_interval(r, 2)}, {r['least']:.2f} to {r['most']:.2f}",
            _with_interval(each["area"], 4),
            *(_with_interval(each["at"][size], 3) for size in shown),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return head + "\n".join(lines)


def _with_interval(found: dict[str, float], digits: int) -> str:
    return f"{found['mean']:.{digits}f} [{found['low']:.{digits}f}, {found['high']:.{digits}f}]"


if __name__ == "__main__":
    main()
