"""What a page is about, and how well a product found in its state fits that.

In: a parsed page and its URL. Out: `Subject.fit`, a score, 0 where the product is not this page's. Evidence: a link
or handle that is the page's own, an identifier in its URL, a name that is its heading or title. Guesses nothing from
order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from parsel import Selector

_TITLES = (
    "//meta[@property='og:title' or @name='twitter:title']/@content | //title[not(ancestor::*[name()='svg'])]/text()"
)
_CANONICAL = "//link[@rel='canonical']/@href | //meta[@property='og:url']/@content"
_NAME_FITS = 0.8
_SEPARATORS = re.compile(r"\s[|–—·:•»«/-]+\s|\s?\|\s?")
_VISIBLE = "//body//text()[not(parent::script or parent::style or parent::template or parent::textarea)]"


class Subject:
    """One page's own links, identifiers and names; each is read when first asked for."""

    def __init__(self, page: Selector, url: str) -> None:
        self.page, self.url = page, url

    @cached_property
    def paths(self) -> frozenset[str]:
        """Paths of the page's URLs, lower case, without the closing slash and the front page's empty one."""
        written = [self.url, *self.page.xpath(_CANONICAL).getall()]
        return frozenset(p for w in written if (p := _path(w, self.url)))

    @cached_property
    def tokens(self) -> frozenset[str]:
        """Pieces of the URL's path and query that may be a handle or an identifier."""
        found: set[str] = set()
        for path in self.paths:
            last = path.rsplit("/", 1)[-1].rsplit(".", 1)[0] if "." in path[-6:] else path.rsplit("/", 1)[-1]
            found |= {last, *path.strip("/").split("/"), *re.split(r"[-_./,]", path)}
        found |= {value.lower() for _, value in parse_qsl(urlsplit(self.url).query)}
        return frozenset(found - {""})

    @cached_property
    def headings(self) -> list[frozenset[str]]:
        """Words of each heading of first rank, and of the parts of the titles."""
        found = [_words(" ".join(h.xpath(".//text()").getall())) for h in self.page.xpath("//h1")[:5]]
        for title in self.page.xpath(_TITLES).getall()[:5]:
            found += [_words(title), *[_words(part) for part in _SEPARATORS.split(title)[:2]]]
        return [words for words in found if words]

    @cached_property
    def heading(self) -> str | None:
        """Text of the first `h1`, as a name for state that has none."""
        texts = (" ".join(" ".join(h.xpath(".//text()").getall()).split()) for h in self.page.xpath("//h1")[:5])
        return next((t for t in texts if t), None)

    @cached_property
    def visible(self) -> str:
        """The page's text without its scripts; half a megabyte of it at most."""
        return " ".join(self.page.xpath(_VISIBLE).getall())[:500_000]

    def fit(self, names: Iterable[str], links: Iterable[Any], identifiers: Iterable[Any]) -> int:
        """0 to 9: own link 4, own identifier 2, own name 3 (exact) or 2 (nearly); another page's link forbids names."""
        linked, foreign = self._linked(links)
        named = self._named(names)
        known = any(len(i) >= 4 and i in self.tokens for i in (str(v).lower() for v in identifiers))
        if foreign and not linked and named < 3:
            named = 0
        return 4 * linked + 2 * known + named

    def _linked(self, links: Iterable[Any]) -> tuple[bool, bool]:
        """(one of them leads to this page, one leads to another page)"""
        own = foreign = False
        for link in links:
            if not isinstance(link, str) or not link.strip():
                continue
            if "/" in link and (path := _path(link, self.url)):
                hit = any(path == p or p.endswith("/" + path.strip("/")) for p in self.paths)
            else:
                hit = unquote(link).strip("/").lower() in self.tokens
            own, foreign = own or hit, foreign or not hit
        return own, foreign

    def _named(self, names: Iterable[str]) -> int:
        best = 0
        for words in (w for name in names if (w := _words(name))):
            for heading in self.headings:
                if words == heading:
                    return 3
                if len(words & heading) >= _NAME_FITS * len(words | heading):
                    best = 2
        return best

    def in_cents(self, amount: Any) -> bool:
        """Whether a whole number is shown on the page as a hundredth of itself, and not as itself."""
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 100:
            return False
        units, cents = divmod(amount, 100)
        grouped = f"{units:,}".replace(",", "[,.' \u00a0\u202f]?")
        as_cents = rf"(?<![\d.,]){grouped}[.,]{cents:02d}(?!\d)" + (
            rf"|(?<![\d.,]){grouped}(?![\d.,]\d|\d)" * (not cents)
        )
        whole = f"{amount:,}".replace(",", "[,.' \u00a0\u202f]?")
        return bool(re.search(as_cents, self.visible)) and not re.search(rf"(?<![\d.,]){whole}(?!\d)", self.visible)


def _path(link: str, url: str) -> str:
    try:
        return unquote(urlsplit(urljoin(url, link.strip())).path).rstrip("/").lower()
    except ValueError:
        return ""


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", name.lower()[:400]))
