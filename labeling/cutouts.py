"""A cutout file into a binary mask: which pixels of the photo did the annotator keep.

In: the bytes of a cutout (alpha PNG, cut out on white or another plain colour, black-and-white mask) and, where there
is one, the photo it was cut from. Out: an (H, W) bool mask and a dict saying how it was made. A pixel of a cutout is a
mix of photo and backdrop, so with the photo at hand each pixel is asked which of the two it is nearer to; that holds
where the article's `255 -> 0, rest -> 255` breaks, on JPEG noise and white clothes. Without the photo the backdrop is
flooded from outside. Never guesses sizes, never repairs a file it can't read without doubt: those raise `CutoutError`
with a code.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

from dataset.errors import ImageError, MaskError
from dataset.images import decode

UNSURE = 24.0  # RGB distance between photo and backdrop under which one noisy pixel alone can't decide
LOSSLESS_SHARE = 0.98  # of pixels that equal photo or backdrop exactly: then any difference decides
WINDOW = 7  # px, side of the window that decides for such pixels together
FLOOD_SHARES = {2: 0.35, 12: 0.06}  # px around a pixel: share of the difference there under which it is backdrop
PNG_TOLERANCE = 2.0  # distance from the backdrop that passes in a lossless file, which may have been a JPEG before
FLAT = 0.9  # a distance that rounds to the backdrop itself; of a coarse JPEG it is half of what passes
HOLE_SHARE, HOLE_FLAT = 3e-3, 0.8  # of the mask that a hole covers at least; of the hole that is flat
PALE = 60.0  # distance from the backdrop up to which a garment is pale, so that white in it is told from a print
DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


class CutoutError(MaskError):
    """A cutout that can't be used; `code` is one of `labeling.mask_quality.REASONS`."""

    def __init__(self, code: str, what: str, **kwargs: str) -> None:
        self.code = code
        super().__init__(what, **kwargs)


@dataclass(frozen=True)
class Cutout:
    """`rgb` (H, W, 3) uint8; `alpha` (H, W) uint8, or None where nothing is transparent; `step` how coarsely a JPEG was
    saved (2 at quality 95, 16 at 60), or None for other files."""

    rgb: np.ndarray
    alpha: np.ndarray | None
    step: float | None = None


@dataclass(frozen=True)
class Backdrop:
    """The plain colour behind a cutout: `colour` (3,) float RGB, `share` of the border that has it."""

    colour: np.ndarray
    share: float


def read_cutout(data: bytes, *, where: str = "") -> Cutout:
    """Decode a cutout file, refusing what would be misread (palette, 16-bit) rather than converting it silently."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            mode, is_png, deep = image.mode, image.format == "PNG", data[:8] == b"\x89PNG\r\n\x1a\n" and data[24] == 16
            step = _step(image)
    except Exception as error:
        raise CutoutError("unreadable", f"no readable image ({error})", where=where) from error
    if mode in ("P", "PA"):
        raise CutoutError("palette", "a palette image", where=where, expected="RGB, RGBA or grey, 8 bits",
                          cure="Save it as RGB or as a black-and-white mask")  # fmt: skip
    if mode in DEEP_MODES or (is_png and deep):
        raise CutoutError("sixteen_bit", "more than 8 bits a channel", where=where, expected="8 bits",
                          cure="Save it with 8 bits a channel")  # fmt: skip
    try:
        decoded = decode(data)
    except ImageError as error:
        raise CutoutError("unreadable", error.what, where=where) from error
    alpha = decoded.alpha if decoded.alpha is not None and (decoded.alpha < 255).any() else None
    return Cutout(np.ascontiguousarray(decoded.rgb), alpha, step)


def _step(image: Image.Image) -> float | None:
    """Mean of a JPEG's five lowest luma steps past the mean's own: what its smooth noise is made of."""
    tables = getattr(image, "quantization", None)
    return float(np.mean(next(iter(tables.values()))[1:6])) if tables else None


def binarise(cutout: Cutout, photo: np.ndarray | None = None, *, where: str = "") -> tuple[np.ndarray, dict[str, Any]]:
    """Mask (H, W) bool of what the cutout keeps, and what was done.

    `photo` (H, W, 3) uint8 RGB is the picture it was cut from. Raises `CutoutError` with code `size_mismatch`,
    `class_index`, `no_backdrop` or `empty_cutout`.
    """
    height, width = cutout.rgb.shape[:2]
    if photo is not None and photo.shape[:2] != (height, width):
        raise CutoutError("size_mismatch", f"the cutout is {width}x{height} px", where=where,
                          expected=f"{photo.shape[1]}x{photo.shape[0]} px, as the photo",
                          cure="Export the cutout at the photo's own size")  # fmt: skip
    mask, done = _first_guess(cutout, photo, where)
    mask, tidied = tidy(mask)
    if not mask.any():
        raise CutoutError("empty_cutout", "nothing is left once the backdrop is taken away", where=where,
                          expected="a person or a garment", cure="Cut it out again")  # fmt: skip
    return mask, done | tidied


def _first_guess(cutout: Cutout, photo: np.ndarray | None, where: str) -> tuple[np.ndarray, dict[str, Any]]:
    if cutout.alpha is not None:
        return cutout.alpha >= 128, {"kind": "alpha"}
    if (as_mask := _black_and_white(cutout.rgb, where)) is not None:
        return as_mask, {"kind": "mask"}
    backdrop = find_backdrop(cutout.rgb)
    if backdrop.share < 0.3:
        raise CutoutError("no_backdrop", f"only {backdrop.share:.0%} of its border is one colour", where=where,
                          expected="a cutout on transparent or on one plain colour",
                          cure="Was the photo itself given as its cutout?")  # fmt: skip
    done: dict[str, Any] = {"kind": "plain", "backdrop": [round(float(c)) for c in backdrop.colour]}
    done["border_share"] = round(backdrop.share, 4)
    if photo is not None and (fit := _fits(cutout.rgb, photo, backdrop)) >= 0.5:
        return by_photo(cutout.rgb, photo, backdrop), done | {"by": "photo", "fit": round(fit, 4)}
    tolerance = noise_of(cutout.rgb, backdrop, cutout.step)
    return by_flood(cutout.rgb, backdrop, tolerance), done | {"by": "flood", "tolerance": round(tolerance, 1)}


def _black_and_white(rgb: np.ndarray, where: str) -> np.ndarray | None:
    """The white part of a black-and-white mask, None if this is a picture; a class-index map is an error."""
    grey, green, blue = cv2.split(rgb)
    if not (np.array_equal(grey, green) and np.array_equal(grey, blue)):
        return None
    if 0 < grey.max() < 64 and len(np.unique(grey)) <= 64 and not (grey > 0).all():
        raise CutoutError("class_index", f"grey values 0 to {grey.max()} look like class numbers", where=where,
                          expected="a mask of 0 and 255", cure="Turn the wanted classes into 255")  # fmt: skip
    extreme = ((grey < 16) | (grey > 239)).mean()
    black_border = _border(grey[..., None]).mean() < 128
    return grey >= 128 if extreme > 0.98 and black_border else None


def _border(pixels: np.ndarray, depth: int = 2) -> np.ndarray:
    """The outermost `depth` rows and columns of (H, W, C), as (N, C)."""
    sides = (pixels[:depth], pixels[-depth:], pixels[:, :depth], pixels[:, -depth:])
    return np.concatenate([side.reshape(-1, pixels.shape[2]) for side in sides])


def find_backdrop(rgb: np.ndarray) -> Backdrop:
    """The border's commonest colour: median inside the fullest 16-level bin and its neighbours."""
    border = _border(rgb).astype(np.int32)
    keys = (border // 16) @ np.array([256, 16, 1])
    peak = border[keys == np.bincount(keys).argmax()].mean(axis=0)
    near = np.linalg.norm(border - peak, axis=1) < 24
    colour = np.median(border[near], axis=0) if near.any() else peak
    return Backdrop(colour.astype(np.float32), float(near.mean()))


def noise_of(rgb: np.ndarray, backdrop: Backdrop, step: float | None = None) -> float:
    """Distance up to which a pixel far from any content passes for backdrop: twice the 99th percentile of the border's
    own, at most 24, and at least what a JPEG of this `step` may be off by near content, within 1.5 and 3 (a plain
    block of it is off by rounding only)."""
    distance = np.linalg.norm(_border(rgb).astype(np.float32) - backdrop.colour, axis=1)
    least = PNG_TOLERANCE if step is None else float(np.clip(1 + 0.25 * step, 1.5, 3))
    return float(np.clip(2 * np.percentile(distance[distance < 24], 99), least, 24))


def by_flood(rgb: np.ndarray, backdrop: Backdrop, tolerance: float) -> np.ndarray:
    """(H, W) bool: all but what is backdrop-coloured and joined to the outside.

    White inside a garment stays garment. How far a pixel may be off and still pass follows what is near it: a third
    of the strongest difference within 2 px (where the outline is mixed) and 6 % of it within 12 px, as far as JPEG's
    ringing reaches (a 16 px chroma block). So a dark coat's ringing is backdrop, a white blouse 8 levels off is not.
    Nor is backdrop that a pale garment encloses (between belt and blouse) garment: see `_without_holes`.
    """
    distance = np.linalg.norm(rgb.astype(np.float32) - backdrop.colour, axis=2)
    steady = cv2.blur(distance, (3, 3))
    allowed = np.full_like(distance, tolerance)
    for reach, share in FLOOD_SHARES.items():
        allowed = np.maximum(allowed, share * cv2.dilate(steady, np.ones((2 * reach + 1,) * 2, np.uint8)))
    return _without_holes(~joined_to_border(distance <= allowed), distance, allowed, max(FLAT, tolerance / 2))


def _without_holes(mask: np.ndarray, distance: np.ndarray, allowed: np.ndarray, least: float) -> np.ndarray:
    """`mask` less large parts that are the backdrop itself (within `least`) inside a pale garment. Cloth that is white
    by light has texture; in a dark garment a flat white may be its print and stays."""
    inner = mask & (distance <= allowed)
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(inner.astype(np.uint8), connectivity=4)
    flat = np.bincount(parts.ravel(), distance.ravel() <= least, minlength=len(boxes))
    areas, kept = boxes[:, cv2.CC_STAT_AREA], mask.copy()
    large = (areas >= max(30, HOLE_SHARE * mask.sum())) & (flat >= HOLE_FLAT * areas)
    for part in np.flatnonzero(large[1:]) + 1:
        left, top, width, height = boxes[part, :4]
        window = np.s_[max(0, top - 5) : top + height + 5, max(0, left - 5) : left + width + 5]
        hole = (parts[window] == part).astype(np.uint8)
        near, far = (cv2.dilate(hole, np.ones((side, side), np.uint8)) > 0 for side in (5, 9))
        around = distance[window][far & ~near & mask[window]]
        if around.size and np.median(around) <= PALE:
            kept[window][hole > 0] = False
    return kept


def joined_to_border(part: np.ndarray) -> np.ndarray:
    """The pixels of `part` (H, W) bool that are 4-connected to the image border through `part`."""
    padded = np.pad(part, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return (labels == labels[0, 0])[1:-1, 1:-1]


def _fits(rgb: np.ndarray, photo: np.ndarray, backdrop: Backdrop) -> float:
    """Share of the clearly-not-backdrop pixels that show the photo: low where the cutout was retouched or shifted."""
    kept = _length2(rgb.astype(np.float32) - backdrop.colour) > 48**2
    if not kept.any():
        return 1.0
    apart = cv2.transform(cv2.absdiff(rgb, photo).astype(np.uint16), np.ones((1, 3), np.float32))
    return float((apart[kept] < 3 * 24).mean())


def _length2(vectors: np.ndarray) -> np.ndarray:
    """Squared lengths (H, W) of (H, W, 3)."""
    return _dot(vectors, vectors)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(H, W) of (H, W, 3) twice. NumPy's own reductions take ten times as long over an axis of three."""
    (red, green, blue), (other_red, other_green, other_blue) = cv2.split(a), cv2.split(b)
    return np.asarray(red * other_red + green * other_green + blue * other_blue)


def _all_equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(H, W) bool: all three channels of `a` (H, W, 3) are those of `b`, (H, W, 3) or (3,)."""
    red, green, blue = (a[..., channel] == b[..., channel] for channel in range(3))
    return red & green & blue


def by_photo(rgb: np.ndarray, photo: np.ndarray, backdrop: Backdrop) -> np.ndarray:
    """(H, W) bool: pixels nearer to the photo than to the backdrop.

    With c = cutout, p = photo, b = backdrop, c = a p + (1 - a) b gives a = (c-b)(p-b) / |p-b|^2; a > 1/2 is kept.
    Where p is nearly b one pixel says nothing, so a window votes; where even that says nothing, the
    surroundings decide.
    """
    toward = photo.astype(np.float32) - backdrop.colour
    along, length = _dot(rgb.astype(np.float32) - backdrop.colour, toward), _length2(toward)
    exact = (_all_equal(rgb, photo) | _all_equal(rgb, backdrop.colour)).mean() >= LOSSLESS_SHARE
    sure = length >= (1.0 if exact else UNSURE**2)
    # only unsure pixels vote: beside them the others' contrast would drown them
    votes = [cv2.blur(np.where(sure, 0, plane), (WINDOW, WINDOW)) for plane in (along, length)]
    kept, voted = np.where(sure, along > 0.5 * length, votes[0] > 0.5 * votes[1]), votes[1] >= 2.0
    return _by_neighbours(kept, ~sure & ~voted)


def _by_neighbours(kept: np.ndarray, blank: np.ndarray) -> np.ndarray:
    """`kept` with each 4-connected part of `blank` decided by the majority of the decided pixels along its outline."""
    count, parts = cv2.connectedComponents(blank.astype(np.uint8), connectivity=4)
    votes, voters = np.zeros(count), np.zeros(count)
    padded_parts, padded_kept = np.pad(parts, 1), np.pad(kept.astype(np.float64), 1)
    for axis in (0, 1):
        for shift in (-1, 1):
            beside = np.roll(padded_kept, shift, axis)[1:-1, 1:-1]
            outline = blank & (np.roll(padded_parts, shift, axis)[1:-1, 1:-1] == 0)
            votes += np.bincount(parts[outline], beside[outline], count)
            voters += np.bincount(parts[outline], minlength=count)
    return np.where(blank, (votes > 0.5 * voters)[parts], kept)


def tidy(mask: np.ndarray, *, speck_share: float = 2e-5) -> tuple[np.ndarray, dict[str, int]]:
    """Drop specks, close pinholes smaller than `speck_share` of the image (at least 12 px); counts of both in px."""
    limit = max(12, int(mask.size * speck_share))
    without_specks = ~_absorb(~mask, limit)
    closed = _absorb(without_specks, limit)
    return closed, {
        "specks_px": int((mask & ~without_specks).sum()),
        "pinholes_px": int((closed & ~without_specks).sum()),
    }


def _absorb(mask: np.ndarray, limit: int) -> np.ndarray:
    """`mask` with every 4-connected part of its complement that is under `limit` px added to it."""
    count, labels = cv2.connectedComponents((~mask).astype(np.uint8), connectivity=4)  # with statistics: 10 ms more
    small = np.bincount(labels.ravel(), minlength=count) < limit
    small[0] = False
    return mask | small[labels]


def article_rule(cutout: Cutout) -> np.ndarray:
    """The dress article's binarisation, kept as a baseline: grey 255 is backdrop, the rest is not."""
    return cv2.cvtColor(cutout.rgb, cv2.COLOR_RGB2GRAY) != 255
