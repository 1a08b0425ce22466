"""What a perceptual hash can't see: the colours of a picture, as mean CIELAB over a 4x4 grid, and whether two agree.

In: (H, W, 3) uint8 RGB, or signatures as `images.colour_grid` keeps them (96 hex digits: 16 cells row by row, L, a, b
of 8 bits each as OpenCV scales them: L * 255 / 100, a + 128, b + 128). Out: signatures and a verdict per pair.
Tolerates a change of light (lightness is compared up to gain and offset) and a mirrored copy; a garment in another
colour differs. Limits are chosen on the photographs that benchmarks/duplicates.py takes by --choosing. Never compares
shapes: that is the hash's work.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signatures = NDArray[np.uint8]  # (n, 4, 4, 3)
CELLS = 4
CHROMA_LIMIT = 8.0  # largest difference of a cell's (a, b): Euclid, in units of CIELAB
LIGHT_LIMIT = 12.0  # second largest residual of a cell's L (0 to 255) after gain and offset: one cell may hold an edge
_SATURATION = (0.67, 1.5)
_PAIRS_AT_ONCE = 100_000


def colour_grid(rgb: NDArray[np.uint8]) -> str:
    """Signature of (H, W, 3) uint8 RGB as 96 hex digits."""
    import cv2

    # every n-th pixel is enough for means of a sixteenth of the picture, and costs a tenth
    step = max(1, min(rgb.shape[:2]) // 128)
    few = cv2.resize(rgb, (rgb.shape[1] // step, rgb.shape[0] // step), interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(few, (32, 32), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    return bytes(cv2.resize(lab, (CELLS, CELLS), interpolation=cv2.INTER_AREA)).hex()


def parse_grids(texts: list[str | None]) -> tuple[Signatures, NDArray[np.bool_]]:
    """(n, 4, 4, 3) uint8 and (n,) whether it is known; what was measured before signatures existed is null."""
    size = CELLS * CELLS * 3
    raw = b"".join(bytes.fromhex(text) if text else bytes(size) for text in texts)
    known = np.array([text is not None for text in texts], dtype=bool)
    return np.frombuffer(raw, dtype=np.uint8).reshape(len(texts), CELLS, CELLS, 3), known


def colours_agree(a: Signatures, b: Signatures) -> NDArray[np.bool_]:
    """(k,) whether pictures `a` and `b`, (k, 4, 4, 3) each, have the same colours, straight or mirrored."""
    found = np.zeros(len(a), dtype=bool)
    for start in range(0, len(a), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        left, right = a[part].astype(np.float32), b[part].astype(np.float32)
        found[part] = _agree(left, right) | _agree(left, right[:, :, ::-1])
    return found


def chroma_apart(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """(k,) largest difference of (a, b) among the cells after the best common gain, 0.67 to 1.5, since brighter
    pictures are more saturated ones; the worse of both directions."""
    x, y = (side[..., 1:].reshape(len(side), -1, 2) - 128 for side in (a, b))
    return np.maximum(_chroma_residual(x, y), _chroma_residual(y, x))


def light_apart(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """(k,) second largest residual of L after the best gain and offset, the worse of a from b and b from a."""
    x, y = a[..., 0].reshape(len(a), -1), b[..., 0].reshape(len(b), -1)
    return np.maximum(_residual(x, y), _residual(y, x))


def _agree(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray((chroma_apart(a, b) <= CHROMA_LIMIT) & (light_apart(a, b) <= LIGHT_LIMIT))


def _chroma_residual(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    gain = (x * y).sum(axis=(1, 2)) / np.maximum((x * x).sum(axis=(1, 2)), 1.0)
    difference = y - np.clip(gain, *_SATURATION)[:, None, None] * x
    return np.asarray(np.sqrt((difference**2).sum(axis=2)).max(axis=1))


def _residual(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    gain = np.maximum((x * y).sum(axis=1), 0) / np.maximum((x * x).sum(axis=1), 1.0)
    return np.asarray(np.sort(np.abs(y - gain[:, None] * x), axis=1)[:, -2])
