"""Near-duplicates: 64-bit perceptual hashes, the pairs within a Hamming radius, and clusters that don't chain.

In: hashes (hex, as in `images.phash`). Out: pairs and clusters; the step `dedup` writes `groups`. A mirrored copy is
found without decoding it: mirroring flips the sign of every odd horizontal DCT term, hence those bits of the hash.
Old images are never read again; only their hashes are. Radii are chosen by the table of benchmarks/duplicates.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.errors import EmptyError, UsageError
from dataset.groups import group_images
from dataset.progress import Progress, silent
from dataset.workspace import Workspace

Hashes = NDArray[np.uint64]
Whole = NDArray[np.int64]

RADIUS = 6
PACKSHOT_RADIUS = 2  # on one colour the hash is little but the silhouette, and all T-shirts have one
SURE_RADIUS = 4  # so near that a pair is joined without asking the rest of its clusters
MAX_RADIUS = 16
_MIRROR = np.uint64(0x5555555555555555)  # columns 1, 3, 5, 7 of the 8x8 DCT signs, row by row, first bit highest
_EXHAUSTIVE_UP_TO = 60_000
_SAMPLE = 16


@dataclass(frozen=True)
class DedupResult:
    """`clusters` counts those of two images or more, `duplicates` the images beyond the first of each."""

    images: int
    clusters: int
    duplicates: int
    largest: int
    groups: int
    changed: int
    radius: int

    def line(self) -> str:
        return (
            f"{self.images} images: {self.duplicates} near-duplicates in {self.clusters} clusters "
            f"(largest {self.largest}, radius {self.radius}), {self.groups} groups, {self.changed} rows changed"
        )


def dedup(ws: Workspace, *, radius: int = RADIUS, progress: Progress = silent) -> DedupResult:
    """Cluster the good images and write `groups`. Raises EmptyError before `check`, UsageError for a senseless
    radius."""
    if not 0 <= radius <= MAX_RADIUS:
        raise UsageError(f"radius {radius} makes no sense for 64 bits", expected=f"0 to {MAX_RADIUS}")
    rows = ws.tables.query("SELECT sha256, phash, view FROM images WHERE status = 'ok' ORDER BY sha256")
    if not rows.num_rows:
        raise EmptyError("no checked image", where=str(ws.root), cure="Run `modiste check` first")
    names = rows["sha256"].to_pylist()
    progress(0, len(names))
    packshots = np.array([view == "packshot" for view in rows["view"].to_pylist()])
    labels = clusters(parse(rows["phash"].to_pylist()), packshots, radius=radius)
    made = group_images(ws, {name: names[label] for name, label in zip(names, labels.tolist(), strict=True)})
    progress(len(names), len(names))
    sizes = np.bincount(labels)
    many = sizes[sizes > 1]
    return DedupResult(
        images=len(names),
        clusters=len(many),
        duplicates=int((many - 1).sum()),
        largest=int(sizes.max()),
        groups=made.groups,
        changed=made.changed,
        radius=radius,
    )


def perceptual_hash(rgb: NDArray[np.uint8]) -> str:
    """16 hex digits: signs of the 8x8 lowest DCT terms about their median (imagehash.phash) of (H, W, 3) uint8 RGB."""
    import imagehash
    from PIL import Image

    return str(imagehash.phash(Image.fromarray(rgb)))


def parse(hexes: list[str]) -> Hashes:
    """(n,) uint64 of 16-digit hashes."""
    return np.array([int(text, 16) for text in hexes], dtype=np.uint64)


def distance(a: Hashes, b: Hashes) -> Whole:
    """Hamming distance, elementwise, the smaller of straight and mirrored."""
    straight, mirrored = np.bitwise_count(a ^ b), np.bitwise_count(a ^ b ^ _MIRROR)
    return np.minimum(straight, mirrored).astype(np.int64)


def near_pairs(
    hashes: Hashes, packshots: NDArray[np.bool_] | None = None, *, radius: int = RADIUS, new_from: int = 0
) -> tuple[Whole, Whole, Whole]:
    """Every pair i < j with distance <= radius: (i, j, distance), sorted. Two packshots, (n,) bool, must be within
    PACKSHOT_RADIUS. With `new_from` only pairs whose j is at
    least that: 'is any of the new images known' costs new x all, not all x all."""
    found = [_search(hashes, hashes[new_from:] ^ mask, radius) for mask in (np.uint64(0), _MIRROR)]
    rows = np.concatenate([row for row, _ in found]) + new_from
    others = np.concatenate([other for _, other in found])
    low, high = np.minimum(rows, others), np.maximum(rows, others)
    pairs = np.unique(np.stack([low, high], axis=1)[low < high], axis=0)
    i, j = pairs[:, 0], pairs[:, 1]
    far = distance(hashes[i], hashes[j])
    if packshots is None:
        return i, j, far
    kept = (far <= PACKSHOT_RADIUS) | ~(packshots[i] & packshots[j])
    return i[kept], j[kept], far[kept]


def clusters(
    hashes: Hashes, packshots: NDArray[np.bool_] | None = None, *, radius: int = RADIUS, sure: int = SURE_RADIUS
) -> Whole:
    """(n,) cluster label of each hash: the index of its cluster's first member. Pairs within `sure` are always
    together; a looser pair joins two clusters only where the clusters as wholes are near, so a chain of lookalikes
    stays apart. Two packshots, (n,) bool, must be within PACKSHOT_RADIUS."""
    unique, inverse = np.unique(hashes, return_inverse=True)
    plain = np.full(len(unique), packshots is not None)
    if packshots is not None:
        np.logical_and.at(plain, inverse, packshots)
    i, j, far = near_pairs(unique, plain, radius=radius)
    parent = list(range(len(unique)))
    members: dict[int, list[int]] = {}
    for edge in np.lexsort((j, i, far)):
        a, b = _root(parent, int(i[edge])), _root(parent, int(j[edge]))
        if a == b:
            continue
        left, right = members.get(a, [a]), members.get(b, [b])
        if far[edge] <= sure or _all_near(unique, left, right, radius):
            parent[b] = a
            members[a] = left + right
            members.pop(b, None)
    roots = np.array([_root(parent, node) for node in range(len(unique))], dtype=np.int64)[inverse]
    _, first, label = np.unique(roots, return_index=True, return_inverse=True)
    return np.asarray(first[label], dtype=np.int64)


def _all_near(hashes: Hashes, left: list[int], right: list[int], radius: int) -> bool:
    """Complete linkage with slack: no two members farther than 1.5 radii (16 of a side are asked, evenly spread)."""
    a, b = (hashes[_spread(side)] for side in (left, right))
    return int(distance(a[:, None], b[None, :]).max()) <= 1.5 * radius


def _spread(side: list[int]) -> list[int]:
    return side if len(side) <= _SAMPLE else [side[k * len(side) // _SAMPLE] for k in range(_SAMPLE)]


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def _search(hashes: Hashes, queries: Hashes, radius: int) -> tuple[Whole, Whole]:
    """(query row, hash row) of everything within `radius`; exact."""
    import faiss

    index: Any = faiss.IndexBinaryFlat(64)
    if len(hashes) > _EXHAUSTIVE_UP_TO:
        # 4 chunks of 16 bits: some chunk of a pair within r differs in at most r // 4 bits, and those are all tried
        index = faiss.IndexBinaryMultiHash(64, 4, 16)
        index.nflip = radius // 4
    index.add(_bytes(hashes))
    # faiss keeps Hamming distances strictly below the radius it is given
    limits, _, neighbours = index.range_search(_bytes(queries), radius + 1)
    rows = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
    return rows, neighbours.astype(np.int64)


def _bytes(hashes: Hashes) -> NDArray[np.uint8]:
    return np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, 8)
