"""Old versions of the tables: kept while something pins them, or forgotten for good.

In: `Tables`, a table's name, keys of rows. Out: rows and files gone from the disk. `vacuum` is for saving space;
`remove` and `forget` are for take-downs, whose rows must be in no file and in no line of the transaction log. Neither
may run beside a writer of the same table: what a writer has not committed yet looks like rubbish.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from dataset.errors import StorageError
from dataset.schema import KEYS
from dataset.tables import Tables

_VERSION_DIGITS = 20  # Delta's log names are versions of so many digits


def vacuum(tables: Tables, name: str, *, keep_versions: Sequence[int] = ()) -> int:
    """Delete the files that only old versions need, but those of `keep_versions`; returns how many went."""
    table = _open(tables, name)
    if table is None:
        return 0
    gone = table.vacuum(
        retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True,
        keep_versions=sorted(set(keep_versions)) or None,
    )  # fmt: skip
    return len(gone)


def remove(tables: Tables, name: str, keys: pa.Table) -> int:
    """Delete the rows whose key is in `keys` (columns `KEYS[name]`, each once), in one commit; returns how many.

    A merge, and not a condition: Delta's log would quote the condition, with every address in it.
    """
    table = _open(tables, name)
    if table is None or not keys.num_rows:
        return 0
    match = " AND ".join(f"coalesce(old.{key}, '') = coalesce(new.{key}, '')" for key in KEYS[name])
    merge = table.merge(keys.select(KEYS[name]), predicate=match, source_alias="new", target_alias="old")
    try:
        return int(merge.when_matched_delete().execute()["num_target_rows_deleted"])
    except DeltaError as error:
        cure = "Stop what writes to this workspace, then run the same command again"
        raise StorageError(f"can't commit: {error}", where=f"{tables.root}/{name}", cure=cure) from error


def forget(tables: Tables, name: str) -> int | None:
    """Keep the newest version only, in data files and in the log; returns that version, None if there is no table."""
    if _open(tables, name) is None:
        return None
    vacuum(tables, name)
    table = DeltaTable(f"{tables.root}/{name}")
    table.create_checkpoint()
    version = table.version()
    _forget_log(f"{tables.root}/{name}/_delta_log", version)
    return version


def earliest(tables: Tables, name: str) -> int | None:
    """The oldest version that the log can still tell."""
    if _open(tables, name) is None:
        return None
    system, log = _filesystem(f"{tables.root}/{name}/_delta_log")
    found = [int(stem) for path in system.ls(log, detail=False) if (stem := _version_of(path)) is not None]
    return min(found)


def _forget_log(log: str, version: int) -> None:
    """The log before `version` names files and holds their smallest and largest values. The last entry must stay:
    a writer reads it."""
    system, folder = _filesystem(log)
    for path in sorted(system.ls(folder, detail=False)):
        stem = _version_of(path)
        if (stem is not None and int(stem) < version) or "_commit_" in path.rsplit("/", 1)[-1]:  # or cut off
            system.rm_file(path)
    last = f"{folder}/{version:0{_VERSION_DIGITS}d}.json"
    kept = [line for line in system.cat_file(last).decode().splitlines() if "remove" not in json.loads(line)]
    system.pipe_file(last, ("\n".join(kept) + "\n").encode())


def _version_of(path: str) -> str | None:
    stem = path.rsplit("/", 1)[-1].split(".", 1)[0]
    return stem if len(stem) == _VERSION_DIGITS and stem.isdigit() else None


def _open(tables: Tables, name: str) -> DeltaTable | None:
    try:
        return DeltaTable(f"{tables.root}/{name}")
    except TableNotFoundError:
        return None


def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    return system, str(path)
