"""A snapshot: a frozen version of the data set that training reads, and reads the same a year later.

In: a workspace and a SQL condition. Out: `snapshots/<name>.json` holding the table versions, the query, the split rule,
the taxonomy and one fingerprint over the sorted rows. Loading runs the same query on the same table versions and proves
the fingerprint. Never copies a row or an image.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from dataset.blobs import write_atomically
from dataset.errors import EmptyError, SnapshotError, UsageError
from dataset.workspace import Workspace

# What an image is to a reader of the data set: the query that joins the tables lies beside this file.
ITEMS = Path(__file__).with_name("items.sql")
SOURCES = ("products", "fetches", "images", "groups", "labels", "masks", "reviews", "takedowns")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Snapshot:
    """A loaded snapshot. `rows` are sorted by sha256; `meta` is what the JSON file says."""

    name: str
    fingerprint: str
    rows: pa.Table
    meta: dict[str, Any]

    def line(self) -> str:
        splits = self.meta["splits"]
        shares = ", ".join(f"{part} {count}" for part, count in splits.items())
        counts = f"{self.rows.num_rows} images ({shares}), {self.meta['masked']} with masks"
        return f"snapshot {self.name}: {counts}, fingerprint {self.fingerprint[:12]}"


def create_snapshot(ws: Workspace, name: str, *, where: str | None = None) -> Snapshot:
    """Freeze what the tables hold now. Raises EmptyError with the counts where nothing is left, UsageError for bad SQL.

    The same name with the same content is a no-op; with other content it is refused: a snapshot never changes.
    """
    _check_name(name)
    versions: dict[str, int | None] = {table: ws.tables.version(table) for table in SOURCES}
    rows = _items(ws, where, versions)
    if not rows.num_rows:
        raise EmptyError(_why_empty(ws, where), where=f"snapshot {name}", cure=_next_step(ws))
    meta = {
        "name": name,
        "format": 1,
        "where": where,
        "tables": versions,
        "split_rule": _split_rules(ws, versions),
        "taxonomy": _taxonomies(ws, versions),
        "fingerprint": fingerprint(rows),
        "rows": rows.num_rows,
        "splits": _counts(rows, "split"),
        "mask_sources": _counts(rows, "mask_source"),
        "masked": rows.num_rows - rows["mask_sha256"].null_count,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = ws.snapshots / f"{name}.json"
    if path.exists():
        return _same_or_refuse(ws, name, str(meta["fingerprint"]))
    write_atomically(path, (json.dumps(meta, indent=1, ensure_ascii=False) + "\n").encode())
    return Snapshot(name, str(meta["fingerprint"]), rows, meta)


def load_snapshot(ws: Workspace, name: str) -> Snapshot:
    """The rows as frozen. Raises SnapshotError where the tables no longer give them (vacuumed, or edited)."""
    meta = read_meta(ws, name)
    rows = _items(ws, meta["where"], meta["tables"])
    found = fingerprint(rows)
    if found != meta["fingerprint"]:
        raise SnapshotError(
            f"gives {rows.num_rows} rows with fingerprint {found[:12]}",
            where=f"snapshot {name}",
            expected=f"{meta['rows']} rows with {meta['fingerprint'][:12]}",
            cure="Its tables or this version of Modiste differ from those it was frozen with: take a new snapshot",
        )
    return Snapshot(name, found, rows, meta)


def read_meta(ws: Workspace, name: str) -> dict[str, Any]:
    """What `snapshots/<name>.json` says; SnapshotError names the snapshots there are if it is none of them."""
    _check_name(name)
    path = ws.snapshots / f"{name}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not {"fingerprint", "tables", "where", "rows"} <= found.keys():
            raise ValueError("keys are missing")
    except FileNotFoundError as error:
        known = ", ".join(list_snapshots(ws)) or "none yet"
        cure = f"Make it: modiste snapshot {name}"
        raise SnapshotError(f"no snapshot '{name}'", expected=known, cure=cure) from error
    except ValueError as error:
        raise SnapshotError(f"was edited or cut short: {error}", where=str(path), cure="Take it again") from error
    return dict(found)


def list_snapshots(ws: Workspace) -> list[str]:
    return sorted(path.stem for path in Path(ws.snapshots).glob("*.json"))


def items(ws: Workspace, where: str | None = None) -> pa.Table:
    """The rows a snapshot taken now would have, whatever their split."""
    return _items(ws, where, {}, only_split=False)


def fingerprint(rows: pa.Table) -> str:
    """sha256 over the sorted (sha256, labels, mask, split) of every row."""
    digest = hashlib.sha256()
    columns = [rows[name].to_pylist() for name in ("sha256", "labels", "mask_sha256", "split")]
    for row in sorted(zip(*columns, strict=True), key=lambda row: row[0]):
        digest.update("\x1f".join(value or "" for value in row).encode() + b"\x1e")
    return digest.hexdigest()


def _items(ws: Workspace, where: str | None, versions: dict[str, int | None], *, only_split: bool = True) -> pa.Table:
    items_sql = ITEMS.read_text(encoding="utf-8")
    usable = f"SELECT * FROM ({items_sql}) WHERE {'split IS NOT NULL' if only_split else 'true'}"
    condition = f"WHERE {where}\n" if where else ""
    try:
        return ws.tables.query(f"SELECT * FROM ({usable}) AS items {condition} ORDER BY sha256", versions=versions)
    except UsageError as error:
        if not where:
            raise
        raise UsageError(error.what, where=f"--where {where}", cure=f"Columns: {_columns(ws)}") from error


def _columns(ws: Workspace) -> str:
    return ", ".join(_items(ws, "false", {}, only_split=False).schema.names)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no snapshot name", expected="letters, digits, dot, dash and underscore")


def _same_or_refuse(ws: Workspace, name: str, found: str) -> Snapshot:
    old = read_meta(ws, name)
    if old["fingerprint"] == found:
        return load_snapshot(ws, name)
    raise SnapshotError(
        f"exists already with other content ({old['fingerprint'][:12]}, now {found[:12]})",
        where=f"snapshot {name}",
        cure="A snapshot never changes: choose another name",
    )


def _counts(rows: pa.Table, column: str) -> dict[str, int]:
    counted = {str(entry["values"] or "none"): entry["counts"] for entry in rows[column].value_counts().to_pylist()}
    return dict(sorted(counted.items()))


def _split_rules(ws: Workspace, versions: dict[str, int | None]) -> list[str]:
    sql = "SELECT DISTINCT split_rule FROM groups WHERE split_rule IS NOT NULL ORDER BY 1"
    return ws.tables.query(sql, versions=versions)["split_rule"].to_pylist()


def _taxonomies(ws: Workspace, versions: dict[str, int | None]) -> list[str]:
    sql = "SELECT DISTINCT taxonomy FROM labels WHERE taxonomy IS NOT NULL ORDER BY 1"
    return ws.tables.query(sql, versions=versions)["taxonomy"].to_pylist()


def _why_empty(ws: Workspace, where: str | None) -> str:
    everything = items(ws)
    split = everything.num_rows - everything["split"].null_count
    tail = f", none of them where {where}" if where and split else ""
    return f"no rows: {everything.num_rows} usable images, {split} with a split{tail}"


def _next_step(ws: Workspace) -> str:
    for table, step in (("fetches", "crawl URL"), ("images", "check"), ("groups", "dedup")):
        if ws.tables.version(table) is None:
            return f"Next: modiste {step}"
    return "Next: modiste split, or loosen --where"
