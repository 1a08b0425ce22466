"""Sitemaps: bytes in, the URLs they name out. Index files and gzip; a bomb is cut at a cap, broken XML read as far as
it goes.

Several languages of one page are alternates of one entry, so only the entry's own URL counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lxml.etree import LxmlError
from scrapy.utils.sitemap import Sitemap

MAX_BYTES = 64 * 1024 * 1024


def read(body: bytes) -> Iterator[tuple[str, bool]]:
    """(URL, whether it is a sitemap itself). Nothing for what is no sitemap, such as a web page."""
    try:
        sitemap = Sitemap(_inflated(body))
        if sitemap.type not in ("urlset", "sitemapindex"):
            return
        for entry in sitemap:
            if entry["loc"].startswith(("http://", "https://")):
                yield entry["loc"], sitemap.type == "sitemapindex"
    except (LxmlError, StopIteration, zlib.error):
        return


def _inflated(body: bytes) -> bytes:
    if body[:2] != b"\x1f\x8b":
        return body
    inflater = zlib.decompressobj(wbits=31)
    plain = inflater.decompress(body, MAX_BYTES)
    return plain[: plain.rfind(b"</")] if inflater.unconsumed_tail else plain  # a URL cut in two is no URL
