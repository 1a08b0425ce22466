"""One recipe trained and judged on each split of the same crawled set, and on shops that no split knew.

In: the crawled workspace, another of shops never used, a strategy, a seed. Out: what was right image by image, so that
differences get intervals. Training is `train tagging`, the figure of the test part `evaluate`'s own; features of the
frozen backbone come from the table of embeddings, so that each picture is embedded once. Never picks anything by a test
score.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.progress import silent
from dataset.snapshot import create_snapshot, items
from dataset.splits import SplitResult, split
from dataset.workspace import Workspace
from train.data import Row
from train.evaluate import evaluate
from train.figure import Figure
from train.judge_tagging import predict_rows
from train.predict import Tagger, load_tagger
from train.tagging import train_tagging

FIELD, DRAWS = "type", 1000
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Answers:
    """Of one set of images: right (n,), the group (n,) and shop (n,) of each, and the majority answer's share."""

    right: Bools
    groups: Words
    shops: Words
    majority: float

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())


@dataclass(frozen=True)
class Judged:
    """One model: how it was split, its own test part, and the shops never seen. `copied`: images of the test part (n,)
    that have one of their group in train; `at_home`: that come from a shop of which most images are in train."""

    strategy: str
    seed: int
    split: SplitResult
    figure: Figure
    test: Answers
    unseen: Answers
    copied: Bools
    at_home: Bools


def judge(
    ws: Workspace, unseen: tuple[Workspace, list[Row]], strategy: str, seed: int, recipe: dict[str, Any], name: str = ""
) -> Judged:
    """Split afresh, freeze as `name` (or the strategy) and seed, train, judge."""
    told = split(ws, strategy=strategy, seed=seed, afresh=True)
    frozen = create_snapshot(ws, f"{name or strategy}-{seed}")
    run = train_tagging(
        ws, snapshot=frozen.name, recipe="tagging/linear", field=FIELD, overrides=recipe, device="cpu",
        allow_random_split=strategy == "random",
    ).run  # fmt: skip
    figure = evaluate(ws, run=run).rows[0]
    tagger = load_tagger(ws.runs / run, "cpu")
    parts: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for row in labelled(frozen.rows.to_pylist()):
        parts[row["split"]].append(row)
    counts = Counter(row["labels"][FIELD] for row in parts["train"])
    most = max(sorted(counts), key=lambda word: counts[word])
    learned = {row["group_id"] for row in parts["train"]}
    homes = _homes(parts)
    return Judged(
        strategy,
        seed,
        told,
        figure,
        _answers(ws, parts["test"], tagger, most),
        _answers(*unseen, tagger, most),
        np.array([row["group_id"] in learned for row in parts["test"]], dtype=bool),
        np.array([row["store"] in homes for row in parts["test"]], dtype=bool),
    )


def unseen_rows(ws: Workspace) -> list[Row]:
    """All images of the shops never used, whatever their split."""
    return labelled(items(ws).to_pylist())


def labelled(rows: list[Row]) -> list[Row]:
    """Rows that have the field, their labels read from JSON."""
    read = [row | {"labels": json.loads(row["labels"])} for row in rows]
    return [row for row in read if FIELD in row["labels"]]


def _homes(parts: dict[str, list[Row]]) -> set[str]:
    """Shops of which more images are in train than not."""
    inside = Counter(row["store"] for row in parts["train"])
    whole = Counter(row["store"] for rows in parts.values() for row in rows)
    return {store for store, count in whole.items() if inside[store] > count / 2}


def _answers(ws: Workspace, rows: list[Row], tagger: Tagger, most: str) -> Answers:
    found = predict_rows(ws, rows, tagger, "cpu", silent)[FIELD]
    truth = np.array([row["labels"][FIELD] for row in rows])
    said = np.array(tagger.values[FIELD])[found.argmax(axis=1)]
    groups, shops = (np.array([row[name] for row in rows]) for name in ("group_id", "store"))
    return Answers(said == truth, groups, shops, float((truth == most).mean()))


@dataclass(frozen=True)
class Told:
    """Means over the seeds of one strategy, with 95 % intervals from whole groups drawn anew (1,000 draws, the same
    draw for all seeds, since their test parts overlap). `gap` is the test part's score minus that on unseen shops."""

    test: tuple[float, float, float]
    unseen: tuple[float, float, float]
    gap: tuple[float, float, float]


def summed(runs: list[Judged], seed: int = 0) -> Told:
    test = _drawn([run.test for run in runs], np.random.default_rng(seed))
    unseen = _drawn([run.unseen for run in runs], np.random.default_rng(seed + 1))
    return Told(_interval(test), _interval(unseen), _interval(test - unseen))


def apart(first: list[Judged], second: list[Judged], seed: int = 0) -> tuple[float, float, float]:
    """Difference of two strategies' test scores, with its interval; groups are drawn the same for both."""
    pooled = [run.test for run in (*first, *second)]
    accuracy = _drawn(pooled, np.random.default_rng(seed), mean=False)
    cut = len(first)
    return _interval(accuracy[:cut].mean(axis=0) - accuracy[cut:].mean(axis=0))


def _drawn(sets: list[Answers], draws: np.random.Generator, *, mean: bool = True) -> npt.NDArray[np.float64]:
    """Accuracy (1 + DRAWS,), or (sets, 1 + DRAWS): as found, then with groups drawn anew (Poisson weights)."""
    names = np.unique(np.concatenate([each.groups for each in sets]))
    weight = np.vstack([np.ones(len(names)), draws.poisson(1.0, (DRAWS, len(names)))])
    found = []
    for each in sets:
        mine = weight[:, np.searchsorted(names, each.groups)]
        found.append((mine @ each.right) / np.maximum(mine.sum(axis=1), 1))
    return np.mean(found, axis=0) if mean else np.stack(found)


def _interval(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """(as found, low, high)."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return float(values[0]), float(low), float(high)
