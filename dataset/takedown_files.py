"""What a take-down concerns beside tables and blobs: crawl queues, copies, caches, reports, figures, exports.

In: a workspace and a `Plan`. Out: counts, or the files gone. An export that lies under the workspace, or in a folder
the user names, is deleted whole, because annotation files and shards with holes are none; one that lies elsewhere is
marked and named. Caches and reports hold pixels without names, so all of them go and are made again when asked for.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dataset.blobs import sha256_of, write_atomically
from dataset.errors import DataError, UsageError
from dataset.exporters.ledger import EXPORT, INDEX
from dataset.takedown_plan import Plan
from dataset.workspace import Workspace

CACHES = ("train-cache", "fiftyone", "copies", "similar")
_CURE = "Delete this export, or make it again"
_TOKEN = re.compile(r"[^\s\"'<>(),;\\]+")
_ELSEWHERE = ("tables", "blobs", "snapshots", "runs", "exports", "takedowns", "crawl", "reports", *CACHES)


@dataclass(frozen=True)
class Held:
    """An export that holds something concerned. `ours` is deleted by the take-down, else its owner has to."""

    folder: str
    snapshot: str
    format: str
    images: int
    files: tuple[str, ...]
    ours: bool
    ledger: str = ""


def concerned_exports(ws: Workspace, images: set[str], told: Sequence[Path] = ()) -> list[Held]:
    """Exports this workspace remembers, then those in the folders the user names (moved ones). DataError for a damaged
    one, since nobody could say what it holds."""
    found, seen = [], set()
    for entry in sorted((ws.root / "exports").glob(f"*/{EXPORT}")):
        meta = _export_json(entry)
        folder = Path(meta.get("folder", entry.parent))
        held = _held(ws, folder, entry.parent, meta, images, folder.is_relative_to(ws.root) or _told(folder, told))
        seen.add(folder)
        found += [held] if held else []
    for place in told:
        if not place.is_dir():
            raise UsageError(f"--exports {place}: no such folder")
        for entry in sorted(place.resolve().rglob(EXPORT)):
            if entry.parent not in seen and not entry.is_relative_to(ws.root / "exports"):
                held = _held(ws, entry.parent, None, _export_json(entry), images, True)
                found += [held] if held else []
    return found


def purge_exports(held: Iterable[Held], images: set[str], note: dict[str, Any]) -> None:
    """Delete those that are ours, mark the others where they lie, and strike the images from what is remembered."""
    for export in held:
        folder = Path(export.folder)
        if export.ours:
            shutil.rmtree(folder, ignore_errors=True)
        elif (folder / EXPORT).is_file():
            _mark_export(folder / EXPORT, note)
        if export.ledger:
            ledger = Path(export.ledger)
            if ledger.is_dir():  # it may have lain in the export's own folder
                index = pq.read_table(ledger / INDEX)
                gone = pc.is_in(index["sha256"], value_set=pa.array(sorted(images), pa.string()))
                _mark_export(ledger / EXPORT, note)
                _write_parquet(ledger / INDEX, index.filter(pc.invert(gone)))


def queue_rows(ws: Workspace, plan: Plan, *, delete: bool = False) -> int:
    """Rows of crawl queues that name what goes. UsageError where a crawl is at work: it would write them anew."""
    total = 0
    for path in sorted((ws.root / "crawl").glob("*.sqlite")):
        with open(path.with_suffix(".lock"), "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if delete:
                    cure = "Stop the crawl, then run the same command again"
                    raise UsageError("this store is being crawled", where=str(path), cure=cure) from error
            total += _purge_queue(path, plan, delete)
    return total


def refuse_beside_app(ws: Workspace) -> None:
    """UsageError while FiftyOne's database runs in this workspace: its folder goes."""
    for lock in (ws.root / "fiftyone").rglob("mongod.lock"):
        pid = lock.read_text(encoding="utf-8", errors="replace").strip()
        if pid.isdigit() and Path(f"/proc/{pid}").exists():
            cure = "Close it (and pull its reviews: modiste curate pull), then run the same command again"
            raise UsageError("the FiftyOne App is open", where=str(lock.parent), cure=cure)


def loose_files(ws: Workspace, plan: Plan, runs: Iterable[str]) -> list[Path]:
    """Files and folders to delete: the App's copies, caches, reports, concerned runs' figures, and exact copies."""
    if not plan.images:
        return []
    found = [ws.root / name for name in CACHES if (ws.root / name).exists()]
    found += sorted(ws.reports.glob("*")) if ws.reports.is_dir() else []
    found += [ws.runs / run / "figures" for run in sorted(runs) if (ws.runs / run / "figures").is_dir()]
    names = plan.images | plan.masks
    found += [path for path in sorted((ws.root / "curation").rglob("*")) if path.stem in names]
    return found + [path for path in _copies(ws, plan) if path not in found]


def delete_all(paths: Iterable[Path]) -> int:
    """Delete files and folders; returns how many there were."""
    count = 0
    for path in paths:
        count += path.exists()
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return count


def _copies(ws: Workspace, plan: Plan) -> Iterator[Path]:
    """Files elsewhere in the workspace with the same bytes as a blob that goes, found by size, then by hash."""
    if not ws.blobs.is_local:
        return
    sizes = {path.stat().st_size for sha in plan.blobs if (path := Path(ws.blobs.path(sha))).is_file()}
    for top in sorted(ws.root.iterdir()):
        if top.name in _ELSEWHERE or str(top) == ws.blobs.root:
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and path.stat().st_size in sizes and sha256_of(path.read_bytes()) in plan.blobs:
                yield path


def _purge_queue(path: Path, plan: Plan, delete: bool) -> int:
    """Whatever its tables are called: a row goes if one of its texts names an address, an image or a product."""
    products = {name.split("|", 1)[1] for name in plan.products}
    count = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in (name for name in tables if not name.startswith("sqlite_")):
            keys = [row["name"] for row in db.execute(f'PRAGMA table_info("{table}")') if row["pk"]] or ["rowid"]
            chosen = ", ".join(f'"{key}"' for key in keys)
            rows = db.execute(f'SELECT {chosen}, * FROM "{table}"').fetchall()
            gone = [tuple(row)[: len(keys)] for row in rows if _row_names(row, plan, products)]
            count += len(gone)
            if delete and gone:
                where = " AND ".join(f'"{key}" IS ?' for key in keys)
                db.executemany(f'DELETE FROM "{table}" WHERE {where}', gone)
        if delete:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return count


def _row_names(row: sqlite3.Row, plan: Plan, products: set[str]) -> bool:
    if "product_id" in row.keys() and row["product_id"] in products:  # noqa: SIM118  (a Row is no dict)
        return True
    for value in row:
        if isinstance(value, str) and (value in plan.images or value in plan.pages or plan.names(value)):
            return True
        if isinstance(value, str) and value[:1] in "{[":
            words = set(_TOKEN.findall(value.replace("\\/", "/")))
            if words & plan.images or any(plan.names(word) for word in words):
                return True
    return False


def _held(
    ws: Workspace, folder: Path, ledger: Path | None, meta: dict[str, Any], images: set[str], ours: bool
) -> Held | None:
    path = (ledger or folder) / INDEX
    try:
        index = pq.read_table(path, columns=["sha256", "file"])
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"can't be read: {error}", where=str(path), cure=_CURE) from error
    hits = index.filter(pc.is_in(index["sha256"], value_set=pa.array(sorted(images), pa.string())))
    if not hits.num_rows:
        return None
    files = tuple(sorted(set(hits["file"].to_pylist())))
    count = len(set(hits["sha256"].to_pylist()))
    told = (str(meta.get("snapshot")), str(meta.get("format")))
    return Held(str(folder), *told, count, files, ours, str(ledger) if ledger else "")


def _told(folder: Path, told: Sequence[Path]) -> bool:
    return any(folder.is_relative_to(place.resolve()) for place in told)


def _export_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"can't be read: {error}", where=str(path), cure=_CURE) from error


def _mark_export(path: Path, note: dict[str, Any]) -> None:
    meta = _export_json(path)
    known = [each for each in meta.get("taken_down", []) if each["takedown"] != note["takedown"]]
    text = json.dumps(meta | {"taken_down": [*known, note]}, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode())


def _write_parquet(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_atomically(path, sink.getvalue().to_pybytes())
