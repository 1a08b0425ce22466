"""The image contract: original bytes in, (H, W, 3) uint8 RGB with EXIF orientation applied out, or a coded refusal.

Colour profiles are converted to sRGB, CMYK / 16-bit / palette images to 8-bit RGB, transparency is laid on white (the
alpha is kept beside it), animations give their first frame. Never trusts a file name or a content type, never decodes
more than `max_pixels`, never lets a decoder's own exception out.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from dataset.errors import ImageError

MAX_PIXELS = 89_478_485  # Pillow's own limit: a quarter of a gigabyte of RGB

REASONS = {
    "empty": "no bytes at all",
    "html": "a page of HTML or XML where an image was expected",
    "not_an_image": "no known image format",
    "truncated": "the file ends before the image does",
    "too_many_pixels": "more pixels than may be decoded",
    "too_small": "a side of less than 2 px",
    "undecodable": "the decoder refused it",
}

_EXIF_ORIENTATION, _EXIF_GPS = 0x0112, 0x8825
_UPRIGHT = {  # EXIF orientation -> what turns the stored picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Decoded:
    """`rgb` (H, W, 3) uint8; `alpha` (H, W) uint8 or None where all is opaque; sizes after orientation."""

    rgb: np.ndarray
    alpha: np.ndarray | None
    format: str
    mode: str
    width: int
    height: int
    orientation: int
    frames: int
    has_gps: bool
    icc_profile: bytes | None


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, shorter_side_px: int | None = None) -> Decoded:
    """Decode once. `shorter_side_px` lets a JPEG be decoded at a reduced scale whose short side is at least that.

    Raises ImageError with a code of `REASONS`.
    """
    _refuse_at_once(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data, max_pixels, shorter_side_px)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("too_many_pixels", str(error)) from error
    except UnidentifiedImageError as error:
        raise ImageError("not_an_image", "no known image format") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, KeyError, IndexError, TypeError) as error:
        cut = "truncat" in str(error).lower() or "end of" in str(error).lower()
        said = str(error) if type(error) is OSError else f"{type(error).__name__}: {error}"
        raise ImageError("truncated" if cut else "undecodable", said) from error


def _refuse_at_once(data: bytes) -> None:
    if not data:
        raise ImageError("empty", REASONS["empty"])
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<svg")):
        raise ImageError("html", REASONS["html"])


def _decode(data: bytes, max_pixels: int, shorter_side_px: int | None) -> Decoded:
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ImageError("too_many_pixels", f"{width} x {height}", expected=f"at most {max_pixels} px")
        if min(width, height) < 2:
            raise ImageError("too_small", f"{width} x {height}", expected="at least 2 px a side")
        exif = image.getexif()
        orientation = exif.get(_EXIF_ORIENTATION, 1)
        orientation = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
        if orientation >= 5:
            width, height = height, width
        kind, mode, icc = image.format or "", image.mode, image.info.get("icc_profile")
        frames = int(getattr(image, "n_frames", 1))
        rgb, alpha = None if shorter_side_px else _plain_jpeg(data, image, orientation), None
        if rgb is None:
            if shorter_side_px:
                _draft(image, shorter_side_px)
            image.load()
            rgb, alpha = _to_srgb(ImageOps.exif_transpose(image), icc)
    return Decoded(rgb, alpha, kind, mode, width, height, orientation, frames, _EXIF_GPS in exif, icc)


def _plain_jpeg(data: bytes, image: Image.Image, orientation: int) -> np.ndarray | None:
    """A JPEG without a colour profile of its own, by libjpeg-turbo without Pillow's copies: the same pixels in 0.68 of
    the time. None where the file is something else, or anything is odd about it: Pillow judges those."""
    if image.format != "JPEG" or image.mode != "RGB" or not _is_srgb(image.info.get("icc_profile")):
        return None
    try:
        rgb = simplejpeg.decode_jpeg(data, "RGB")
    except ValueError:
        return None
    if orientation == 1:
        return np.asarray(rgb)
    return np.asarray(Image.fromarray(rgb).transpose(_UPRIGHT[orientation]))


def _is_srgb(icc: bytes | None) -> bool:
    return not icc or b"sRGB" in icc[:4096]


def _draft(image: Image.Image, shorter_side_px: int) -> None:
    """Ask libjpeg for 1/2, 1/4 or 1/8 where the short side stays at least as long as wanted; others ignore it."""
    scale = min(image.size) / shorter_side_px
    if scale >= 2:
        image.draft(None, (int(image.width / scale), int(image.height / scale)))


def _to_srgb(image: Image.Image, icc: bytes | None) -> tuple[np.ndarray, np.ndarray | None]:
    if image.mode.startswith(("I", "F")):  # 16- and 32-bit: Pillow's own convert clips instead of scaling
        image = _to_eight_bits(image)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if not has_alpha:
        return np.asarray(_convert(image, icc)), None
    rgba = image.convert("RGBA")
    alpha = np.asarray(rgba.getchannel("A"))
    colour = _convert(rgba.convert("RGB"), icc)
    white = Image.new("RGB", colour.size, (255, 255, 255))
    flat = np.asarray(Image.composite(colour, white, rgba.getchannel("A")))
    return flat, None if alpha.min() == 255 else alpha


def _to_eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    top = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
    return Image.fromarray(np.clip(values / top * 255.0 + 0.5, 0, 255).astype(np.uint8), mode="L")


def _convert(image: Image.Image, icc: bytes | None) -> Image.Image:
    """To sRGB by the embedded profile; a profile that is broken, or plain sRGB, leaves Pillow's conversion."""
    if icc and not _is_srgb(icc) and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB")
