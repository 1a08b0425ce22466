"""Whether the leak check finds the planted leaks: planted pairs that a split put on two sides, by kind.

In: a split workspace and the truth. Out: a Counter a kind: `planted` pairs whose pictures both arrived, `joined` by
dedup or the shop's own pages into one group, `across` two parts, `found` of these by `dataset.leaks`, and `across` of
those that were joined (must be 0 under `grouped`). Looks at parts and groups, never at pictures.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from leakage_stock import Planted

from dataset.leaks import leaking_families, leaking_pairs, leaking_products
from dataset.workspace import Workspace

COUNTS = ("planted", "joined", "across", "found", "joined_across")
_SHOWN_BY = """
    SELECT DISTINCT f.sha256, f.store || '|' || f.product_id AS product, f.store || '|' || p.variant_group AS family
    FROM fetches f LEFT JOIN products p ON p.store = f.store AND p.product_id = f.product_id
    WHERE f.status IN ('ok', 'unchanged') AND f.sha256 IS NOT NULL
"""


def tally(ws: Workspace, pairs: list[Planted]) -> dict[str, dict[str, int]]:
    """Kind -> counts, for the split that the workspace has now."""
    rows = {row["sha256"]: row for row in ws.tables.read("groups").to_pylist()}
    alike = {(a["sha256"], b["sha256"]) for a, b in leaking_pairs(ws)}
    named = {row["name"] for row in (*leaking_products(ws), *leaking_families(ws))}
    shown = _shown_by(ws)
    counts: dict[str, Counter[str]] = {pair.kind: Counter(dict.fromkeys(COUNTS, 0)) for pair in pairs}
    for pair in pairs:
        ends = sorted((pair.first, pair.second))
        if ends[0] == ends[1] or not all(end in rows for end in ends):
            continue
        first, second = (rows[end] for end in ends)
        joined = first["group_id"] == second["group_id"]
        across = first["split"] != second["split"] and None not in (first["split"], second["split"])
        told = (ends[0], ends[1]) in alike or bool(shown[ends[0]] & shown[ends[1]] & named)
        seen = {"planted": 1, "joined": joined, "across": across, "found": across and told}
        counts[pair.kind].update({name: int(value) for name, value in seen.items()})
        counts[pair.kind]["joined_across"] += int(joined and across)
    return {kind: dict(found) for kind, found in counts.items()}


def _shown_by(ws: Workspace) -> dict[str, set[str]]:
    """sha256 -> its products and variant families, as the leak check names them."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in ws.tables.query(_SHOWN_BY).to_pylist():
        found[row["sha256"]] |= {name for name in (row["product"], row["family"]) if name}
    return found
