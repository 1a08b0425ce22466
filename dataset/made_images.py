"""Pictures that software made or changed, by their own mark: found in the tables, and held in train alone.

In: a workspace; rows of `groups` with the parts a split gave them. Out: which images are made, and parts in which no
made image is in validation or test. A group of nothing else goes to train; a made image whose photo is in another
part has none, for in train it would leak. Looks at the files of images checked before marks were read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from dataset.errors import DataError, SnapshotError
from dataset.progress import Progress, counted, silent
from dataset.source_mark import CAPTURES, source_type_of
from dataset.workspace import Workspace

NO_MARK = ""  # looked, and there was none; null is 'not looked'
_MADE = f"source_type <> '' AND source_type NOT IN ({', '.join(repr(term) for term in sorted(CAPTURES))})"
_UNLOOKED = "SELECT sha256 FROM images WHERE status = 'ok' AND source_type IS NULL ORDER BY sha256"
_THESE = "SELECT * FROM images WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))"
_WRONG = f"SELECT g.sha256, g.split FROM groups g JOIN images i USING (sha256) WHERE {_MADE} AND {{where}} ORDER BY 1"
_ROWS = 500


def made_images(ws: Workspace) -> set[str]:
    """sha256 of every image whose mark says software made or changed it."""
    return set(ws.tables.query(f"SELECT sha256 FROM images WHERE {_MADE}")["sha256"].to_pylist())


def look_for_marks(ws: Workspace, progress: Progress = silent) -> int:
    """Fill `source_type` of usable images that were checked before it existed; returns how many. Nothing is decoded;
    a blob that is gone stays unlooked."""
    waiting: list[str] = ws.tables.query(_UNLOOKED)["sha256"].to_pylist()
    looked = 0
    for start in counted(range(0, len(waiting), _ROWS), (len(waiting) + _ROWS - 1) // _ROWS, progress):
        found = dict(_marks(ws, waiting[start : start + _ROWS]))
        rows = ws.tables.query(_THESE, parameters=[list(found)]).to_pylist() if found else []
        looked += ws.tables.upsert("images", [row | {"source_type": found[row["sha256"]]} for row in rows])
    return looked


def without_made(
    rows: Iterable[Mapping[str, Any]], parts: Mapping[str, str], made: set[str], *, move: bool = True
) -> tuple[dict[str, str], int]:
    """(sha256 -> part, how many made images lost theirs): `rows` have sha256 and group_id, `parts` are the split's.

    `move` takes groups without a photo to train; else (whole shops, whole seasons held out) they have no part."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["sha256"] in parts:
            groups[row["group_id"]].append(row["sha256"])
    kept, dropped = dict(parts), 0
    for images in groups.values():
        here = {parts[sha256] for sha256 in images if sha256 not in made}
        for sha256 in made.intersection(images):
            if here == {"train"} or (move and not here):
                kept[sha256] = "train"
            elif here or parts[sha256] != "train":
                del kept[sha256]
                dropped += 1
    return kept, dropped


def refuse_made(ws: Workspace, name: str, rows: Iterable[str]) -> None:
    """Raises SnapshotError where one of these images (sha256) is made and in validation or test."""
    wrong = {
        row["sha256"]: row["split"] for row in ws.tables.query(_WRONG.format(where="g.split <> 'train'")).to_pylist()
    }
    found = sorted(wrong.keys() & set(rows))
    if found:
        raise SnapshotError(
            f"{len(found)} pictures made or changed by software are in validation or test, the first {found[0][:12]}",
            where=f"snapshot {name}",
            expected="photos there: what a model is judged on",
            cure="Run `modiste split` again, it holds them in train",
        )


def _marks(ws: Workspace, sha256s: Iterable[str]) -> Iterable[tuple[str, str]]:
    for sha256 in sha256s:
        try:
            yield sha256, source_type_of(ws.blobs.get(sha256)) or NO_MARK
        except DataError:
            continue
