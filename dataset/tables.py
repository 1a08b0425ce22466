"""The workspace's tables: Delta tables with a declared schema, appended to or merged on a key, read at any version.

In: Arrow tables or lists of dicts. Out: Arrow tables. A commit is atomic, several processes may write, a killed writer
leaves whole versions only. Never changes a row in place, never guesses a column.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from dataset.errors import StorageError, TableError, UsageError, WorkspaceTooNew
from dataset.schema import KEYS, SCHEMA_VERSION, SCHEMAS

Rows: TypeAlias = pa.Table | list[dict[str, Any]]
_FORMAT = "modiste table, format "  # kept in the table's description: Delta refuses properties it does not know
_TRIES = 12


class Tables:
    """All tables under `root` (a folder or an object-storage URL)."""

    def __init__(self, root: str) -> None:
        self.root = str(root)

    def version(self, name: str) -> int | None:
        """Version of the last commit, or None if the table was never written."""
        table = self._open(name)
        return None if table is None else table.version()

    def versions(self) -> dict[str, int]:
        """Current version of every table that exists."""
        found = {name: self.version(name) for name in SCHEMAS}
        return {name: version for name, version in found.items() if version is not None}

    def read(
        self, name: str, columns: list[str] | None = None, where: str | None = None, version: int | None = None
    ) -> pa.Table:
        """Rows of one table; `where` is a SQL condition over its columns. A table never written is empty."""
        wanted = columns or SCHEMAS[name].names
        chosen = ", ".join(f'"{column}"' for column in wanted)
        versions = {} if version is None else {name: version}
        found = self.query(f'SELECT {chosen} FROM "{name}" WHERE {where or "true"}', versions=versions)
        return found.cast(_plain(SCHEMAS[name].empty_table().select(wanted).schema))

    def append(self, name: str, rows: Rows) -> int:
        """Add rows in one commit; returns how many. Raises TableError for a column or value that does not fit."""
        table = conform(name, rows)
        if table.num_rows:
            self._commit(lambda: self._append(name, table), name)
        return table.num_rows

    def upsert(self, name: str, rows: Rows) -> int:
        """Add rows, replacing those of the same key, in one commit; the last of equal keys in `rows` wins."""
        table = _last_of_each_key(conform(name, rows), KEYS[name])
        if not table.num_rows:
            return 0
        self._commit(lambda: self._merge(name, table), name)
        return table.num_rows

    def delete(self, name: str, where: str) -> int:
        """Delete the rows that match a SQL condition, in one commit; returns how many."""
        table = self._open(name)
        return 0 if table is None else int(table.delete(where)["num_deleted_rows"])

    def query(
        self, sql: str, *, versions: Mapping[str, int | None] | None = None, parameters: list[Any] | None = None
    ) -> pa.Table:
        """Run one SELECT of DuckDB SQL over the tables, each by its name. Nothing else is reachable from it.

        `versions` pins tables to a version: one not named is read as it is now, one pinned to None is empty.
        """
        import duckdb

        connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UsageError("only one SELECT is allowed here", where=sql[:120])
            for name in sorted(set(SCHEMAS) & set(re.findall(r"\w+", sql))):
                self._show(connection, name, versions)
            connection.execute("SET TimeZone = 'UTC'; SET allowed_directories = " + _quoted([f"{self.root}/"]))
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            return connection.sql(sql, params=parameters or None).to_arrow_table()
        except duckdb.Error as error:
            raise UsageError(str(error).splitlines()[0], where=sql if len(sql) < 200 else "") from error
        finally:
            connection.close()

    def _show(self, connection: Any, name: str, versions: Mapping[str, int | None] | None) -> None:
        """Make one table visible to a query: on local disk its Parquet files, elsewhere the rows themselves.

        Arrow's data sets are not used. deltalake's come with a file system in Python, and an Arrow thread that lets go
        of it while the interpreter ends aborts the process (exit code 134 after the work was done); and a merge writes
        string_view columns, which Arrow 26 can't compare with strings.
        """
        gone = versions is not None and name in versions and versions[name] is None
        table = None if gone else self._open(name, (versions or {}).get(name))
        files = table.file_uris() if table is not None else []
        if table is None or not files:
            connection.register(name, _plain(SCHEMAS[name]).empty_table())
        elif "://" in self.root:
            connection.register(name, conform(name, _rows_of(table)))
        else:
            source = f"SELECT * FROM read_parquet({_quoted(map(unquote, files))}, union_by_name=true)"
            # A column that an older modiste did not write, or that nothing was written to yet, is in no file.
            connection.register(f"declared {name}", _plain(SCHEMAS[name]).empty_table())
            source += f' UNION ALL BY NAME SELECT * FROM "declared {name}"'
            connection.execute(f'CREATE VIEW "{name}" AS {source}')

    def _open(self, name: str, version: int | None = None) -> DeltaTable | None:
        if name not in SCHEMAS:
            raise UsageError(f"there is no table '{name}'", expected="one of " + ", ".join(SCHEMAS))
        try:
            table = DeltaTable(f"{self.root}/{name}", version=version)
        except TableNotFoundError as error:
            if version is None or self._open(name) is None:
                return None
            cure = "A take-down or a vacuum removed it: read the newest, or a snapshot, which keeps its own rows"
            raise TableError(f"version {version} is gone", where=f"{self.root}/{name}", cure=cure) from error
        except DeltaError as error:
            what = f"its log can't be read: {str(error).splitlines()[0]}"
            raise TableError(what, where=f"{self.root}/{name}", cure="Put the folder back from a copy") from error
        told = (table.metadata().description or "").removeprefix(_FORMAT)
        written_by = int(told) if told.isdigit() else SCHEMA_VERSION
        if written_by > SCHEMA_VERSION:
            raise WorkspaceTooNew(
                f"table was written in format {written_by}",
                where=f"{self.root}/{name}",
                expected=f"at most {SCHEMA_VERSION}",
                cure="Update modiste: pip install -U modiste",
            )
        return table

    def _append(self, name: str, table: pa.Table) -> None:
        write_deltalake(f"{self.root}/{name}", table, mode="append", description=f"{_FORMAT}{SCHEMA_VERSION}")

    def _merge(self, name: str, rows: pa.Table) -> None:
        """Into a table that is made empty first: of two writers that both found none and appended, the second would
        double every key of the first (deltalake moves a first append on to version 1)."""
        match = " AND ".join(f"old.{key} = new.{key}" for key in KEYS[name])
        place = f"{self.root}/{name}"
        table = self._open(name) or DeltaTable.create(
            place, SCHEMAS[name], mode="ignore", description=f"{_FORMAT}{SCHEMA_VERSION}"
        )
        merge = table.merge(rows, predicate=match, source_alias="new", target_alias="old")
        merge.when_matched_update_all().when_not_matched_insert_all().execute()
        return None

    def _commit(self, write: Any, name: str) -> None:
        """Optimistic concurrency: a commit that lost the race to another writer is tried again on the newer version."""
        for attempt in range(_TRIES):
            try:
                return write()
            except CommitFailedError as error:
                if attempt == _TRIES - 1:
                    what = f"lost the race to another writer {_TRIES} times"
                    cure = "Wait for the other command, then run this one again"
                    raise StorageError(what, where=f"{self.root}/{name}", cure=cure) from error
                time.sleep(0.05 * 2 ** min(attempt, 5))
            except (OSError, DeltaError) as error:
                if not _is_of_storage(error):
                    raise
                raise StorageError(
                    f"can't commit: {error}",
                    where=f"{self.root}/{name}",
                    cure="Free some space or mend the connection, then run the same command again",
                ) from error
        return None


def _is_of_storage(error: Exception) -> bool:
    """deltalake tells a full disk as a DeltaError 'Failed to parse parquet … (os error 28)', and a folder that it may
    not make as 'Could not create local directory … Os { code: 30'."""
    words = ("os error", "Os {", "LocalFileSystem")
    return isinstance(error, OSError) or any(word in str(error) for word in words)


def conform(name: str, rows: Rows) -> pa.Table:
    """`rows` as an Arrow table of exactly the declared schema; a missing column becomes null."""
    schema = _plain(SCHEMAS[name])
    names = rows.schema.names if isinstance(rows, pa.Table) else {key for row in rows for key in row}
    unknown = sorted(set(names) - set(schema.names))
    if unknown:
        raise TableError(f"unknown columns {unknown}", where=name, expected="among " + ", ".join(schema.names))
    try:
        if not isinstance(rows, pa.Table):
            return pa.Table.from_pylist(rows, schema=schema)
        columns = [rows[f.name] if f.name in names else pa.nulls(rows.num_rows, f.type) for f in schema]
        table = pa.table(dict(zip(schema.names, columns, strict=True)))
        return table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise TableError(str(error), where=name, expected="the types of dataset/schema.py") from error


def _rows_of(table: DeltaTable) -> pa.Table:
    """All rows, read by deltalake itself and not by Arrow's data sets."""
    return pa.table(QueryBuilder().register("rows", table).execute("SELECT * FROM rows"))


def _quoted(texts: Iterable[str]) -> str:
    """A SQL list of string literals."""
    return "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + "]"


def _plain(schema: pa.Schema) -> pa.Schema:
    """Without the documentation in the field metadata, which Delta would store in every commit."""
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def _last_of_each_key(table: pa.Table, keys: Iterable[str]) -> pa.Table:
    seen = {key: row for row, key in enumerate(zip(*(table[k].to_pylist() for k in keys), strict=True))}
    return table if len(seen) == table.num_rows else table.take(sorted(seen.values()))
