"""Which image went out in which file: told inside every export, and kept in the workspace for take-downs.

In: a finished sink. Out: `export.json` and `index.parquet` in the export, and the same two under the workspace's
`exports/<id>/` together with the folder it was written to. `exports_with` finds the files that hold given images, also
when the exported folder has been moved or deleted since.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dataset.blobs import write_atomically
from dataset.errors import DataError
from dataset.exporters.sink import Sink
from dataset.workspace import Workspace

EXPORT, INDEX = "export.json", "index.parquet"
_COLUMNS = ("sha256", "file", "exported_sha256", "split", "store", "product_id", "brand", "licence", "url")
_NOTES = {
    "as it was": "the original bytes",
    "metadata removed": "the original's compressed pixels without its metadata",
    "faces blurred": "decoded, its faces replaced, written as JPEG of quality 95, or as PNG where it was no JPEG",
    "first frame alone": "an animation, whose other frames were not looked at for faces: they stay here",
    "re-encoded as PNG": "a format whose metadata can't be taken out of it as it is: decoded, and written without loss",
}


@dataclass(frozen=True)
class Exported:
    """Files of one export that hold an image. `folder` is where it was written; files are relative to it."""

    id: str
    format: str
    snapshot: str
    folder: str
    files: tuple[str, ...]
    sha256s: tuple[str, ...]


def describe(sink: Sink, format_: str) -> dict[str, Any]:
    """What export.json says. No path of this machine is in it."""
    snapshot = sink.gathered.snapshot
    return {
        "format": format_,
        "snapshot": snapshot.name,
        "fingerprint": snapshot.fingerprint,
        "where": snapshot.meta.get("where"),
        "masks": sink.gathered.kind,
        "classes": sink.gathered.classes,
        "images": len(sink.index),
        "parts": dict(Counter(str(row["split"]) for row in sink.index)),
        "with_masks": sink.masked,
        "left_out": dict(sink.gathered.left_out + sink.left_out),
        "images_are": {how: {"images": count, "meaning": _NOTES[how]} for how, count in sorted(sink.how.items())},
        "privacy": sink.privacy(),
        "index": INDEX,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    } | sink.facts


def write_index(sink: Sink) -> None:
    rows = [{name: row.get(name) for name in _COLUMNS} for row in sink.index]
    schema = pa.schema([(name, pa.string()) for name in _COLUMNS])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink.folder / INDEX)


def remember(ws: Workspace, folder: Path, meta: dict[str, Any]) -> None:
    """Keep a finished export's index and description in the workspace, the description last."""
    where = folder.resolve()
    mine = hashlib.sha256(str(where).encode()).hexdigest()[:8]
    place = ws.scratch("exports") / f"{meta['snapshot']}-{meta['format']}-{mine}"
    write_atomically(place / INDEX, (folder / INDEX).read_bytes())
    write_atomically(place / EXPORT, (json.dumps(meta | {"folder": str(where)}, indent=1) + "\n").encode())


def exports_with(ws: Workspace, sha256s: Iterable[str]) -> list[Exported]:
    """Every export this workspace made that holds one of the images. Raises DataError for a damaged entry."""
    wanted = pa.array(sorted(set(sha256s)), pa.string())
    found = []
    for path in sorted((ws.root / "exports").glob(f"*/{EXPORT}")):
        try:
            meta = json.loads(path.read_text(encoding="utf-8"))
            index = pq.read_table(path.with_name(INDEX), columns=["sha256", "file"])
            told = (str(meta["format"]), str(meta["snapshot"]), str(meta["folder"]))
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise DataError(
                f"can't be read: {error}", where=str(path), cure="Export again, or delete its folder"
            ) from error
        hits = index.filter(pc.is_in(index["sha256"], value_set=wanted))
        if hits.num_rows:
            files = tuple(sorted(set(hits["file"].to_pylist())))
            found.append(Exported(path.parent.name, *told, files, tuple(sorted(set(hits["sha256"].to_pylist())))))
    return found
