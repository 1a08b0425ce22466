"""What a queue chooses from: the images a person may still be asked about, and what is known of each.

In: the tables. Out: a `Pool`: candidates and labelled images with their values, vectors of one encoder, groups, and how
many images were left out for which reason. Never writes, never decides what is worth asking.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from dataset.errors import DataError, UsageError
from dataset.several import Label, multi_fields
from dataset.snapshot import items_sql
from dataset.workspace import Workspace
from labeling.queue_scores import Bools, Floats

LEFT_OUT = {
    "bad": "the image failed its check",
    "removed": "taken down, or rejected by a person",
    "opted_out": "refused when it was last asked for",
    "labelled": "a person has answered",
    "other_part": "belongs to another part of the split",
    "no_vector": "has no embedding by this encoder",
    "not_asked": "the taxonomy doesn't ask this of its type",
    "no_mask": "has no mask to judge",
}

USABLE = """
SELECT items.sha256, split, group_id, cluster_id, sharpness, exposure, contrast, resolution, labels,
       refused.sha256 IS NOT NULL AS refused
FROM ({items}) AS items
LEFT JOIN (SELECT sha256, any_value(cluster_id) AS cluster_id FROM groups GROUP BY sha256) USING (sha256)
LEFT JOIN (
  SELECT DISTINCT seen.sha256 FROM fetches seen
  JOIN (SELECT url, arg_max(status, fetched_at) AS status FROM fetches GROUP BY url) newest USING (url)
  WHERE seen.sha256 IS NOT NULL AND newest.status = 'refused'
) AS refused USING (sha256)
ORDER BY items.sha256
"""  # an address that was open once and is refused now takes its image along: the newest word of its owner counts


@dataclass(frozen=True)
class Item:
    """One usable image. `labels` are the surest of each field (of a multi field all of its source), `quality` the least
    score of its check."""

    sha256: str
    split: str | None
    group: str
    cluster: str
    labels: dict[str, Label]
    quality: float


@dataclass
class Pool:
    """`items` by sha256; `open` marks those a person may be asked about; `vectors` (N, d) float32 or None."""

    items: list[Item]
    open: Bools
    vectors: Floats | None
    encoder: str | None
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def place(self) -> dict[str, int]:
        return {item.sha256: number for number, item in enumerate(self.items)}

    def close(self, mask: Bools, why: str) -> None:
        """Take those out, counting only the ones that were open."""
        self.left_out[why] += int((mask & self.open).sum())
        self.open &= ~mask

    @property
    def copies(self) -> Any:
        """(N,) text: images with the same mark are near-duplicates."""
        return np.array([item.cluster for item in self.items])


def read_pool(ws: Workspace, *, part: str, encoder: str | None, with_vectors: bool = True) -> Pool:
    """Every usable image, open where it is of `part` (an image without one counts as 'train') and not opted out."""
    sql = USABLE.format(items=items_sql(multi_fields(ws)))
    rows = ws.tables.query(sql).to_pylist()
    items = [
        Item(row["sha256"], row["split"], row["group_id"] or row["sha256"], row["cluster_id"] or row["sha256"],
             json.loads(row["labels"]), _quality(row))
        for row in rows
    ]  # fmt: skip
    name = encoder_of(ws, encoder) if with_vectors else None
    pool = Pool(items, np.ones(len(items), bool), None, name)
    counted = ws.tables.query("SELECT status, count(*) AS n FROM images GROUP BY status").to_pylist()
    by_status = {row["status"]: row["n"] for row in counted}
    pool.left_out["bad"] = sum(n for status, n in by_status.items() if status != "ok")
    pool.left_out["removed"] = max(0, by_status.get("ok", 0) - len(items))
    pool.close(np.array([bool(row["refused"]) for row in rows], bool), "opted_out")
    pool.close(np.array([(item.split or "train") != part for item in items], bool), "other_part")
    if name is not None and items:
        pool.vectors, has = vectors_of(ws, name, pool.place)
        pool.close(~has, "no_vector")
    return pool


def _quality(row: dict[str, Any]) -> float:
    """The least of sharpness, exposure, contrast and resolution, each in [0, 1]; 0.5 where none was measured."""
    known = [row[name] for name in ("sharpness", "exposure", "contrast", "resolution") if row[name] is not None]
    return float(np.clip(min(known), 0, 1)) if known else 0.5


def encoder_of(ws: Workspace, wanted: str | None) -> str | None:
    """The encoder to use: the only one there is, or the one `wanted` begins; None where there are no vectors.

    Raises UsageError where several could be meant: distances of two encoders can't be compared.
    """
    found = ws.tables.query("SELECT DISTINCT encoder FROM embeddings ORDER BY encoder")["encoder"].to_pylist()
    meant = [name for name in found if wanted is None or name == wanted] or [
        name for name in found if name.startswith(wanted or "")
    ]
    if wanted is not None and not meant:
        cure = "Run: modiste embed" if not found else ""
        raise UsageError(f"no vectors by encoder '{wanted}'", expected=", ".join(found) or "any vectors", cure=cure)
    if len(meant) > 1:
        raise UsageError(
            f"there are vectors of {len(meant)} encoders, which can't be mixed",
            expected="one of " + ", ".join(meant),
            cure="Name one: --encoder NAME (its beginning is enough)",
        )
    return meant[0] if meant else None


def vectors_of(ws: Workspace, encoder: str, place: dict[str, int]) -> tuple[Floats, Bools]:
    """(N, d) float32 of unit length by place, and (N,) which images have one; a vector that is zero or not finite
    counts as none. Raises DataError where one encoder's vectors differ in length."""
    quoted = encoder.replace("'", "''")
    table = ws.tables.read("embeddings", ["sha256", "vector"], f"encoder = '{quoted}' AND vector IS NOT NULL")
    names = table["sha256"].to_pylist()
    here = [number for number, name in enumerate(names) if name in place]
    column = table["vector"].take(pa.array(here, pa.int64())).combine_chunks()
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False)) if here else np.array([1])
    if len(lengths) > 1:
        cure = "Delete this encoder's rows and run modiste embed again"
        raise DataError(f"vectors of {lengths.tolist()} entries", where=encoder, expected="one length", cure=cure)
    out, has = np.zeros((len(place), int(lengths[0])), np.float32), np.zeros(len(place), bool)
    if not here:
        return out, has
    found = column.flatten().to_numpy(zero_copy_only=False).reshape(len(here), -1).astype(np.float32)
    norm = np.linalg.norm(found, axis=1)
    good = np.isfinite(norm) & (norm > 1e-9)
    where = np.array([place[names[number]] for number in here])[good]
    out[where] = found[good] / norm[good, None]
    has[where] = True
    return out, has
