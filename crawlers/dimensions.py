"""Width and height out of an image's first bytes, without decoding and without Pillow: some microseconds an image.

In: bytes. Out: (width, height) in px before any EXIF rotation, or None where the header says nothing readable. Reads
JPEG (ITU T.81, B.2.2), PNG, GIF, BMP, WebP (VP8, VP8L, VP8X) and the `ispe` boxes of AVIF and HEIC. Never raises.
"""

from __future__ import annotations

import struct

_HEAD_BYTES = 64 * 1024  # an EXIF block with a thumbnail fits; JPEG segments are followed beyond it
_NO_FRAME = (0xC4, 0xC8, 0xCC)  # DHT, JPG and DAC lie among the start-of-frame markers


def size(body: bytes) -> tuple[int, int] | None:
    """The largest size the header names."""
    try:
        return _size(body)
    except (struct.error, IndexError):
        return None


def _size(body: bytes) -> tuple[int, int] | None:
    if body.startswith(b"\xff\xd8"):
        return _jpeg(body)
    if body.startswith(b"\x89PNG"):
        return _pair(struct.unpack(">II", body[16:24]))
    if body.startswith((b"GIF87a", b"GIF89a")):
        return _pair(struct.unpack("<HH", body[6:10]))
    if body.startswith(b"BM"):
        width, height = struct.unpack("<ii", body[18:26])
        return width, abs(height)
    if body[8:12] == b"WEBP":
        return _webp(body)
    return _ispe(body[:_HEAD_BYTES]) if body[4:8] == b"ftyp" else None


def _jpeg(body: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(body):
        if body[at] != 0xFF:
            return None
        marker = body[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack(">HH", body[at + 5 : at + 9])
            return width, height
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a length
            at += 2
        elif marker in (0xD9, 0xDA):  # end of image, start of scan: no frame came
            return None
        else:
            at += 2 + struct.unpack(">H", body[at + 2 : at + 4])[0]
    return None


def _webp(body: bytes) -> tuple[int, int] | None:
    kind = body[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[24:27], "little"), 1 + int.from_bytes(body[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack("<I", body[21:25])[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", body[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _ispe(head: bytes) -> tuple[int, int] | None:
    """The largest of the sizes: a grid names its tiles' size beside its own."""
    found, at = [], 0
    while (at := head.find(b"ispe", at)) >= 0:
        found.append(_pair(struct.unpack(">II", head[at + 8 : at + 16])))
        at += 4
    return max(found, key=lambda pair: pair[0] * pair[1], default=None)


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]
