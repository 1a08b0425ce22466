"""The arithmetic of benchmarks/active_learning.py, and its strategies on three crowds of points."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import active_learning as bench


def crowds() -> bench.Pool:
    """Four classes of 60 points, the fourth seen seldom."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, 3], [60, 60, 60, 12])
    x = 2.5 * np.eye(12)[y] + rng.normal(size=(len(y), 12))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    order = rng.permutation(len(y))
    train, judged = order[:150], order[150:]
    return bench.Pool(x[train], y[train], x[judged], y[judged], bench.directions(x[train]), 4)


def test_labels_needed_is_where_the_smoothed_curve_reaches_the_target() -> None:
    sizes = [20, 40, 60, 80]
    assert bench.labels_needed([0.5, 0.9, 0.4, 0.9], sizes, 0.75) is None
    assert bench.labels_needed([0.5, 0.6, 0.8, 0.9], sizes, 0.63) == 40
    assert bench.labels_needed([0.1, 0.1, 0.1, 0.1], sizes, 0.63) is None


def test_a_ratio_pairs_the_seeds_and_counts_never_as_the_most() -> None:
    found = bench.ratio([100, None], [200, 400], most=800)
    assert found["mean"] == pytest.approx(1.0)
    assert (found["least"], found["most"], found["never"]) == (0.5, 2.0, 1)


def test_the_mean_curve_of_the_seeds_says_how_many_labels_are_saved() -> None:
    sizes, rises = [20, 40, 60, 80, 100], np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    slow, fast = np.stack([rises, rises]), np.stack([rises + 0.2, rises + 0.2])
    found = bench.ratio_on_mean(fast, slow, sizes, 0.79)
    assert (found["labels"], found["mean"], found["low"], found["high"]) == (40, 0.5, 0.5, 0.5)


def test_all_strategies_of_a_seed_start_alike_and_ask_for_new_images_only() -> None:
    pool, sizes = crowds(), [20, 30, 40]
    found = bench.measure(pool, bench.reported(), [0, 1], 10, 40)
    starts = {name: [each[0] for each in one["curves"]] for name, one in found["strategies"].items()}
    assert starts["ours"] == starts["random"] == starts["uncertainty only"]
    assert found["sizes"] == sizes
    for strategy, _ in bench.reported().values():
        labelled = bench.asks_random(pool, [], 20, np.random.default_rng(3))
        asked = strategy(pool, labelled, 10, np.random.default_rng(3))
        assert len(set(asked) | set(labelled)) == 30


def test_a_table_has_a_row_a_strategy() -> None:
    found = bench.measure(crowds(), {"random": bench.reported()["random"]}, [0], 10, 30) | {"part": "test"}
    assert "| random | " in bench.table(found)
    assert "1.00 [1.00, 1.00]" in bench.table(found)
