"""What lies on both sides of a split though it belongs together: near-duplicates, products, colour variants.

In: a workspace whose images have parts. Out: pairs of images, products and variant families found in two parts or
more. Looked for in hashes, fetches and pages, not in the groups that made the split; of these only the clusters of
`dedup` are believed besides, since its looser pairs and its verified copies can't be found by hash alone. Never moves
anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dataset.duplicates import SURE_RADIUS, looks_of, near_pairs
from dataset.workspace import Workspace

Row = dict[str, Any]
_SHOWN = 5  # examples of each kind


@dataclass(frozen=True)
class Leaks:
    """Counts of near-duplicate pairs (distance <= 4, or one cluster), products, and families of colour variants that
    lie in two parts or more; a few of each by name."""

    pairs: int
    products: int
    families: int = 0
    examples: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return self.pairs + self.products + self.families


def find_leaks(ws: Workspace) -> Leaks:
    pairs, products, families = leaking_pairs(ws), leaking_products(ws), leaking_families(ws)
    examples = [f"{a['sha256'][:12]} ({a['split']}) ~ {b['sha256'][:12]} ({b['split']})" for a, b in pairs[:_SHOWN]]
    examples += [f"{row['name']} in {row['parts']}" for row in (*families[:_SHOWN], *products[:_SHOWN])]
    return Leaks(len(pairs), len(products), len(families), tuple(examples))


def leaking_pairs(ws: Workspace) -> list[tuple[Row, Row]]:
    """Pairs of near-duplicates across parts, as {sha256, split} each, sorted; every pair once, smaller sha256 first."""
    hashed = ws.tables.query(_HASHED).to_pylist()
    found = {}
    if hashed:
        i, j, _ = near_pairs(looks_of(hashed), radius=SURE_RADIUS)
        for a, b in zip(i.tolist(), j.tolist(), strict=True):
            found[hashed[a]["sha256"], hashed[b]["sha256"]] = (hashed[a]["split"], hashed[b]["split"])
    for row in ws.tables.query(_CLUSTERED).to_pylist():
        found[row["a"], row["b"]] = (row["part_a"], row["part_b"])
    return [
        ({"sha256": a, "split": part_a}, {"sha256": b, "split": part_b})
        for (a, b), (part_a, part_b) in sorted(found.items())
        if part_a != part_b
    ]


def leaking_products(ws: Workspace) -> list[Row]:
    """{name: 'store|product', parts} of products whose images are in two parts or more."""
    return ws.tables.query(_PRODUCTS).to_pylist()


def leaking_families(ws: Workspace) -> list[Row]:
    """{name: 'store|variant group', parts} of products that the shop calls variants of one another."""
    return ws.tables.query(_FAMILIES).to_pylist()


_HASHED = """
    SELECT sha256, view, split, phash, colour_grid FROM images JOIN groups USING (sha256)
    WHERE split IS NOT NULL AND phash IS NOT NULL ORDER BY sha256
"""
_CLUSTERED = """
    SELECT a.sha256 AS a, b.sha256 AS b, a.split AS part_a, b.split AS part_b
    FROM groups a JOIN groups b ON a.cluster_id = b.cluster_id AND a.sha256 < b.sha256 WHERE a.split <> b.split
"""
# A product without images of its own id (an import) has a null product_id: it links nothing.
_PRODUCTS = """
    SELECT fetches.store || '|' || product_id AS name, string_agg(DISTINCT split, ', ' ORDER BY split) AS parts
    FROM fetches JOIN groups USING (sha256)
    WHERE split IS NOT NULL AND status IN ('ok', 'unchanged') AND product_id IS NOT NULL
    GROUP BY name HAVING count(DISTINCT split) > 1 AND name IS NOT NULL ORDER BY name
"""
_FAMILIES = """
    SELECT family AS name, string_agg(DISTINCT split, ', ' ORDER BY split) AS parts
    FROM (SELECT DISTINCT store, product_id, store || '|' || variant_group AS family FROM products
          WHERE variant_group IS NOT NULL AND variant_group <> '') AS variants
    JOIN fetches ON fetches.store = variants.store AND fetches.product_id = variants.product_id
    JOIN groups USING (sha256)
    WHERE split IS NOT NULL AND status IN ('ok', 'unchanged')
    GROUP BY family HAVING count(DISTINCT split) > 1 AND family IS NOT NULL ORDER BY family
"""
