"""Frozen encoders: each usable image's picture as one unit vector in the `embeddings` table, computed once.

In: a backbone, where its weights come from, an input size; the workspace's good images. Out: rows of sha256 x encoder x
vector, committed 256 at a time, so memory is bounded and a kill loses one batch. An encoder's name holds backbone, size
and a fingerprint of its weights, so vectors of two encoders never mix; `train/tagging.py` reads and writes rows of the
same names. A masked encoder sees the garment alone, by the image's mask or by the segmenter that ships. Never trains,
never looks at a label.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from dataset.errors import DataError, EmptyError, ImageError, SettingsError
from dataset.images import decode
from dataset.masks import GARMENT, from_png, to_index
from dataset.progress import Progress, silent
from dataset.snapshot import items
from dataset.workspace import Workspace
from train.letterbox import PAD, UInt8, letterbox
from train.loop import choose_device
from train.models.backbones import OFFLINE, channels_last, feature_extractor
from train.models.taggers import TagNet, both_flips
from train.onnx_backend import load_onnx
from train.recipe import Weights
from train.segmenter import Segmenter
from train.shipped import shipped
from train.weights import tensor_fingerprint

Floats = npt.NDArray[np.float32]
COMMIT_EVERY = 256
LEAST_SIDE_PX = 32
LEAST_GARMENT = 0.01  # of the photo: less is no garment found, and the photo stays whole
_NAME = re.compile(r"(?P<backbone>.+)-(?P<side>\d+)(?P<flips>-flips)?(?P<masked>-masked)?#[0-9a-f]{16}")

MISSING = """
SELECT i.sha256 FROM images i
WHERE i.status = 'ok' AND NOT EXISTS (SELECT 1 FROM takedowns t WHERE t.kind = 'sha256' AND t.value = i.sha256)
  AND NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.sha256 = i.sha256 AND e.encoder = ?)
ORDER BY i.sha256
"""


@dataclass(frozen=True)
class Encoder:
    """A frozen backbone on letterboxed squares of `side` px; with `flips`, the mean of a photo and its mirror image;
    with a `segmenter`, everything but the garment painted out."""

    net: TagNet
    name: str
    side: int
    flips: bool
    device: str
    segmenter: Segmenter | None = None

    def vectors(self, squares: Sequence[UInt8]) -> Floats:
        """(side, side, 3) uint8 RGB each -> (N, d) float32 of unit length."""
        batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float().to(self.device)
        with torch.inference_mode():
            return both_flips(self.net, batch, self.flips).cpu().numpy().astype(np.float32)

    def square(self, data: bytes, mask: bytes | None = None) -> UInt8:
        """An image file's bytes -> (side, side, 3) uint8 RGB, fitted in and padded. `mask` is the PNG of its composite,
        which a masked encoder takes before asking its segmenter. Raises ImageError, MaskError."""
        rgb = np.ascontiguousarray(decode(data, shorter_side_px=self.side).rgb)
        if self.segmenter is not None:
            rgb = painted_out(rgb, self.segmenter.mask(rgb) if mask is None else from_png(mask))
        return letterbox(rgb, (self.side, self.side))


def painted_out(rgb: UInt8, composite: UInt8) -> UInt8:
    """(H, W, 3) with all but the garment in the colour of the padding; whole where there is next to no garment."""
    garment = (to_index(composite) == GARMENT).astype(np.uint8)
    if garment.shape != rgb.shape[:2]:
        garment = cv2.resize(garment, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    if garment.mean() < LEAST_GARMENT:
        return rgb
    return np.where(garment[..., None] == 1, rgb, np.uint8(PAD))


@dataclass(frozen=True)
class EmbedResult:
    """Vectors written now, images that have one of this encoder, and those that could not be read, by code."""

    encoder: str
    new: int
    embedded: int
    failed: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        odd = ", ".join(f"{code} {count}" for code, count in sorted(self.failed.items()))
        return f"{self.new} new vectors, {self.embedded} in all, by {self.encoder}" + (
            f"; unread: {odd}" if odd else ""
        )


def load_encoder(
    backbone: str = OFFLINE[0],
    weights: Weights = "offline",
    side: int = 256,
    flips: bool = True,
    device: str = "auto",
    *,
    masked: bool = False,
) -> Encoder:
    """Raises SettingsError (a backbone that timm doesn't know, no packaged weights for it, a side under 32 px),
    TrainingError (no such device, or the package with the weights is not installed)."""
    if side < LEAST_SIDE_PX:
        raise SettingsError(f"a side of {side} px", where="embed", expected=f"at least {LEAST_SIDE_PX}")
    device = choose_device(device)
    try:
        extractor = feature_extractor(backbone, weights)
    except RuntimeError as error:  # timm's own 'Unknown model'
        cure = "timm.list_models() lists them"
        raise SettingsError(f"timm has no backbone '{backbone}': {error}", where="embed", cure=cure) from error
    segmenter = load_onnx(shipped("segmentation")) if masked else None
    made_of = tensor_fingerprint(extractor.state_dict())
    if segmenter is not None:
        made_of = hashlib.sha256(f"{made_of} {segmenter.facts.get('weights')}".encode()).hexdigest()
    name = f"{backbone}-{side}{'-flips' if flips else ''}{'-masked' if masked else ''}#{made_of[:16]}"
    net = channels_last(TagNet(extractor, backbone, {}).to(device)).eval()
    return Encoder(net, name, side, flips, device, segmenter)


def encoder_named(name: str, device: str = "cpu") -> Encoder:
    """The encoder that the embeddings table calls so, for a photo from outside. Raises SettingsError where it can't be
    made here again: other weights, another segmenter, or a name that says too little."""
    found = _NAME.fullmatch(name)
    cure = "Embed by an encoder of this installation (modiste embed), then search by that: --encoder NAME"
    if not found:
        raise SettingsError(f"'{name}' doesn't say how its vectors are made", where="encoder", cure=cure)
    backbone = found["backbone"]
    weights: Weights = "offline" if backbone in OFFLINE else "hub"
    flips, masked = bool(found["flips"]), bool(found["masked"])
    encoder = load_encoder(backbone, weights, int(found["side"]), flips, device, masked=masked)
    if encoder.name != name:
        raise SettingsError(f"has other weights here: {encoder.name}", where=f"encoder {name}", cure=cure)
    return encoder


def embed(ws: Workspace, encoder: Encoder, *, batch: int = 16, progress: Progress = silent) -> EmbedResult:
    """Write the vectors that are missing; a second run does nothing. Raises EmptyError where no image is usable."""
    if not ws.tables.read("images", ["sha256"], "status = 'ok'").num_rows:
        raise EmptyError("no usable image to embed", where=str(ws.root), cure="Run crawl and check first")
    missing = ws.tables.query(MISSING, parameters=[encoder.name])["sha256"].to_pylist()
    masks = _masks(ws) if encoder.segmenter is not None else {}
    failed: Counter[str] = Counter()
    new = 0
    for start in range(0, len(missing), COMMIT_EVERY):
        names = missing[start : start + COMMIT_EVERY]
        done = list(_embedded(ws, encoder, names, masks, batch, failed))
        new += _commit(ws, encoder.name, done)
        progress(start + len(names), len(missing))
    counted = ws.tables.query("SELECT count(*) AS n FROM embeddings WHERE encoder = ?", parameters=[encoder.name])
    return EmbedResult(encoder.name, new, int(counted["n"][0].as_py()), dict(failed))


def _embedded(
    ws: Workspace, encoder: Encoder, names: Sequence[str], masks: dict[str, str], batch: int, failed: Counter[str]
) -> Iterator[tuple[list[str], Floats]]:
    """Names and vectors, `batch` at a time; an image that can't be read is counted by its code and left out."""
    kept: list[tuple[str, UInt8]] = []
    for number, name in enumerate(names, start=1):
        try:
            mask = ws.blobs.get(masks[name]) if name in masks else None
            kept.append((name, encoder.square(ws.blobs.get(name), mask)))
        except ImageError as error:
            failed[error.code] += 1
        except DataError:  # the blob is gone, or was changed since it was kept
            failed["blob_gone"] += 1
        if kept and (len(kept) == batch or number == len(names)):
            yield [each for each, _ in kept], encoder.vectors([square for _, square in kept])
            kept = []


def _masks(ws: Workspace) -> dict[str, str]:
    """{image: composite} of the best mask of each, GrabCut's guesses left out."""
    rows = items(ws).select(["sha256", "mask_sha256", "mask_source"]).to_pylist()
    return {
        row["sha256"]: row["mask_sha256"]
        for row in rows
        if row["mask_sha256"] and not str(row["mask_source"]).startswith("grabcut")
    }


def _commit(ws: Workspace, encoder: str, done: Sequence[tuple[list[str], Floats]]) -> int:
    if not done:
        return 0
    names = [name for each, _ in done for name in each]
    vectors = np.concatenate([each for _, each in done])
    offsets = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    table = pa.table(
        {
            "sha256": pa.array(names, pa.string()),
            "encoder": pa.array([encoder] * len(names), pa.string()),
            "vector": pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.ravel(), pa.float32())),
            "created_at": pa.array([datetime.now(UTC)] * len(names), pa.timestamp("us", tz="UTC")),
        }
    )
    return ws.tables.upsert("embeddings", table)
