"""Shares of train, validation and test that hold in every store and for every label, as far as whole groups allow.

In: groups with size, store and label. Out: a part a group. Groups are taken in the order of a stable hash and each
goes to the part that lacks most, counted in its (store, label), in its store and in all. A group that has a part
keeps it, so a set that grows moves nothing. Never cuts a group.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dataset.errors import UsageError
from dataset.workspace import Workspace

PARTS = ("train", "validation", "test")
Shares = tuple[float, float, float]
NOT_A_STRATUM = ("view", "colour")  # measured on every image, so they would always win over the kind of garment


@dataclass(frozen=True)
class Unit:
    """A group: `size` images, commonest `store` and `label` of them ('' where unknown)."""

    name: str
    size: int
    store: str = ""
    label: str = ""

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        return (), (self.store,), (self.store, self.label)


def place(name: str, seed: int) -> float:
    """In [0, 1): sha256 of 'seed:name' as a fraction."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:7], "big") / 2**56


def assign_stratified(
    units: Iterable[Unit], *, shares: Shares, seed: int = 0, kept: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Part of each unit by name. `kept` are parts from before. No part that has a share stays empty if it can
    be helped."""
    ordered = sorted(units, key=lambda unit: (place(unit.name, seed), unit.name))
    parts = {unit.name: kept[unit.name] for unit in ordered if kept and unit.name in kept}
    held: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for unit in ordered:
        if unit.name in parts:
            _count(held, unit, parts[unit.name])
    fresh = [unit for unit in ordered if unit.name not in parts]
    for unit in fresh:
        parts[unit.name] = _lacking(held, unit, shares)
        _count(held, unit, parts[unit.name])
    return _none_empty(parts, [unit.name for unit in fresh], shares)


def label_of_images(ws: Workspace, field: str | None = None) -> tuple[str, dict[str, str]]:
    """(field, sha256 -> surest value): of `field`, else of the field most images have; ('', {}) without any.

    Raises UsageError for a `field` in which no image has a label.
    """
    counted = ws.tables.query(
        "SELECT field, count(DISTINCT sha256) AS n FROM labels WHERE value IS NOT NULL "
        "GROUP BY field ORDER BY n DESC, field"
    ).to_pylist()
    there = [row["field"] for row in counted]
    if field is not None and field not in there:
        raise UsageError(f"--stratify {field}: no image has a label in it", expected=" or ".join(there))
    fields = [name for name in there if name not in NOT_A_STRATUM] if field is None else [field]
    if not fields:
        return "", {}
    rows = ws.tables.query(
        "SELECT sha256, value FROM labels WHERE field = ? AND value IS NOT NULL "
        "ORDER BY sha256, source = 'person' DESC, confidence DESC NULLS LAST, source, value",
        parameters=[fields[0]],
    ).to_pylist()
    return fields[0], {row["sha256"]: row["value"] for row in reversed(rows)}


def units_of(rows: Iterable[Mapping[str, str | None]], label_of: Mapping[str, str]) -> list[Unit]:
    """Units of rows of `groups`: commonest store and label of a group's images, the smaller word where two are."""
    members: dict[str, list[Mapping[str, str | None]]] = defaultdict(list)
    for row in rows:
        members[str(row["group_id"])].append(row)
    return [
        Unit(
            name,
            len(images),
            _commonest(row["store"] or "" for row in images),
            _commonest(label_of[str(row["sha256"])] for row in images if row["sha256"] in label_of),
        )
        for name, images in members.items()
    ]


def _commonest(words: Iterable[str]) -> str:
    counts = Counter(words)
    return min(counts, key=lambda word: (-counts[word], word)) if counts else ""


def _count(held: dict[tuple[str, ...], Counter[str]], unit: Unit, part: str) -> None:
    for level in unit.levels:
        held[level][part] += unit.size


def _lacking(held: dict[tuple[str, ...], Counter[str]], unit: Unit, shares: Shares) -> str:
    wanted = [(part, share) for part, share in zip(PARTS, shares, strict=True) if share > 0]

    def lacks(part: str, share: float) -> float:
        levels = (held[level] for level in unit.levels)
        return sum(share * (level.total() + unit.size) - level[part] for level in levels)

    return max(wanted, key=lambda item: lacks(*item))[0]


def _none_empty(parts: dict[str, str], movable: list[str], shares: Shares) -> dict[str, str]:
    """Tiny sets only: an empty part gets the last fresh unit of the fullest."""
    for part, share in zip(PARTS, shares, strict=True):
        counts = Counter(parts.values())
        if share > 0 and not counts[part]:
            fullest = max(PARTS, key=lambda other: counts[other])
            given = [name for name in movable if parts[name] == fullest]
            if given and counts[fullest] > 1:
                parts[given[-1]] = part
    return parts
