"""Judge a run of task 'similar' on a part of its snapshot: Recall@1, 5, 10 and mAP beside the encoder itself.

In: a finished run, its snapshot. Out: figures with intervals from groups drawn anew, as `train.evaluate` writes them.
"""

from __future__ import annotations

from typing import Any

from dataset.progress import Progress
from dataset.similar_projection import load_projection
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import record
from train.data import rows_of
from train.figure import Figure
from train.metric import class_of, vectors_and_grids
from train.metric_score import asked, figures
from train.weights import WEIGHT_FILE


def judge(
    ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str, progress: Progress
) -> tuple[list[Figure], dict[str, Any], list[str]]:
    """Figures, detail, names of pictures (none); queries and gallery are the labelled images of `part`."""
    view, field = load_projection(run.folder / WEIGHT_FILE), run.data["recipe"]["field"]
    rows = [row for row in rows_of(frozen, part) if class_of(row, field)]
    vectors, grids = vectors_and_grids(ws, view.base, rows)
    groups, words = [str(row["group_id"] or row["sha256"]) for row in rows], [class_of(row, field) for row in rows]
    progress(len(rows), len(rows))
    found, plain = asked(view.apply(vectors, grids), groups, words), asked(vectors, groups, words)
    return figures(found, part, "the encoder itself", plain), {"confusions": []}, []
