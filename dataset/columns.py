"""Columns that a table written by an older modiste lacks: `Tables` reads them as null, and here they are added.

In: a workspace and a table's name. Out: a table whose schema holds every declared column, null in old rows. One
commit, no data rewritten; old versions stay as they were.
"""

from __future__ import annotations

from dataset.schema import SCHEMAS
from dataset.workspace import Workspace


def add_missing(ws: Workspace, table: str) -> list[str]:
    """Declare the columns that `table` lacks, all of them null; returns their names."""
    from deltalake import DeltaTable, Field, Schema
    from deltalake.exceptions import TableNotFoundError

    try:
        delta = DeltaTable(f"{ws.tables.root}/{table}")
    except TableNotFoundError:
        return []
    here = {field.name for field in delta.schema().fields}
    missing = [field for field in SCHEMAS[table] if field.name not in here]
    declared = Schema.from_arrow(SCHEMAS[table].empty_table().select([f.name for f in missing]).schema)
    if missing:
        delta.alter.add_columns([Field(field.name, field.type, nullable=True) for field in declared.fields])
    return [field.name for field in missing]
