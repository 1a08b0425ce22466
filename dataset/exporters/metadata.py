"""What a photo tells about where, when and by which device it was taken, taken out without touching a pixel.

In: original bytes. Out: bytes without EXIF (GPS, serial numbers, thumbnails), XMP, IPTC, maker notes, comments and
whatever lies behind the image; the colour profile stays, and of EXIF the orientation alone, since without it a photo
lies on its side. JPEG, PNG and WebP keep their compressed pixels; every other format, and a file whose structure is
broken, is decoded and written as PNG, which is said.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from dataset.images import decode

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS iCCP gAMA cHRM sRGB sBIT pHYs bKGD cICP acTL fcTL fdAT".split()
)  # PNG 3rd edition: all that is needed to draw
_WEBP_KEPT = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04  # flags of VP8X
_SOS, _EOI = 0xDA, 0xD9
_DRAWING = frozenset(
    (*range(0xC0, 0xD0), *range(0xDA, 0xE0))
)  # frames, tables, scans; 0xEE is Adobe's colour transform
_BARE = frozenset((0x01, *range(0xD0, 0xD8)))  # TEM and RSTn: markers without a length
How = Literal["as it was", "metadata removed", "re-encoded as PNG", "faces blurred", "first frame alone"]


@dataclass(frozen=True)
class Clean:
    """`data` may leave; `suffix` fits its format."""

    data: bytes
    suffix: str
    how: How


def clean(data: bytes) -> Clean:
    """Raises ImageError for what is no image."""
    for starts, suffix, strip in ((b"\xff\xd8", ".jpg", _jpeg), (_PNG_HEAD, ".png", _png), (b"RIFF", ".webp", _webp)):
        if data.startswith(starts):
            try:
                found = strip(data)
                return Clean(found, suffix, "as it was" if found == data else "metadata removed")
            except (ValueError, struct.error, IndexError):
                break
    buffer = io.BytesIO()
    Image.fromarray(decode(data).rgb).save(buffer, "PNG")
    return Clean(buffer.getvalue(), ".png", "re-encoded as PNG")


def _jpeg(data: bytes) -> bytes:
    """Segments that drawing needs; ITU-T T.81 annex B. What follows the first image (MPO, motion photos) is dropped."""
    kept, place = [data[:2]], 2
    turned = _orientation(data)
    kept += [b"\xff\xe1" + struct.pack(">H", 2 + 6 + len(turned)) + b"Exif\0\0" + turned] if turned else []
    while True:
        while data[place : place + 2] == b"\xff\xff":  # fill bytes
            place += 1
        marker = _marker(data, place)
        if marker == _EOI:
            return b"".join([*kept, b"\xff\xd9"])
        if marker in _BARE:
            place += 2
            continue
        end = place + 2 + struct.unpack_from(">H", data, place + 2)[0]
        if end > len(data):
            raise ValueError("a segment ends behind the file")
        if _jpeg_keeps(marker, data[place + 4 : end]):
            kept.append(data[place:end])
        place = end
        if marker == _SOS:
            end = _scan_end(data, place)
            kept.append(data[place:end])
            place = end


def _marker(data: bytes, place: int) -> int:
    if data[place] != 0xFF or data[place + 1] == 0x00:
        raise ValueError("no marker where one belongs")
    return data[place + 1]


def _jpeg_keeps(marker: int, body: bytes) -> bool:
    if marker == 0xE0:
        return body.startswith(b"JFIF\0")
    if marker == 0xE2:
        return body.startswith(b"ICC_PROFILE\0")
    return marker in _DRAWING or marker == 0xEE


def _scan_end(data: bytes, place: int) -> int:
    """Where the entropy-coded bytes end: at the first marker that is neither stuffing nor a restart."""
    while True:
        place = data.index(b"\xff", place)
        if data[place + 1] != 0x00 and data[place + 1] not in _BARE:
            return place
        place += 2


def _png(data: bytes) -> bytes:
    kept, place = [_PNG_HEAD], 8
    turned = _orientation(data)
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            raise ValueError("a chunk ends behind the file")
        if kind == b"IDAT" and turned:
            kept.append(struct.pack(">I", len(turned)) + b"eXIf" + turned + _crc(b"eXIf" + turned))
            turned = b""
        if kind in _PNG_KEPT:
            kept.append(data[place:end])
        if kind == b"IEND":
            return b"".join(kept)
        place = end


def _crc(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def _webp(data: bytes) -> bytes:
    if data[8:12] != b"WEBP":
        raise ValueError("RIFF, but no WebP")
    kept, place, turned = [], 12, _orientation(data)
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    while place + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, place)
        body = data[place + 8 : place + 8 + length]
        if kind == b"VP8X":
            flags = body[0] & ~_WEBP_EXIF & ~_WEBP_XMP | (_WEBP_EXIF if turned else 0)
            body = bytes([flags]) + body[1:]
        if kind in _WEBP_KEPT:
            kept.append(_riff(kind, body))
        place += 8 + length + length % 2
    kept += [_riff(b"EXIF", turned)] if turned else []
    return _riff(b"RIFF", b"WEBP" + b"".join(kept))


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _orientation(data: bytes) -> bytes:
    """An EXIF block of the orientation alone; empty where the image stands upright."""
    turn = decode(data, shorter_side_px=8).orientation
    if turn == 1:
        return b""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, turn, 0, 0)
