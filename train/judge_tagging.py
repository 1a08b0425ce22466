"""Judge a tagger: accuracy with Wilson's interval, macro F1, calibration, what the floor keeps.

In: a run and its snapshot. Out: figures with the trivial answer beside them, per-value table and confusion matrix of
each field, a sheet of mistakes; multi fields are `judge_tagging_multi`'s. A value that training never saw counts as a
mistake: the true row of its own ('unseen') is kept in the table. Where training knew one value a photo and a photo has
several, any of them is right.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dataset.errors import EmptyError
from dataset.progress import Progress
from dataset.several import values_in
from dataset.snapshot import Snapshot
from dataset.taxonomy import taxonomy_of
from dataset.workspace import Workspace
from train import metrics, record
from train.data import Row, photo, rows_of
from train.figure import Figure
from train.judge_tagging_multi import figures_of_multi, truth_of
from train.predict import TagBackend, load_tagger
from train.sheets import photo_sheet
from train.tagger import BATCH, Tagger
from train.tagging_heads import asked_rows
from train.tagging_linear import embed_rows

SHOWN = 24


def judge(
    ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str, progress: Progress
) -> tuple[list[Figure], dict[str, Any], list[str]]:
    tagger = load_tagger(run.folder, device)
    detail: dict[str, Any] = {}
    figures: list[Figure] = []
    sheets: list[str] = []
    rows = [
        row
        for row in asked_rows(rows_of(frozen, part), taxonomy_of(ws))
        if any(field in row["labels"] for field in tagger.values)
    ]
    if not rows:
        raise EmptyError(
            f"no image in the {part} part has a label in {', '.join(tagger.values)}", where=f"snapshot {frozen.name}"
        )
    found = predict_rows(ws, rows, tagger, device, progress)
    for field in tagger.values:
        labelled = [place for place, row in enumerate(rows) if field in row["labels"]]
        if not labelled:
            detail[field] = {"n": 0}
            continue
        known, chances = [rows[place] for place in labelled], found[field][labelled]
        more, detail[field] = _of_field(tagger, frozen, field, known, chances, part)
        figures += more
        if field not in tagger.multi:
            sheets.append(_mistakes(ws, run, field, tagger.values[field], known, chances))
    detail["confusions"] = [
        {"name": field, "classes": each["values"], "matrix": each.pop("matrix")}
        for field, each in detail.items()
        if "matrix" in each
    ]
    return figures, detail, sheets


def _of_field(
    tagger: Tagger, frozen: Snapshot, field: str, rows: list[Row], chances: npt.NDArray[np.float32], part: str
) -> tuple[list[Figure], dict[str, Any]]:
    """Figures and detail of one field's labelled rows."""
    values, floor = tagger.values[field], tagger.floors[field]
    if field in tagger.multi:
        training = [row for row in rows_of(frozen, "train") if field in row["labels"]]
        shares = truth_of(field, values, training)[0].mean(0)
        return figures_of_multi(field, values, rows, chances, part, floor, shares)
    figures, detail = figures_of(field, values, rows, chances, part, _majority(frozen, field, values))
    if field in tagger.facts.get("floor", {}):
        right = rights_of_one(field, values, rows, chances)
        figures += kept_figures(field, chances.max(1), right, floor, part)
    return figures, detail


def kept_figures(
    field: str, sure: npt.NDArray[np.floating], right: npt.NDArray[np.bool_], floor: float, part: str
) -> list[Figure]:
    """Accuracy of the answers at or over the floor, and the share of answers that are, with Wilson's intervals; beside
    them what there is without a floor."""
    kept = sure >= floor
    n, hits = int(kept.sum()), int(right[kept].sum())
    low, high = metrics.wilson(hits, n)
    least, most = metrics.wilson(n, len(sure))
    value, share, without = hits / max(n, 1), n / len(sure), float(right.mean())
    return [
        Figure(f"{field} accuracy over its floor {floor:.2f}", value, low, high, n, part, "no floor", without),
        Figure(f"{field} coverage at its floor", share, least, most, len(sure), part, "no floor", 1.0),
    ]


def predict_rows(
    ws: Workspace, rows: list[Row], tagger: Tagger, device: str, progress: Progress
) -> dict[str, npt.NDArray[np.float32]]:
    """{field: (N, K) calibrated}. Features of a frozen backbone come from, and go to, the embeddings table."""
    if tagger.recipe.method == "linear" and isinstance(tagger.backend, TagBackend):
        net = tagger.backend.net
        features = embed_rows(ws, rows, net, tagger.recipe, device, progress)
        with torch.inference_mode():
            logits = net.heads_on(torch.from_numpy(features).to(device))
        return {field: tagger.calibrated(field, value.cpu().numpy()) for field, value in logits.items()}
    found = []
    for start in range(0, len(rows), BATCH):
        photos = [photo(ws, row, tagger.recipe.side) for row in rows[start : start + BATCH]]
        found.append(tagger.chances(photos))
        progress(start + len(photos), len(rows))
    return {field: np.concatenate([each[field] for each in found]) for field in tagger.values}


def figures_of(
    field: str, values: list[str], rows: list[Row], found: npt.NDArray[np.float32], part: str, majority: int
) -> tuple[list[Figure], dict[str, Any]]:
    """`found` (N, K) probabilities; `majority` is the place of the training part's most frequent value."""
    places = {word: place for place, word in enumerate(values)}
    said = found.argmax(1)
    truth = truth_of_one(field, values, rows, said)
    right = said == truth
    per_photo = np.stack(
        [metrics.confusion(t, p, len(values) + 1) for t, p in zip(truth[:, None], said[:, None], strict=True)]
    )
    counts, n = per_photo.sum(0), len(rows)
    low, high = metrics.wilson(int(right.sum()), n)
    often = np.full(n, majority)
    if_often = truth_of_one(field, values, rows, often)
    always = metrics.confusion(if_often, often, len(values) + 1)
    f1_low, f1_high = metrics.bootstrap(per_photo, metrics.macro_f1)
    name = f"majority ({values[majority]})"
    base = float((if_often == majority).mean())

    def figure(metric: str, value: float, low: float, high: float, beside: str, other: float) -> Figure:
        value, low, high, other = (round(each, 6) for each in (value, low, high, other))
        return Figure(f"{field} {metric}", value, low, high, n, part, beside, other)

    figures = [
        figure("accuracy", float(right.mean()), low, high, name, base),
        figure("macro F1", float(metrics.macro_f1(counts)), f1_low, f1_high, name, float(metrics.macro_f1(always))),
        figure(
            "ECE (15 bins)", *_calibration(found.max(1).astype(float), right), "always sure of the majority", 1 - base
        ),
    ]
    table = [_of_value(word, counts, place) for word, place in places.items()]
    shown = [*values, "unseen"] if counts[-1].any() else values
    return figures, {
        "n": n,
        "values": shown,
        "matrix": counts[: len(shown), : len(shown)].tolist(),
        "per_value": table,
        "per_photo": [{"sha256": row["sha256"], "right": int(yes)} for row, yes in zip(rows, right, strict=True)],
    }


def truth_of_one(
    field: str, values: list[str], rows: list[Row], said: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """(N,) places of the true values, K for one that training never saw; of several the one said (places `said`), else
    the first that training knew."""
    places = {word: place for place, word in enumerate(values)}
    found = []
    for row, place in zip(rows, said, strict=True):
        known = [places[word] for word in values_in(row["labels"][field]) if word in places]
        found.append(int(place) if place in known else next(iter(known), len(values)))
    return np.array(found, np.int64)


def rights_of_one(
    field: str, values: list[str], rows: list[Row], found: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """(N,) rows whose surest value is (one of) the true."""
    said = found.argmax(1)
    return np.asarray(truth_of_one(field, values, rows, said) == said)


def _calibration(sure: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """ECE with its bootstrap interval over photos, 1,000 draws."""
    drawn = np.random.default_rng(0).integers(0, len(sure), (1000, len(sure)))
    low, high = np.percentile([metrics.expected_calibration_error(sure[d], right[d]) for d in drawn], [2.5, 97.5])
    return metrics.expected_calibration_error(sure, right), float(low), float(high)


def _of_value(word: str, counts: metrics.Ints, place: int) -> dict[str, Any]:
    hit, n, said = int(counts[place, place]), int(counts[place].sum()), int(counts[:, place].sum())
    low, high = metrics.wilson(hit, n)
    return {
        "value": word, "n": n, "recall": round(hit / n, 4) if n else None, "low": round(low, 4), "high": round(high, 4),
        "precision": round(hit / said, 4) if said else None,
    }  # fmt: skip


def _majority(frozen: Snapshot, field: str, values: list[str]) -> int:
    held = [row["labels"][field] for row in rows_of(frozen, "train") if field in row["labels"]]
    counts = Counter(word for label in held for word in values_in(label))
    return max(range(len(values)), key=lambda place: counts[values[place]])


def _mistakes(
    ws: Workspace, run: record.Run, field: str, values: list[str], rows: list[Row], found: npt.NDArray[np.float32]
) -> str:
    """The surest mistakes first, where there are any; else the least sure of the right ones."""
    said = found.argmax(1)
    wrong = np.flatnonzero(~rights_of_one(field, values, rows, found)).tolist()
    order = sorted(wrong, key=lambda place: -found[place].max()) or sorted(
        range(len(rows)), key=lambda place: found[place].max()
    )
    shown = [
        (
            photo(ws, rows[place], 240),
            f"{' + '.join(values_in(rows[place]['labels'][field]))} > {values[said[place]]} {found[place].max():.2f}",
        )
        for place in order[:SHOWN]
    ]
    path = run.folder / "figures" / f"{field}-mistakes.png"
    photo_sheet(
        path,
        shown,
        f"{run.id} · {field}: {len(wrong)} wrong of {len(rows)}, surest first · truth > prediction, confidence",
    )
    return str(path.relative_to(run.folder))
