"""A product's pictures: each once, in the gallery's order, in the largest rendition the page names.

In: a parsed page, the URLs its markup names, the page's URL, where known the product's own block. Out: absolute
http(s) URLs. Never asks the network, so two renditions are one picture when one element names both, or when their
URLs differ only in what CDNs use for size and format. Logos, swatches, badges and the tiles of other products don't
come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from parsel import Selector

from crawlers.extract import gallery, image_urls, state_magento
from crawlers.extract.pictures import Pictures, Rendition, is_photo

_MAX_NAMED = 500


def gather(
    page: Selector, named: Iterable[Any], url: str, selector: str | None = None, *, block: Selector | None = None
) -> list[str]:
    """`named` as markup has it: strings, objects, lists, nulls. `selector` (CSS) or `block` bound the gallery read.

    The gallery's order holds where it has every named picture, else the named ones come first in their own order.
    """
    base = urljoin(url, str(page.root.xpath("string(//base/@href)")).strip())
    pictures = Pictures(base)
    for written in islice(_flat(named), _MAX_NAMED):
        pictures.add([Rendition(written)], is_named=True)
    found = [[Rendition(full, 0, True)] for full in state_magento.gallery(page)]
    found += gallery.groups(page, base, selector, block, [best.url for best in pictures.best])
    order = [number for group in found if (number := pictures.add(group)) is not None]
    pictures.enlarge(gallery.elsewhere(page, pictures.stems()))
    return pictures.urls(list(dict.fromkeys(order)))


def gather_named(named: Any, base: str) -> bool:
    """Whether what markup names holds a URL that may be a photograph."""
    urls = (image_urls.absolute(written, base) for written in islice(_flat(named), _MAX_NAMED))
    return any(url and is_photo(url) for url in urls)


def _flat(named: Any, depth: int = 0) -> Iterator[str]:
    if depth > 12:
        return
    if isinstance(named, str):
        yield named
    elif isinstance(named, dict):
        keys = ("contentUrl", "contenturl", "url", "@id", "src", "@value", "thumbnailUrl")
        yield from _flat(next((named[k] for k in keys if named.get(k)), None), depth + 1)
    elif isinstance(named, Iterable):
        for item in named:
            yield from _flat(item, depth + 1)
