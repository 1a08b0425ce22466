"""Links of a listing page: where products may be, and where the listing goes on.

In: a parsed page, its URL, the host, an optional path prefix, an optional site file. Out: (canonical URL, kind,
priority) triples; kind 'leaf' is read but not followed. Leaves out other hosts, files, carts and accounts, and
`rel=nofollow`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from parsel import Selector
from w3lib.url import canonicalize_url

from crawlers.site_config import SiteConfig

_NOISE = {
    "gclid",
    "fbclid",
    "msclkid",
    "mc_cid",
    "mc_eid",
    "ref",
    "sid",
    "phpsessid",
    "sessionid",
    "sort",
    "order",
    "view",
    "currency",
}
_NO_PAGE = re.compile(r"\.(jpe?g|png|gif|webp|avif|svg|ico|css|js|json|xml|pdf|zip|gz|mp4|webm|woff2?|txt)$", re.I)
_NO_SHOP = re.compile(
    r"/(cart|basket|checkout|account|login|register|wishlist|compare|search|admin|password|customer|cgi-bin)(/|$|\.|\?)",
    re.I,
)
_MAX_PARAMETERS = 3
NEXT, PRODUCT, OTHER = 20, 10, 0


def clean(url: str) -> str:
    """Canonical form: no fragment, sorted query, without what tracks, sorts or names a session."""
    parts = urlsplit(url)
    kept = [
        (k, v)
        for k, v in parse_qsl(parts.query, keep_blank_values=True)
        if k.lower() not in _NOISE and not k.lower().startswith("utm_")
    ]
    return str(canonicalize_url(parts._replace(query=urlencode(kept), fragment="").geturl()))


def find(
    page: Selector, url: str, *, only: str | None = None, site: SiteConfig | None = None
) -> Iterator[tuple[str, str, int]]:
    """Each URL once per call order; the caller's queue removes what it has seen."""
    base = urljoin(url, page.xpath("//base/@href").get() or "")
    if site and site.product_links:
        yield from _as(page.css(site.product_links), base, url, "leaf", PRODUCT)
        yield from _as(page.css(site.next_links) if site.next_links else [], base, url, "listing", NEXT)
        return
    yield from _as(
        page.xpath("//link[@rel='next'] | //a[contains(concat(' ', @rel, ' '), ' next ')]"), base, url, "listing", NEXT
    )
    pictured = page.xpath("//a[@href and (.//img or ancestor::*[self::li or self::article][1]//img)]")
    for address, _, priority in _as(pictured, base, url, "leaf", PRODUCT):
        yield address, "leaf" if only and not in_scope(address, only) else "listing", priority
    for address, kind, priority in _as(page.xpath("//a[@href]"), base, url, "listing", OTHER):
        if in_scope(address, only):
            yield address, kind, priority


def in_scope(url: str, only: str | None) -> bool:
    """True where no prefix is asked for, or the path has it."""
    return only is None or urlsplit(url).path.startswith("/" + only.strip("/"))


def _as(tags: object, base: str, url: str, kind: str, priority: int) -> Iterator[tuple[str, str, int]]:
    for tag in tags:  # type: ignore[attr-defined]
        href = (tag.attrib.get("href") or "").strip()
        if (
            "nofollow" in (tag.attrib.get("rel") or "")
            or not href
            or href.startswith(("#", "javascript:", "mailto:", "tel:", "data:"))
        ):
            continue
        address = _usable(urljoin(base, href), url)
        if address:
            yield address, kind, priority


def _usable(joined: str, url: str) -> str | None:
    try:
        address = clean(joined)
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.netloc != urlsplit(url).netloc:
        return None
    if (
        _NO_PAGE.search(parts.path)
        or _NO_SHOP.search(parts.path + "?")
        or len(parse_qsl(parts.query)) > _MAX_PARAMETERS
    ):
        return None
    return address
