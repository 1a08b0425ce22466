"""URLs of a shop in one form: what a link means once tracking, sorting, sessions and buying are taken off.

In: URLs as pages write them. Out: canonical URLs, the page number or offset that a URL carries, its pattern (which
URLs are of one kind). Pure and cached, because the same menu stands on every page of a shop.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from w3lib.url import canonicalize_url

MAX_PARAMETERS = 3
_NOISE = frozenset((
    "gclid", "gbraid", "wbraid", "fbclid", "msclkid", "mc_cid", "mc_eid", "yclid", "ref", "sid", "phpsessid",
    "sessionid", "session_id", "oscsid", "zenid", "jsessionid", "sort", "sort_by", "sortby", "orderby", "order",
    "dir", "direction", "view", "mode", "display", "currency", "product_list_order", "product_list_dir",
    "product_list_mode", "product_list_limit", "selected_facets", "srsltid", "_pos", "_sid", "_ss",
))  # fmt: skip
_ACTIONS = frozenset((
    "add-to-cart", "add_to_cart", "addtocart", "add-to-wishlist", "add_to_wishlist", "remove_item",
    "add_to_compare", "quick_view", "quickview",
))  # fmt: skip
_ROUTES = frozenset(("main_page", "route", "controller", "option", "task", "act", "do", "fc", "module", "dispatch"))
_NO_ROUTE = re.compile(
    r"cart|checkout|account|login|log_?off|register|wishlist|compare|search|password|contact|ask_a_question|affiliate",
    re.I,
)
_WAYS_IN = {"product_id": ("path", "manufacturer_id", "limit"), "products_id": ("cpath", "manufacturers_id")}
_NO_PAGE = re.compile(
    r"\.(jpe?g|png|gif|webp|avif|svg|ico|css|js|json|xml|rss|atom|pdf|zip|gz|mp4|webm|mp3|woff2?|txt|docx?|xlsx?)$",
    re.I,
)
_NO_SHOP = re.compile(
    r"/(cart|basket|checkout|account|login|register|wishlist|compare|search|admin|password|customer|cgi-bin)(/|$|\.|\?)"
    r"|/reviews?/(add|new|write|create)(/|$|\?)",
    re.I,
)
_PLAIN = re.compile(r"https?://[a-z0-9.:-]+/[A-Za-z0-9/_~-]*(\.[A-Za-z0-9/_~-]+)*")
_PAGE_KEYS = frozenset(("page", "p", "paged", "pg", "pageno", "page_no", "pagenum", "page_num", "currentpage", "seite"))
_OFFSET_KEYS = frozenset(("start", "offset", "from", "first", "skip"))
_PAGE_PATH = re.compile(r"(?<=[/\-_])(page|seite|pagina)[/\-_]?(?P<n>\d{1,5})(?=(\.html?|\.php)?/?$)", re.I)


@lru_cache(maxsize=65_536)
def clean(url: str) -> str:
    """Canonical form: no fragment, sorted query, without what tracks, sorts or names a session. ValueError if none."""
    if _PLAIN.fullmatch(url):
        return url
    parts = urlsplit(url)
    path = re.sub(r";jsessionid=[^/?#]*", "", parts.path, flags=re.I)
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _is_noise(k.lower())]
    names = {k.lower() for k, _ in query}
    ways_in = {way for key in names & _WAYS_IN.keys() for way in _WAYS_IN[key]}  # one product, from any category
    kept = [(k, v) for k, v in query if k.lower() not in ways_in]
    return str(canonicalize_url(parts._replace(path=path, query=urlencode(kept), fragment="").geturl()))


def _is_noise(key: str) -> bool:
    return key in _NOISE or key.startswith("utm_")


def page_link(href: str, base: str) -> str | None:
    """The canonical URL that a link on a page at `base` leads to, or None where that is no page of this shop."""
    if href.startswith("/") and not href.startswith("//"):
        origin = "/".join(base.split("/", 3)[:3])
        return _page(origin + href, origin)  # the same on every page, so one entry of the cache
    try:
        return _page(urljoin(base, href), "/".join(base.split("/", 3)[:3]))
    except ValueError:
        return None


@lru_cache(maxsize=65_536)
def _page(joined: str, origin: str) -> str | None:
    try:
        address = clean(joined)
        parts = urlsplit(address)
    except ValueError:
        return None
    if f"{parts.scheme}://{parts.netloc}" != origin and (
        parts.scheme not in ("http", "https") or parts.netloc != origin.split("//")[-1].lower()
    ):
        return None
    if _NO_PAGE.search(parts.path) or _NO_SHOP.search(parts.path + "?"):
        return None
    query = parse_qsl(parts.query, keep_blank_values=True)
    if len(query) > MAX_PARAMETERS or any(_leads_astray(k.lower(), v) for k, v in query):
        return None
    return address


def _leads_astray(key: str, value: str) -> bool:
    """Links that put something into a cart, or open what only a customer has."""
    return key in _ACTIONS or (key in _ROUTES and bool(_NO_ROUTE.search(value))) or (key == "action" and bool(value))


@lru_cache(maxsize=16_384)
def numbered(url: str) -> tuple[str, int, str] | None:
    """(URL with '{}' for the number, the number, 'page' or 'offset') of a URL that names its place in a listing."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    for index, (key, value) in enumerate(query):
        is_page = key.lower() in _PAGE_KEYS
        if (is_page or key.lower() in _OFFSET_KEYS) and re.fullmatch(r"\d{1,6}", value):
            rest = urlencode(query[:index] + query[index + 1 :])
            base = parts._replace(query=(f"{rest}&" if rest else "") + f"{key}={{}}").geturl()
            return base, int(value), "page" if is_page else "offset"
    found = _PAGE_PATH.search(parts.path)
    if not found:
        return None
    path = f"{parts.path[: found.start('n')]}{{}}{parts.path[found.end('n') :]}"
    return parts._replace(path=path).geturl(), int(found["n"]), "page"


def listing_of(url: str) -> str:
    """What all pages of one listing share: the URL without its page number."""
    place = numbered(url)
    bare = re.sub(r"[?&][^=?&]+=\{\}", "", place[0]) if place else url
    bare = re.sub(r"/(page|seite|pagina)[/\-_]?\{\}(\.html?|\.php)?", "", bare, flags=re.I)
    bare = re.sub(r"[\-_](page|seite|pagina)[/\-_]?\{\}", "", bare, flags=re.I)
    return re.sub(r"/index\.(html?|php)$", "", bare).rstrip("/")


@lru_cache(maxsize=65_536)
def pattern(url: str) -> str:
    """Which URLs are of a kind: path with numbers as '#' and its last part as '*', then what routes, whether it is a
    listing's further page, and how many more parameters there are (facets combine without end, whatever their names).
    """
    parts = urlsplit(url)
    steps = [re.sub(r"\d+", "#", step) for step in parts.path.strip("/").split("/")]
    query = parse_qsl(parts.query, keep_blank_values=True)
    routes = sorted(f"{k}={v}" for k, v in query if k.lower() in _ROUTES)
    pages = ["page" for k, _ in query if k.lower() in _PAGE_KEYS or k.lower() in _OFFSET_KEYS][:1]
    others = len(query) - len(routes) - len(pages)
    asked = [*routes, *pages, *([f"*{others}"] if others else [])]
    return "/".join([*steps[:-1], "*"]) + ("?" + "&".join(asked) if asked else "")
