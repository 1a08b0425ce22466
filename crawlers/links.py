"""Links of a listing page: where products may be, and where the listing goes on.

In: a parsed page, its URL, an optional path prefix, an optional site file. Out: (canonical URL, kind, priority), each
URL once; kind 'leaf' is read but not followed. Leaves out other hosts, files, carts and accounts, `rel=nofollow`,
other languages of this page, and what only a form can choose. A link's words may hasten it, never exclude it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from parsel import Selector

from crawlers import urls
from crawlers.site_config import SiteConfig
from crawlers.urls import clean as clean  # what every URL in the queue has been through

Found = tuple[str, str, int]  # (canonical URL, kind, priority)
NEXT, PRODUCT, MENU, OTHER, LATER = 20, 10, 5, 0, -20
_LATER_WORDS = re.compile(
    r"(?<![a-z])(blogs?|news|magazin|journal|article|story|stories|about|contact|help|faq|support|privacy|datenschutz|terms|agb"
    r"|impressum|legal|policy|policies|shipping|returns|careers|jobs|press|store-?locator|gift-?card|newsletter"
    r"|events?|calendar|author|feed)(?![a-z])",
    re.I,
)
_NEXT_WORDS = re.compile(
    r"\s*(next( page)?|(load|show|view|see) more.*|more products|older|weiter|nächste( seite)?|mehr (laden|anzeigen).*"
    r"|suivante?|page suivante|voir plus|siguiente|ver más|cargar más|successiv[ao]|avanti|carica altri|volgende"
    r"|meer laden|próxim[ao]|seguinte|następna|dalej|nästa|næste|neste|další|sonraki|[›»→>]{1,2})\s*[›»→>]*\s*",
    re.I,
)
_MORE_DATA = ("data-next-url", "data-next-page-url", "data-next", "data-load-more-url", "data-next-page", "data-url",
              "data-href", "data-ajax-url", "hx-get")  # fmt: skip
_MORE_XPATH = f"//*[{' or '.join(f'@{name}' for name in _MORE_DATA)}]"
_MORE_CLASS = re.compile(r"more|next|pagin|infinite|load", re.I)
_MENU_XPATH = (
    "//nav//a | //header//a | //*[@role='navigation']//a | //*[contains(@class,'menu') or contains(@id,'menu')"
    " or contains(@class,'categor') or contains(@id,'categor')]//a"
)
_TILE_LINKS = 6  # the nearest element around a picture that holds more links than this is no product's tile
_SKIPPED = ("#", "javascript:", "mailto:", "tel:", "data:", "whatsapp:", "sms:")


def find(page: Selector, url: str, *, only: str | None = None, site: SiteConfig | None = None) -> Iterator[Found]:
    """Where listings go on first, then pictured links, menus, and the rest, each in the page's order."""
    base = urljoin(url, page.xpath("//base/@href").get() or "")
    if site and site.product_links:
        following = page.css(site.next_links) if site.next_links else []
        yield from _chosen(following, base, "listing", NEXT)
        yield from _chosen(page.css(site.product_links), base, "leaf", PRODUCT)
        return
    best: dict[str, int] = {}
    for address, priority in _all(page.root, base, url):
        if priority > best.get(address, LATER - 1):
            best[address] = priority
    for address, priority in sorted(best.items(), key=lambda found: -found[1]):
        inside = in_scope(address, only)
        if inside or priority >= PRODUCT:
            yield address, "listing" if inside or priority == NEXT else "leaf", priority


def in_scope(url: str, only: str | None) -> bool:
    """True where no prefix is asked for, or the path has it."""
    return only is None or urlsplit(url).path.startswith("/" + only.strip("/"))


@lru_cache(maxsize=65_536)
def is_later(url: str) -> bool:
    """True where the path speaks of something else than goods: asked last, never left out for that."""
    return bool(_LATER_WORDS.search(url, url.find("/", 8)))


def _chosen(tags: Iterable[Selector], base: str, kind: str, priority: int) -> Iterator[Found]:
    seen: dict[str, None] = {}
    for tag in tags:
        if address := _address(tag.root, base):
            seen[address] = None
    yield from ((address, kind, priority) for address in seen)


def _all(root: Any, base: str, url: str) -> Iterator[tuple[str, int]]:
    """(URL, priority) of every link, as often as it is there."""
    own = urls.listing_of(urls.clean(url))
    foreign = _other_languages(root, base)
    pictured, menu = _pictured(root), set(root.xpath(_MENU_XPATH))
    for tag in root.iter("a", "link", "option"):
        href = tag.get("value") if tag.tag == "option" else tag.get("href")
        if not href or (tag.tag == "link" and "next" not in (tag.get("rel") or "").split()):
            continue
        address = _address(tag, base, href)
        if address is None or (foreign and address.startswith(foreign)):
            continue
        if tag.tag != "option":
            yield address, _priority(tag, address, own, pictured, menu)
        elif _goes_on(address, own):  # other choices of a form are facets
            yield address, NEXT
    yield from ((address, NEXT) for address in _load_more(root, base, own))


def _priority(tag: Any, address: str, own: str, pictured: set[Any], menu: set[Any]) -> int:
    if "next" in (tag.get("rel") or "").split() or _goes_on(address, own) or _is_next(tag, address, own):
        return NEXT
    if tag in pictured:
        return PRODUCT
    if is_later(address):
        return LATER
    return MENU if tag in menu else OTHER


def _goes_on(address: str, own: str) -> bool:
    """The same listing, at another page number or offset."""
    return urls.numbered(address) is not None and urls.listing_of(address) == own


def _is_next(tag: Any, address: str, own: str) -> bool:
    """A link that says 'next' in words, and stays in this listing's part of the shop (a gallery's arrow does not)."""
    words = tag.get("aria-label") or tag.text or ""
    return (
        len(words) < 40 and bool(_NEXT_WORDS.fullmatch(words)) and address.split("?")[0].startswith(own.split("?")[0])
    )


def _load_more(root: Any, base: str, own: str) -> Iterator[str]:
    """Addresses that buttons and loaders keep in data attributes."""
    for tag in root.xpath(_MORE_XPATH):
        says_more = bool(_MORE_CLASS.search(f"{tag.get('class') or ''} {tag.get('id') or ''}"))
        for name in (n for n in _MORE_DATA if tag.get(n)):
            value = tag.get(name).strip()
            address = _address(tag, base, value) if re.match(r"[/?.]|https?:", value) else None
            if address and (_goes_on(address, own) or ("next" in name or says_more)):
                yield address


def _address(tag: Any, base: str, href: str | None = None) -> str | None:
    href = (href if href is not None else tag.get("href") or "").strip()
    if not href or "nofollow" in (tag.get("rel") or "") or href.lower().startswith(_SKIPPED):
        return None
    return urls.page_link(href, base)


def _pictured(root: Any) -> set[Any]:
    """Links of a tile: around a picture, or in the nearest element around both where that holds few links."""
    found: set[Any] = set()
    for picture in root.iter("img", "picture"):
        around = picture.getparent()
        for _ in range(6):
            if around is None or around.tag == "body":
                break
            inside = [around] if around.tag == "a" else around.findall(".//a")
            if inside:
                found.update(inside if len(inside) <= _TILE_LINKS else ())
                if around.tag != "a" or len(inside) > _TILE_LINKS:
                    break
            around = around.getparent()
    return found


def _other_languages(root: Any, base: str) -> tuple[str, ...]:
    """Beginnings of URLs that hold this shop in another language than the page's: what `hreflang` says, no guess."""
    own = (root.get("lang") or "").lower()[:2]
    own_url = base.split("?")[0]
    found = set()
    for tag in root.xpath("//*[self::link or self::a][@hreflang and @href]") if own else ():
        language, address = tag.get("hreflang").lower()[:2], urljoin(base, tag.get("href"))
        prefix = re.match(r"https?://[^/]+/([a-z]{2}([-_][a-zA-Z]{2,4})?)(/|$)", address)
        if language not in (own, "x-") and prefix and prefix[1][:2].lower() == language:
            found.add(prefix[0].rstrip("/") + "/")
    return tuple(sorted(p for p in found if not own_url.startswith(p)))
