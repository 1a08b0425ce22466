"""The closet of a workspace: every piece of its outfits as a vector, worked out once and kept.

In: a workspace with label maps, an encoder. Out: a `Closet`; beside the tables `suggest/<key>.npz` with the pieces and
their vectors, without pickles, so that a second question is answered at once. The key holds every photo's and map's
hash; VERSION stands for the encoder. A piece is shown to the encoder alone, all around it painted out.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.blobs import write_atomically
from dataset.outfits import Outfit, Piece, read_outfits, rows_with_words
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from train.letterbox import PAD, UInt8, letterbox
from train.suggest import Closet, Floats

if TYPE_CHECKING:
    from train.embeddings import Encoder

VERSION = 1  # raise it when a piece is cut out or encoded in another way
SIDE_PX = 160
BATCH = 32
MARGIN = 0.06


def load_closet(ws: Workspace, encoder: Encoder | None = None, progress: Progress = silent) -> Closet:
    """From the file where it fits, else worked out and written. Raises EmptyError without label maps."""
    path = Path(ws.root) / "suggest" / f"{_key(ws)}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as held:
            return Closet(_outfits(json.loads(str(held["outfits"]))), held["vectors"])
    closet = make_closet(ws, encoder or closet_encoder(), progress)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, outfits=json.dumps(_plain(closet.outfits)), vectors=closet.vectors)
    write_atomically(path, buffer.getvalue())
    return closet


def make_closet(ws: Workspace, encoder: Encoder, progress: Progress = silent) -> Closet:
    """Photos are read one after the other; only crops of 160 px wait for their batch."""
    outfits: list[Outfit] = []
    vectors: list[Floats] = []
    waiting: list[UInt8] = []
    for outfit, rgb, labels in read_outfits(ws, progress):
        outfits.append(outfit)
        waiting += [shown_alone(rgb, labels == piece.value, piece.box) for piece in outfit.pieces]
        while len(waiting) >= BATCH:
            vectors.append(encoder.vectors(waiting[:BATCH]))
            waiting = waiting[BATCH:]
    if waiting:
        vectors.append(encoder.vectors(waiting))
    return Closet(outfits, np.concatenate(vectors) if vectors else np.zeros((0, 1), np.float32))


def closet_encoder() -> Encoder:
    """The frozen backbone that comes in a package, at 160 px: a piece is seldom larger."""
    from train.embeddings import load_encoder

    return load_encoder(side=SIDE_PX, flips=False, device="cpu")


def shown_alone(rgb: UInt8, mask: np.ndarray, box: tuple[int, int, int, int] | None = None) -> UInt8:
    """(160, 160, 3): the masked pixels on grey, fitted in with a margin. `box` is the mask's, where it is known."""
    if box is None:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    top, left, bottom, right = box
    more = round(MARGIN * max(bottom - top, right - left))
    cut = slice(max(0, top - more), bottom + more), slice(max(0, left - more), right + more)
    return letterbox(np.where(mask[cut][..., None], rgb[cut], np.uint8(PAD)), (SIDE_PX, SIDE_PX))


def _key(ws: Workspace) -> str:
    seen = [[row["sha256"], row["words_sha256"], row["split"], row["group_id"]] for row in rows_with_words(ws)]
    return hashlib.sha256(json.dumps([VERSION, SIDE_PX, seen]).encode()).hexdigest()[:16]


def _plain(outfits: Any) -> list[dict[str, Any]]:
    return [asdict(each) for each in outfits]


def _outfits(rows: list[dict[str, Any]]) -> list[Outfit]:
    return [
        Outfit(
            row["sha256"], row["split"], row["group"], (row["size"][0], row["size"][1]),
            tuple(_piece(each) for each in row["pieces"]),
        )
        for row in rows
    ]  # fmt: skip


def _piece(row: dict[str, Any]) -> Piece:
    return Piece(**row | {"box": tuple(row["box"]), "lab": tuple(row["lab"])})
