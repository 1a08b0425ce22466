"""The header check: what the first bytes say a body is, whatever its name or Content-Type claims.

In: bytes. Out: None for an image format we know, else a coded reason. Decoding is `check`'s business, never done here.
"""

from __future__ import annotations

import re

REASONS = {"empty": "zero bytes", "html": "a web page in place of an image", "not_an_image": "no known image format"}
_MAGIC = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"\xff\x0a",
    b"\x00\x00\x00\x0cJXL ",
)
_ISO_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"hevc")
_HTML = re.compile(
    rb"^(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype|html|head|body|script|title|meta|p|div)\b", re.I | re.S
)


def refusal(body: bytes) -> str | None:
    """Reason why these bytes are no image, judged by their first kilobyte."""
    if not body:
        return "empty"
    head = body[:1024]
    if head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return None
    if head[4:8] == b"ftyp" and head[8:12] in _ISO_BRANDS:
        return None
    return "html" if _HTML.match(head) else "not_an_image"
