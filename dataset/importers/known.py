"""What an import wrote before, so that the same import writes nothing twice."""

from __future__ import annotations

from typing import Any

from dataset.workspace import Workspace

Row = dict[str, Any]
_WHEN = {"fetches": "fetched_at", "masks": "created_at", "labels": "created_at"}


class Known:
    """Rows of `table` whose column `about` is `mine`, as key -> content; of several with one key the newest."""

    def __init__(
        self, ws: Workspace, table: str, key: tuple[str, ...], content: tuple[str, ...], about: str, mine: str
    ):
        self.key, self.content = key, content
        sql = f"SELECT {', '.join(key + content)} FROM {table} WHERE {about} = ? ORDER BY {_WHEN[table]}"
        found = ws.tables.query(sql, parameters=[mine])
        rows = zip(*(found[name].to_pylist() for name in key + content), strict=True)
        self.rows = {row[: len(key)]: row[len(key) :] for row in rows}

    def has(self, row: Row) -> bool:
        return tuple(row[name] for name in self.key) in self.rows

    def changed(self, rows: list[Row]) -> list[Row]:
        """Those of `rows` that are new or say something else than before; they count as known from now on."""
        found = []
        for row in rows:
            place, holds = tuple(row[name] for name in self.key), tuple(row.get(name) for name in self.content)
            if self.rows.get(place) != holds:
                self.rows[place] = holds
                found.append(row)
        return found
