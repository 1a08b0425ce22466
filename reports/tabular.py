"""The same rows as CSV and Parquet, written shard by shard: for a spreadsheet and for a program.

In: Arrow tables of one schema. Out: two files, put in place when whole. A spreadsheet runs a cell that begins with
= + - @ or a control character, so such text gets a leading apostrophe in the CSV (OWASP, CSV Injection); numbers are
numbers and stay. Parquet keeps text as it was.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

# Full-width forms too: spreadsheets read ＝ ＋ － ＠ as their narrow twins. Blanks before the sign don't help.
DANGEROUS = r"^[\s\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]"
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f]"


def defused(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text that no spreadsheet takes for a formula; null stays null. Control characters but tab and newline go."""
    clean = pc.replace_substring_regex(column, _CONTROL, "")
    risky = pc.or_(pc.match_substring_regex(clean, DANGEROUS), pc.match_substring_regex(column, DANGEROUS))
    return pc.if_else(risky, pc.binary_join_element_wise("'", clean, ""), clean)


class Files:
    """`with Files(stem) as files: files.add(table)` writes stem.csv and stem.parquet; nothing where it raised."""

    def __init__(self, stem: Path) -> None:
        self.csv, self.parquet = stem.with_suffix(".csv"), stem.with_suffix(".parquet")
        self._parts = [path.with_name(f".{path.name}.{os.getpid()}.part") for path in (self.csv, self.parquet)]
        self._writers: tuple[pcsv.CSVWriter, pq.ParquetWriter] | None = None
        self.rows = 0

    def __enter__(self) -> Files:
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        return self

    def add(self, table: pa.Table) -> None:
        if self._writers is None:
            self._writers = (
                pcsv.CSVWriter(str(self._parts[0]), _flat(table).schema),
                pq.ParquetWriter(str(self._parts[1]), table.schema, compression="zstd"),
            )
        self._writers[0].write_table(_flat(table))
        self._writers[1].write_table(table)
        self.rows += table.num_rows

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for writer in self._writers or ():
            writer.close()
        for part, path in zip(self._parts, (self.csv, self.parquet), strict=True):
            if kind is None and part.exists():
                os.replace(part, path)
            part.unlink(missing_ok=True)


def _flat(table: pa.Table) -> pa.Table:
    columns = [defused(column) if pa.types.is_string(column.type) else column for column in table.columns]
    return pa.table(dict(zip(table.schema.names, columns, strict=True)))
