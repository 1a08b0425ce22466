"""What blurring faces does to trained models: the same photos of a part judged as they are and with faces blurred.

In: a workspace with a snapshot's photos and runs; faces never counted are counted there. Out: a table, and --json
FILE: each figure plain and blurred, and their difference with a paired bootstrap over photos (1,000 draws, seed 0), all
with 95 % intervals. `--train RECIPE` trains that recipe on blurred photos of the segmentation run's snapshot first, and
judges it the same way.

Example: python -m benchmarks.faces demo-photos --segmentation RUN --tagging RUN --json faces.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset.face_blur import blur_faces
from dataset.face_count import faces_of
from dataset.faces import detector_name
from dataset.images import decode
from dataset.masks import from_png, to_index
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import metrics, record
from train.predict import load_segmenter, load_tagger

TRUSTED = ("cutout", "review", "import")
SKIN, GARMENT = 1, 2


@dataclass(frozen=True)
class Row:
    """`n` photos, `with_faces` of them changed by the blur; `difference` is blurred minus plain, paired."""

    model: str
    metric: str
    n: int
    with_faces: int
    plain: tuple[float, float, float]
    blurred: tuple[float, float, float]
    difference: tuple[float, float, float]

    def line(self) -> str:
        told = [
            f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"
            for value, low, high in (self.plain, self.blurred, self.difference)
        ]
        return f"{self.model:34} {self.metric:14} n={self.n} ({self.with_faces} with faces)  " + "  ".join(told)


def pairs(ws: Workspace, rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], np.ndarray, np.ndarray | None]]:
    """Each row with its photo, and the photo with faces blurred: None where it shows none."""
    faces = faces_of(ws, (row["sha256"] for row in rows))
    for number, row in enumerate(rows):
        rgb = np.ascontiguousarray(decode(ws.blobs.get(row["sha256"])).rgb)
        boxes = faces[row["sha256"]]
        yield row, rgb, blur_faces(rgb, boxes) if boxes else None
        if number % 50 == 49:
            print(f"  {number + 1} of {len(rows)}", flush=True)


def segmentation(ws: Workspace, run: record.Run, part: str) -> Iterator[Row]:
    """Mean IoU and IoU of each class, at the photos' own size, against masks that people made."""
    model = load_segmenter(run.folder)
    frozen = load_snapshot(ws, run.data["snapshot"]).rows.to_pylist()
    chosen = [r for r in frozen if r["split"] == part and (r["mask_source"] or "").split(":")[0] in TRUSTED]
    counts, with_faces = [], 0
    for row, rgb, blurred in pairs(ws, chosen):
        truth = to_index(from_png(ws.blobs.get(row["mask_sha256"])))
        plain = metrics.confusion(truth, model.index(rgb), 3)
        other = plain if blurred is None else metrics.confusion(truth, model.index(blurred), 3)
        counts.append(np.stack([plain, other]))
        with_faces += blurred is not None
    measures: dict[str, Callable[[Any], Any]] = {
        "mean IoU": metrics.mean_iou,
        "IoU skin": lambda c: metrics.iou_per_class(c)[..., SKIN],
        "IoU garment": lambda c: metrics.iou_per_class(c)[..., GARMENT],
    }
    yield from (compared(run.id, name, np.stack(counts), measure, with_faces) for name, measure in measures.items())


def tagging(ws: Workspace, run: record.Run, part: str) -> Iterator[Row]:
    """Accuracy of each field."""
    model = load_tagger(run.folder)
    frozen = load_snapshot(ws, run.data["snapshot"]).rows.to_pylist()
    chosen = [r | {"labels": json.loads(r["labels"] or "{}")} for r in frozen if r["split"] == part]
    for field in model.values:
        labelled = [row for row in chosen if field in row["labels"]]
        right, with_faces = [], 0
        for row, rgb, blurred in pairs(ws, labelled):
            plain = model.tags(rgb)[field][0] == row["labels"][field]
            other = plain if blurred is None else model.tags(blurred)[field][0] == row["labels"][field]
            right.append([[plain, 1], [other, 1]])
            with_faces += blurred is not None
        yield compared(run.id, f"{field} accuracy", np.array(right, float), lambda c: c[..., 0] / c[..., 1], with_faces)


def compared(model: str, name: str, counts: np.ndarray, measure: Callable[[Any], Any], with_faces: int) -> Row:
    """`counts` (N, 2, …): plain, blurred."""

    def figure(of: Callable[[Any], Any]) -> tuple[float, float, float]:
        low, high = metrics.bootstrap(counts, of)
        return round(float(of(counts.sum(0))), 5), round(low, 5), round(high, 5)

    def at(place: int) -> Callable[[Any], Any]:
        # summed counts are (2, …) or (draws, 2, …): what comes before is told by how many axes a photo has
        return lambda c: measure(np.take(c, place, axis=c.ndim - counts.ndim + 1))

    return Row(
        model, name, len(counts), with_faces, figure(at(0)), figure(at(1)), figure(lambda c: at(1)(c) - at(0)(c))
    )


def trained_faceless(ws: Workspace, like: record.Run, recipe: str) -> record.Run:
    """A run of `recipe` on the same snapshot with blurred faces, trained now unless it was before."""
    from train.segmentation import train_segmentation

    done = train_segmentation(ws, snapshot=like.data["snapshot"], recipe=recipe, overrides={"blur_faces": True})
    print(done.line(), flush=True)
    return record.load(ws, done.run)


def measured(ws: Workspace, args: argparse.Namespace) -> Iterable[Row]:
    if args.segmentation:
        run = record.load(ws, args.segmentation, task="segmentation")
        yield from segmentation(ws, run, args.part)
        if args.train:
            yield from segmentation(ws, trained_faceless(ws, run, args.train), args.part)
    if args.tagging:
        yield from tagging(ws, record.load(ws, args.tagging, task="tagging"), args.part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--segmentation", help="a segmentation run, its id or 'latest'")
    parser.add_argument("--tagging", help="a tagging run, its id or 'latest'")
    parser.add_argument("--train", metavar="RECIPE", help="train this on blurred photos, then judge it too")
    parser.add_argument("--part", default="test")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    ws, rows = Workspace.open(args.workspace), []
    print(f"faces by {detector_name()}; figures: plain, blurred, blurred - plain", flush=True)
    for row in measured(ws, args):
        print(row.line(), flush=True)
        rows.append(asdict(row))
    if args.json:
        args.json.write_text(
            json.dumps({"detector": detector_name(), "part": args.part, "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
