"""A million realistic hashes clustered: seconds, peak memory, and recall against brute force on a sample.

In: the DCT terms of real photographs. Out: figures. Realistic means: each made hash is the sign pattern of a mixture
of two real photographs' terms plus noise, so bits depend on each other and crowd as those of photographs do; 5 % are
planted copies of another with 2 or 4 bits turned. Everything is drawn from the seed.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fft import dct

from dataset.duplicates import RADIUS, clusters, distance
from dataset.hashes import Hashes, pairs_within

_CHUNK = 100_000


def dct_terms(paths: list[Path]) -> np.ndarray:
    """(n, 64) lowest DCT terms of each photograph."""
    terms = []
    for path in paths:
        small = Image.open(path).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
        terms.append(dct(dct(np.asarray(small, np.float64), axis=0), axis=1)[:8, :8].ravel())
    return np.array(terms)


def made_hashes(terms: np.ndarray, n: int, seed: int = 0) -> Hashes:
    rng = np.random.default_rng(seed)
    made = [_mixed(terms, min(_CHUNK, n - start), rng) for start in range(0, n, _CHUNK)]
    hashes = np.concatenate(made)
    copies = rng.choice(n, n // 20, replace=False)
    bits = rng.integers(0, 64, (len(copies), 4)).astype(np.uint64)
    flips = np.bitwise_xor.reduce(np.uint64(1) << bits[:, : 2 * 2], axis=1)
    hashes[copies] = hashes[rng.integers(0, n, len(copies))] ^ flips
    return hashes


def _mixed(terms: np.ndarray, n: int, rng: np.random.Generator) -> Hashes:
    one, other = terms[rng.integers(0, len(terms), n)], terms[rng.integers(0, len(terms), n)]
    share = rng.uniform(0.3, 0.7, (n, 1))
    mixed = share * one + (1 - share) * other + 0.25 * np.abs(terms).mean(axis=0) * rng.normal(size=(n, 64))
    bits = np.packbits(mixed > np.median(mixed, axis=1, keepdims=True), axis=1)
    return bits.view(">u8").ravel().astype(np.uint64)


def measure(paths: list[Path], n: int, sample: int = 300) -> dict[str, object]:
    hashes = made_hashes(dct_terms(paths), n)
    started = time.monotonic()
    i, j = pairs_within(hashes, RADIUS)
    search_s = time.monotonic() - started
    started = time.monotonic()
    label = clusters(hashes)
    cluster_s = time.monotonic() - started
    wanted, found = _against_brute_force(hashes, i, j, sample)
    sizes = np.bincount(label)
    return {
        "hashes": n,
        "photographs": len(paths),
        "search_s": search_s,
        "cluster_s": cluster_s,
        "pairs": len(i),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "sample": sample,
        "true_pairs_of_sample": wanted,
        "found_of_them": found,
        "clusters_of_two_or_more": int((sizes > 1).sum()),
        "largest": int(sizes.max()),
    }


def _against_brute_force(hashes: Hashes, i: np.ndarray, j: np.ndarray, sample: int) -> tuple[int, int]:
    """Pairs within the radius that hold one of the sampled hashes: how many there are, how many of them were found."""
    chosen = np.random.default_rng(1).choice(len(hashes), min(sample, len(hashes)), replace=False)
    truth = {
        (min(int(k), int(other)), max(int(k), int(other)))
        for k in chosen
        for other in np.flatnonzero(distance(hashes, hashes[k]) <= RADIUS)
        if other != k
    }
    held = np.isin(i, chosen) | np.isin(j, chosen)
    found = set(zip(i[held].tolist(), j[held].tolist(), strict=True))
    return len(truth), len(truth & found)


def table(report: dict) -> str:
    return (
        f"{report['hashes']} hashes made from {report['photographs']} photographs: all pairs within {RADIUS} bits in "
        f"{report['search_s']:.1f} s, clustered (search included) in {report['cluster_s']:.1f} s, peak "
        f"{report['peak_mb']:.0f} MB; {report['pairs']} pairs, largest cluster {report['largest']}; "
        f"of the {report['true_pairs_of_sample']} true pairs of {report['sample']} sampled hashes "
        f"{report['found_of_them']} found"
    )
