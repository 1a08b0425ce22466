"""What a file says of its own making: the IPTC's digital source type, from the XMP inside it.

In: the bytes of an image file. Out: the term's name ('composite', 'trainedAlgorithmicMedia', 'digitalCapture'), or
none. A picture that says software made or changed it must not be measured against: `is_made`. Never decodes pixels,
never judges by them: a picture without a mark is taken for a photo.
"""

from __future__ import annotations

import io
import re
import warnings

from PIL import Image

PLACE = b"newscodes/digitalsourcetype/"
# https://cv.iptc.org/newscodes/digitalsourcetype: what a camera, a scanner or a screen recorded; the rest is made
CAPTURES = frozenset(
    {"digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print", "screenCapture"}
)
_TERM = re.compile(PLACE + rb"([A-Za-z]{3,60})")
_PACKED = b"XML:com.adobe.xmp\x00\x01"  # a PNG's text chunk whose XMP is compressed


def source_type_of(data: bytes) -> str | None:
    """The term of the last step that wrote one: a made one wins over a capture's, which an editor leaves beside it."""
    found = [term.decode() for term in _TERM.findall(data)] or _unpacked(data)
    return next((term for term in found if term not in CAPTURES), found[0] if found else None)


def is_made(data: bytes) -> bool:
    """True for a file whose mark says that software changed it, composed it or made it."""
    return is_made_term(source_type_of(data))


def is_made_term(term: str | None) -> bool:
    """None, '' and a capture's term are photos."""
    return bool(term) and term not in CAPTURES


def _unpacked(data: bytes) -> list[str]:
    if _PACKED not in data:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or ""
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return []
    raw = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    return [term.decode() for term in _TERM.findall(raw)]
