"""Near-duplicates: pictures whose perceptual hashes are near and whose colours agree, in clusters that don't chain.

In: hashes and colour signatures (as `images` keeps them) and, where there are rows, `embeddings`. Out: pairs and
clusters; the step `dedup` writes `groups`. The same cut in another colour is no duplicate; a product may still join
the two. Old images are never read again, only their rows of `images`. Limits are chosen by the table of
benchmarks/duplicates.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.colour_signature import Signatures, colours_agree, parse_grids
from dataset.embedding_pairs import pairs_by_embedding
from dataset.errors import EmptyError, UsageError
from dataset.groups import group_images
from dataset.hashes import Hashes, Whole, distance, pairs_within, parse
from dataset.progress import Progress, silent
from dataset.shoots import links_of
from dataset.workspace import Workspace

RADIUS = 6
PACKSHOT_RADIUS = 2  # on one colour the hash is little but the silhouette, and all T-shirts have one
SURE_RADIUS = 4  # so near that a pair is joined without asking the rest of its clusters
MAX_RADIUS = 10  # beyond, more pairs are wrong than right, and the search slows to a crawl
_SAMPLE = 16
_NO_PAIRS = (np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Looks:
    """What is compared of n pictures: hashes (n,), whether on one colour (n,), colour grids (n, 4, 4, 3), known
    (n,)."""

    hashes: Hashes
    packshots: NDArray[np.bool_] | None = None
    grids: Signatures | None = None
    known: NDArray[np.bool_] | None = None

    def agree(self, i: Whole, j: Whole) -> NDArray[np.bool_]:
        """(k,) whether pairs pass what the hash can't see: two packshots must be nearer, known colours must agree."""
        passed = np.ones(len(i), dtype=bool)
        if self.packshots is not None:
            near = distance(self.hashes[i], self.hashes[j]) <= PACKSHOT_RADIUS
            passed &= near | ~(self.packshots[i] & self.packshots[j])
        if self.grids is not None:
            asked = passed if self.known is None else passed & self.known[i] & self.known[j]
            passed[asked] = colours_agree(self.grids[i[asked]], self.grids[j[asked]])
        return passed


def looks_of(rows: list[dict[str, object]]) -> Looks:
    """From rows of `images` with phash, view and colour_grid."""
    grids, known = parse_grids([row["colour_grid"] for row in rows])  # type: ignore[misc]
    packshots = np.array([row["view"] == "packshot" for row in rows], dtype=bool)
    return Looks(parse([str(row["phash"]) for row in rows]), packshots, grids, known)


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
    by_embedding: int = 0
    shoots: int = 0

    def line(self) -> str:
        return (
            f"{self.images} images: {self.duplicates} near-duplicates in {self.clusters} clusters "
            f"(largest {self.largest}, radius {self.radius}), {self.groups} groups, {self.changed} rows changed"
            + (f", {self.by_embedding} pairs by embedding" if self.by_embedding else "")
            + (f", {self.shoots} shoots" if self.shoots else "")
        )


def dedup(
    ws: Workspace,
    *,
    radius: int = RADIUS,
    cosine: float | None = None,
    shoots: int | None = None,
    progress: Progress = silent,
) -> DedupResult:
    """Cluster the good images and write `groups`. `cosine` also pairs images whose embeddings (where there are any)
    are at least so alike; no value of it has been calibrated, so there is none by default. `shoots` also groups
    pictures whose camera numbers are at most so far apart (`dataset.shoots`). Raises EmptyError before `check`,
    UsageError for a senseless radius.
    """
    if not 0 <= radius <= MAX_RADIUS:
        raise UsageError(f"radius {radius} makes no sense for 64 bits", expected=f"0 to {MAX_RADIUS}")
    rows = ws.tables.query(_LOOKS).to_pylist()
    if not rows:
        raise EmptyError("no checked image", where=str(ws.root), cure="Run `modiste check` first")
    names = [row["sha256"] for row in rows]
    progress(0, len(names))
    looks = looks_of(rows)
    nothing = np.zeros(0, np.int64)
    known_by_eye = (nothing, nothing) if cosine is None else pairs_by_embedding(ws, names, cosine=cosine)
    labels = cluster(looks, radius=radius, also=_of_one_colour(looks, *known_by_eye))
    same_shoot = [] if shoots is None else links_of(ws, shoots, names)
    clusters_of = {name: names[label] for name, label in zip(names, labels.tolist(), strict=True)}
    made = group_images(ws, clusters_of, same_shoot)
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
        by_embedding=len(known_by_eye[0]),
        shoots=len({shoot for _, shoot in same_shoot}),
    )


_LOOKS = """
    SELECT sha256, phash, view, colour_grid FROM images WHERE status = 'ok' AND phash IS NOT NULL ORDER BY sha256
"""


def near_pairs(looks: Looks, *, radius: int = RADIUS, new_from: int = 0) -> tuple[Whole, Whole, Whole]:
    """Every pair i < j of duplicates with distance <= radius: (i, j, distance), sorted. With `new_from` only pairs
    whose j is at least that: 'is any of the new images known' costs new x all, not all x all."""
    i, j = pairs_within(looks.hashes, radius, agree=looks.agree, new_from=new_from)
    return i, j, distance(looks.hashes[i], looks.hashes[j])


def cluster(
    looks: Looks, *, radius: int = RADIUS, sure: int = SURE_RADIUS, also: tuple[Whole, Whole] = _NO_PAIRS
) -> Whole:
    """(n,) cluster label of each picture: the index of its cluster's first member. Pairs within `sure`, and the pairs
    `also` given, are always together; a looser pair joins two clusters only where the clusters as wholes are near, so a
    chain of lookalikes stays apart."""
    once, inverse = _distinct(looks)
    i, j, far = near_pairs(once, radius=radius)
    loose = far > sure
    given = (inverse[also[0]], inverse[also[1]])
    firm = _components(len(once.hashes), np.append(i[~loose], given[0]), np.append(j[~loose], given[1]))
    order = np.lexsort((j[loose], i[loose], far[loose]))
    roots = _joined(once.hashes, firm, zip(i[loose][order].tolist(), j[loose][order].tolist(), strict=True), radius)
    _, first, label = np.unique(roots[inverse], return_index=True, return_inverse=True)
    return np.asarray(first[label], dtype=np.int64)


def clusters(hashes: Hashes, packshots: NDArray[np.bool_] | None = None, *, radius: int = RADIUS) -> Whole:
    """`cluster` where no colours are known."""
    return cluster(Looks(hashes, packshots), radius=radius)


def _of_one_colour(looks: Looks, i: Whole, j: Whole) -> tuple[Whole, Whole]:
    """Encoders are made to see a garment whatever its colour: their pairs must agree in it like all others."""
    kept = Looks(looks.hashes, None, looks.grids, looks.known).agree(i, j)
    return i[kept], j[kept]


def _distinct(looks: Looks) -> tuple[Looks, Whole]:
    """Each look once, and where each picture is among them: a thousand equal ones would be half a million pairs."""
    columns = [looks.hashes.view(np.uint8).reshape(-1, 8)]
    columns += [flag.astype(np.uint8)[:, None] for flag in (looks.packshots, looks.known) if flag is not None]
    columns += [looks.grids.reshape(len(looks.grids), -1)] if looks.grids is not None else []
    whole = np.ascontiguousarray(np.concatenate(columns, axis=1))
    rows = whole.view(np.dtype((np.void, whole.shape[1]))).ravel()
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    parts = [None if part is None else part[first] for part in (looks.packshots, looks.grids, looks.known)]
    return Looks(looks.hashes[first], *parts), inverse  # type: ignore[arg-type]


def _components(n: int, i: Whole, j: Whole) -> Whole:
    """(n,) label of each node's connected component: the index of its first node."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    return np.asarray(first[component], dtype=np.int64)


def _joined(hashes: Hashes, firm: Whole, loose: Iterable[tuple[int, int]], radius: int) -> Whole:
    """`firm` components joined along `loose` pairs, nearest first, where all of both sides is near."""
    parent = firm.tolist()
    order = np.argsort(firm, kind="stable")
    starts = np.flatnonzero(np.diff(firm[order], prepend=-1))
    many = {int(part[0]): part.tolist() for part in np.split(order, starts[1:]) if len(part) > 1}
    for i, j in loose:
        a, b = _root(parent, i), _root(parent, j)
        left, right = many.get(a, [a]), many.get(b, [b])
        if a != b and _all_near(hashes, left, right, radius):
            parent[b] = a
            many[a] = left + right
            many.pop(b, None)
    return np.array([_root(parent, node) for node in range(len(parent))], dtype=np.int64)


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
