"""Labels of several values: which fields may have them, how they are written, and which rows of a table make one.

In: a workspace (its taxonomy's `multi` fields), or rows of `labels`. Out: field names; a label as a snapshot holds it,
a plain string of one value and a sorted list of several, so that a label of one value reads the same whatever its
field's kind. Never reads a table and never decides whom to believe: rows come in the order of trust.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from dataset.taxonomy import path_of
from dataset.taxonomy_file import read_file
from dataset.workspace import Workspace

MULTI = "multi"
PERSON = "person"
COMMA = ","  # between values where a label must be one text; no value's id holds one
Label = str | list[str]


def multi_fields(ws: Workspace) -> tuple[str, ...]:
    """Fields of the workspace's taxonomy that may have several values, sorted. Raises SettingsError where it can't be
    read: which rows a snapshot has would depend on it."""
    path = path_of(ws.settings.taxonomy, ws.root).resolve()
    beside = path.parent.glob("*.yaml")  # a field may be the one of a file beside it
    return _multi_of(path, frozenset((each, _changed_at(each)) for each in (path, *beside)))


def values_in(label: Any) -> list[str]:
    """A label as a list of words, whichever of both it is."""
    return [str(each) for each in label] if isinstance(label, (list, tuple)) else [str(label)]


def label_of(values: Iterable[str]) -> Label:
    """One value as it is, several as a sorted list. At least one must be given."""
    found = sorted(set(values))
    return found if len(found) > 1 else found[0]


def of_best_source(rows: Sequence[Mapping[str, Any]]) -> Label:
    """The label that rows of one image and one multi field make: all values of the first row's source; of a person's,
    those given in the same sitting (`created_at`) alone."""
    best = rows[0]
    told = [row for row in rows if row["source"] == best["source"]]
    if best["source"] == PERSON:
        told = [row for row in told if row["created_at"] == best["created_at"]]
    return label_of(str(row["value"]) for row in told)


def _changed_at(path: Path) -> int:
    """In ns; 0 for a file that somebody is just replacing."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=16)
def _multi_of(path: Path, changed: frozenset[tuple[Path, int]]) -> tuple[str, ...]:
    return tuple(sorted(name for name, field in read_file(path).fields.items() if field.kind == MULTI))
