"""Judge a segmentation model at each photo's own size, against masks that people made, beside trivial answers.

In: a run and its snapshot. Out: figures, per-class counts, slices, calibration, cost and two sheets. Masks from GrabCut
or a model are never called truth here. Baselines: everything background, and the article's GrabCut rectangle alone (its
person against the true person).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from dataset.importers.roles import label_map
from dataset.label_space import LabelSpace, load_space
from dataset.masks import IGNORE
from dataset.progress import Progress
from dataset.settings import parse_settings
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import metrics, record
from train.data import Row, masked_rows, photo, truth
from train.figure import Figure
from train.letterbox import UInt8
from train.models.rectangle import grabcut_person
from train.predict import load_segmenter
from train.recipe import SegmentationRecipe
from train.segmenter import Segmenter
from train.sheets import mask_sheet
from train.slices import slices_of

TRUSTED = ("cutout", "review", "import")
SHOWN = 24
LEAST_IN_SLICE = 5  # fewer photos say nothing about a kind of photo
Counts = metrics.Ints


@dataclass(frozen=True)
class Judged:
    """Counts per photo: confusion (N, C, C), band (N, C, 2), GrabCut's person (N, 2, 2), calibration (N, 15, 3); what
    slices each is in, and the seconds of each prediction."""

    model: Counts
    bands: Counts
    grabcut: Counts
    calibration: metrics.Floats
    slices: list[dict[str, bool | None]]
    seconds: list[float]


def judge(
    ws: Workspace,
    run: record.Run,
    frozen: Snapshot,
    part: str,
    device: str,
    progress: Progress,
    prediction: dict[str, Any] | None = None,
) -> tuple[list[Figure], dict[str, Any], list[str]]:
    """`prediction` are keys of the recipe that stand otherwise than in training; then no sheets are drawn."""
    segmenter = load_segmenter(run.folder, device)
    if prediction:
        recipe = parse_settings(SegmentationRecipe, segmenter.recipe.model_dump() | prediction, f"run {run.id}")
        segmenter = replace(segmenter, recipe=recipe)
    space = load_space(segmenter.recipe.label_space)
    rows = masked_rows(frozen, part, TRUSTED, space)
    judged = count(ws, rows, segmenter, space, progress)
    classes = segmenter.classes
    detail = {
        "confusions": [{"name": "pixels", "classes": classes, "matrix": judged.model.sum(0).tolist()}],
        "absent": [name for name, n in zip(classes, judged.model.sum((0, 2)), strict=True) if n == 0],
        "slices": slice_table(judged),
        "calibration": metrics.calibration_table(judged.calibration.sum(0)),
        "parameters": segmenter.backend.parameters,
        "ms_per_photo": round(1000 * float(np.median(judged.seconds)), 1),
        "per_photo": [
            {"sha256": row["sha256"], "mean_iou": round(float(metrics.mean_iou(each)), 4),
             "counts": compact_counts(each), "slices": [name for name, inside in kinds.items() if inside]}
            for row, each, kinds in zip(rows, judged.model, judged.slices, strict=True)
        ],
    }  # fmt: skip
    figures = figures_of(judged, part, classes, segmenter.roles)
    return figures, detail, [] if prediction else _sheets(ws, run, rows, judged, segmenter, space)


def count(ws: Workspace, rows: list[Row], segmenter: Segmenter, space: LabelSpace, progress: Progress) -> Judged:
    """Predict every row once and keep only counts: memory doesn't grow with the part."""
    found: list[tuple[Any, ...]] = []
    for number, row in enumerate(rows):
        found.append(_count_one(ws, row, segmenter, space))
        progress(number + 1, len(rows))
    model, bands, grabcut, calibration, slices, seconds = zip(*found, strict=True)
    return Judged(
        np.stack(model), np.stack(bands), np.stack(grabcut), np.stack(calibration), list(slices), list(seconds)
    )


def _count_one(ws: Workspace, row: Row, segmenter: Segmenter, space: LabelSpace) -> tuple[Any, ...]:
    rgb, right = photo(ws, row), truth(ws, row, space)
    began = time.perf_counter()
    chances = segmenter.class_probabilities(rgb)
    said = segmenter.decided(chances)
    seconds, classes = time.perf_counter() - began, len(segmenter.classes)
    guess = grabcut_person(rgb, int(row["sha256"][:8], 16)).astype(np.uint8)
    known = right != IGNORE
    person = np.where(known, np.array(segmenter.roles + [0] * (256 - classes))[right] > 0, IGNORE)
    return (
        metrics.confusion(right, said, classes),
        metrics.boundary_counts(right, said, classes),
        metrics.confusion(person, guess, 2),
        metrics.calibration_counts(chances.max(-1)[known], (chances.argmax(-1) == right)[known]),
        slices_of(rgb, right, segmenter.roles, _words(ws, row)),
        seconds,
    )


def _words(ws: Workspace, row: Row) -> dict[str, UInt8]:
    """The label map's regions by their words, empty where the row has none."""
    if not row.get("words_sha256"):
        return {}
    png = ws.blobs.get(row["words_sha256"])
    return {r.word.strip().lower(): r.mask for r in label_map(png, f'{{"names": {row["words_names"]}}}')}


def figures_of(judged: Judged, part: str, classes: list[str], roles: list[int]) -> list[Figure]:
    """Headline first: mean IoU, foreground mean IoU, IoU per class, pixel accuracy, person IoU, boundary IoU, ECE."""
    nothing = judged.model.sum(2)  # (N, C) true pixels; all of them called background:
    background = np.zeros_like(judged.model)
    background[:, :, 0] = nothing
    person = np.stack([_person(each, roles) for each in judged.model])
    row = partial(_figure, part)
    plain = "all background"
    present = [place for place in range(len(classes)) if nothing[:, place].any()]
    per_class = [row(f"IoU {classes[k]}", partial(_iou_of, k), judged.model, background, plain) for k in present]
    foreground = partial(metrics.mean_iou, first=1)
    return [
        row("mean IoU", metrics.mean_iou, judged.model, background, plain),
        row("foreground mean IoU", foreground, judged.model, background, plain),
        *per_class,
        row("pixel accuracy", metrics.pixel_accuracy, judged.model, background, plain),
        row("person IoU", partial(_iou_of, 1), person, judged.grabcut, "GrabCut rectangle alone"),
        row("boundary IoU (2 % of diagonal)", metrics.boundary_iou, judged.bands, None, None),
        row("calibration error of pixels (ECE)", metrics.calibration_error, judged.calibration, None, None),
    ]


def _figure(
    part: str, name: str, measure: Callable[[Any], Any], counts: Any, other: Counts | None, beside: str | None
) -> Figure:
    low, high = metrics.bootstrap(counts, measure)
    base = None if other is None else round(float(measure(other.sum(0))), 6)
    value = round(float(measure(counts.sum(0))), 6)
    return Figure(name, value, round(low, 6), round(high, 6), len(counts), part, beside, base)


def compact_counts(confusion: Counts) -> dict[str, list[int]]:
    """{class: [true pixels, predicted, both]} of the classes that occur: all that IoU needs, C numbers a photo."""
    table = np.stack([confusion.sum(1), confusion.sum(0), np.diagonal(confusion)], axis=1)
    return {str(place): row for place, row in enumerate(table.tolist()) if any(row)}


def slice_table(judged: Judged) -> list[dict[str, Any]]:
    """For each slice of 5 photos or more: n, mean IoU, its gap to the photos known not to be in it, with 95 %
    intervals. A class absent from a slice is left out of its mean."""
    table = []
    for name in judged.slices[0]:
        known = [each[name] for each in judged.slices]
        inside = np.array([answer is True for answer in known])
        outside = np.array([answer is False for answer in known])
        if inside.sum() < LEAST_IN_SLICE or outside.sum() < LEAST_IN_SLICE:
            table.append({"slice": name, "n": int(inside.sum()), "mean_iou": None})
            continue
        value, gap = metrics.mean_iou(judged.model[inside].sum(0)), _gap(judged.model[inside], judged.model[outside])
        low, high = metrics.bootstrap(judged.model[inside], metrics.mean_iou)
        table.append(
            {"slice": name, "n": int(inside.sum()), "mean_iou": round(float(value), 4), "low": round(low, 4),
             "high": round(high, 4), "gap": gap[0], "gap_low": gap[1], "gap_high": gap[2]}
        )  # fmt: skip
    return table


def _gap(inside: Counts, outside: Counts) -> tuple[float, float, float]:
    """Mean IoU inside minus outside, with its bootstrap interval (both drawn anew, 1,000 times)."""
    first, second = (
        metrics.draws_of(inside, metrics.mean_iou, seed=0),
        metrics.draws_of(outside, metrics.mean_iou, seed=1),
    )
    low, high = np.nanpercentile(first - second, [2.5, 97.5])
    value = float(metrics.mean_iou(inside.sum(0)) - metrics.mean_iou(outside.sum(0)))
    return round(value, 4), round(float(low), 4), round(float(high), 4)


def _iou_of(place: int, counts: Any) -> Any:
    return metrics.iou_per_class(counts)[..., place]


def _person(counts: Counts, roles: list[int]) -> Counts:
    """(C, C) counts -> (2, 2): all classes that are not background are the person."""
    out = np.zeros((2, 2), np.int64)
    np.add.at(out, np.ix_(np.minimum(roles, 1), np.minimum(roles, 1)), counts)
    return out


def _sheets(
    ws: Workspace, run: record.Run, rows: list[Row], judged: Judged, segmenter: Segmenter, space: LabelSpace
) -> list[str]:
    scores = metrics.mean_iou(judged.model)
    chance = np.random.default_rng(0).permutation(len(rows))[:SHOWN]
    worst = np.argsort(scores, kind="stable")[:SHOWN]
    made = []
    for name, title, places in (("predictions", "random", np.sort(chance)), ("worst", "worst", worst)):
        trios = []
        for each in places:
            rgb = photo(ws, rows[each])
            words = f"{rows[each]['sha256'][:8]}  mIoU {scores[each]:.3f}"
            trios.append((rgb, truth(ws, rows[each], space), segmenter.index(rgb), words))
        path = run.folder / "figures" / f"{name}.png"
        told = f"{run.id} · {title} {len(trios)} of {len(rows)} · photo | truth | prediction"
        mask_sheet(path, trios, told, classes=len(segmenter.classes))
        made.append(str(path.relative_to(run.folder)))
    return made
