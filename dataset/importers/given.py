"""A layout's own split, kept as the CSV file that `modiste split --given` reads.

In: sha256 -> the layout's word. Out: `imports/<import>-split.csv` in the workspace. A word that names no part, such as
'unlabeled', is left out; a file already there keeps the images that this run did not see.
"""

from __future__ import annotations

import csv
import io
from urllib.parse import quote

from dataset.blobs import write_atomically
from dataset.splits import read_given
from dataset.workspace import Workspace

PART_OF = {
    "train": "train", "training": "train", "trn": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


def part_in(text: str) -> str | None:
    """The part that a folder or file name tells: 'instances_val2017' is validation."""
    plain = "".join(letter if letter.isalpha() else " " for letter in text.lower())
    return next((PART_OF[word] for word in plain.split() if word in PART_OF), None)


def write_split(ws: Workspace, crawl_id: str, splits: dict[str, str]) -> str | None:
    """The file's name relative to the workspace; None where the layout has no split."""
    rows = {sha256: PART_OF[word.lower()] for sha256, word in splits.items() if word.lower() in PART_OF}
    if not rows:
        return None
    path = ws.scratch("imports") / f"{quote(crawl_id, safe='')}-split.csv"
    kept = read_given(path) if path.is_file() else {}
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("sha256", "split"), *sorted((kept | rows).items())])
    write_atomically(path, text.getvalue().encode())
    return path.relative_to(ws.root).as_posix()
