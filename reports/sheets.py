"""The gallery: a page of images with their masks, some drawn at random, some the worst by mask quality.

In: tables and blobs. Out: `reports/gallery.html`. Thumbnails are decoded and encoded anew. Never picks the prettiest.
"""

from __future__ import annotations

from pathlib import Path

from dataset.workspace import Workspace
from reports.overview import cells
from reports.pictures import Pictures
from reports.quality import picks
from reports.written import Written, made_at, place, write

BUDGET_BYTES = 10_000_000


def gallery_report(ws: Workspace, *, out: Path | None = None, count: int = 24, blur_faces: bool = False) -> Written:
    """Write `count` images of each kind to `out` (default `reports/gallery.html`)."""
    random, worst = picks(ws, count)
    pictures = Pictures(ws.blobs, BUDGET_BYTES, faces_in=ws if blur_faces else None)
    values = {
        "title": ws.settings.name, "kind": "gallery", "facts": [("made", made_at())], "pictures": pictures,
        "contents": [("random", "At random"), ("worst", "Worst masks")] if random else [],
        "empty": "" if random else "No image has a mask yet: modiste check, then modiste label masks",
        "random": cells(random, pictures), "worst": cells(worst, pictures),
    }  # fmt: skip
    said = {"images": len({row["sha256"] for row in random + worst})} if random else {}
    return write(place(ws, out, "gallery"), "gallery.html.j2", values, said)
