"""Restoration on onnxruntime: an ONNX file and its card; no torch loaded, memory bounded by tiles.

In: `model.onnx` and `model.json`, as `train.restoration_export` writes them (or the pairs that ship), and a photo. Out:
an `Upscaler` or a `Repairer`. The card holds the file's sha256: a file that differs is refused. A tile sees as far over
its rim as the network does, so tiles leave no seams.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dataset.blobs import sha256_of
from dataset.errors import TrainingError
from dataset.marks import warn_if_marked
from train.letterbox import UInt8
from train.onnx_backend import INPUT, card_path, read_card, session_of
from train.restoration_damage import first_fill
from train.restoration_rays import filled_by_rays

Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Tile = tuple[slice, slice]
UPSCALE_CORE_PX, REPAIR_CORE_PX = 224, 128
REPAIR_HALO_PX = 96  # 8 px x (1 + 1 + 2 + 4 of the dilated layers) and what the others see, up to the grid of 8
GRID = 8  # the repair network's sides are multiples of it
OUTPUT = "residual"


@dataclass(frozen=True)
class Upscaler:
    """Twice or four times as many pixels a side: bicubic plus what the network adds."""

    session: Any
    facts: dict[str, Any]
    fingerprint: str

    @property
    def times(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.facts["recipe"]["times"])))

    def enlarged(self, rgb: UInt8, times: int) -> Float32:
        """(H, W, 3) uint8 -> (sH, sW, 3) float32 in levels of 255, not clipped, nor made to agree with its input.
        Raises ValueError for a factor that isn't in `times`."""
        if times not in self.times:
            raise ValueError(f"x{times} was not learned: {self.times}")
        size = rgb.shape[1] * times, rgb.shape[0] * times
        out: Float32 = np.asarray(cv2.resize(rgb.astype(np.float32), size, interpolation=cv2.INTER_CUBIC), np.float32)
        halo = 2 * int(self.facts["recipe"]["depth"]) + 4
        for core, window, inner in tiles(rgb.shape[:2], UPSCALE_CORE_PX, halo):
            found = self.session.run([f"{OUTPUT}{times}"], {INPUT: _planes(rgb[window])})[0][0]
            out[_times(core, times)] += found.transpose(1, 2, 0)[_times(inner, times)]
        return out


@dataclass(frozen=True)
class Repairer:
    """Fills what a mask shows; looks at and works on the surroundings of the damage only."""

    session: Any
    facts: dict[str, Any]
    fingerprint: str

    def filled(self, rgb: UInt8, broken: Bool) -> UInt8:
        """(H, W, 3) uint8, (H, W) bool -> (H, W, 3) uint8; not `broken` pixels are those of `rgb`, and no broken one is
        looked at."""
        mask = np.where(broken, np.uint8(255), np.uint8(0))
        first = first_fill(rgb, mask)
        if self.facts["recipe"].get("network") == "rays":
            return filled_by_rays(lambda seen: self.session.run([OUTPUT], {INPUT: seen})[0], first, broken)
        return self._in_tiles(rgb, broken, first, mask)

    def _in_tiles(self, rgb: UInt8, broken: Bool, first: UInt8, mask: UInt8) -> UInt8:
        out = np.where(broken[..., None], first, rgb)
        for core, window, inner in tiles(rgb.shape[:2], REPAIR_CORE_PX, REPAIR_HALO_PX):
            if not broken[core].any():
                continue
            given = np.dstack([first[window], mask[window]])
            found = self.session.run([OUTPUT], {INPUT: _planes(_padded(given))})[0][0]
            made = np.clip(first[core] + found.transpose(1, 2, 0)[inner], 0, 255)
            out[core] = np.where(broken[core][..., None], np.rint(made).astype(np.uint8), out[core])
        return out


def load_upscaler(path: Path, threads: int | None = None) -> Upscaler:
    """Raises TrainingError: no card, changed since it was exported, another kind of weight."""
    return Upscaler(*_loaded(path, "upscale", threads))


def load_repairer(path: Path, threads: int | None = None) -> Repairer:
    """Raises TrainingError as `load_upscaler` does."""
    return Repairer(*_loaded(path, "repair", threads))


def tiles(size: tuple[int, ...], core: int, halo: int) -> Iterator[tuple[Tile, Tile, Tile]]:
    """Cores that cover (H, W) without overlap, the window round each (begun on the grid of 8), the core within it."""
    for top in range(0, size[0], core):
        for left in range(0, size[1], core):
            rows, columns = (_around(start, core, halo, length) for start, length in ((top, size[0]), (left, size[1])))
            yield (rows[0], columns[0]), (rows[1], columns[1]), (rows[2], columns[2])


def _around(start: int, core: int, halo: int, length: int) -> tuple[slice, slice, slice]:
    end, first = min(start + core, length), max(0, (start - halo) // GRID * GRID)
    return slice(start, end), slice(first, min(end + halo, length)), slice(start - first, end - first)


def _times(tile: Tile, times: int) -> Tile:
    rows, columns = (slice(times * each.start, times * each.stop) for each in tile)
    return rows, columns


def _padded(given: UInt8) -> UInt8:
    """Mirrored at the lower and right side up to the grid."""
    down, right = (-side % GRID for side in given.shape[:2])
    return np.asarray(cv2.copyMakeBorder(given, 0, down, 0, right, cv2.BORDER_REFLECT)) if down or right else given


def _planes(picture: UInt8) -> Float32:
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], dtype=np.float32)


def _loaded(path: Path, kind: str, threads: int | None) -> tuple[Any, dict[str, Any], str]:
    card = read_card(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise TrainingError("there is no such weight file", where=str(path), cure="Export a run again") from error
    if sha256_of(data) != card["sha256"]:
        raise TrainingError("was changed since it was exported", where=str(path), cure="Export the run again")
    facts = card["facts"]
    if facts.get("task") != "restoration" or facts["recipe"].get("kind") != kind:
        raise TrainingError("is another kind of weight", where=str(card_path(path)), expected=f"restoration, {kind}")
    warn_if_marked(path)
    return session_of(data, threads), facts, str(card["sha256"])
