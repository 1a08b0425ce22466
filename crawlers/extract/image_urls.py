"""One image URL at a time: absolute, its identity (the picture behind its renditions), its stated width, its original.

In: URLs as pages write them. Out: absolute http(s) URLs, keys, pixels. Never asks the network. `original` invents
no URL save where the CDN documents that leaving its parameters out gives the original; each rule names the CDN.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

UNSTATED = 10_000
_MAX_SRCSET = 20_000
_DESCRIPTOR = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)([wx])(?:,(.*)|$)", re.S)
_CACHED = 1_000  # a file in a cache is a rendition, whatever its name leaves out
PICTURE = re.compile(r"\.(jpe?g|png|webp|avif|gif|jfif|tiff?|bmp)(?=$|[?#&!/:;@\s])", re.I)
_CONVERTED = re.compile(r"\.(webp|avif)(?=$|\?)|[?&,/](format|fm|fmt|f)[=_](webp|avif|auto)", re.I)
_SIZE_KEYS = frozenset((
    "w", "h", "width", "height", "sw", "sh", "size", "wid", "hei", "mw", "mh", "maxwidth", "maxheight", "max-w",
    "max-h",
    "imwidth", "resize", "scale", "fit", "dpr", "ar", "crop", "trim", "pad", "mode", "sm", "sfrm", "bg", "bgcolor",
    "quality", "q", "qlt", "auto", "fm", "fmt", "format", "output-format", "output-quality", "op_sharpen", "strip",
    "optimize", "cs", "ixlib", "impolicy", "ssl", "v", "ver", "version", "rev", "ts", "timestamp", "t", "cb", "itok",
))  # fmt: skip
_WIDTH_KEYS = frozenset((
    "w", "width", "sw", "wid", "imwidth", "size", "mw", "maxwidth", "max-w", "h", "height", "sh", "hei",
))  # fmt: skip
_WORDS = {
    "micro": 40, "pico": 16, "icon": 32,
    "thumb": 80, "thumbs": 80, "thumbnail": 80, "thumbnails": 80, "tn": 80, "mini": 140,
    "cart": 140, "tiny": 140, "small": 150, "compact": 160, "preview": 240, "medium": 300, "home": 300, "normal": 450,
    "category": 300, "large": 600, "grande": 600, "big": 900, "popup": 1_000, "thickbox": 1_000, "xlarge": 1_200,
    "larger": 900, "enlarge": 1_000, "enlarged": 1_000,
    "zoom": 1_500, "hires": 1_500, "full": 2_000, "fullsize": 2_000, "original": UNSTATED, "orig": UNSTATED,
}  # fmt: skip
_LETTERS = {"xs": 80, "s": 150, "m": 300, "l": 900, "xl": 1_200, "xxl": 1_500}  # only as folders of their own
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_TAIL = r"(?:-resize(?:-[a-z]+)?)?(?:_crop_\w+)?(?:_progressive)?(?:@\dx)?(?=(?:\.\w{3,4}){1,2}$)"
_IN_NAME = re.compile(rf"[_\-.](?:(\d{{2,4}})x(\d{{0,4}})|x(\d{{2,4}})|({_WORD})){_TAIL}", re.I)
_IN_PATH = re.compile(
    rf"/(?:(\d{{2,4}})x(\d{{0,4}})(?:x\d)?|image_(\d{{3,4}})|x(\d{{2,4}})|({_WORD})|resize-[^/]*?w(\d{{2,4}})[^/]*)(?=/)"
    rf"|(?<=/)({_WORD})[_-](?=[^/]+$)|(?<=[^/]{{2}})/(xs|s|m|l|xl|xxl)(?=/[^/]+$)",
    re.I,
)
_PRESTA = re.compile(rf"(?<=/)(\d+)-\w*?({_WORD})\w*(?=/)", re.I)
_NUMBERED = re.compile(
    r"\._(?:[A-Z]{1,4}_)?(?:S[LXYR]|U[LXY]|US|SS|CR)(\d{2,4})[\w,]*_(?=\.\w+$)|\._[A-Z0-9_,]+_(?=\.\w+$)"  # Amazon
    r"|(?<=/)s-l(\d{2,4})(?=\.)"  # eBay
    r"|-p-(\d{3,4})(?=\.\w+$)"  # Webflow
    r"|-(\d{2,4})Wx\d{2,4}H(?=\.\w+$|$)"  # SAP Commerce
    r"|(?:_[a-z]{1,3},w\d{2,4},h\d{2,4})*_[a-z]{1,3},w(\d{2,4}),h\d{2,4}(?=\.\w+$)"  # a resizer's orders in the name
    r"|-\((?:[a-z]*box|(\d{2,4})x\d{2,4}[\w-]*|thumb\w*|small|medium|large)\)(?=\.\w+$)"  # a style in brackets
    r"|(?<=/)(\d{2,4})_\d{2,4}_(?=[\w-]{8,}\.\w+$)|(?<=/)0_0_(?=[\w-]{8,}\.\w+$)"  # both sides before the name
    r"|(?<=/ids/\d{5})-(\d{2,4})-\w+|(?<=/ids/\d{6})-(\d{2,4})-\w+|(?<=/ids/\d{7})-(\d{2,4})-\w+"  # VTEX
    r"|\.\d{10}\.(\d{2,4})\.\d{2,4}(?=\.\w+$)"  # BigCommerce
    r"|=w(\d{2,4})(?:-h\d+)?[\w-]*$|=s(\d{2,4})[\w-]*$"  # Google
)
_FOLDERS = (
    re.compile(r"(?<=/catalog/product)/cache/.{1,80}?(?=/[^/]/[^/]/[^/]+$)"),  # Magento
    re.compile(r"^/(?:media|thumbnail)(?=/[0-9a-f]{2}/[0-9a-f]{2}/)"),  # Shopware
    re.compile(r"/styles/[\w-]+/public(?=/)"),  # Drupal
    re.compile(r"/media/cache/(?:resolve/)?[\w-]+(?=/)"),  # Liip
    re.compile(r"/image/cache(?=/)"),  # OpenCart
    re.compile(r"/images/stencil/[^/]+(?=/)"),  # BigCommerce
)
# easy-thumbnails (Django): NAME.jpg.300x300_q85_crop.jpg lies beside NAME.jpg, or below a folder of its own (filer).
_EASY = re.compile(r"(?<=\.)(\w{3,4})(?:\.|__)(\d{2,4})x\d{2,4}_q\d{2}[\w.,-]*$")
_CLOUDINARY = re.compile(r"(/image/(?:upload|fetch)/)((?:[a-z]{1,3}_[^/]+/)+)")
_SIGNED = re.compile(r"/s--[\w-]+--/|(?<=[/,])t_")
_SHOPIFY = re.compile(
    r"_(?:\{width\}x|\d{0,4}x\d{0,4}|pico|icon|thumb|small|compact|medium|large|grande|master)"
    r"(?:_crop_(?:top|center|bottom|left|right))?(?:@\dx)?(?:\.progressive)?(?=\.\w{3,4}$)"
)


@lru_cache(maxsize=4_096)
def absolute(written: str, base: str) -> str | None:
    """An http(s) URL without its fragment, spaces and other letters escaped; None for data:, templates and rubbish."""
    written = written.strip().strip("'\"")
    if not written or len(written) > 4_000 or written[:5].lower() in ("data:", "blob:", "about") or written == "#":
        return None
    if "&" in written:
        written = html.unescape(written)
    if ("{" in written or "%7B" in written) and "{width}" not in written:
        return None
    try:
        parts = urlsplit(urljoin(base, written.replace("\\", "/") if "\\" in written else written))
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or (parts.path in ("", "/") and not parts.query):
        return None
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~{}") if not parts.path.isascii() or " " in parts.path else parts.path
    query = (
        quote(parts.query, safe="/%:@!$&'()*+,;=~?") if not parts.query.isascii() or " " in parts.query else parts.query
    )
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


@lru_cache(maxsize=4_096)
def original(url: str) -> str:
    """The URL without the parameters of a CDN that documents the original as what is left; others as they are."""
    parts = urlsplit(url)
    host, path, query = parts.netloc.lower(), parts.path, parts.query
    if inner := _wrapped(url, path, query):
        return original(inner) if inner != url else url
    if "/cdn/shop/" in path or "/s/files/1/" in path or host == "cdn.shopify.com":
        # shopify.dev, image_url and img_url: without a size the uploaded file is served.
        return _rebuilt(
            url, _SHOPIFY.sub("", path), _without(query, {"width", "height", "crop", "format", "pad_color"})
        )
    if host.endswith((".imgix.net", ".ctfassets.net", "cdn.sanity.io", ".datocms-assets.com", "images.prismic.io")):
        # imgix, Contentful, Sanity: no parameters, no rendering. A signed URL is valid only as it stands.
        return url if _signed(query) else _rebuilt(url, path, "")
    # Salesforce Commerce Cloud's image service: parameters scale and crop the stored file.
    if "/dw/image/" in path or "demandware.static" in path:
        return _rebuilt(url, path, _without(query, {"sw", "sh", "sm", "sfrm", "q", "cx", "cy", "cw", "ch", "bgcolor"}))
    if re.search(r"/media/[^/]+/v1/(?:fit|fill|crop)/", path):
        return _rebuilt(url, path.split("/v1/", 1)[0], "")  # Wix: what follows /v1/ describes the rendition
    if host == "a.storyblok.com":
        return _rebuilt(url, path.split("/m/", 1)[0], query)  # Storyblok image service: /m/ begins the rendition
    # WordPress's Photon: parameters scale and crop what is left of the URL.
    if re.fullmatch(r"i[0-3]\.wp\.com", host):
        return _rebuilt(url, path, _without(query, {"w", "h", "resize", "fit", "quality", "strip", "crop", "zoom"}))
    if not _SIGNED.search(path) and (found := _CLOUDINARY.search(path)):
        return _rebuilt(url, path[: found.start(2)] + path[found.end(2) :], query)  # Cloudinary: no transformation
    return url


def _wrapped(url: str, path: str, query: str) -> str | None:
    """The URL that an optimiser of the page's own host was given: Next.js `?url=`, Cloudflare `/cdn-cgi/image/…/`."""
    if path.endswith(("/_next/image", "/_vercel/image", "/.netlify/images", "/_image")):
        inner = dict(parse_qsl(query)).get("url") or dict(parse_qsl(query)).get("href")
        return absolute(inner, url) if inner else None
    if "/cdn-cgi/image/" in path:
        rest = path.split("/cdn-cgi/image/", 1)[1].split("/", 1)
        return absolute(rest[1] if "://" in rest[-1] else f"/{rest[-1]}", url) if len(rest) == 2 else None
    return None


def _signed(query: str) -> bool:
    return any(key in ("s", "sig", "signature", "token") for key, _ in parse_qsl(query))


def _without(query: str, keys: set[str]) -> str:
    return "&".join(part for part in query.split("&") if part and part.split("=", 1)[0].lower() not in keys)


def _rebuilt(url: str, path: str, query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


@lru_cache(maxsize=4_096)
def identity(url: str) -> str:
    """What stays of an image URL without size, format and age: one picture, one identity."""
    parts = urlsplit(original(url))
    path = unquote(parts.path)
    if source := _source(parts.query, path):
        return identity(absolute(source, url) or source)
    path = _EASY.sub(r"\1", path.replace("/filer_public_thumbnails/", "/"))
    for folder in _FOLDERS:
        path = folder.sub("", path)
    path = _PRESTA.sub(r"\1", path)
    path = re.sub(
        r"(?:\.(?:jpe?g|png|webp|avif|gif))+$", "", _NUMBERED.sub("", _IN_PATH.sub("", _IN_NAME.sub("", path)))
    )
    if "/is/image/" in path:
        return f"{parts.netloc.lower()}{path.lower()}?"  # Scene7: the whole query describes the rendition
    kept = sorted((k, v) for k, v in parse_qsl(parts.query) if k.lower() not in _SIZE_KEYS)
    return f"{parts.netloc.lower().removeprefix('www.')}{path.lower()}?{urlencode(kept)}"


def _source(query: str, path: str) -> str | None:
    """What a resizer was asked to render, where it is a picture's address: `/images?src=/assets/a.jpg&w=640`."""
    if PICTURE.search(path):
        return None
    found = [v for k, v in parse_qsl(query) if k.lower() in ("src", "url", "image", "img") and PICTURE.search(v)]
    return found[0] if len(found) == 1 and found[0].startswith(("/", "http")) else None


@lru_cache(maxsize=4_096)
def stated_width(url: str) -> int:
    """Pixels that a URL states, by number or word; `UNSTATED` where it states none: that is the original."""
    parts = urlsplit(original(url))
    stated = [int(v) for k, v in parse_qsl(parts.query) if k.lower() in _WIDTH_KEYS and v.isdigit() and 0 < len(v) < 6]
    if squarespace := re.search(r"(?:^|&)format=(\d{2,4})w", parts.query):
        stated.append(int(squarespace[1]))
    if stated:
        return max(stated)
    if "/is/image/" in parts.path:
        return 400  # Scene7 serves its default size where a URL names none
    if easy := _EASY.search(parts.path):
        return int(easy[2])
    for pattern in (_IN_NAME, _PRESTA, _NUMBERED, _IN_PATH):
        if found := pattern.search(parts.path):
            texts = [g for g in found.groups() if g]
            if pattern is _PRESTA:
                texts = texts[1:]
            sizes = [int(t) if t.isdigit() else (_WORDS | _LETTERS).get(t.lower(), 0) for t in texts]
            return max(sizes, default=100) or 100
    if found := re.search(r"[/,]w_(\d{2,4})(?=[,/])", parts.path):
        return int(found[1])
    return _CACHED if "/cache/" in parts.path else UNSTATED


def is_converted(url: str) -> bool:
    """Whether the URL names a format that CDNs convert to, not one that shops upload."""
    return bool(_CONVERTED.search(url))


def srcset(written: str) -> list[tuple[str, int]]:
    """(URL, width in px, 0 where only a density or nothing is given) of each candidate; URLs may hold commas.

    Of candidates that differ by density, only the densest is given. Read word by word, as the standard does.
    """
    found: list[tuple[str, float, str]] = []
    open_url = ""
    for word in written[:_MAX_SRCSET].split():
        described = _DESCRIPTOR.match(word) if open_url else None
        if described:
            found.append((open_url, float(described[1]), described[2]))
            open_url = (described[3] or "").strip(",")
            continue
        if open_url:
            found.append((open_url, 1, "x"))
        elif re.fullmatch(r"\d{1,5}h,?|,", word):
            continue
        open_url = word.lstrip(",")
        if open_url.endswith(","):
            found.append((open_url.rstrip(","), 1, "x"))
            open_url = ""
    found += [(open_url, 1, "x")] if open_url else []
    densest = max((number for _, number, unit in found if unit == "x"), default=0.0)
    kept = [(url, int(n) if unit == "w" else 0) for url, n, unit in found if unit == "w" or n == densest]
    return [(url, width) for url, width in kept if url]
