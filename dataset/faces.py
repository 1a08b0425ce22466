"""Where the faces are in a photo: CenterFace, a small network that comes inside a package, on onnxruntime.

In: (H, W, 3) uint8 RGB, upright. Out: boxes, surest first. Every photo is looked at twice, once large (a bystander's
face of 12 px is a face) and once small (a face that fills the photo falls into parts in the large look). One thread,
so that a pool of processes can share the cores. Never names or recognises anybody: a box is all it makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.errors import ModisteError
from dataset.face_boxes import Box, Floats, decode, inside, merged
from dataset.package_files import PACKAGE_FILES, path_of

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

UInt8 = npt.NDArray[np.uint8]
WEIGHT = "face-centerface"
# (long side px, least score) of each look, chosen on street's training photos: docs/RESULTS.md, 'Faces'
LOOKS = ((1248, 0.4), (416, 0.5))
_SIDE_OF = 32  # px: the network halves its input five times
_OUTPUTS = ("537", "538", "539")  # heat map, scale and offset in the published file; 540 are landmarks


def detector_name() -> str:
    """What the tables say a count came from: network, its file, looks. Another name, another count."""
    looks = " ".join(f"{side}@{least}" for side, least in LOOKS)
    return f"centerface#{PACKAGE_FILES[WEIGHT].sha256[:8]} {looks}"


def find_faces(rgb: UInt8, looks: Sequence[tuple[int, float]] = LOOKS) -> list[Box]:
    """Boxes of (H, W, 3) uint8 RGB in its own pixels, surest first. Raises MissingWeights where it was not fetched."""
    found = np.concatenate([_look(rgb, long_side, least) for long_side, least in looks])
    return inside(merged(found), *rgb.shape[:2])


def _look(rgb: UInt8, long_side: int, least: float) -> Floats:
    """(N, 5) in the photo's pixels, from one enlarged or reduced copy of it."""
    height, width = rgb.shape[:2]
    scale = long_side / max(height, width)
    sides = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    copy = np.asarray(cv2.resize(rgb, sides, interpolation=method), np.uint8)
    heat, sizes, offsets = _maps(copy)
    found = decode(heat[0, 0], sizes[0], offsets[0], least)
    found[:, :4] *= np.tile([width / sides[0], height / sides[1]], 2)
    return found


def _maps(rgb: UInt8) -> list[Floats]:
    """Padded at the right and bottom, so that nothing is stretched; the network takes RGB from 0 to 255."""
    down, right = -rgb.shape[0] % _SIDE_OF, -rgb.shape[1] % _SIDE_OF
    whole = np.pad(rgb, ((0, down), (0, right), (0, 0))).transpose(2, 0, 1)[None]
    session = network(path_of(WEIGHT))
    maps: list[Any] = session.run(list(_OUTPUTS), {session.get_inputs()[0].name: whole.astype(np.float32)})
    return maps


@lru_cache(maxsize=1)
def network(path: Path) -> InferenceSession:
    """The session of this process. The published file fixes its input to 32 x 32 px, ten at a time: that is lifted."""
    import onnx
    import onnxruntime

    try:
        model = onnx.load(path)
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.ClearField("shape")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # it warns of 300 initialisers that nothing uses
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModisteError(f"onnxruntime can't load it: {error}", where=str(path)) from error
