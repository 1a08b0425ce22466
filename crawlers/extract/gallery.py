"""Where a page shows its product: the elements of the gallery, each with the renditions it names.

In: a parsed page, its base URL, where known a selector or the product's block. Out: groups of `Rendition`, one a
picture, in document order. Found by the names shops give galleries; where no name tells, by what a gallery is:
large pictures beside the heading that lead nowhere else. Pictures that link to other pages are tiles, whatever
their class says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree
from parsel import Selector

from crawlers.extract import image_urls
from crawlers.extract.pictures import Rendition, is_photo

_ELSEWHERE = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|icons?|logos?|flags?|badges?|social|footer|look|looks|promos?|comments?|lang|languages?|"
    r"currency|cookies?|trust|delivery|minicart|newsletter|stars?|usp|brands?-?logo)(?=$|[\s_-])"
    r"|related|recommend|up-?sell|cross-?sell|also[-_]?(?:bought|like|viewed)|similar|recent(?:ly)?[-_]?view|swatch|"
    r"payment|(?<![a-z])review|rating|testimonial|avatar|breadcrumb|mini-?cart|instagram|size-?(?:guide|chart)|accessor|"
    r"colou?r-?(?:option|picker|select|list)|variant-?(?:option|picker)|other-?products|products-?(?:grid|list)|"
    r"complete-the|bestsell|best-sell|you-may|product-?(?:card|tile|grid|list|miniature)",
    re.I,
)
# Usually no place for the product either, but some themes put its gallery there: a gallery inside still counts.
_ASIDE = re.compile(
    r"(?:^|[\s_-])(?:sidebar|header|menu|banners?|share|blog|posts?|tiles?|authors?|cart|basket|shipping|bundles?)"
    r"(?=$|[\s_-])",
    re.I,
)
_GALLERY = re.compile(
    r"galler|carousel-?(?:product|image)|product[-_]{0,2}(?:detail)?[-_]{0,2}(?:image|img|media|photo|pic|slider|carousel|"
    r"thumb|cover|view-?image|single__(?:photo|media|image))|(?:^|[\s_-])(?:pdp|item|main|big|hero|zoom|large)[-_]?"
    r"(?:image|img|media|photo|pic)|image[-_]?(?:viewer|zoom|container|wrapper|block|main|view)|images-container|"
    r"more-?views|fotorama|thickbox|mfp-|pretty-?photo|colorbox|highslide|shadowbox|product-images|detail[-_]ima?ge?s?|"
    r"img-select|cloud-?zoom|jqzoom|lightbox|fancybox|thumbnails|thumbnail[-_]?ima?ge?|pb-left|mainimage|product__photo",
    re.I,
)
# Sliders repeat their last picture before the first; strips repeat all pictures small, sometimes under other names.
_CLONE = re.compile(r"slick-cloned|slide-duplicate|(?:^|[\s_-])cloned?(?=$|[\s_-])|glide__slide--clone|owl-item cloned")
_STRIP = re.compile(r"indicators|(?<!img-)(?<!has-post-)thumb(?:nail)?s?(?![a-z])|pager|miniatures", re.I)
_CLOSER = re.compile(r"popup|zoom|enlarge|large|photo|picture|image|javascript|detail_img", re.I)
_ZOOMED = re.compile(r"zoom|large|full|original|hi-?res|big|xl|popup|magnif|super|retina|master", re.I)
_SETS = ("srcset", "data-srcset", "data-lazy-srcset", "data-lazysrcset", "imagesrcset")
_BACKGROUND = re.compile(r"url\(\s*['\"]?([^'\")]{5,1000})")
_SHOWN = (
    ".//img | .//@style[contains(., 'url(')]/.. | .//@data-zoom-image/.. | .//@data-src/.. | .//@data-bg/.."
    " | .//amp-img"
)
_HREFS = etree.XPath(".//a/@href", smart_strings=False)
_PLAIN = etree.XPath(_SHOWN)
_LINKED = etree.XPath(_SHOWN + " | .//a[@href]")
_LISTS = ("data-images", "data-gallery", "data-gallery-images")
_LISTING = etree.XPath(" | ".join(f".//@{name}[starts-with(., '[')]/.." for name in _LISTS))
_MAX_LISTED = 100
_LARGER = ("srcset", "data-srcset", "imagesrcset", "data-zoom-image", "data-large_image")
_SOURCES = {"data-src", "data-zoom-image", "data-large_image", "data-lazy", "data-original", "data-full"}  # URLs only
_MAX_ELEMENTS = 1_500
_MAX_CLIMB = 8
_BIG_PX = 150
_NEVER = {"source", "link", "script", "iframe", "video", "audio", "embed", "body"}
_ENDINGS = {"jpg", "jpeg", "png", "gif", "webp"}


def groups(
    page: Selector, base: str, selector: str | None, block: Selector | None, named: Iterable[str]
) -> list[list[Rendition]]:
    """One group a picture. `named`: the markup's URLs; with some, unnamed galleries give only their like."""
    if selector:
        return [_with_link(tag.root) for tag in page.css(selector)]
    surroundings = _Surroundings(page, base)
    scope = block.root if block is not None else page.root
    tags = _tags(scope)
    for tag in islice(_LISTING(scope), 3):
        if not surroundings.is_elsewhere(tag) and len(listed := _listed(tag)) > 1:
            return listed
    known = [tag for tag in tags if surroundings.is_gallery(tag)]
    if known:
        known = [tag for tag in tags if surroundings.is_gallery(tag) or surroundings.is_thumb_link(tag)]
        found = [
            (surroundings.is_strip(tag) and not any(r.zoom for r in group), group)
            for tag in known
            if (group := _with_link(tag))
        ]
        return _without_strip(found, base)
    return _unnamed(page, tags, block is not None, surroundings, list(named))


def _listed(tag: Any) -> list[list[Rendition]]:
    """The pictures of a list in an attribute, which a script lays out as the gallery: URLs, or objects with some."""
    try:
        members = json.loads(next(tag.get(n) for n in _LISTS if tag.get(n)))
    except (ValueError, RecursionError):
        return []
    found = []
    for member in members[:_MAX_LISTED] if isinstance(members, list) else []:
        urls = member.items() if isinstance(member, dict) else [("src", member)]
        found.append([Rendition(u, 0, bool(_ZOOMED.search(n))) for n, u in urls if isinstance(u, str) and _is_file(u)])
    return [group for group in found if group]


def _is_file(url: str) -> bool:
    return _looks_like_picture(url) or (url.startswith("/") and bool(image_urls.PICTURE.search(url)))


def _without_strip(found: list[tuple[bool, list[Rendition]]], base: str) -> list[list[Rendition]]:
    """A strip of as many pictures as the gallery has, all under other names, shows the same pictures small."""
    main, strip = (
        {image_urls.identity(u) for is_strip, group in found if is_strip == kind for r in group[:1]
         if (u := image_urls.absolute(r.url, base))}
        for kind in (False, True)
    )  # fmt: skip
    doubled = len(main) == len(strip) and not main & strip
    return [group for is_strip, group in found if not (is_strip and doubled)]


def elsewhere(page: Selector, stems: set[str]) -> Iterator[list[Rendition]]:
    """Groups of any element whose attributes hold the name of a picture already known."""
    if not stems:
        return
    any_stem = re.compile("|".join(re.escape(stem) for stem in sorted(stems)[:200]), re.I)
    for tag in islice(page.root.iter("img", "source", "link"), _MAX_ELEMENTS):
        if any(name in tag.attrib for name in _LARGER) and any(
            any_stem.search(str(value)) for value in tag.attrib.values()
        ):
            yield renditions(tag)


def _tags(scope: Any) -> list[Any]:
    """What may show a picture, in document order: links only where they lead to one, no scripts, no films.

    Links are looked at one by one only where the text of them all names a picture: most pages have hundreds, none such.
    """
    find = _LINKED if image_urls.PICTURE.search("\n".join(_HREFS(scope)) + "\n") else _PLAIN
    kept = [t for t in find(scope) if isinstance(t.tag, str) and t.tag not in _NEVER]
    return [t for t in kept if t.tag != "a" or _leads_to_picture(t)][:_MAX_ELEMENTS]


def _leads_to_picture(link: Any) -> bool:
    path = (link.get("href") or "").split("?", 1)[0]
    if "." not in path or path.lower().endswith((".html", ".htm", ".php")):
        return False
    return bool(image_urls.PICTURE.search(path))


def renditions(tag: Any) -> list[Rendition]:
    """Every rendition an element names: sets of sources, data attributes, `src`, a background, a link to a picture."""
    found: list[Rendition] = []
    for name, value in tag.attrib.items():
        if name in _SETS:
            found += [Rendition(url, width) for url, width in image_urls.srcset(value)]
        elif name in ("src", "href") or (
            name.startswith(("data-", "zoom", "jqimg"))
            and (_looks_like_picture(value) or (name in _SOURCES and value.startswith("/")))
        ):
            zoom = (name == "href" and tag.tag == "a") or bool(_ZOOMED.search(name))
            found.append(Rendition(value, 0, zoom))
        elif name == "style" and (background := _BACKGROUND.search(value)):
            found.append(Rendition(background[1]))
    parent = tag.getparent()
    if parent is not None and parent.tag == "picture" and tag.tag != "source":
        for source in parent.iterchildren("source"):
            found += renditions(source)
    return found


def _looks_like_picture(value: str) -> bool:
    return len(value) < 2_000 and not value.startswith(("{", "[", "data:", "#")) and (
        bool(image_urls.PICTURE.search(value)) or value.startswith(("http", "//"))
    )  # fmt: skip


def _with_link(tag: Any) -> list[Rendition]:
    """An element's renditions with those of the link to a picture around it: together one picture."""
    found = renditions(tag)
    if tag.tag != "a":
        for ancestor in _nearest(tag, 4):
            is_link = ancestor.tag == "a"
            if (is_link and _leads_to_picture(ancestor)) or (not is_link and len(ancestor) == 1):
                found += renditions(ancestor)
            if is_link or len(ancestor) > 3:
                break
    return found


def _nearest(tag: Any, steps: int) -> Iterator[Any]:
    for number, ancestor in enumerate(tag.iterancestors()):
        if number >= steps:
            return
        yield ancestor


@lru_cache(maxsize=8_192)
def _meaning(words: str, is_picture: bool) -> str:
    """What class names and ids say of the place they stand for."""
    if not words.strip():
        return ""
    if _CLONE.search(words) or (_ELSEWHERE.search(words) and not (is_picture and _GALLERY.search(words))):
        return "elsewhere"
    if _GALLERY.search(words):
        return "gallery"
    return "aside" if _ASIDE.search(words) else ""


class _Surroundings:
    """What stands around an element; each ancestor is judged once."""

    def __init__(self, page: Selector, base: str) -> None:
        self.base, self.path = base, urlsplit(base).path.rstrip("/")
        self.around_heading = {a for heading in page.root.iter("h1") for a in heading.iterancestors()}
        self.known: dict[Any, str] = {}

    def is_gallery(self, tag: Any) -> bool:
        return self.verdict(tag) == "gallery" or (tag.get("itemprop") == "image" and not self.is_elsewhere(tag))

    def is_strip(self, tag: Any) -> bool:
        return any(_STRIP.search(f"{e.get('class') or ''} {e.get('id') or ''}") for e in (tag, *_nearest(tag, 4)))

    def is_thumb_link(self, tag: Any) -> bool:
        """Whether it leads from a strip of small pictures beside a gallery to a large one."""
        return tag.tag == "a" and self.is_strip(tag) and not self.is_elsewhere(tag)

    def is_elsewhere(self, tag: Any) -> bool:
        return self.verdict(tag) in ("elsewhere", "aside")

    def verdict(self, tag: Any) -> str:
        """`elsewhere` if anything around it is no place for the product, else the innermost word on it."""
        chain, found = [], ""
        for element in (tag, *tag.iterancestors()):
            if element in self.known:
                found = self.known[element]
                break
            chain.append(element)
        for element in reversed(chain):
            own = self._own(element)
            found = own if own and found != "elsewhere" else found
            self.known[element] = found
        return found

    def _own(self, element: Any) -> str:
        """What an element says itself. One that holds the heading is the page's frame, whatever its classes."""
        if (
            element in self.around_heading
            or element.tag in ("html", "body", "main")
            or not isinstance(element.tag, str)
        ):
            return ""
        if element.tag in ("nav", "footer", "header"):
            return "elsewhere"
        if element.tag == "a" and self._is_tile(element):
            return "elsewhere"
        words = f"{element.get('class') or ''} {element.get('id') or ''}"
        if element.tag == "a":
            words += f" {element.get('rel') or ''}"
        return _meaning(words, element.tag in ("img", "a"))

    def _is_tile(self, link: Any) -> bool:
        """Whether it leads to another page: not to a picture, a place on this page or a closer look."""
        href = (link.get("href") or "").strip()
        if not href or href[0] in "#?" or _leads_to_picture(link) or _CLOSER.search(href):
            return False
        if href[0] == "/" and href[1:2] != "/" and ".." not in href:
            return href.split("#", 1)[0].split("?", 1)[0].rstrip("/") != self.path
        try:
            return urlsplit(urljoin(self.base, href)).path.rstrip("/") != self.path
        except ValueError:
            return True


def _unnamed(
    page: Selector, tags: list[Any], in_block: bool, surroundings: _Surroundings, named: list[str]
) -> list[list[Rendition]]:
    """Large pictures in the block, or in the nearest element around the heading that has any."""
    heading = next(iter(page.root.iter("h1")), None)
    words = _words(" ".join(heading.itertext()) if heading is not None else "")
    words |= _words(str(page.root.xpath("string(//title)")))
    big = [t for t in tags if not surroundings.is_elsewhere(t) and _is_big(t, words, surroundings.base)]
    if named:
        folders = {urlsplit(url).path.rsplit("/", 1)[0] for url in named}
        big = [t for t in big if _is_like(t, folders, words, surroundings.base)]
    if heading is not None and not in_block:
        big = _around(heading, big)
    elif not in_block and not named:
        big = [t for t in big if t.tag == "a" or words & _said(t, surroundings.base)]
    return [found for tag in big if (found := _with_link(tag))]


def _around(heading: Any, tags: list[Any]) -> list[Any]:
    """Those inside the innermost element around the heading that holds any of them."""
    lineages = [(tag, set(tag.iterancestors())) for tag in tags]
    for ancestor in _nearest(heading, _MAX_CLIMB):
        if inside := [tag for tag, lineage in lineages if ancestor in lineage]:
            return inside
    return []


def _said(tag: Any, base: str) -> set[str]:
    """Words of an element's text for those who can't see, and of the names of its files."""
    names = [u.rsplit("/", 1)[-1] for r in renditions(tag) if (u := image_urls.absolute(r.url, base))]
    return _words(f"{tag.get('alt') or ''} {tag.get('title') or ''} {' '.join(names)}") - {
        "jpg",
        "jpeg",
        "png",
        "gif",
        "webp",
    }


def _is_big(tag: Any, words: set[str], base: str) -> bool:
    """A photograph by its ending or its text, not shown small; else it must speak of the product."""
    found = [(r, u) for r in renditions(tag) if (u := image_urls.absolute(r.url, base)) and is_photo(u)]
    if not found:
        return False
    shown = [int(m[0]) for name in ("width", "height") if (m := re.match(r"\d{1,5}(?!\d*%)", tag.get(name) or ""))]
    if shown and max(shown) < _BIG_PX:
        return False
    speaks = bool(words & _said(tag, base))
    stated = max(r.width or image_urls.stated_width(u) for r, u in found)
    if stated < _BIG_PX:
        return False
    photo = any(re.search(r"\.(jpe?g|webp|avif)(?=$|\?)", u, re.I) for _, u in found)
    return speaks or (photo and (tag.tag == "a" or bool(shown) or stated != image_urls.UNSTATED or not tag.get("alt")))


def _is_like(tag: Any, folders: set[str], words: set[str], base: str) -> bool:
    """In a folder that markup's pictures are in, or described by at least half of the product's words."""
    urls = [u for r in renditions(tag) if (u := image_urls.absolute(r.url, base))]
    said = _words(tag.get("alt") or "")
    return any(urlsplit(u).path.rsplit("/", 1)[0] in folders for u in urls) or 2 * len(words & said) >= len(words) > 0


def _words(written: str) -> set[str]:
    return set(re.findall(r"[^\W_]{3,}", written.lower()))
