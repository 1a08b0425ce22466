"""The pictures found so far: their renditions gathered, the largest of each kept.

In: groups of renditions, a group being what one element (or one name in the markup) says about one picture. Out:
URLs. Two groups are one picture when they share a URL's identity. What can't be a photograph of the product is
refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from crawlers.extract import image_urls
from crawlers.extract.image_urls import UNSTATED

# Refused even where markup or a gallery names it: its file can't be a photograph of the product.
_NO_PHOTO = re.compile(
    r"(?:^|/)(?:transparent|banner|header|masthead|oos[-_]?overlay|overlay)(?:[-_]?\w{0,12})\.(?:gif|png|jpe?g|webp)$|"
    r"/(?:customer[-_]?(?:images?|photos?)|ugc|user[-_]?photos?|reviews?)/|"
    r"(?:[_-]overlay|(?:^|[/_-])badge)(?:[_-][\w-]*)?\.(?:png|gif|webp)$|"
    r"(?:^|[/_.-])(?:logos?|placeholder|no[-_]?(?:image|photo|picture|img)|spacer|blank|pixel|sprites?|loading|loader|"
    r"clear|1x1|favicon|image[-_]?not[-_]?(?:available|found)|missing|default[-_]?image|coming[-_]?soon)"
    r"(?:[-_]?\d{0,4}|[-_](?:small|large|thumb|base|image|default|product|\d{1,4}x\d{1,4}|[a-z]{2}))(?:\.\w{3,4})?$"
    r"|/static/frontend/|/(?:swatch(?:es)?|flags?|payments?|icons?|sprites?|avatars?|badges?|emojis?|smilies|logos?)/"
    r"|(?:^|[/_-])(?:btn|buttons?|arrows?|close|prev|next|play|search|spinner|magnify|bg|background|stars?)"
    r"[\w-]*\.(?:gif|png)$"
    r"|[_-]swatch(?:[_.-]|$)|\.svgz?$"
    r"|(?:payments?|visa|master-?card|paypal|amex|klarna|apple-?pay|google-?pay)[\w-]*\.(?:png|gif|webp)$",
    re.I,
)
_OTHER_HOSTS = re.compile(
    r"(?:^|\.)(?:facebook\.com|doubleclick\.net|google-analytics\.com|googletagmanager\.com|googleadservices\.com|"
    r"bat\.bing\.com|gravatar\.com|trustpilot\.com|paypalobjects\.com|ct\.pinterest\.com|yandex\.ru|addthis\.com)$"
)
_SMALL_PX = 130
_SMALLER = 1  # px, stands for: smaller than what its element names besides
_LARGE_PX = 300
_MAX_PICTURES = 200
_DISTINCT_CHARS = 6
# What some shops append for a rendition: only a picture that is there under the plain name too can be its.
_APPENDED = re.compile(r"(?:_\d{1,3}0|[-_]?(?:lg|lrg|sm|med|tn|xl))(?=\?|$)")


class Rendition(NamedTuple):
    """`width` in px as declared, 0 where unknown; `zoom`: the page calls it the large one."""

    url: str
    width: int = 0
    zoom: bool = False


class _Best(NamedTuple):
    width: int
    zoom: bool
    uploaded: bool
    url: str


class Pictures:
    """Pictures in the order they were first named; `base` makes URLs absolute."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.best: list[_Best] = []
        self.named: list[bool] = []
        self.at: dict[str, int] = {}
        self.plain: dict[str, int] = {}  # by what stays of an identity without what stands for a rendition

    def _known(self, key: str) -> int | None:
        """The number of a picture seen under this identity, or under one of which either is the plain name."""
        return self.at.get(key, self.at.get(_plain(key), self.plain.get(key)))

    def add(self, group: Iterable[Rendition], is_named: bool = False) -> int | None:
        """The picture's number, new or known; None where no rendition can be a photograph."""
        found = self._read(group)
        if not found:
            return None
        keys = [image_urls.identity(best.url) for best in found]
        number = next((n for k in keys if (n := self._known(k)) is not None), None)
        if number is None:
            if len(self.best) >= _MAX_PICTURES:
                return None
            number = len(self.best)
            self.best.append(found[0])
            self.named.append(is_named)
        for key in keys:
            self.at.setdefault(key, number)
            self.plain.setdefault(_plain(key), number)
        if any(b.width == _SMALLER and b.url == self.best[number].url for b in found):
            self.best[number] = self.best[number]._replace(width=_SMALLER)  # the page names a larger one beside it
        self.best[number] = max([self.best[number], *found], key=lambda b: b[:3])
        return number

    def enlarge(self, groups: Iterable[list[Rendition]]) -> None:
        """Larger renditions of the pictures already known; others are passed over."""
        for group in groups:
            found = self._read(group)
            if any(image_urls.identity(best.url) in self.at for best in found):
                self.add(group)

    def urls(self, order: list[int]) -> list[str]:
        """The gallery's `order` where it has every named picture; thumbnails without a large one go."""
        named = self._named_alone(order)
        numbers = order if set(named) <= set(order) else [*named, *(n for n in order if n not in set(named))]
        is_large = any(self.best[n].width >= _LARGE_PX for n in numbers)
        kept = [n for n in numbers if self.named[n] or not is_large or self.best[n].width > _SMALL_PX]
        return list(dict.fromkeys(self.best[n].url for n in kept))

    def _named_alone(self, order: list[int]) -> list[int]:
        """The named pictures, without those the gallery shows from another folder under the same file name."""
        shown: dict[str, list[int]] = {}
        for number in order:
            shown.setdefault(_file_name(self.best[number].url), []).append(number)
        found = []
        for number in (n for n in range(len(self.best)) if self.named[n]):
            twins = shown.get(_file_name(self.best[number].url), [])
            if number in order or len(twins) != 1 or len(_file_name(self.best[number].url)) < _DISTINCT_CHARS:
                found.append(number)
        return found

    def stems(self) -> set[str]:
        """Names of the pictures' files without size and ending, four characters at least."""
        found = {key.split("?", 1)[0].rsplit("/", 1)[-1] for key in self.at}
        return {stem for stem in found if len(stem) >= 4}

    def _read(self, group: Iterable[Rendition]) -> list[_Best]:
        """Beside a declared or a zoomed rendition, one of unknown size is the small one the page shows."""
        members = list(group)
        declared = any(m.width or m.zoom for m in members)
        found = []
        for member in members:
            url = image_urls.absolute(member.url, self.base)
            if url is None or not is_photo(url):
                continue
            width = member.width or image_urls.stated_width(url)
            if declared and width == UNSTATED and not member.zoom and len(members) > 1:
                width = _SMALLER if image_urls.original(url) == url else UNSTATED
            best = image_urls.original(url)
            full = UNSTATED if best != url else width
            found.append(_Best(max(width, full), member.zoom, not image_urls.is_converted(url), best))
        return found


@lru_cache(maxsize=4_096)
def _plain(key: str) -> str:
    return _APPENDED.sub("", key)


def _file_name(url: str) -> str:
    return image_urls.identity(url).split("?", 1)[0].rsplit("/", 1)[-1]


@lru_cache(maxsize=4_096)
def is_photo(url: str) -> bool:
    """Whether a URL may be a photograph at all: no logo, placeholder, pixel or drawing."""
    parts = urlsplit(url)
    return not _NO_PHOTO.search(unquote(parts.path)) and not _OTHER_HOSTS.search(parts.netloc.lower())
