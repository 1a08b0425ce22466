"""Licences that a page states for its images: ImageObject markup (`license`, `acquireLicensePage`, `creditText`,
`copyrightNotice`), `<link rel=license>`, `<a rel=license>`.

In: a parsed page, its URL, image URLs. Out: a `Licence` for an image, and by the workspace's policy the reason that
refuses it. `any` asks for none; `stated` asks for a licence; `free` for the public domain, CC0 or CC BY. An offer to
buy one (`acquireLicensePage`) is evidence, not a licence. Never fetches the licence's own page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from parsel import Selector

from crawlers.extract import fields, jsonld
from crawlers.optout import OptOut

# CC BY-SA, -NC and -ND ask for more than naming the maker, so they are not among them.
_FREE = re.compile(
    r"creativecommons\.org/(publicdomain/(zero|mark)|licenses/by/|licenses/publicdomain)"
    r"|^cc0\b|^cc[ -]by([ -]\d(\.\d)?)?$|^public domain|rightsstatements\.org/(vocab|page)/NoC-US",
    re.I,
)
_MAX_DEPTH = 8


@dataclass(frozen=True)
class Licence:
    """`url` is the licence's URL or name, `acquire` where one can be had; `where` says which markup stated it."""

    url: str | None
    acquire: str | None = None
    credit: str | None = None
    copyright: str | None = None
    where: str = ""

    @property
    def is_free(self) -> bool:
        return bool(self.url and _FREE.search(self.url.strip()))

    def words(self) -> str:
        said = {"license": self.url, "acquireLicensePage": self.acquire, "creditText": self.credit,
                "copyrightNotice": self.copyright}  # fmt: skip
        return f"{self.where}: " + ", ".join(f"{name} {value}" for name, value in said.items() if value)


@dataclass(frozen=True)
class PageLicences:
    """`page` holds for every image that markup of its own doesn't name; `images` by image URL."""

    page: Licence | None = None
    images: dict[str, Licence] = field(default_factory=dict)

    def of(self, image: str) -> Licence | None:
        """By URL, else by file name (renditions differ in size parameters), else the page's."""
        if image in self.images:
            return self.images[image]
        name = _file(image)
        return next((found for url, found in self.images.items() if _file(url) == name), self.page)


def of_page(page: Selector, url: str) -> PageLicences:
    images: dict[str, Licence] = {}
    for node in _image_objects(jsonld.nodes(page), 0):
        licence = _of_node(node, url)
        for name in ("contentUrl", "url", "@id"):
            if licence and (address := fields.text(node.get(name))) and not address.startswith("#"):
                images.setdefault(_absolute(url, address), licence)
    return PageLicences(_of_links(page, url), images)


def mentioned(body: bytes, page: Selector | None, url: str) -> PageLicences:
    """`of_page`, at no cost where the page's bytes don't hold the word; an API's answer (no page) states none."""
    return of_page(page, url) if page is not None and b"icense" in body else PageLicences()


def stated(found: PageLicences, images: Iterable[str]) -> str | None:
    """For `products.licence`: the licence of the first image that has one, else where one can be had."""
    licences = [licence for image in images if (licence := found.of(image))]
    given = next((licence.url for licence in licences if licence.url), None)
    return given or next((licence.acquire for licence in licences if licence.acquire), None)


def refusal(found: PageLicences, images: Iterable[str], policy: str) -> OptOut | None:
    """Why `policy` ('any', 'stated', 'free') keeps these images out: the first without a licence refuses them all,
    since one page's images are one shoot.
    """
    for image in images if policy != "any" else ():
        licence = found.of(image)
        said = licence.words() if licence else "no licence markup"
        if licence is None or not licence.url:
            return OptOut("licence_missing", f"licences: {policy}; {image}: {said}")
        if policy == "free" and not licence.is_free:
            return OptOut("licence_not_free", f"licences: free; {image}: {said}")
    return None


def _of_links(page: Selector, url: str) -> Licence | None:
    for tag in page.xpath("//link[@rel and @href] | //a[@rel and @href]"):
        is_terms = "rsl+xml" in (tag.root.get("type") or "")  # robots.txt's business: crawlers.rsl
        if "license" in tag.root.get("rel").lower().split() and not is_terms and tag.root.get("href").strip():
            return Licence(_absolute(url, tag.root.get("href")), where=f"<{tag.root.tag} rel=license>")
    return None


def _of_node(node: jsonld.Node, url: str) -> Licence | None:
    licence, acquire, credit, notice = (
        _said(node.get(name)) for name in ("license", "acquireLicensePage", "creditText", "copyrightNotice")
    )
    if not (licence or acquire or credit or notice):
        return None
    at = [_absolute(url, value) if value and "/" in value else value for value in (licence, acquire)]
    return Licence(at[0], at[1], credit, notice, "ImageObject")


def _said(value: Any) -> str | None:
    """Text of a value that may be a node (`{"@id": …}`, a CreativeWork) or a list."""
    if isinstance(value, list):
        value = next(iter(value), None)
    if isinstance(value, dict):
        value = value.get("url") or value.get("@id") or value.get("name")
    return fields.text(value)


def _image_objects(value: Any, depth: int) -> Iterator[jsonld.Node]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        if "imageobject" in jsonld.types(value):
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _image_objects(item, depth + 1)


def _absolute(url: str, address: str) -> str:
    try:
        return urljoin(url, address.strip())
    except ValueError:
        return address


def _file(url: str) -> str:
    try:
        return urlsplit(url).path.rsplit("/", 1)[-1].lower()
    except ValueError:
        return url
