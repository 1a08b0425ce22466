"""Near-duplicates: pictures whose perceptual hashes are near and whose colours agree, in clusters that don't chain.

In: hashes and colour signatures (as `images` keeps them), and the copies that `copies` verified where hashes are far.
Out: pairs and clusters; the step `dedup` writes `groups`. The same cut in another colour is no duplicate; a product may
still join the two. For hashes old images are never read again, only their rows of `images`. Limits are chosen by the
table of benchmarks/duplicates.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataset.colour_signature import Signatures, colours_agree, parse_grids
from dataset.copies import Copies, verified_copies
from dataset.engine import LOCAL, Engine
from dataset.errors import EmptyError, UsageError
from dataset.groups import Grouped, group_images
from dataset.hashes import Hashes, Whole, distance, pairs_within, parse
from dataset.progress import Progress, silent
from dataset.shoots import links_of
from dataset.workspace import Workspace

RADIUS = 6
PACKSHOT_RADIUS = 2  # on one colour the hash is little but the silhouette, and all T-shirts have one
SURE_RADIUS = 4  # so near that a pair is joined without asking the rest of its clusters
MAX_RADIUS = 10  # beyond, more pairs are wrong than right, and the search slows to a crawl
COPIES_TO = 100_000  # images: their points take 1.3 GB of memory; past that the search for copies must be asked for
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
    """`clusters` counts those of two images or more, `duplicates` the images beyond the first of each. `copies` counts
    pairs joined by their pixels where hashes are far, None where they were not sought; `verdicts` all such pairs tried,
    by code of `dataset.copies.CODES`, `unread` images that could not be read for it, by code."""

    images: int
    clusters: int
    duplicates: int
    largest: int
    groups: int
    changed: int
    radius: int
    copies: int | None = None
    shoots: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        return (
            f"{self.images} images: {self.duplicates} near-duplicates in {self.clusters} clusters "
            f"(largest {self.largest}, radius {self.radius}), {self.groups} groups, {self.changed} rows changed"
            + (", copies not sought" if self.copies is None else f", {self.copies} pairs by their pixels")
            + (f", {self.shoots} shoots" if self.shoots else "")
            + (f"; {sum(self.unread.values())} could not be read" if self.unread else "")
        )


def dedup(
    ws: Workspace,
    *,
    radius: int = RADIUS,
    copies: bool | None = None,
    shoots: int | None = None,
    engine: Engine = LOCAL,
    workers: int | None = None,
    progress: Progress = silent,
) -> DedupResult:
    """Cluster the good images and write `groups`. `copies` also joins copies that only their pixels tell
    (`dataset.copies`); None seeks them among up to 100,000 images. `shoots` also groups pictures whose camera numbers
    are at most so far apart (`dataset.shoots`). Raises EmptyError before `check`, UsageError for a senseless radius or
    where the engine's workers can't reach the blobs.
    """
    if not 0 <= radius <= MAX_RADIUS:
        raise UsageError(f"radius {radius} makes no sense for 64 bits", expected=f"0 to {MAX_RADIUS}")
    rows = ws.tables.query(_LOOKS).to_pylist()
    if not rows:
        raise EmptyError("no checked image", where=str(ws.root), cure="Run `modiste check` first")
    names = [row["sha256"] for row in rows]
    progress(0, len(names))
    looks = looks_of(rows)
    labels = cluster(looks, radius=radius)
    found = None
    if copies or (copies is None and len(names) <= COPIES_TO):
        found = verified_copies(ws, names, joined=labels, engine=engine, workers=workers, progress=progress)
        labels = cluster(looks, radius=radius, also=(found.i, found.j))
    same_shoot = [] if shoots is None else links_of(ws, shoots, names)
    clusters_of = {name: names[label] for name, label in zip(names, labels.tolist(), strict=True)}
    made = group_images(ws, clusters_of, same_shoot)
    progress(len(names), len(names))
    return _result(labels, made, radius, found, len({shoot for _, shoot in same_shoot}))


def _result(labels: Whole, made: Grouped, radius: int, found: Copies | None, shoots: int) -> DedupResult:
    sizes = np.bincount(labels)
    many = sizes[sizes > 1]
    return DedupResult(
        images=len(labels),
        clusters=len(many),
        duplicates=int((many - 1).sum()),
        largest=int(sizes.max()),
        groups=made.groups,
        changed=made.changed,
        radius=radius,
        copies=None if found is None else len(found.i),
        shoots=shoots,
        verdicts={} if found is None else found.codes,
        unread={} if found is None else found.unread,
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
