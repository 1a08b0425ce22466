"""Which pictures may be copies of one another: those that share local features with each other more than with others.

In: the strongest points of n pictures. Out: pairs of places in that list whose points agree on an alignment. Each
point asks for its nearest in all other pictures (faiss, inverted lists, 8 bits a value) and gives each picture found
one vote; the 8 pictures with most votes are laid on the asking one by their points alone. So the work grows with n
and not with its square. About 12 kB of memory a picture. Never opens a picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.copies_align import align
from dataset.copies_points import SCALE, Points, mirrored
from dataset.progress import Progress, silent

MOST_EACH = 8  # pictures tried for one picture, by votes, straight and mirrored each
LEAST_VOTES = 3
LEAST_PLACES = 5  # of 96 points; the verification asks for more, of all points
_NEIGHBOURS = 12
_NEAR = 0.36 * SCALE**2  # squared distance: a cosine of 0.82
_AT_ONCE = 64  # pictures
_PROBES = 4
_ADDED_AT_ONCE = 100_000
_EXHAUSTIVE_TO = 20_000  # points: fewer are compared with all

Whole = NDArray[np.int64]


def candidates(pictures: Sequence[Points], *, progress: Progress = silent) -> list[tuple[int, int]]:
    """Pairs i < j, sorted."""
    owner = np.repeat(np.arange(len(pictures)), [len(one.places) for one in pictures])
    if len(owner) < 2:
        return []
    every = np.concatenate([one.descriptors for one in pictures])
    index = _index(every)
    tried: set[tuple[int, int, bool]] = set()
    found: set[tuple[int, int]] = set()
    for start in range(0, len(pictures), _AT_ONCE):
        for i, j, flip in _voted(index, every, owner, start, min(start + _AT_ONCE, len(pictures))):
            if (i, j, flip) not in tried and (i, j) not in found:
                tried.add((i, j, flip))
                if align(pictures[i], pictures[j], least=LEAST_PLACES, flips=(flip,)):
                    found.add((i, j))
        progress(min(start + _AT_ONCE, len(pictures)), len(pictures))
    return sorted(found)


def _index(every: NDArray[np.uint8]) -> Any:
    import faiss

    bytes_as_they_are = faiss.ScalarQuantizer.QT_8bit_direct
    if len(every) <= _EXHAUSTIVE_TO:
        index: Any = faiss.IndexScalarQuantizer(128, bytes_as_they_are)
    else:
        lists = 1 << int(np.log2(np.sqrt(len(every))))
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatL2(128), 128, lists, bytes_as_they_are, faiss.METRIC_L2, False
        )
        index.cp.seed, index.cp.niter, index.nprobe = 1, 8, _PROBES
        index.train(every[:: max(1, len(every) // (64 * lists))].astype(np.float32))
    for start in range(0, len(every), _ADDED_AT_ONCE):
        index.add(every[start : start + _ADDED_AT_ONCE].astype(np.float32))
    return index


def _voted(
    index: Any, every: NDArray[np.uint8], owner: Whole, start: int, stop: int
) -> Iterator[tuple[int, int, bool]]:
    """Pairs of pictures `start` to `stop` with those that got most votes: (smaller, larger, mirrored)."""
    at = slice(*np.searchsorted(owner, [start, stop]).tolist())
    for flip, asked in ((False, every[at]), (True, mirrored(every[at]))):
        if len(asked):
            far, near = index.search(asked.astype(np.float32), _NEIGHBOURS)
            named = np.where((far <= _NEAR) & (near >= 0), owner[near], -1)
            yield from ((i, j, flip) for i, j in _most_voted(owner[at], named))


def _most_voted(asking: Whole, named: Whole) -> Iterator[tuple[int, int]]:
    """`asking` (k,) and `named` (k, neighbours) pictures, -1 for none: one vote a point and picture."""
    point, column = np.nonzero((named >= 0) & (named != asking[:, None]))
    votes = np.unique(np.stack([asking[point], named[point, column], point], axis=1), axis=0)
    pairs, count = np.unique(votes[:, :2], axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -count, pairs[:, 0]))
    taken: dict[int, int] = {}
    for (one, other), n in zip(pairs[order].tolist(), count[order].tolist(), strict=True):
        if n >= LEAST_VOTES and taken.get(one, 0) < MOST_EACH:
            taken[one] = taken.get(one, 0) + 1
            yield (min(one, other), max(one, other))
