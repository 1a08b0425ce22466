"""What differs between two snapshots: images added, removed, relabelled, masked anew, moved between splits.

In: two snapshots' names. Out: a `SnapshotDiff` of counts with the first of each. Compares what was frozen, never the
tables; a snapshot that a take-down marked is compared by the rows it still has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dataset.several import values_in
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace

FIRST = 5
KINDS = ("added", "removed", "relabelled", "remasked", "moved")
_COLUMNS = ("sha256", "labels", "mask_sha256", "split")


@dataclass(frozen=True)
class SnapshotDiff:
    """Counts are of images; `first` holds some of each kind, by sha256, with before and after. `taken_down` counts rows
    that neither side can show any more."""

    a: str
    b: str
    same: int
    added: int
    removed: int
    relabelled: int
    remasked: int
    moved: int
    taken_down: int
    first: dict[str, list[dict[str, Any]]]

    def line(self) -> str:
        counts = ", ".join(f"{getattr(self, kind)} {kind}" for kind in KINDS)
        text = f"{self.a} -> {self.b}: {counts}; {self.same} the same"
        text += f"; {self.taken_down} taken down since" if self.taken_down else ""
        lines = [f"  {kind} {_told(entry)}" for kind in KINDS for entry in self.first[kind]]
        return "\n".join([text, *lines])


def snapshot_diff(ws: Workspace, a: str, b: str) -> SnapshotDiff:
    """Raises SnapshotError where one of them can't be loaded."""
    one, two = (load_snapshot(ws, name, rest=True) for name in (a, b))
    old, new = _by_sha(one.rows), _by_sha(two.rows)
    both = sorted(old.keys() & new.keys())
    found = {
        "added": [{"sha256": sha256, "split": new[sha256]["split"]} for sha256 in sorted(new.keys() - old.keys())],
        "removed": [{"sha256": sha256, "split": old[sha256]["split"]} for sha256 in sorted(old.keys() - new.keys())],
        "relabelled": _changed(old, new, both, "labels"),
        "remasked": _changed(old, new, both, "mask_sha256"),
        "moved": _changed(old, new, both, "split"),
    }
    gone = {sha256 for each in (one, two) for entry in each.meta.get("taken_down", []) for sha256 in entry["sha256"]}
    same = sum(old[sha256] == new[sha256] for sha256 in both)
    counts = {kind: len(entries) for kind, entries in found.items()}
    first = {kind: entries[:FIRST] for kind, entries in found.items()}
    return SnapshotDiff(a=a, b=b, same=same, taken_down=len(gone), first=first, **counts)


def _by_sha(rows: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["sha256"]: row for row in rows.select(_COLUMNS).to_pylist()}


def _changed(old: dict[str, Any], new: dict[str, Any], both: list[str], column: str) -> list[dict[str, Any]]:
    changed = (sha256 for sha256 in both if old[sha256][column] != new[sha256][column])
    return [{"sha256": sha256, "from": old[sha256][column], "to": new[sha256][column]} for sha256 in changed]


def _told(entry: dict[str, Any]) -> str:
    if "split" in entry:
        return f"{entry['sha256'][:12]} ({entry['split']})"
    before, after = (_labels(entry[side]) for side in ("from", "to"))
    return f"{entry['sha256'][:12]}: {before} -> {after}"


def _labels(text: str | None) -> str:
    """Labels without their brackets; a mask's or split's name, short."""
    if text and text.startswith("{"):
        told = (f"{key} {' + '.join(values_in(label))}" for key, label in json.loads(text).items())
        return ", ".join(told) or "no labels"
    return text[:12] if text else "none"
