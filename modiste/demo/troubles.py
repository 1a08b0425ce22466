"""Plants in a stock what every real shop has: a dead image, an image that is HTML, opt-outs by header, a
disallowed product.
"""

from __future__ import annotations

from dataclasses import replace

from modiste.demo.goods import Picture, Product


def plant(products: tuple[Product, ...]) -> tuple[Product, ...]:
    """Six or more products in, as many out: the second and third get the image troubles, the last but one and
    but two the page troubles.
    """
    shelf = list(products)
    first, second = shelf[1], shelf[2]
    shelf[1] = replace(first, images=(*first.images, Picture("", f"{first.name}, side", "missing")))
    opted_out = replace(second.images[-1], trouble="noai")
    waiting = Picture("", f"{second.name}, in preparation", "html")
    shelf[2] = replace(second, images=(*second.images[:-1], opted_out, waiting))
    shelf[-2] = replace(shelf[-2], trouble="noai")
    shelf[-3] = replace(shelf[-3], trouble="private")
    return tuple(shelf)
