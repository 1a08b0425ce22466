"""64-bit perceptual hashes: making, reading and comparing them, and every pair of a set within a Hamming radius.

In: pictures, or hashes as `images.phash` keeps them. Out: hex digits, distances, pairs. A mirrored copy is found
without decoding it: mirroring flips the sign of every odd horizontal DCT term, hence those bits of the hash. The
search is exact at every radius. Never groups anything and never looks at colour, since the hash has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Whole = NDArray[np.int64]
Agree = Callable[[Whole, Whole], NDArray[np.bool_]]

MIRROR = np.uint64(0x5555555555555555)  # columns 1, 3, 5, 7 of the 8x8 DCT signs, row by row, first bit highest


def perceptual_hash(grey: NDArray[np.uint8]) -> str:
    """16 hex digits of (H, W) uint8 luma: signs of the 8x8 lowest DCT terms about their median, as imagehash.phash
    makes them (Lanczos to 32x32, DCT-II along both axes). But the picture is made smaller first (its working copy, then
    averages in whole steps to at least 64x64), which costs a tenth of filtering every pixel and now and then turns
    two bits, of terms that lie at the median."""
    import cv2
    from PIL import Image

    from dataset.quality_copies import working_copy

    picture = Image.fromarray(working_copy(grey))
    small = np.asarray(picture.resize((32, 32), Image.Resampling.LANCZOS, reducing_gap=2.0), dtype=np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    return np.packbits(low > np.sort(low)[31:33].mean()).tobytes().hex()


def parse(hexes: list[str]) -> Hashes:
    """(n,) uint64 of 16-digit hashes."""
    return np.array([int(text, 16) for text in hexes], dtype=np.uint64)


def distance(a: Hashes, b: Hashes) -> Whole:
    """Hamming distance, elementwise, the smaller of straight and mirrored."""
    return _distance(a, b).astype(np.int64)


def pairs_within(
    hashes: Hashes, radius: int, *, agree: Agree | None = None, new_from: int = 0, threads: int = 2
) -> tuple[Whole, Whole]:
    """Every pair i < j within `radius` of each other, straight or mirrored, sorted by (i, j).

    `agree(i, j)` may veto candidates, (k,) bool, before they take memory. With `new_from` only pairs whose j is at
    least that are sought: 'is any of the new images known' costs new x all, not all x all.
    """
    keys = list(_band_masks(radius))
    with ThreadPoolExecutor(threads) as pool:  # NumPy lets go of the interpreter's lock in sorts and comparisons
        found = list(pool.map(lambda mask: _pairs_of_key(hashes, mask, radius, agree, new_from), keys))
    codes = np.unique(np.concatenate([np.zeros(0, np.int64), *found]))
    n = max(len(hashes), 1)
    return codes // n, codes % n


def _distance(a: Hashes, b: Hashes) -> NDArray[np.uint8]:
    differing = a ^ b
    return np.minimum(np.bitwise_count(differing), np.bitwise_count(differing ^ MIRROR))


def _band_masks(radius: int) -> Iterator[np.uint64]:
    """Masks of which at least one covers only equal bits of any pair within `radius`.

    Of r + 3 bands at most r are touched by r differing bits, so some three are equal (pigeonhole). Bands take every
    k-th bit, because neighbouring bits (low frequencies) are alike in most photographs.
    """
    bands = radius + 3
    cut = [sum(1 << bit for bit in range(start, 64, bands)) for start in range(bands)]
    for chosen in combinations(cut, 3):
        yield np.uint64(sum(chosen))


def _pairs_of_key(hashes: Hashes, mask: np.uint64, radius: int, agree: Agree | None, new_from: int) -> Whole:
    """i * n + j of the pairs that agree in the bits of `mask`, straight or mirrored, and are within `radius`."""
    key = hashes & mask
    key = np.minimum(key, key ^ (MIRROR & mask))  # a picture and its mirror image share this
    order = np.argsort(key, kind="stable")
    rest = _run_lengths(key[order], order, new_from)
    sorted_hashes = hashes[order]
    found = [np.zeros(0, np.int64)]
    at = np.flatnonzero(rest > 0)
    step = 1
    while len(at):
        near = at[_distance(sorted_hashes[at], sorted_hashes[at + step]) <= radius]
        found.append(_kept(order[near], order[near + step], len(hashes), agree, new_from))
        step += 1
        at = at[rest[at] >= step]
    return np.concatenate(found)


def _run_lengths(key: Hashes, order: Whole, new_from: int) -> Whole:
    """How many later places hold the same key; 0 throughout a run without anything new."""
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(key)))
    ends = np.repeat(starts + sizes, sizes)
    rest = ends - 1 - np.arange(len(key))
    if new_from and len(key):
        rest[~np.repeat(np.logical_or.reduceat(order >= new_from, starts), sizes)] = 0
    return rest


def _kept(a: Whole, b: Whole, n: int, agree: Agree | None, new_from: int) -> Whole:
    low, high = np.minimum(a, b), np.maximum(a, b)
    if new_from:
        low, high = low[high >= new_from], high[high >= new_from]
    if agree is not None and len(low):
        kept = agree(low, high)
        low, high = low[kept], high[kept]
    return low * n + high
