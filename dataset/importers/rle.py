"""Run-length codes of masks, pixel for pixel: COCO's two, CVAT's, and Label Studio's bit-packed one.

In and out: (H, W) bool arrays. Decoders raise MaskError for a code of another length and never allocate more than the
size they were told. Sources: COCO, github.com/cocodataset/cocoapi common/maskApi.c (column-major, runs begin with
background; the string form is 6-bit groups from '0', each run from the fourth on told as the difference to the one
two before it); CVAT XML 1.1, docs.cvat.ai 'XML annotation format' (row-major inside a box); Label Studio, the thi.ng
rle-pack format (github.com/thi-ng/umbrella) over RGBA bytes whose four channels all carry the mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dataset.errors import MaskError
from dataset.importers.layout import Size

_LS_SIZES = (3, 4, 8, 16)  # bits of a run's length, by the two bits before it
_LS_WORD = 8


def runs_of(flat: np.ndarray) -> list[int]:
    """Lengths of equal stretches of a flat bool array, the first one false (so it may be 0)."""
    edges = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    lengths = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def from_runs(runs: Sequence[int], pixels: int) -> np.ndarray:
    """Flat bool array of `pixels` from stretches that begin with false."""
    lengths = _whole(runs)
    if (lengths < 0).any() or int(lengths.sum()) != pixels:
        raise MaskError(f"runs add up to {int(lengths.sum())} px", expected=f"{pixels} px")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)


def coco_counts(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed RLE."""
    return runs_of(mask.ravel(order="F"))


def from_coco(counts: Sequence[int] | str, size: Size) -> np.ndarray:
    """(H, W) bool from either of COCO's codes."""
    runs = _from_coco_string(counts) if isinstance(counts, str) else counts
    return from_runs(runs, size[0] * size[1]).reshape(size[::-1]).T


def cvat_runs(mask: np.ndarray) -> tuple[list[int], int, int, int, int]:
    """(runs, left, top, width, height) of the box around a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    box = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    return runs_of(box.ravel()), left, top, box.shape[1], box.shape[0]


def from_cvat(runs: Sequence[int], left: int, top: int, width: int, height: int, size: Size) -> np.ndarray:
    """(H, W) bool with the box's runs laid in. A last stretch of background may be left out, as CVAT does."""
    if min(left, top) < 0 or min(width, height) < 1 or left + width > size[1] or top + height > size[0]:
        raise MaskError(f"box {left},{top} {width}x{height}", expected=f"inside {size[1]}x{size[0]}")
    missing = width * height - sum(runs)
    tail = [missing] if len(runs) % 2 == 0 else [0, missing]
    mask = np.zeros(size, bool)
    box = from_runs([*runs, *tail] if missing > 0 else runs, width * height)
    mask[top : top + height, left : left + width] = box.reshape(height, width)
    return mask


def label_studio_rle(mask: np.ndarray) -> list[int]:
    """Bytes of the bit-packed code; every run is of RGBA bytes 0 or 255."""
    bits = [f"{mask.size * 4:032b}{_LS_WORD - 1:05b}", *(f"{size - 1:04b}" for size in _LS_SIZES)]
    for place, length in enumerate(runs_of(mask.ravel())):
        value = "11111111" if place % 2 else "00000000"
        bits += [f"1{_ls_length(part)}{value}" for part in _parts(4 * length)]
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def from_label_studio(code: Sequence[int], size: Size) -> np.ndarray:
    """(H, W) bool, true where the alpha byte is above 0."""
    values, lengths = _ls_stretches(code, 4 * size[0] * size[1])
    return np.repeat(np.array(values, np.uint8) > 0, lengths).reshape(*size, 4)[:, :, 3]


def _parts(length: int) -> Iterable[int]:
    """A run in pieces that 16 bits can tell."""
    for start in range(0, length, 1 << _LS_SIZES[-1]):
        yield min(length - start, 1 << _LS_SIZES[-1])


def _ls_length(length: int) -> str:
    place = next(k for k, size in enumerate(_LS_SIZES) if length <= 1 << size)
    return f"{place:02b}{length - 1:0{_LS_SIZES[place]}b}"


def _ls_stretches(code: Sequence[int], wanted: int) -> tuple[list[int], list[int]]:
    """(values, lengths) of the code's stretches; lengths add up to `wanted` bytes."""
    if not all(isinstance(byte, int) and 0 <= byte < 256 for byte in code):
        raise MaskError("the code holds more than bytes", expected="a list of 0 to 255")
    text = "".join(f"{byte:08b}" for byte in code)
    place = 0

    def read(bits: int) -> int:
        nonlocal place
        place += bits
        if place > len(text):
            raise MaskError("the code ends before the mask does", expected=f"{wanted} bytes")
        return int(text[place - bits : place], 2)

    total, word = read(32), read(5) + 1
    sizes = [read(4) + 1 for _ in range(4)]
    if total != wanted:
        raise MaskError(f"the code is of {total} bytes", expected=f"{wanted} (4 a pixel)")
    values, lengths, done = [], [], 0
    while done < total:
        same, length = read(1), read(sizes[read(2)]) + 1
        values += [read(word)] if same else [read(word) for _ in range(length)]
        lengths += [length] if same else [1] * length
        done += length
    if done != total or max(values) > 255:
        raise MaskError(f"the code gives {done} bytes", expected=f"{wanted}")
    return values, lengths


def _from_coco_string(text: str) -> list[int]:
    runs: list[int] = []
    value, shift = 0, 0
    for letter in text.encode("ascii", "replace"):
        group = letter - 48
        if not 0 <= group < 64 or shift > 60:
            raise MaskError("the string is no COCO RLE", expected="letters from '0' to 'o'")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            if group & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value, shift = 0, 0
    return runs


def _whole(runs: Sequence[int]) -> np.ndarray:
    try:
        return np.array([int(run) for run in runs], dtype=np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise MaskError("the runs are no whole numbers") from error
