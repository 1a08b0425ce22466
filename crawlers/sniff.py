"""The header check: what the first bytes say a body is, whatever its name or Content-Type claims.

In: bytes. Out: None for an image format we know, of a size that may be decoded, else a coded reason. Decoding is
`check`'s business, never done here: a truncated file with a good header passes, and `check` finds it. SVG is code and
not pixels, so it is refused by its own reason.
"""

from __future__ import annotations

import re

from crawlers.dimensions import size
from dataset.images import MAX_PIXELS

REASONS = {
    "empty": "zero bytes",
    "html": "a web page in place of an image",
    "svg": "a drawing in SVG, which is code and not pixels",
    "not_an_image": "no known image format",
    "too_many_pixels": "its header names more pixels than may be decoded",
}
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
# Atomic groups: a comment once read is not read otherwise, or a body of nothing but comments would take for ever.
_LEAD = rb"^(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->|<\?xml[^>]*>)*+"
_HTML = re.compile(_LEAD + rb"<(!doctype html|html|head|body|script|title|meta|p|div)\b", re.I | re.S)
_SVG = re.compile(_LEAD + rb"(?:<!doctype svg[^>]*>\s*)?<svg\b", re.I | re.S)


def refusal(body: bytes, max_pixels: int = MAX_PIXELS) -> str | None:
    """Reason why these bytes are no image that may be kept, judged by their header."""
    if not body:
        return "empty"
    head = body[:1024]
    if not _is_image(head):
        return "svg" if _SVG.match(head) else "html" if _HTML.match(head) else "not_an_image"
    width, height = size(body) or (0, 0)
    return "too_many_pixels" if width * height > max_pixels else None


def _is_image(head: bytes) -> bool:
    if head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    return head[4:8] == b"ftyp" and head[8:12] in _ISO_BRANDS
