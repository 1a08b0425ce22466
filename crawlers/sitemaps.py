"""Sitemaps: bytes in, the pages and further sitemaps they name out, one by one.

Reads the protocol's XML (any namespace, or none; gzip or not; `&` unescaped; broken off), RSS and Atom used as
sitemaps, and lists of URLs in plain text. Memory stays flat however long the file: a gzip bomb is cut at `MAX_BYTES`
inflated, an endless list at `MAX_ENTRIES`. What is no sitemap, such as a web page, names nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

MAX_BYTES = 256 * 1024 * 1024
MAX_ENTRIES = 1_000_000
MAX_GAP_BYTES = 1024 * 1024  # so much without one entry is no sitemap any more, and would only fill the memory
_CHUNK = 64 * 1024
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(urlset|sitemapindex|rss|feed|RDF)[\s>/]", re.I)
_ENTRIES = ("{*}url", "{*}sitemap", "{*}item", "{*}entry")
_BARE_AMPERSAND = re.compile(rb"&(?!#?\w{1,10};)")


@dataclass(frozen=True)
class Entry:
    """`url` as written; `alternates` are (hreflang in lower case, URL) of the same page in other languages."""

    url: str
    is_sitemap: bool = False
    alternates: tuple[tuple[str, str], ...] = ()


def read(body: bytes) -> Iterator[tuple[str, bool]]:
    """(URL, whether it is a sitemap itself)."""
    yield from ((entry.url, entry.is_sitemap) for entry in entries(body))


def looks_like_one(body: bytes) -> bool:
    """True for what `entries` can read, whether or not it names anything."""
    head = next(_inflated(body), b"")[:8_192]
    return bool(_ROOT.search(head)) or _is_plain(head)


def entries(body: bytes) -> Iterator[Entry]:
    """Lazily, in the file's order; at most `MAX_ENTRIES`."""
    chunks = _inflated(body)
    first = next(chunks, b"").lstrip(b"\xef\xbb\xbf \t\r\n")
    found: Iterator[Entry] = iter(())
    if _ROOT.search(first[:8_192]):
        found = _from_xml(first, chunks)
    elif _is_plain(first[:8_192]):
        found = _from_text(first, chunks)
    for count, entry in enumerate(found, start=1):
        yield entry
        if count >= MAX_ENTRIES:
            return


def _is_plain(head: bytes) -> bool:
    return bool(re.match(rb"https?://\S+\s*(\n|$)", head.lstrip(b"\xef\xbb\xbf \t\r\n")))


def _inflated(body: bytes) -> Iterator[bytes]:
    """Chunks of the plain file, up to `MAX_BYTES` of it; a damaged gzip file as far as it goes."""
    if body[:2] != b"\x1f\x8b":
        yield from (body[at : min(at + _CHUNK, MAX_BYTES)] for at in range(0, min(len(body), MAX_BYTES), _CHUNK))
        return
    inflater, given, waiting = zlib.decompressobj(wbits=31), 0, memoryview(body)
    while given < MAX_BYTES and not inflater.eof:
        packed = inflater.unconsumed_tail or bytes(waiting[:_CHUNK])
        if not inflater.unconsumed_tail:
            waiting = waiting[_CHUNK:]
        try:
            plain = inflater.decompress(packed, min(_CHUNK, MAX_BYTES - given))
        except zlib.error:
            return
        if not plain and not waiting and not inflater.unconsumed_tail:
            return
        given += len(plain)
        if plain:
            yield plain


def _from_xml(first: bytes, chunks: Iterator[bytes]) -> Iterator[Entry]:
    """Entries that were closed: one that the file breaks off in is no URL."""
    parser = etree.XMLPullParser(
        events=("end",), tag=_ENTRIES, recover=True, resolve_entities=False, no_network=True, huge_tree=False,
        remove_comments=True,
    )  # fmt: skip
    gap = 0
    for chunk in _escaped(first, chunks):
        try:
            parser.feed(chunk)
            closed = [element for _, element in parser.read_events()]
        except etree.LxmlError:
            return
        gap = 0 if closed else gap + len(chunk)
        if gap > MAX_GAP_BYTES:
            return
        for element in closed:
            if entry := _entry(element):
                yield entry
            _forget(element)


def _escaped(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Bare `&` (frequent in query strings, and no XML) written as it should be; no entity is cut by a chunk's end."""
    held = first
    for chunk in chunks:
        cut = held.rfind(b"&", max(0, len(held) - 12))
        whole, held = (held[:cut], held[cut:] + chunk) if cut >= 0 else (held, chunk)
        yield _BARE_AMPERSAND.sub(b"&amp;", whole)
    yield _BARE_AMPERSAND.sub(b"&amp;", held)


def _entry(element: Any) -> Entry | None:
    kind = etree.QName(element).localname
    url, alternates = "", []
    for child in element:
        name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if name == "loc" or (name == "link" and kind in ("item", "entry") and not url):
            url = (child.text or child.get("href") or "").strip()
        elif name == "link" and child.get("hreflang") and child.get("href"):
            alternates.append((child.get("hreflang").lower(), child.get("href").strip()))
    if not url.startswith(("http://", "https://", "/")):
        return None
    return Entry(url, kind == "sitemap", tuple(alternates))


def _forget(element: Any) -> None:
    """Free what has been read: the tree of a million entries would not fit."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _from_text(first: bytes, chunks: Iterator[bytes]) -> Iterator[Entry]:
    held = first
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        yield from _lines(lines)
    yield from _lines(held.split(b"\n"))


def _lines(lines: list[bytes]) -> Iterator[Entry]:
    for line in lines:
        url = line.strip().decode("utf-8", errors="replace")
        if url.startswith(("http://", "https://")):
            yield Entry(url)
