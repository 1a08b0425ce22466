"""One photo cut out: bytes in, finished files out, nothing written.

In: the photo's bytes, the settings, what sees the garment. Out: `Finished`, or an ImageError with a coded reason
(`no_garment`, `no_person`, `out_of_memory`, and `dataset.images.REASONS`). Pixels wholly inside keep the photo's colour
to the bit unless a template resizes; what lies outside is emptied, not only hidden. Of the photo's metadata only the
colour profile goes along: no EXIF, no place.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageCms

from dataset.errors import ImageError
from dataset.images import Decoded, decode
from labeling.clipping import alpha_from, on_colour, people_map, without_hidden
from labeling.people import told_apart
from labeling.refine import BAND_SHARE, Refined, refine
from labeling.staging import MOST_ENLARGED, cropped, laid_on, on_template, parse_template, shadow_of, with_shadow
from modiste.cutout_backdrop import settled
from modiste.cutout_settings import CutoutSettings, Ground, edges_for
from train.closer import Seen

LEAST_SHARE = 0.001  # of the photo's pixels; less is no garment
PIECES = (4, 16)  # strips the edges are refined in, where memory runs out
WEBP_SIDE_PX = 16_383
Look = Callable[[np.ndarray], Seen]


@dataclass
class Finished:
    """`files` are (what follows the stem, bytes): ('.png', ...), or ('-1.png', ...) for each of several people;
    `mask` says whose it was, the 'network' or the 'backdrop'."""

    files: list[tuple[str, bytes]] = field(default_factory=list)
    people: int = 0
    alpha_share: float = 0.0
    notes: list[str] = field(default_factory=list)
    mask: str = "network"


def cut_one(data: bytes, look: Look, settings: CutoutSettings, ground: Ground | None) -> Finished:
    """Raises ImageError with the reason for its row."""
    photo = decode(data)
    try:
        return _cut(photo, look, settings, ground)
    except (MemoryError, cv2.error) as error:
        if not _is_out_of_memory(error):
            raise ImageError("undecodable", str(error)[:200]) from error
        raise ImageError("out_of_memory", f"{photo.width} x {photo.height}") from error


def _cut(photo: Decoded, look: Look, settings: CutoutSettings, ground: Ground | None) -> Finished:
    seen, way = settled(photo.rgb, look(photo.rgb), settings.mask)
    chance = seen.garment if settings.what == "garment" else seen.person
    whose = people_map(seen.person) if settings.people == "all" else told_apart(photo.rgb, seen.person)
    done = Finished(people=int(whose.max()), notes=_told(photo), mask=way)
    if settings.people == "all" and done.people > 1:
        done.notes.append("several people in one picture (--people largest or each)")
    chosen = _chosen(whose, chance, settings.people)
    covered = 0
    for number, person in enumerate(chosen, start=1):
        alpha = alpha_from(chance if person is None else np.where(whose == person, chance, np.float32(0)))
        if np.count_nonzero(alpha) < LEAST_SHARE * alpha.size:
            continue
        prior = alpha.astype(np.float32) / 255
        refined = _refined(photo.rgb, prior, settings.edges, done.notes)
        rgba = refined.rgba()
        if photo.alpha is not None:
            rgba[:, :, 3] = np.minimum(rgba[:, :, 3], photo.alpha)
        covered += int(np.count_nonzero(rgba[:, :, 3]))
        word = f"-{number}" if settings.people == "each" else ""
        done.files += _staged(without_hidden(rgba), word, photo, settings, ground, done.notes)
    if not done.files:
        raise ImageError(f"no_{settings.what}", f"less than {LEAST_SHARE} of the photo")
    done.alpha_share = round(covered / photo.rgb[:, :, 0].size, 4)
    done.notes = list(dict.fromkeys(done.notes))
    return done


def _chosen(whose: np.ndarray, chance: np.ndarray, people: str) -> list[int | None]:
    """Numbers of the people to cut out, one picture each; None for all in one."""
    if people == "all" or not whose.any():
        return [None]
    if people == "each":
        return list(range(1, int(whose.max()) + 1))
    counts = np.bincount(whose[chance > 0.5], minlength=2)
    return [int(counts[1:].argmax()) + 1]


def _refined(rgb: np.ndarray, prior: np.ndarray, edges: str, notes: list[str]) -> Refined:
    """The edges in one piece, or in strips where memory runs out."""
    method, note = edges_for(edges, prior)
    notes += [note] if note else []
    try:
        return refine(rgb, prior, method=method)
    except (MemoryError, cv2.error) as error:
        if not _is_out_of_memory(error):
            raise
    try:
        found, pieces = in_strips(rgb, prior, method, PIECES[0]), PIECES[0]
    except (MemoryError, cv2.error):
        found, pieces = in_strips(rgb, prior, method, PIECES[1]), PIECES[1]
    notes.append(f"memory ran out: edges in {pieces} strips")
    return found


def in_strips(rgb: np.ndarray, prior: np.ndarray, method: str, pieces: int) -> Refined:
    """As `refine`, a strip of rows at a time, each with enough of its neighbours that no seam shows."""
    height = prior.shape[0]
    room = round(2 * BAND_SHARE * max(prior.shape)) + 64
    alpha, foreground = np.empty(prior.shape, np.uint8), np.empty(rgb.shape, np.uint8)
    edges = np.linspace(0, height, min(pieces, height) + 1).astype(int)
    for top, bottom in pairwise(edges):
        start, end = max(0, top - room), min(height, bottom + room)
        found = refine(rgb[start:end], prior[start:end], method=method)
        alpha[top:bottom] = found.alpha[top - start : bottom - start]
        foreground[top:bottom] = found.foreground[top - start : bottom - start]
    return Refined(alpha, foreground, method, 0.0)


def _staged(
    rgba: np.ndarray, word: str, photo: Decoded, settings: CutoutSettings, ground: Ground | None, notes: list[str]
) -> list[tuple[str, bytes]]:
    profile = _profile(photo)
    files = []
    if settings.white:
        files.append((f"{word}.on-white.jpg", encoded(on_colour(rgba), "jpg", profile)))
    if settings.crop == "tight":
        rgba = cropped(rgba, settings.margin)
    if settings.template is not None:
        rgba, scale = on_template(rgba, parse_template(settings.template))
        notes += [_scaled(scale)] if scale > 1 else []
    shadow = shadow_of(rgba[:, :, 3]) if settings.shadow == "soft" else None
    if ground is not None:
        picture = laid_on(rgba, ground.of_size(rgba.shape[:2]), shadow)
    else:
        picture = rgba if shadow is None else with_shadow(rgba, shadow)
    return [(f"{word}.{settings.format}", encoded(picture, settings.format, profile)), *files]


def _scaled(scale: float) -> str:
    if scale >= MOST_ENLARGED:
        return f"small for the template: enlarged {MOST_ENLARGED:g} times and no further"
    return f"enlarged {scale:.2f} times for the template"


def encoded(pixels: np.ndarray, kind: str, profile: bytes | None = None) -> bytes:
    """RGB or RGBA as PNG, lossless WebP or JPEG of quality 95; no metadata but the colour profile."""
    if kind == "webp" and max(pixels.shape[:2]) > WEBP_SIDE_PX:
        raise ImageError("too_large_for_webp", f"sides over {WEBP_SIDE_PX} px", cure="Take --format png")
    more: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if kind == "jpg":
        more |= {"quality": 95, "subsampling": 0}
    elif kind == "webp":
        more |= {"lossless": True, "quality": 40, "method": 2}
    else:
        more |= {"compress_level": 4}
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, {"jpg": "JPEG", "webp": "WEBP", "png": "PNG"}[kind], **more)
    return buffer.getvalue()


def _profile(photo: Decoded) -> bytes | None:
    """An sRGB profile where the photo had any: its pixels are sRGB after decoding. None where it had none."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() if photo.icc_profile else None


def _told(photo: Decoded) -> list[str]:
    notes = [f"first of {photo.frames} frames"] if photo.frames > 1 else []
    name = _profile_name(photo.icc_profile) if photo.icc_profile else "sRGB"
    notes += [] if "sRGB" in name else [f"colours converted to sRGB from {name}"]
    return notes


def _profile_name(icc: bytes) -> str:
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc)))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return "a profile that can't be read"
    return "".join(letter for letter in name.strip()[:60] if letter.isprintable()) or "a nameless profile"


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "insufficient memory" in str(error).lower() or "-4:" in str(error)
