"""A product's pictures: each once, in the gallery's order, in the largest rendition the page names.

In: a parsed page, the URLs its markup names, the page's URL. Out: absolute http(s) URLs. Never asks the network, so two
renditions are one picture when their URLs differ only in what CDNs use for size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from parsel import Selector

_SIZE_KEYS = {
    "w",
    "h",
    "width",
    "height",
    "sw",
    "sh",
    "size",
    "wid",
    "hei",
    "quality",
    "q",
    "fit",
    "dpr",
    "imwidth",
    "fmt",
    "auto",
}
_SIZE_IN_NAME = re.compile(
    r"[_\-](\d{2,4}x\d{0,4}|x\d{2,4}|pico|icon|thumb|small|compact|medium|large|grande)(?=(@\dx)?\.\w{3,4}$)", re.I
)
_NO_PHOTO = re.compile(
    r"logo|swatch|sprite|icon|payment|placeholder|spacer|pixel|badge|flag|avatar|rating|/static/frontend", re.I
)
_GALLERY = (
    "//*[@itemprop='image' and (self::img or self::a or self::link)]"
    " | //*[contains(@class,'gallery') or contains(@id,'gallery') or contains(@class,'product-image')"
    " or contains(@class,'product__media') or contains(@class,'product-photo') or contains(@class,'product-images')]"
    "//*[self::img or self::a or self::source]"
)
_LAZY = (
    "data-zoom-image",
    "data-large_image",
    "data-large-image",
    "data-zoom",
    "data-full",
    "data-original",
    "data-src",
    "src",
)


def gather(page: Selector, named: Iterable[Any], url: str, selector: str | None = None) -> list[str]:
    """Markup's images first (its order is the shop's), then the gallery's; the largest of each picture's renditions."""
    largest: dict[str, tuple[int, str]] = {}
    gallery = list(_gallery(page, selector))
    for candidate, width in [*((n, 0) for n in _flat(named)), *gallery]:
        absolute = _absolute(candidate, url)
        if absolute is None:
            continue
        key, size = identity(absolute), width or _size(absolute)
        if key not in largest or size > largest[key][0]:
            largest[key] = (size, absolute)
    _larger_from_tags(page, url, largest)
    return [found for _, found in largest.values()]


def identity(url: str) -> str:
    """What stays of an image URL when size and format parameters are taken out: one picture, one identity."""
    parts = urlsplit(url)
    query = urlencode(sorted((k, v) for k, v in parse_qsl(parts.query) if k.lower() not in _SIZE_KEYS))
    return f"{parts.netloc.lower()}{_SIZE_IN_NAME.sub('', parts.path)}?{query}"


def srcset(written: str) -> list[tuple[str, int]]:
    """(URL, width in px; a density of 2x counts as 2) of each candidate; URLs may hold commas."""
    found = re.findall(r"([^\s,]\S*[^\s,])\s+(\d+(?:\.\d+)?)([wx])\s*(?:,|$)", written)
    if found:
        return [(url, int(float(number))) for url, number, _ in found]
    return [(part.strip().split()[0], 0) for part in written.split(", ") if part.strip()]


def _flat(named: Any) -> Iterator[str]:
    if isinstance(named, str):
        yield named
    elif isinstance(named, dict):
        yield from _flat(next((named[k] for k in ("contentUrl", "url", "@id", "src") if named.get(k)), None))
    elif isinstance(named, Iterable):
        for item in named:
            yield from _flat(item)


def _gallery(page: Selector, selector: str | None) -> Iterator[tuple[str, int]]:
    for tag in page.css(selector) if selector else page.xpath(_GALLERY):
        yield from _renditions(tag)


def _renditions(tag: Selector) -> Iterator[tuple[str, int]]:
    """The largest rendition an element names; a link counts only when it leads to an image file."""
    attributes = tag.attrib
    if tag.root.tag == "a":
        href = attributes.get("href", "")
        if re.search(r"\.(jpe?g|png|webp|avif)(\?|$)", href, re.I):
            yield href, 0
        return
    candidates = srcset(attributes.get("srcset") or attributes.get("data-srcset") or "")
    if candidates:
        yield max(candidates, key=lambda c: c[1])
    else:
        yield from (
            (attributes[name], 0) for name in _LAZY if attributes.get(name) and not attributes[name].startswith("data:")
        )


def _larger_from_tags(page: Selector, url: str, largest: dict[str, tuple[int, str]]) -> None:
    """A picture that markup names small may stand larger in an `srcset` anywhere on the page."""
    for tag in page.xpath("//img[@srcset or @data-srcset] | //source[@srcset]"):
        for candidate, width in _renditions(tag):
            absolute = _absolute(candidate, url)
            key = identity(absolute) if absolute else ""
            if absolute and key in largest and width > largest[key][0]:
                largest[key] = (width, absolute)


def _absolute(candidate: str, url: str) -> str | None:
    if not candidate.strip():
        return None
    joined = urljoin(url, candidate.strip())
    parts = urlsplit(joined)
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or _NO_PHOTO.search(parts.path)
        or parts.path.endswith(".svg")
    ):
        return None
    return urlunsplit(parts._replace(fragment=""))


def _size(url: str) -> int:
    """Width that a URL states, 10_000 where it states none: a URL without a size is the original."""
    parts = urlsplit(url)
    stated = [
        int(v) for k, v in parse_qsl(parts.query) if k.lower() in ("w", "width", "sw", "wid", "imwidth") and v.isdigit()
    ]
    if stated:
        return stated[0]
    in_name = _SIZE_IN_NAME.search(parts.path)
    digits = re.search(r"\d+", in_name.group(1)) if in_name else None
    return int(digits.group()) if digits else (100 if in_name else 10_000)
