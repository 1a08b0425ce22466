"""The faiss index of one encoder, kept beside the tables: only new vectors are added, those that may no longer be shown
leave at the next opening.

In: a folder, which images are wanted, a function that reads vectors. Out: a faiss index over exactly these, its file
written anew where something changed. A file that is missing, cut short, changed or of another encoder is made again and
`said` tells so. Exact up to `EXACT_FLOATS` numbers; beyond, an inverted file over 256 directions in half precision.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.blobs import write_atomically
from dataset.errors import StorageError

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
FORMAT = 1
EXACT_FLOATS = 256_000_000  # 200,000 vectors of 1,280 numbers: 1 GB
DIRECTIONS = 256
PROBES = 64
_SAMPLE = 100_000  # vectors that directions and lists are learned from
_AT_ONCE = 20_000


@dataclass
class Kept:
    """`ids` (n,) sorted, those in the index; `said` why it was built anew or could not be written, '' otherwise."""

    index: Any
    ids: Ids
    kind: str
    said: str = ""
    added: int = 0
    removed: int = 0
    notes: list[str] = field(default_factory=list)


def folder_of(root: Path, encoder: str) -> Path:
    """`root/<words of the encoder>-<hash>`: an encoder has a folder of its own."""
    digest = hashlib.sha256(encoder.encode()).hexdigest()[:8]
    return root / f"{re.sub(r'[^A-Za-z0-9]+', '-', encoder)[:60].strip('-')}-{digest}"


def kept_index(folder: Path, encoder: str, wanted: Ids, read: Callable[[Ids], Floats], dimension: int) -> Kept:
    """The index over `wanted` (sorted, unique). `read` gives (n, dimension) unit vectors of the ids asked for. Two
    processes wait for each other; where the folder can't be written the index is in memory alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            kept = _synced(folder, encoder, wanted, read, dimension)
            if kept.added or kept.removed or not (folder / "facts.json").exists():
                _save(folder, encoder, kept)
            return kept
    except (PermissionError, StorageError) as error:
        kept = _synced(folder, encoder, wanted, read, dimension)
        kept.said = f"{kept.said}; " * bool(kept.said) + f"the index could not be kept: {error}"
        return kept
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return _synced(folder, encoder, wanted, read, dimension)


def _synced(folder: Path, encoder: str, wanted: Ids, read: Callable[[Ids], Floats], dimension: int) -> Kept:
    kept, why = _loaded(folder, encoder, dimension)
    if kept is not None and _outgrown(kept, len(wanted), dimension):
        kept, why = None, "it has outgrown its kind"
    if kept is None:
        return _built(wanted, read, dimension, f"the index was built anew: {why}" if why else "")
    gone, new = np.setdiff1d(kept.ids, wanted), np.setdiff1d(wanted, kept.ids)
    if len(gone):
        import faiss

        kept.index.remove_ids(faiss.IDSelectorBatch(gone))
    _add(kept.index, new, read)
    kept.ids, kept.added, kept.removed = wanted, len(new), len(gone)
    return kept


def _outgrown(kept: Kept, count: int, dimension: int) -> bool:
    """An exact one that grew too large, or one whose lists were learned from less than a quarter as many vectors."""
    if kept.kind == "exact":
        return count * dimension > EXACT_FLOATS
    return count > 4 * max(1, len(kept.ids))


def _built(wanted: Ids, read: Callable[[Ids], Floats], dimension: int, said: str) -> Kept:
    import faiss

    exact = len(wanted) * dimension <= EXACT_FLOATS
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)) if exact else _lists(wanted, read, dimension)
    _add(index, wanted, read)
    return Kept(index, wanted, "exact" if exact else "lists", said, added=len(wanted))


def _lists(wanted: Ids, read: Callable[[Ids], Floats], dimension: int) -> Any:
    """Untrained vectors' main directions (not centred, so that products stay products), then an inverted file."""
    import faiss

    few = np.sort(np.random.default_rng(0).choice(wanted, min(_SAMPLE, len(wanted)), replace=False))
    sample, kept = read(few), min(DIRECTIONS, dimension)
    count = int(2 ** np.round(np.log2(4 * np.sqrt(len(wanted)))))
    count = max(1, min(count, len(few) // 39))
    quantizer = faiss.IndexFlatIP(kept)
    lists = faiss.IndexIVFScalarQuantizer(
        quantizer, kept, count, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    lists.nprobe = min(PROBES, count)
    turn = faiss.LinearTransform(dimension, kept, False)
    directions = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :kept].T
    faiss.copy_array_to_vector(np.ascontiguousarray(directions, np.float32).ravel(), turn.A)
    turn.is_trained = True
    lists.train(np.ascontiguousarray(sample @ directions.T, np.float32))
    index = faiss.IndexPreTransform(turn, lists)
    index.is_trained = True
    parts: tuple[Any, ...] = (quantizer, lists, turn)
    for each in parts:  # Python owns them no more: the outer index frees them
        each.this.disown()
    lists.own_fields = index.own_fields = True
    return index


def _add(index: Any, ids: Ids, read: Callable[[Ids], Floats]) -> None:
    for start in range(0, len(ids), _AT_ONCE):
        few = ids[start : start + _AT_ONCE]
        index.add_with_ids(np.ascontiguousarray(read(few), np.float32), few)


def _loaded(folder: Path, encoder: str, dimension: int) -> tuple[Kept | None, str]:
    """The kept index, or None and why it is of no use ('' where there never was one)."""
    import faiss

    facts_path = folder / "facts.json"
    try:
        facts = json.loads(facts_path.read_text(encoding="utf-8"))
        path = folder / Path(facts["file"]).name
        if (facts["format"], facts["encoder"], facts["dimension"]) != (FORMAT, encoder, dimension):
            return None, "it is of another encoder or format"
        if path.stat().st_size != facts["bytes"]:
            return None, f"its file has {path.stat().st_size} of {facts['bytes']} bytes"
        if _checksum(path) != facts["crc32"]:
            return None, "its file was changed"
        index = faiss.read_index(str(path))
    except FileNotFoundError:
        return None, "its file is gone" if facts_path.exists() else ""
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        return None, f"it can't be read ({type(error).__name__})"
    ids = _ids_in(index, facts["kind"])
    return Kept(index, np.sort(ids), facts["kind"]), ""


def _ids_in(index: Any, kind: str) -> Ids:
    import faiss

    if kind == "exact":
        return np.asarray(faiss.vector_to_array(index.id_map), np.int64)
    lists: Any = faiss.extract_index_ivf(index)
    found = [
        faiss.rev_swig_ptr(lists.invlists.get_ids(each), lists.invlists.list_size(each)).copy()
        for each in range(lists.nlist)
        if lists.invlists.list_size(each)
    ]
    return np.concatenate(found or [np.zeros(0, np.int64)]).astype(np.int64)


def _save(folder: Path, encoder: str, kept: Kept) -> None:
    """The index under a new name, then the facts that name it, then the old files go."""
    import faiss

    part = folder / f".part-{os.getpid()}"
    try:
        faiss.write_index(kept.index, str(part))
        crc = _checksum(part)
        name = f"{len(kept.ids)}-{crc:08x}.faiss"
        size = part.stat().st_size
        os.replace(part, folder / name)
    except RuntimeError as error:  # faiss tells a full disk so
        raise StorageError(str(error).splitlines()[0], where=str(folder), cure="Free some space") from error
    finally:
        part.unlink(missing_ok=True)
    facts = {
        "format": FORMAT, "encoder": encoder, "dimension": int(kept.index.d), "kind": kept.kind,
        "rows": len(kept.ids), "file": name, "bytes": size, "crc32": crc,
    }  # fmt: skip
    write_atomically(folder / "facts.json", (json.dumps(facts, indent=1) + "\n").encode())
    for old in folder.glob("*.faiss"):
        if old.name != name:
            old.unlink(missing_ok=True)


def _checksum(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            found = zlib.crc32(block, found)
    return found


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; a lock that even kill -9 releases."""
    with open(folder / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
