# ruff: noqa: E501 (HTML and CSS)
"""The shop's pages as HTML: home, listings, product pages with JSON-LD, the plain ones. Text is escaped; nothing is fetched from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from modiste.demo.goods import Catalogue, Product

WIDTHS = (160, 280)
SYMBOL = {"EUR": "€", "USD": "$", "GBP": "£"}
STYLE = """
*{box-sizing:border-box}body{margin:0;font:16px/1.5 "Helvetica Neue",Helvetica,Arial,sans-serif;color:#221f26;background:#faf8f5}
a{color:inherit;text-decoration:none}.bar{background:#221f26;color:#f4ede2;text-align:center;font-size:12px;letter-spacing:.08em;padding:7px}
header{display:flex;align-items:center;gap:44px;padding:20px 5vw;background:#fff;border-bottom:1px solid #ece6dd}
.brand{font:600 27px/1 Georgia,"Times New Roman",serif;letter-spacing:.02em;white-space:nowrap}nav{display:flex;flex-wrap:wrap;gap:8px 22px;font-size:14px;text-transform:capitalize}
nav a:hover{text-decoration:underline;text-underline-offset:5px}main{max-width:1240px;margin:0 auto;padding:28px 5vw 70px}
h1,h2{font-family:Georgia,"Times New Roman",serif;font-weight:500;text-transform:none}h1{font-size:34px;line-height:1.15;margin:6px 0 14px}
.crumbs{font-size:13px;color:#7d766e;text-transform:capitalize}.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:34px 22px}
.card .pic{aspect-ratio:5/6;overflow:hidden;background:#efebe5;border-radius:3px}.card img{width:100%;height:100%;object-fit:cover;object-position:50% 20%;display:block;transition:transform .4s}
.card:hover img{transform:scale(1.035)}.card b{display:block;font-weight:500;font-size:15px;margin-top:11px}.maker{font-size:12px;color:#7d766e;letter-spacing:.06em;text-transform:uppercase}
.price{font-size:15px}.was{color:#8d867d;text-decoration:line-through;margin-left:8px}.now{color:#a3342c}.tag{font-size:12px;color:#8b4a2b}
.product{display:grid;grid-template-columns:minmax(0,1.35fr) minmax(300px,1fr);gap:56px}.gallery{display:grid;grid-template-columns:1fr 1fr;gap:12px}
.gallery img{width:100%;height:100%;object-fit:cover;background:#efebe5;border-radius:3px;display:block;min-height:120px}.buy .price{font-size:22px;margin:6px 0 20px}
.sizes{display:flex;flex-wrap:wrap;gap:9px;margin:8px 0 22px;padding:0;list-style:none}.sizes li{border:1px solid #cfc7bb;padding:8px 15px;border-radius:3px;font-size:14px;background:#fff}
.swatches{display:flex;flex-wrap:wrap;gap:9px;font-size:13px;margin:6px 0 20px;text-transform:capitalize}.swatches a{border:1px solid #cfc7bb;border-radius:20px;padding:4px 13px;background:#fff}
button{width:100%;border:0;background:#221f26;color:#fff;font-size:15px;padding:16px;border-radius:3px;letter-spacing:.04em}.small{font-size:13px;color:#7d766e}
.hero{display:grid;grid-template-columns:1.1fr 1fr;background:#e9dfd2;margin-bottom:44px;border-radius:4px;overflow:hidden}.hero div{padding:60px 54px;align-self:center}
.hero h1{font-size:46px}.hero img{width:100%;height:420px;object-fit:cover;object-position:50% 15%;display:block}.more{display:inline-block;border-bottom:1px solid;margin-top:10px}
.pages{display:flex;justify-content:center;gap:30px;margin-top:50px;font-size:15px}footer{border-top:1px solid #ece6dd;padding:26px 5vw;font-size:13px;color:#7d766e}
@media(max-width:800px){.product,.hero{grid-template-columns:1fr}}
"""


def image_path(product: Product, number: int, width: int | None = None) -> str:
    """URL path of one rendition; without `width` the original bytes."""
    size = f"w{width}" if width else "full"
    return f"/image/{product.sku.lower()}/{number}/{size}.jpg"


def slug(category: str) -> str:
    return category.lower().replace(" ", "-")


def categories(catalogue: Catalogue) -> list[str]:
    """The names of the listings, in the order in which products bring them."""
    return list(dict.fromkeys(name for product in catalogue.products for name in product.category[1:]))


def money(amount: str, currency: str) -> str:
    return f"{SYMBOL.get(currency, currency + ' ')}{amount}"


def page(catalogue: Catalogue, title: str, body: str, head: str = "") -> bytes:
    links = "".join(f'<a href="/category/{slug(name)}">{escape(name)}</a>' for name in categories(catalogue)[:14])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · {escape(catalogue.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>{head}</head><body>'
        '<div class="bar">A DEMONSTRATION SHOP · NOTHING HERE IS FOR SALE</div>'
        f'<header><a class="brand" href="/">{escape(catalogue.title)}</a><nav>{links}</nav></header><main>{body}</main>'
        '<footer>Served by <i>modiste demo</i> on this machine. <a href="/private/">Trade login</a></footer></body></html>'
    ).encode()


def _price(product: Product) -> str:
    now = money(product.price, product.currency)
    if not product.list_price:
        return f'<div class="price">{now}</div>'
    return f'<div class="price"><span class="now">{now}</span><s class="was">{money(product.list_price, product.currency)}</s></div>'


def _img(product: Product, number: int, full_width: int, sizes: str) -> str:
    small = [w for w in WIDTHS if w < full_width]
    srcset = ", ".join(
        [*(f"{image_path(product, number, w)} {w}w" for w in small), f"{image_path(product, number)} {full_width}w"]
    )
    src = image_path(product, number, small[-1] if small else None)
    return (
        f'<img src="{src}" srcset="{srcset}" sizes="{sizes}" alt="{escape(product.images[number].alt)}" loading="lazy">'
    )


def card(product: Product, width: int) -> str:
    note = '<span class="tag">Sold out</span>' if product.availability == "OutOfStock" else ""
    return (
        f'<a class="card" href="{product.path}"><div class="pic">{_img(product, 0, width, "240px")}</div><b>{escape(product.name)}</b>'
        f'<span class="maker">{escape(product.brand)}</span>{_price(product)}{note}</a>'
    )


def home(catalogue: Catalogue, cards: str, hero: str) -> bytes:
    first = categories(catalogue)[0]
    body = (
        f'<section class="hero"><div><p class="small">The new season</p><h1>Quiet clothes,<br>drawn with care</h1>'
        f'<a class="more" href="/category/{slug(first)}">See the collection</a></div><img src="{hero}" alt=""></section>'
        f'<h2>Just in</h2><div class="grid">{cards}</div>'
    )
    return page(catalogue, "Home", body)


def listing(catalogue: Catalogue, name: str, cards: str, number: int, last: int) -> bytes:
    """A page of a category; `number` and `last` count from 1."""
    base = f"/category/{slug(name)}"
    head, links = "", ""
    if number > 1:
        head += f'<link rel="prev" href="{base}?page={number - 1}">'
        links += f'<a rel="prev" href="{base}?page={number - 1}">← Previous</a>'
    links += f"<span>Page {number} of {last}</span>"
    if number < last:
        head += f'<link rel="next" href="{base}?page={number + 1}">'
        links += f'<a rel="next" href="{base}?page={number + 1}">Next →</a>'
    body = f'<div class="crumbs"><a href="/">Home</a> / {escape(name)}</div><h1>{escape(name.capitalize())}</h1><div class="grid">{cards}</div><div class="pages">{links}</div>'
    return page(catalogue, name.capitalize(), body, head)


def product_page(catalogue: Catalogue, product: Product, widths: Sequence[int], url: str) -> bytes:
    """`widths` are the pictures' own widths in px, `url` the shop's address without a slash at its end."""
    gallery = "".join(_img(product, n, w, "(max-width:800px) 50vw, 340px") for n, w in enumerate(widths))
    crumbs = " / ".join(
        f'<a href="/category/{slug(c)}">{escape(c)}</a>' if depth else escape(c)
        for depth, c in enumerate(product.category)
    )
    siblings = [
        p
        for p in catalogue.products
        if product.variant_group and p.variant_group == product.variant_group and not p.trouble
    ]
    swatches = "".join(f'<a href="{p.path}">{escape(p.colour or "")}</a>' for p in siblings)
    colour = (
        f'<div class="small">Colour: <b>{escape(product.colour)}</b></div><div class="swatches">{swatches}</div>'
        if product.colour
        else ""
    )
    sizes = "".join(f"<li>{escape(size)}</li>" for size in product.sizes)
    stock = {"OutOfStock": "Sold out", "PreOrder": "Pre-order"}.get(product.availability, "Add to bag")
    body = (
        f'<div class="crumbs"><a href="/">Home</a> / {crumbs}</div><div class="product" style="margin-top:18px"><div class="gallery">{gallery}</div>'
        f'<div class="buy"><div class="maker">{escape(product.brand)}</div><h1>{escape(product.name)}</h1>{_price(product)}{colour}'
        f'<div class="small">Size</div><ul class="sizes">{sizes}</ul><button>{stock}</button><p>{escape(product.description)}</p>'
        f'<p class="small">Article {escape(product.sku)}</p></div></div>'
    )
    return page(catalogue, product.name, body, _json_ld(product, url))


def _json_ld(product: Product, url: str) -> str:
    record: dict[str, object] = {
        "@context": "https://schema.org", "@type": "Product", "name": product.name, "sku": product.sku, "url": url + product.path,
        "brand": {"@type": "Brand", "name": product.brand}, "description": product.description,
        "category": " > ".join(product.category), "size": list(product.sizes),
        "image": [url + image_path(product, n) for n in range(len(product.images))],
        "offers": {"@type": "Offer", "price": product.price, "priceCurrency": product.currency, "url": url + product.path,
                   "availability": f"https://schema.org/{product.availability}"},
    }  # fmt: skip
    if product.colour:
        record["color"] = product.colour
    if product.variant_group:
        record["inProductGroupWithID"] = product.variant_group
    trail = ["Home", *product.category]
    steps = [{"@type": "ListItem", "position": n, "name": name} for n, name in enumerate(trail, start=1)]
    crumbs: dict[str, object] = {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": steps}
    return "".join(f'<script type="application/ld+json">{_for_script(block)}</script>' for block in (record, crumbs))


def _for_script(block: dict[str, object]) -> str:
    return json.dumps(block, ensure_ascii=False).replace("<", "\\u003c")
