"""Judge a multi field: mean average precision, micro and macro F1 at the half and above the floor, calibration.

In: calibrated chances (N, K) and the words of each row. Out: figures with bootstrap intervals over photos, and a table
a value. A word that training never saw can't be said: it counts as missed in micro F1. The trivial answer says each
value as often as training did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.several import values_in
from train import metrics
from train.figure import Figure
from train.tagging_scores import average_precision, f1_counts, macro_f1_of_values, mean_average_precision, micro_f1

Floats = npt.NDArray[Any]
DRAWS = 1000


def figures_of_multi(
    field: str,
    values: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    found: Floats,
    part: str,
    floor: float,
    shares: Floats,
) -> tuple[list[Figure], dict[str, Any]]:
    """`found` (N, K) chances; `shares` (K,) is how often training had each value."""
    truth, unseen = truth_of(field, values, rows)
    n, trivial = len(rows), np.tile(shares, (len(rows), 1))

    def figure(metric: str, value: float, between: tuple[float, float], other: float | None) -> Figure:
        low, high = (round(each, 6) for each in between)
        told = None if other is None else round(other, 6)
        return Figure(f"{field} {metric}", round(value, 6), low, high, n, part, "training's shares", told)

    figures = [
        figure("mAP", mean_average_precision(found, truth), _map_interval(found, truth),
               mean_average_precision(trivial, truth)),
    ]  # fmt: skip
    for name, limit in (("at 0.5", 0.5), (f"at its floor {floor:.2f}", floor)):
        counts, base = _counts(found >= limit, truth, unseen), _counts(trivial >= limit, truth, unseen)
        for metric, measure in (("micro F1", micro_f1), ("macro F1", macro_f1_of_values)):
            total, other = float(measure(counts.sum(0))), float(measure(base.sum(0)))
            figures.append(figure(f"{metric} {name}", total, metrics.bootstrap(counts, measure), other))
    ece = metrics.expected_calibration_error(found.ravel(), truth.ravel() == 1)
    figures.append(figure("ECE (15 bins)", ece, _ece_interval(found, truth), None))
    right = rights_of(field, values, rows, found)
    return figures, {
        "n": n,
        "values": list(values),
        "per_value": [_of_value(word, found[:, k], truth[:, k]) for k, word in enumerate(values)],
        "per_photo": [{"sha256": row["sha256"], "right": int(yes)} for row, yes in zip(rows, right, strict=True)],
    }


def truth_of(
    field: str, values: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(N, K) ones and zeros, and (N,) how many words of each row training never saw."""
    said = [set(values_in(row["labels"][field])) for row in rows]
    truth = np.array([[int(value in each) for value in values] for each in said], np.int64).reshape(-1, len(values))
    return truth, np.array([len(each - set(values)) for each in said], np.int64)


def rights_of(
    field: str, values: Sequence[str], rows: Sequence[Mapping[str, Any]], found: Floats
) -> npt.NDArray[np.bool_]:
    """(N,) rows of which exactly the true words have a chance of a half or more; a word never seen is a miss."""
    truth, unseen = truth_of(field, values, rows)
    return np.asarray(((found >= 0.5) == (truth == 1)).all(1) & (unseen == 0))


def _counts(said: Floats, truth: Floats, unseen: Floats) -> npt.NDArray[np.int64]:
    """(N, K + 1, 3): the last place holds what could not be said, always missed."""
    missed = np.zeros((len(truth), 1, 3), np.int64)
    missed[:, 0, 2] = unseen
    return np.concatenate([f1_counts(said.astype(bool), truth == 1), missed], axis=1)


def _map_interval(found: Floats, truth: Floats) -> tuple[float, float]:
    draw = np.random.default_rng(0)
    picks = draw.integers(0, len(found), (DRAWS // 5, len(found)))  # each draw sorts every value anew
    return _ends([mean_average_precision(found[pick], truth[pick]) for pick in picks])


def _ece_interval(found: Floats, truth: Floats) -> tuple[float, float]:
    picks = np.random.default_rng(0).integers(0, len(found), (DRAWS, len(found)))
    return _ends([metrics.expected_calibration_error(found[p].ravel(), truth[p].ravel() == 1) for p in picks])


def _ends(drawn: list[float]) -> tuple[float, float]:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _of_value(word: str, chances: Floats, truth: Floats) -> dict[str, Any]:
    said, n = chances >= 0.5, int(truth.sum())
    hit = int((said & (truth == 1)).sum())
    low, high = metrics.wilson(hit, n)
    found = average_precision(chances, truth)
    return {
        "value": word, "n": n, "recall": round(hit / n, 4) if n else None, "low": round(low, 4), "high": round(high, 4),
        "precision": round(hit / int(said.sum()), 4) if said.any() else None,
        "average_precision": None if np.isnan(found) else round(found, 4),
    }  # fmt: skip
