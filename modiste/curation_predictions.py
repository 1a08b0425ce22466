"""A run's predictions for the App: the one place where curation and training meet, since rooms never import each other.

In: a workspace and a run. Out: the run's labels or masks shown in the FiftyOne data set, and evaluated against the
labels there. A tagger with kept features takes seconds; a segmenter predicts at most `limit` photos.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dataset.progress import Progress, silent
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from labeling.curation_predictions import Prediction, ShownResult, keep_mask, show
from labeling.curation_rows import BETWEEN


def show_run(ws: Workspace, run: str, *, limit: int = 200, progress: Progress = silent) -> ShownResult:
    """`run` is an id, 'latest', 'latest:tagging' or 'latest:segmentation'. Raises what `train.record.load` does."""
    from train import record

    word, _, task = run.partition(":")
    found = record.load(ws, word, task=task or None)
    frozen = load_snapshot(ws, found.data["snapshot"], rest=True)
    if found.task == "tagging":
        return show(ws, found.id, _tags(ws, found, frozen, progress))
    return show(ws, found.id, {}, _masks(ws, found, frozen, limit, progress))


def _tags(ws: Workspace, run: Any, frozen: Any, progress: Progress) -> dict[str, dict[str, Prediction]]:
    """Predictions for validation and test: what a model has learned by heart is no evidence."""
    from train.data import rows_of
    from train.judge_tagging import predict_rows
    from train.predict import load_tagger

    tagger = load_tagger(run.folder)
    rows = [row for part in ("validation", "test") for row in rows_of(frozen, part)]
    found = predict_rows(ws, rows, tagger, "cpu", progress) if rows else {}
    predictions: dict[str, dict[str, Prediction]] = {}
    for field, chances in found.items():
        words, floor = tagger.values[field], tagger.floors[field] if field in tagger.multi else None
        predictions[field] = {row["sha256"]: _said(words, p, floor) for row, p in zip(rows, chances, strict=True)}
    return predictions


def _said(words: list[str], chances: Any, floor: float | None) -> Prediction:
    """The surest value; of a multi field (`floor` given) all at or over its floor, at least the surest, with the least
    of their chances. Only an exclusive field's chances are one distribution, whose logarithms tell hardness."""
    best = int(chances.argmax())
    if floor is None:
        return Prediction(words[best], float(chances[best]), np.log(np.maximum(chances, 1e-12)).tolist())
    said = sorted({best, *np.flatnonzero(chances >= floor).tolist()}, key=lambda place: words[place])
    return Prediction(BETWEEN.join(words[place] for place in said), float(chances[said].min()))


def _masks(ws: Workspace, run: Any, frozen: Any, limit: int, progress: Progress) -> dict[str, Any]:
    from train.data import photo, rows_of
    from train.predict import load_segmenter

    segmenter = load_segmenter(run.folder)
    rows = [row for part in ("test", "validation") for row in rows_of(frozen, part)][:limit]
    files = {}
    for number, row in enumerate(rows, start=1):
        files[row["sha256"]] = keep_mask(ws, run.id, row["sha256"], segmenter.index(photo(ws, row)))
        progress(number, len(rows))
    return files
