"""Judge a segmentation model at each photo's own size, against masks that people made, beside two trivial answers.

In: a run and its snapshot. Out: figures, per-class table and two sheets. Masks from GrabCut or a model are never
called truth here. Baselines: everything background, and the article's GrabCut rectangle alone (its person against the
true person).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dataset.progress import Progress
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import metrics, record
from train.data import Row, masked_rows, photo, truth
from train.figure import Figure
from train.models.article import grabcut_person
from train.models.segmenters import CLASSES
from train.predict import Segmenter, load_segmenter
from train.sheets import mask_sheet

TRUSTED = ("cutout", "review", "import")
SHOWN = 12
Counts = metrics.Ints


@dataclass(frozen=True)
class Judged:
    """Counts per photo: confusion (N, 3, 3), band (N, 3, 2), GrabCut's person (N, 2, 2)."""

    model: Counts
    bands: Counts
    grabcut: Counts


def judge(
    ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str, progress: Progress
) -> tuple[list[Figure], dict[str, Any], list[str]]:
    rows = masked_rows(frozen, part, TRUSTED)
    segmenter = load_segmenter(run.folder, device)
    judged = count(ws, rows, segmenter, progress)
    detail = {
        "confusions": [{"name": "pixels", "classes": list(CLASSES), "matrix": judged.model.sum(0).tolist()}],
        "absent": [name for name, n in zip(CLASSES, judged.model.sum((0, 2)), strict=True) if n == 0],
        "per_photo": [
            {"sha256": row["sha256"], "mean_iou": round(float(metrics.mean_iou(each)), 4)}
            for row, each in zip(rows, judged.model, strict=True)
        ],
    }  # fmt: skip
    return figures_of(judged, part), detail, _sheets(ws, run, rows, judged, segmenter)


def count(ws: Workspace, rows: list[Row], segmenter: Segmenter, progress: Progress) -> Judged:
    """Predict every row once and keep only counts: memory doesn't grow with the part."""
    model, bands, grabcut = [], [], []
    for number, row in enumerate(rows):
        rgb, right = photo(ws, row), truth(ws, row)
        said = segmenter.index(rgb)
        model.append(metrics.confusion(right, said, len(CLASSES)))
        bands.append(metrics.boundary_counts(right, said, len(CLASSES)))
        guess = grabcut_person(rgb, int(row["sha256"][:8], 16)).astype(np.uint8)
        grabcut.append(metrics.confusion((right > 0).astype(np.uint8), guess, 2))
        progress(number + 1, len(rows))
    return Judged(np.stack(model), np.stack(bands), np.stack(grabcut))


def figures_of(judged: Judged, part: str) -> list[Figure]:
    """Headline first: mean IoU, foreground mean IoU, IoU per class, pixel accuracy, person IoU, boundary IoU."""
    nothing = judged.model.sum(2)  # (N, 3) true pixels; all of them called background:
    background = np.zeros_like(judged.model)
    background[:, :, 0] = nothing
    person = np.stack([_person(each) for each in judged.model])

    def row(
        name: str, measure: Callable[[Any], Any], counts: Counts, other: Counts | None, beside: str | None
    ) -> Figure:
        low, high = metrics.bootstrap(counts, measure)
        base = None if other is None else round(float(measure(other.sum(0))), 6)
        return Figure(
            name,
            round(float(measure(counts.sum(0))), 6),
            round(low, 6),
            round(high, 6),
            len(counts),
            part,
            beside,
            base,
        )

    plain = "all background"
    rows = [
        row("mean IoU", metrics.mean_iou, judged.model, background, plain),
        row("foreground mean IoU", lambda c: metrics.mean_iou(c, first=1), judged.model, background, plain),
    ]
    present = [place for place in range(len(CLASSES)) if nothing[:, place].any()]
    for place in present:
        rows.append(
            row(
                f"IoU {CLASSES[place]}",
                partial(_iou_of, place),
                judged.model,
                background,
                plain,
            )
        )
    return [
        *rows,
        row("pixel accuracy", metrics.pixel_accuracy, judged.model, background, plain),
        row(
            "person IoU", lambda c: metrics.iou_per_class(c)[..., 1], person, judged.grabcut, "GrabCut rectangle alone"
        ),
        row("boundary IoU (2 % of diagonal)", metrics.boundary_iou, judged.bands, None, None),
    ]


def _iou_of(place: int, counts: Any) -> Any:
    return metrics.iou_per_class(counts)[..., place]


def _person(counts: Counts) -> Counts:
    """(3, 3) counts -> (2, 2): skin and garment together are the person."""
    return np.array([[counts[0, 0], counts[0, 1:].sum()], [counts[1:, 0].sum(), counts[1:, 1:].sum()]])


def _sheets(ws: Workspace, run: record.Run, rows: list[Row], judged: Judged, segmenter: Segmenter) -> list[str]:
    scores = metrics.mean_iou(judged.model)
    chance = np.random.default_rng(0).permutation(len(rows))[:SHOWN]
    worst = np.argsort(scores, kind="stable")[:SHOWN]
    made = []
    for name, title, places in (("predictions", "random", np.sort(chance)), ("worst", "worst", worst)):
        trios = []
        for each in places:
            rgb = photo(ws, rows[each])
            trios.append(
                (
                    rgb,
                    truth(ws, rows[each]),
                    segmenter.index(rgb),
                    f"{rows[each]['sha256'][:8]}  mIoU {scores[each]:.3f}",
                )
            )
        path = run.folder / "figures" / f"{name}.png"
        mask_sheet(path, trios, f"{run.id} · {title} {len(trios)} of {len(rows)} · photo | truth | prediction")
        made.append(str(path.relative_to(run.folder)))
    return made
