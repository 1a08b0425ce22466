"""A snapshot: a frozen version of the data set that training reads, and reads the same a year later.

In: a workspace and a SQL condition. Out: `snapshots/<name>.json` holding the table versions, the query, the split rule,
the taxonomy and one fingerprint over the sorted rows, and beside it the rows themselves as Parquet, so that neither a
vacuum nor another version of the query changes them. Loading proves file and fingerprint; snapshots of format 1, which
kept no rows, run their query on their table versions. A take-down marks a snapshot and takes rows out. Never copies an
image.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataset.blobs import sha256_of, write_atomically
from dataset.errors import EmptyError, SnapshotError, TableError, UsageError
from dataset.made_images import refuse_made
from dataset.several import multi_fields
from dataset.workspace import Workspace

# What an image is to a reader of the data set: the query that joins the tables lies beside this file.
_ITEMS = Path(__file__).with_name("items.sql")
_NO_FIELD = "[]::VARCHAR[]"  # in that query: the fields that may have several values
SOURCES = ("products", "fetches", "images", "groups", "labels", "masks", "reviews", "takedowns")
SEALED = ("name", "where", "split_rule", "taxonomy", "fingerprint", "rows")
_WORDS = ["words_sha256", "words_names"]  # map of words and what its values mean; snapshots of format 1 know none
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
    refuse_made(ws, name, rows["sha256"].to_pylist())
    meta: dict[str, Any] = {
        "name": name,
        "format": 2,
        "where": where,
        "tables": versions,
        "split_rule": _split_rules(ws, versions),
        "taxonomy": _taxonomies(ws, versions),
        "multi": list(multi_fields(ws)),
        "fingerprint": fingerprint(rows),
        "rows": rows.num_rows,
        "splits": _counts(rows, "split"),
        "mask_sources": _counts(rows, "mask_source"),
        "masked": rows.num_rows - rows["mask_sha256"].null_count,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if (ws.snapshots / f"{name}.json").exists():
        return _same_or_refuse(ws, name, str(meta["fingerprint"]))
    write_snapshot(ws, meta, rows)
    return Snapshot(name, str(meta["fingerprint"]), rows, meta)


def load_snapshot(ws: Workspace, name: str, *, rest: bool = False) -> Snapshot:
    """The rows as frozen. Raises SnapshotError where they can't be had: edited, vacuumed (format 1), or taken down.

    `rest` accepts a snapshot that a take-down marked and gives the rows it still has (for lineage and comparison).
    """
    meta = read_meta(ws, name)
    if meta.get("taken_down") and not rest:
        raise _taken_down(meta)
    rows = read_rows(ws, meta)
    found, expected = fingerprint(rows), meta.get("rest_fingerprint", meta["fingerprint"])
    if found != expected:
        raise SnapshotError(
            f"gives {rows.num_rows} rows with fingerprint {found[:12]}",
            where=f"snapshot {name}",
            expected=f"{meta['rows']} rows with {expected[:12]}",
            cure="Its tables or this version of Modiste differ from those it was frozen with: take a new snapshot",
        )
    return Snapshot(name, meta["fingerprint"], rows, meta)


def write_snapshot(ws: Workspace, meta: dict[str, Any], rows: pa.Table) -> None:
    """Write the rows, then the JSON that names their file, then drop files of rows that it no longer names."""
    name = meta["name"]
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    data = sink.getvalue()
    file = f"{name}-{sha256_of(data)[:12]}.parquet"
    write_atomically(ws.snapshots / file, data)
    meta |= {"rows_file": file, "rows_sha256": sha256_of(data)}
    meta["seal"] = _seal(meta)
    write_meta(ws, meta)
    drop_strays(ws, meta)


def drop_strays(ws: Workspace, meta: dict[str, Any]) -> None:
    """Delete files of rows that this snapshot once had, or that a killed process left."""
    mine = re.compile(re.escape(meta["name"]) + r"-[0-9a-f]{12}\.parquet")
    for path in ws.snapshots.glob("*.parquet"):
        if path.name != meta["rows_file"] and mine.fullmatch(path.name):
            path.unlink()


def write_meta(ws: Workspace, meta: dict[str, Any]) -> None:
    text = json.dumps(meta, indent=1, ensure_ascii=False) + "\n"
    write_atomically(ws.snapshots / f"{meta['name']}.json", text.encode())


def read_rows(ws: Workspace, meta: dict[str, Any]) -> pa.Table:
    """The rows of a snapshot from its file; those of format 1 by its query, on the table versions it names."""
    if "rows_file" not in meta:
        try:
            return _items(ws, meta["where"], meta["tables"], multi=()).drop_columns(_WORDS)  # it knew one value a field
        except (TableError, UsageError) as error:
            what, where = f"its rows are gone: {error.what}", f"snapshot {meta['name']}"
            raise SnapshotError(what, where=where, cure="Take a new snapshot") from error
    path = ws.snapshots / Path(meta["rows_file"]).name
    try:
        with pa.OSFile(str(path)) as file:
            data = (
                file.read_buffer()
            )  # Arrow's own memory: a reading thread that let go of Python's at exit would abort
    except FileNotFoundError as error:
        raise SnapshotError("its rows are gone", where=str(path), cure="Take a new snapshot") from error
    if sha256_of(data) != meta["rows_sha256"]:
        raise SnapshotError("was changed since it was frozen", where=str(path), cure="Take a new snapshot")
    return pq.read_table(pa.BufferReader(data))


def read_meta(ws: Workspace, name: str) -> dict[str, Any]:
    """What `snapshots/<name>.json` says; SnapshotError names the snapshots there are if it is none of them."""
    _check_name(name)
    path = ws.snapshots / f"{name}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not {"fingerprint", "tables", "where", "rows"} <= found.keys():
            raise ValueError("keys are missing")
        if "seal" in found and found["seal"] != _seal(found):
            raise ValueError("what is frozen differs from its seal")
    except FileNotFoundError as error:
        known = " or ".join(list_snapshots(ws))
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


def items_sql(multi: Sequence[str]) -> str:
    """The query of the rows, to be put into others; the fields `multi` have all values of their best source."""
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in multi)
    return _ITEMS.read_text(encoding="utf-8").replace(_NO_FIELD, f"[{quoted}]::VARCHAR[]")


def fingerprint(rows: pa.Table) -> str:
    """sha256 over the sorted (sha256, labels, mask, split) of every row, and its map of words where any row has one."""
    names = ["sha256", "labels", "mask_sha256", "split"]
    if _WORDS[0] in rows.column_names and rows[_WORDS[0]].null_count < rows.num_rows:
        names += _WORDS
    columns = [rows[name].to_pylist() for name in names]
    rows_in_order = sorted(zip(*columns, strict=True), key=_sha)
    lines = ["\x1f".join([value or "" for value in row]) + "\x1e" for row in rows_in_order]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sha(row: tuple[str, ...]) -> str:
    return row[0]


def _seal(meta: dict[str, Any]) -> str:
    """sha256 over what never changes in a snapshot's JSON; versions and marks do, when a take-down forgets history."""
    return sha256_of(json.dumps({key: meta.get(key) for key in SEALED}, sort_keys=True).encode())


def _taken_down(meta: dict[str, Any]) -> SnapshotError:
    """Says how many rows are gone, why, and the first of them."""
    found = meta["taken_down"]
    gone = sorted({sha256 for entry in found for sha256 in entry["sha256"]})
    why = "; ".join(f"{entry['kind']}: {entry['reason']} ({entry['at'][:10]})" for entry in found[-3:])
    first = ", ".join(sha256[:12] for sha256 in gone[:3]) + (", …" if len(gone) > 3 else "")
    return SnapshotError(
        f"{len(gone)} of its {meta['rows']} rows were taken down: {first} ({why})",
        where=f"snapshot {meta['name']}",
        cure=f"Take a new one, it leaves them out: modiste snapshot {meta['name']}-2"
        + (f' --where "{meta["where"]}"' if meta["where"] else ""),
    )


def _items(
    ws: Workspace,
    where: str | None,
    versions: dict[str, int | None],
    *,
    only_split: bool = True,
    multi: Sequence[str] | None = None,
) -> pa.Table:
    """`multi` None are the fields that the workspace's taxonomy has now."""
    rows = items_sql(multi_fields(ws) if multi is None else multi)
    usable = f"SELECT * FROM ({rows}) WHERE {'split IS NOT NULL' if only_split else 'true'}"
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
