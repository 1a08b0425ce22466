"""wardrobe as vectors: class, part and features of each photo, computed once and kept in a folder.

In: the shared data. Out: arrays by name. The part is wardrobe's own, but a tenth of its train part by the file's sha256
is the test part (as the `wardrobe` importer and the tagging figures have it).
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

BATCH = 16


def features(data: Path, cache: Path) -> dict[str, np.ndarray]:
    """{'class', 'part', 'sha256': (N,) text, 'vector': (N, d) float32 of unit length}."""
    photos = sorted(data.glob("wardrobe/*/*/*.jpg"))
    if not photos:
        raise SystemExit(f"{data}: no photographs (wardrobe/train, wardrobe/validation)")
    from train.embeddings import load_encoder

    encoder = load_encoder(device="cpu")
    kept = cache / f"wardrobe-{len(photos)}-{encoder.name.replace('#', '-')}.npz"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        vectors = []
        for start in range(0, len(photos), BATCH):
            squares = [encoder.square(path.read_bytes()) for path in photos[start : start + BATCH]]
            vectors.append(encoder.vectors(squares))
            print(f"\r{start + len(squares)} of {len(photos)} photos", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        names = [hashlib.sha256(path.read_bytes()).hexdigest() for path in photos]
        parts = [_part(path, name) for path, name in zip(photos, names, strict=True)]
        classes = [path.parent.name for path in photos]
        arrays = {"class": classes, "part": parts, "sha256": names, "vector": np.concatenate(vectors)}
        np.savez(kept, **{name: np.asarray(values) for name, values in arrays.items()})
    with np.load(kept) as found:
        return {name: found[name] for name in found.files}


def _part(path: Path, sha256: str) -> str:
    if path.parents[1].name == "validation":
        return "validation"
    return "test" if int(sha256[:8], 16) % 10 == 0 else "train"
