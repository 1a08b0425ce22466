"""A promoted model judged anew on the rows that a candidate was judged on.

In: a run, a snapshot, a part. Out: `Judged`. Writes nothing in the run's folder: its own evaluation stays as it is.
"""

from __future__ import annotations

from dataset.errors import SnapshotError
from dataset.label_space import load_space
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, load_snapshot
from dataset.workspace import Workspace
from train import record
from train.data import masked_rows, rows_of
from train.evaluate import part_fingerprint
from train.job_gate import Judged, segmentation_counts, tagging_counts


def judge_again(
    ws: Workspace, run: record.Run, frozen: Snapshot, part: str, *, device: str = "cpu", progress: Progress = silent
) -> Judged:
    """Predict every judged row of `part` with the run's weights. Raises TrainingError, EmptyError."""
    if run.task == "segmentation":
        return _segmentation(ws, run, frozen, part, device, progress)
    return _tagging(ws, run, frozen, part, device, progress)


def learned_from(ws: Workspace, run: record.Run) -> frozenset[str]:
    """sha256 of the rows it was trained on or chosen by; empty where its snapshot is gone."""
    try:
        frozen = load_snapshot(ws, run.data["snapshot"], rest=True)
    except SnapshotError:
        return frozenset()
    return frozenset(row["sha256"] for part in ("train", "validation") for row in rows_of(frozen, part))


def _segmentation(
    ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str, progress: Progress
) -> Judged:
    from train.judge_segmentation import TRUSTED, compact_counts, count
    from train.predict import load_segmenter

    segmenter = load_segmenter(run.folder, device)
    space = load_space(segmenter.recipe.label_space)
    rows = masked_rows(frozen, part, TRUSTED, space)
    judged = count(ws, rows, segmenter, space, progress)
    told = [
        {
            "sha256": row["sha256"],
            "counts": compact_counts(each),
            "slices": [k for k, inside in kinds.items() if inside],
        }
        for row, each, kinds in zip(rows, judged.model, judged.slices, strict=True)
    ]
    return segmentation_counts(run.id, part_fingerprint(frozen, part), segmenter.classes, told)


def _tagging(ws: Workspace, run: record.Run, frozen: Snapshot, part: str, device: str, progress: Progress) -> Judged:
    from train.judge_tagging import predict_rows, rights_of_one
    from train.judge_tagging_multi import rights_of
    from train.predict import load_tagger

    tagger = load_tagger(run.folder, device)
    field, values = next(iter(tagger.values.items()))
    rows = [row for row in rows_of(frozen, part) if field in row["labels"]]
    found = predict_rows(ws, rows, tagger, device, progress)[field]
    rights = (
        rights_of(field, values, rows, found) if field in tagger.multi else rights_of_one(field, values, rows, found)
    )
    right = {row["sha256"]: int(yes) for row, yes in zip(rows, rights, strict=True)}
    return tagging_counts(run.id, part_fingerprint(frozen, part), field, right)
