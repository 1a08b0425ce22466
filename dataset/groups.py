"""What belongs together: group = product ∪ variants ∪ near-duplicates (∪ the same shoot), as connected components.

In: each image's near-duplicate cluster, and from the tables which products show it and which products are variants.
Out: rows of `groups`, only those that changed. A group's id is its smallest sha256. A group that grew keeps its split
and gives it to its new images; one that joins groups of different parts waits for the next `split`. Never looks at
pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dataset.workspace import Workspace

# Each image and the products that show it, first seen first.
_SHOWN = """
    SELECT sha256, store, store || '|' || product_id AS product_key FROM fetches
    WHERE status IN ('ok', 'unchanged') AND sha256 IS NOT NULL
    GROUP BY ALL ORDER BY min(fetched_at), min(position), product_key, store
"""
_VARIANTS = """
    SELECT DISTINCT store || '|' || product_id AS product_key, store || '|' || variant_group AS family FROM products
    WHERE variant_group IS NOT NULL AND variant_group <> '' AND store IS NOT NULL AND product_id IS NOT NULL
"""


_SPLIT = ("split", "split_rule")


@dataclass(frozen=True)
class Grouped:
    images: int
    groups: int
    changed: int


def group_images(ws: Workspace, cluster_of: dict[str, str], also: Sequence[tuple[str, str]] = ()) -> Grouped:
    """Write `groups` for the images named in `cluster_of` (sha256 -> cluster id); rows of other images are dropped.
    `also` are more links between 'image:<sha256>' and any other node."""
    shown = [row for row in ws.tables.query(_SHOWN).to_pylist() if row["sha256"] in cluster_of]
    variants = ws.tables.query(_VARIANTS).to_pylist()
    links = [("image:" + sha256, "image:" + cluster) for sha256, cluster in cluster_of.items()]
    links += [("image:" + row["sha256"], "product:" + row["product_key"]) for row in shown if row["product_key"]]
    links += [("product:" + row["product_key"], "family:" + row["family"]) for row in variants]
    group_of = group_ids(cluster_of, [*links, *also])
    first = _first_product(shown)
    rows = [
        {"sha256": sha256, "cluster_id": cluster, "group_id": group_of[sha256], **first.get(sha256, {})}
        for sha256, cluster in sorted(cluster_of.items())
    ]
    return Grouped(len(rows), len(set(group_of.values())), _write(ws, rows))


def group_ids(images: Iterable[str], links: Sequence[tuple[str, str]]) -> dict[str, str]:
    """sha256 -> smallest sha256 in its connected component; nodes are 'image:<sha256>' or any other name."""
    names = sorted({"image:" + sha256 for sha256 in images} | {node for link in links for node in link})
    number = {name: k for k, name in enumerate(names)}
    ends = np.array([(number[a], number[b]) for a, b in links], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(len(names),) * 2)
    _, component = connected_components(graph, directed=False)
    smallest: dict[int, str] = {}
    found = [
        (int(part), name.removeprefix("image:"))
        for name, part in zip(names, component, strict=True)
        if name.startswith("image:")
    ]
    for part, sha256 in found:  # names are sorted, so the first of a component is its smallest
        smallest.setdefault(part, sha256)
    return {sha256: smallest[part] for part, sha256 in found}


def _first_product(shown: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for row in shown:
        first.setdefault(row["sha256"], {"store": row["store"], "product_key": row["product_key"]})
    return first


def _write(ws: Workspace, rows: list[dict[str, Any]]) -> int:
    old = {row["sha256"]: row for row in ws.tables.read("groups").to_pylist()}
    before, now = _members(old.values()), _members(rows)
    inherited = {group: _inherited([old[name] for name in names if name in old]) for group, names in now.items()}
    changed = []
    for row in rows:
        was = old.get(row["sha256"], {})
        same = bool(was) and before[was["group_id"]] == now[row["group_id"]]
        row |= {key: was[key] for key in _SPLIT} if same else inherited[row["group_id"]]
        if not was or any(row.get(key) != was[key] for key in was):
            changed.append(row)
    gone = sorted(set(old) - {row["sha256"] for row in rows})
    for start in range(0, len(gone), 500):
        ws.tables.delete("groups", "sha256 IN (" + ", ".join(f"'{name}'" for name in gone[start : start + 500]) + ")")
    ws.tables.upsert("groups", changed)
    return len(changed) + len(gone)


def _inherited(known: list[dict[str, Any]]) -> dict[str, str | None]:
    """The split that all images known before agree on; none where groups of different parts were joined."""
    told = {(row["split"], row["split_rule"]) for row in known}
    return dict(zip(_SPLIT, told.pop() if len(told) == 1 else (None, None), strict=True))


def _members(rows: Iterable[dict[str, Any]]) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        members[row["group_id"]].add(row["sha256"])
    return {group: frozenset(names) for group, names in members.items()}
