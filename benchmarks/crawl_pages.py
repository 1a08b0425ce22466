"""The pages of the store that the crawl benchmark is run against: an invented clothing shop, written, not copied.

In: how many products and images. Out: path -> text of every page, the sitemap and robots.txt, and the image paths.
Product pages are 30 to 60 kB as a themed shop's are: style sheet and settings inline, a menu, JSON-LD, Open Graph, a
gallery with renditions, reviews, tiles of other products. The same numbers give the same bytes. Never draws an image.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from html import escape

IMAGES_OF_850 = 2_531  # the size of the store that the project's first figures were measured on
PER_LISTING = 43
KINDS = ("dress", "skirt", "coat", "blouse", "trousers", "cardigan", "jumpsuit", "blazer")
CLOTHS = ("linen", "cotton", "wool", "viscose", "denim", "silk", "jersey", "velvet")
NAMES = ("Marlow", "Ashby", "Corvane", "Elstow", "Fenwick", "Halden", "Ibsley", "Juno", "Kelby", "Lorne")
COLOURS = ("black", "ivory", "navy", "rust", "sage", "sand", "plum", "sky")
_TEXT = (
    "soft light woven fabric falls straight from the shoulder with a concealed zip at the side seam and a lined waist "
    "cut for summer evenings washed cold dried flat it keeps its shape after many wears the hem is finished by hand"
)
WORDS = _TEXT.split()


@dataclass(frozen=True)
class Goods:
    """One product: its number, texts, and the paths of its pictures in the gallery's order."""

    number: int
    kind: str
    name: str
    colour: str
    price: str
    images: list[str]

    @property
    def path(self) -> str:
        return f"/products/{self.name.lower().replace(' ', '-')}-{self.number}"


def catalogue(products: int, images: int) -> list[Goods]:
    """`products` goods that share `images` pictures as evenly as whole numbers allow."""
    return [_goods(n, range(n * images // products, (n + 1) * images // products)) for n in range(products)]


def _goods(number: int, pictures: range) -> Goods:
    draw = random.Random(number)
    kind = draw.choice(KINDS)
    name = f"{draw.choice(NAMES)} {draw.choice(CLOTHS)} {kind}"
    paths = [f"/media/catalogue/{p % 97:02d}/{p:06d}.jpg" for p in pictures]
    return Goods(
        number, kind, name, draw.choice(COLOURS), f"{draw.randint(19, 240)}.{draw.choice(('00', '95'))}", paths
    )


def write_pages(goods: list[Goods], url: str) -> dict[str, str]:
    """Path -> HTML: the front page, the listings, the products. `url` is the store's address without a slash."""
    listings = [goods[i : i + PER_LISTING] for i in range(0, len(goods), PER_LISTING)]
    menu = _menu(len(listings))
    pages = {"/": _page("The wardrobe", menu, "<h1>New in</h1>" + _tiles(goods[:12]))}
    for number, part in enumerate(listings):
        pages[listing_path(number)] = _page(f"Collection {number + 1}", menu, "<h1>Collection</h1>" + _tiles(part))
    pages |= {each.path: _product(each, goods, menu, url) for each in goods}
    return pages


def listing_path(number: int) -> str:
    return f"/collections/season-{number + 1}"


def sitemap(paths: list[str], url: str) -> str:
    rows = "".join(f"<url><loc>{url}{path}</loc><lastmod>2026-03-01</lastmod></url>\n" for path in paths)
    return f'<?xml version="1.0"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>'


def robots(url: str) -> str:
    closed = ("/cart", "/checkout", "/account", "/search", "/*?sort=")
    return "User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in closed) + f"Sitemap: {url}/sitemap.xml\n"


def _product(goods: Goods, others: list[Goods], menu: str, url: str) -> str:
    draw = random.Random(goods.number + 1)
    text = " ".join(draw.choices(WORDS, k=120))
    recommended = _tiles(draw.sample(others, min(8, len(others))))
    body = (
        f'<nav class="breadcrumb"><a href="/">Home</a> / <a href="{listing_path(0)}">All</a> / {goods.kind}</nav>'
        f'<div class="product__media gallery">{_gallery(goods)}</div><div class="product__info"><h1>{goods.name}</h1>'
        f'<span class="price">€{goods.price}</span><fieldset><legend>Size</legend>{_sizes(draw)}</fieldset>'
        f'<button class="add-to-cart">Add to bag</button><div class="description"><p>{text}</p></div></div>'
        f'<section class="reviews">{_reviews(draw)}</section>'
        f'<section class="recommended"><h2>You may also like</h2>{recommended}</section>'
    )
    head = (
        f'<link rel="canonical" href="{url}{goods.path}"><meta property="og:type" content="product">'
        f'<meta property="og:title" content="{goods.name}"><meta property="og:url" content="{url}{goods.path}">'
        f'<script type="application/ld+json">{json.dumps(_markup(goods, text, url))}</script>'
    )
    return _page(goods.name, menu, body, head)


def _markup(goods: Goods, text: str, url: str) -> dict[str, object]:
    stock = "InStock" if goods.number % 7 else "OutOfStock"
    offer = {
        "@type": "Offer", "price": goods.price, "priceCurrency": "EUR", "availability": f"https://schema.org/{stock}",
        "url": url + goods.path,
    }  # fmt: skip
    return {
        "@context": "https://schema.org", "@type": "Product", "name": goods.name, "sku": f"MW-{goods.number:05d}",
        "brand": {"@type": "Brand", "name": goods.name.split()[0]}, "color": goods.colour, "description": text,
        "image": [url + path for path in goods.images], "offers": offer,
    }  # fmt: skip


def _gallery(goods: Goods) -> str:
    """Each picture as a link to the original around a small rendition, as zoom galleries have it."""
    return "".join(
        f'<a class="gallery__item" href="{path}"><img src="{path}?width=400" alt="{goods.name} in {goods.colour}" '
        f'srcset="{path}?width=400 400w, {path}?width=800 800w, {path} 1200w" loading="lazy"></a>'
        for path in goods.images
    )


def _tiles(goods: list[Goods]) -> str:
    return "".join(
        f'<article class="tile"><a href="{each.path}"><img src="/media/thumbs/{each.number}.jpg" alt="{each.name}">'
        f'<h3>{each.name}</h3></a><span class="tile__price">€{each.price}</span></article>\n'
        for each in goods
    )


def _sizes(draw: random.Random) -> str:
    sold_out = draw.choice(("XS", "XXL"))
    return "".join(
        f'<label><input type="radio" name="size" value="{s}"{" disabled" * (s == sold_out)}>{s}</label>'
        for s in ("XS", "S", "M", "L", "XL", "XXL")
    )


def _reviews(draw: random.Random) -> str:
    return "".join(
        f'<div class="review"><strong>{draw.choice(NAMES)} B.</strong> <span>{draw.randint(3, 5)} of 5</span>'
        f"<p>{escape(' '.join(draw.choices(WORDS, k=45)))}</p></div>\n"
        for _ in range(draw.randint(4, 80))
    )


@cache
def _menu(listings: int) -> str:
    """Menu and footer links; the same text on every page, so it is made once."""
    shops = "".join(f'<li><a href="{listing_path(n)}">Season {n + 1}</a></li>' for n in range(listings))
    rest = "".join(
        f'<li class="menu__item"><a href="/pages/help-{n}">Help about {w}</a></li>' for n, w in enumerate(WORDS)
    )
    return f'<nav class="menu"><ul>{shops}</ul><ul>{rest}</ul></nav>'


@cache
def _furniture() -> str:
    """Inline style sheet and theme settings, some 16 kB: what a theme puts before the first product byte."""
    css = "".join(
        f".c-{n}{{display:flex;margin:{n % 9}px;color:#{n * 4_001 % 0xFFFFFF:06x};font-size:{10 + n % 9}px}}\n"
        for n in range(120)
    )
    strings = {f"theme.section_{n}.label": " ".join(WORDS[n % 30 : n % 30 + 6]) for n in range(110)}
    return f"<style>{css}</style><script>window.theme={json.dumps(strings)};</script>"


def _page(title: str, menu: str, body: str, head: str = "") -> str:
    svg = '<svg viewBox="0 0 24 24"><path d="M12 21l-8-9a5 5 0 0 1 8-6 5 5 0 0 1 8 6z"/></svg>' * 12
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}{_furniture()}</head>'
        f'<body><header><a href="/"><img src="/assets/logo.png" alt="logo"></a>{menu}</header><main>{body}</main>'
        f'<footer>{menu}{svg}<form action="/search"><input name="q"></form></footer></body></html>'
    )
