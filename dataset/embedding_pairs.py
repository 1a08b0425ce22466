"""Pairs of images that an encoder finds alike: what hashes miss, such as stronger crops and turned copies.

In: the rows of `embeddings` that are there, of whichever encoders. Out: pairs of places in a list of names. Never
runs an encoder (that is `train`'s) and never reads a blob; without rows there are no pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.workspace import Workspace

_QUERIES_AT_ONCE = 4096


def pairs_by_embedding(ws: Workspace, names: list[str], *, cosine: float) -> tuple[NDArray[np.int64], ...]:
    """(i, j) with i < j, sorted: images of `names` whose vectors by one encoder have at least that cosine."""
    place = {name: k for k, name in enumerate(names)}
    found = {pair for places, vectors in _by_encoder(ws, place) for pair in _alike(places, vectors, cosine)}
    pairs = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _by_encoder(ws: Workspace, place: dict[str, int]) -> list[tuple[list[int], NDArray[np.float32]]]:
    out = []
    for row in ws.tables.query("SELECT DISTINCT encoder FROM embeddings ORDER BY encoder").to_pylist():
        quoted = str(row["encoder"]).replace("'", "''")
        table = ws.tables.read("embeddings", ["sha256", "vector"], f"encoder = '{quoted}' AND vector IS NOT NULL")
        here = [k for k, name in enumerate(table["sha256"].to_pylist()) if name in place]
        if here:
            table = table.take(here)
            vectors = np.array(table["vector"].to_pylist(), dtype=np.float32)
            out.append(([place[name] for name in table["sha256"].to_pylist()], vectors))
    return out


def _alike(places: list[int], vectors: NDArray[np.float32], cosine: float) -> list[tuple[int, int]]:
    import faiss

    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    pairs = []
    for start in range(0, len(vectors), _QUERIES_AT_ONCE):
        limits, _, others = index.range_search(vectors[start : start + _QUERIES_AT_ONCE], cosine)
        rows = np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64))) + start
        pairs += [(places[a], places[b]) for a, b in zip(rows.tolist(), others.tolist(), strict=True) if a < b]
    return [(min(pair), max(pair)) for pair in pairs]
