"""Which currency a sign means on this page: a shared sign ('$', '¥', 'kr') is settled by what else the page says.

In: a sign or code as written, the parsed page, its URL. Out: (ISO 4217 code, confidence), or None. Evidence in this
order: a sign of one currency only, a code in the page's scripts or chosen in a currency list, the language's region,
the country in the address; a bare '$' without any evidence is the US dollar with low confidence.
"""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

from parsel import Selector

from crawlers.extract.money import CODES

_ONE = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₫": "VND", "฿": "THB", "₴": "UAH",
    "₪": "ILS",
    "₦": "NGN", "₱": "PHP", "₸": "KZT", "₾": "GEL", "₲": "PYG", "zł": "PLN", "kč": "CZK", "円": "JPY", "元": "CNY",
    "원": "KRW",
    "us$": "USD", "u$s": "USD", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD",
    "nt$": "TWD",
    "s$": "SGD", "sg$": "SGD", "r$": "BRL", "mx$": "MXN", "rd$": "DOP", "cn¥": "CNY", "jp¥": "JPY", "лв": "BGN",
    "руб": "RUB",
    "грн": "UAH", "тг": "KZT", "s/": "PEN", "sfr": "CHF", "fr": "CHF", "rm": "MYR", "rp": "IDR", "ft": "HUF",
    "lei": "RON",
    "tl": "TRY", "dh": "AED", "dhs": "AED", "ksh": "KES", "din": "RSD", "euro": "EUR", "euros": "EUR", "r": "ZAR",
}  # fmt: skip
_SHARED = {
    "$": ("USD", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP", "ARS", "UYU", "DOP"),
    "¥": ("JPY", "CNY"), "￥": ("JPY", "CNY"), "kr": ("SEK", "NOK", "DKK", "ISK"), "rs": ("INR", "PKR", "LKR", "NPR"),
    "﷼": ("SAR", "OMR", "QAR"),
}  # fmt: skip
_UNSAID = {"$": ("USD", 0.5), "¥": ("JPY", 0.4), "￥": ("JPY", 0.4), "rs": ("INR", 0.6)}
_COUNTRY = {
    "us": "USD", "au": "AUD", "ca": "CAD", "nz": "NZD", "sg": "SGD", "hk": "HKD", "tw": "TWD", "mx": "MXN",
    "cl": "CLP", "co": "COP",
    "ar": "ARS", "uy": "UYU", "do": "DOP", "jp": "JPY", "cn": "CNY", "se": "SEK", "no": "NOK", "dk": "DKK",
    "is": "ISK", "in": "INR",
    "pk": "PKR", "lk": "LKR", "np": "NPR", "gb": "GBP", "uk": "GBP", "de": "EUR", "at": "EUR", "fr": "EUR",
    "it": "EUR", "es": "EUR",
    "nl": "EUR", "be": "EUR", "ie": "EUR", "pt": "EUR", "fi": "EUR", "gr": "EUR", "ch": "CHF", "pl": "PLN",
    "cz": "CZK", "hu": "HUF",
    "ro": "RON", "tr": "TRY", "ru": "RUB", "ua": "UAH", "br": "BRL", "za": "ZAR", "kr": "KRW", "il": "ILS",
    "ae": "AED", "sa": "SAR",
    "my": "MYR", "id": "IDR", "ph": "PHP", "th": "THB", "vn": "VND", "sk": "EUR", "si": "EUR", "hr": "EUR",
    "lt": "EUR", "lv": "EUR",
    "ee": "EUR", "bg": "BGN", "pe": "PEN", "ng": "NGN", "ke": "KES", "kz": "KZT", "rs": "RSD",
}  # fmt: skip
_LANGUAGE = {"ja": "JPY", "zh": "CNY", "sv": "SEK", "da": "DKK", "nb": "NOK", "nn": "NOK", "no": "NOK", "is": "ISK"}
_WRITTEN = re.compile(
    rf"""(?:currency|priceCurrency|currency_?code|currencyIso\w*|iso_code)["']?\s*[:=]\s*(?:\{{\s*["']?(?:active|code|iso\w*)["']?\s*:\s*)?["']({CODES})["']""",
    re.I,
)
_MOST_SCRIPT = 400_000


def settle(sign: str, page: Selector, url: str) -> tuple[str, float] | None:
    """The code behind a sign; '' (a bare number) asks what the page's own currency is."""
    written = sign.strip().lower().replace(" ", "").rstrip(".")
    if re.fullmatch(CODES, written, re.I):
        return written.upper().replace("RMB", "CNY"), 0.9
    if written in _ONE:
        return _ONE[written], 0.9
    allowed = _SHARED.get(written, ())
    if written and not allowed:
        return None
    for found, confidence in ((_in_scripts(page, allowed), 0.8), (_chosen(page, allowed), 0.8)):
        if found:
            return found, confidence
    for region in _regions(page, url):
        code = _COUNTRY.get(region)
        if code and (not allowed or code in allowed):
            return code, 0.75
    language = _language(page)[:2]
    if language in _LANGUAGE and _LANGUAGE[language] in (allowed or _LANGUAGE.values()):
        return _LANGUAGE[language], 0.6
    return _UNSAID.get(written)


def fits(sign: str, code: str) -> bool:
    """Whether a sign or code can mean this currency; an unknown or empty sign can mean any."""
    written = sign.strip().lower().replace(" ", "").rstrip(".")
    if re.fullmatch(CODES, written, re.I):
        return written.upper() == code
    return code in (_SHARED.get(written) or (_ONE.get(written, code),))


def _in_scripts(page: Selector, allowed: tuple[str, ...]) -> str | None:
    """The code that scripts and microdata name most often."""
    counts: Counter[str] = Counter()
    room = _MOST_SCRIPT
    for script in page.root.xpath("//script[not(@src)]/text()"):
        written = script[:room]
        room -= len(written)
        counts.update(m.group(1).upper() for m in _WRITTEN.finditer(written))
        if room <= 0:
            break
    spots = "//*[@itemprop='priceCurrency']/@content | //meta[contains(@property,'price:currency')]/@content"
    counts.update(5 * [c.strip().upper() for c in page.root.xpath(spots)[:20]])
    usable = [c for c, _ in counts.most_common() if not allowed or c in allowed]
    return usable[0] if usable and re.fullmatch(CODES, usable[0]) else None


def _chosen(page: Selector, allowed: tuple[str, ...]) -> str | None:
    """The selected option of a currency list."""
    for option in page.root.xpath("//option[@selected]")[:50]:
        found = re.search(rf"\b({CODES})\b", f"{option.get('value', '')} {option.text or ''}"[:200])
        if found and (not allowed or found.group(1) in allowed):
            return found.group(1)
    return None


def _language(page: Selector) -> str:
    return (page.xpath("/html/@lang").get() or "").strip().lower()


def _regions(page: Selector, url: str) -> list[str]:
    """Countries the page names, the surest first: the address's ending, then its path, then the language's region."""
    parts = urlsplit(url)
    host = (parts.hostname or "").split(".")
    found = [host[-1]] if host[-1] != "co" or "com" in host else []
    if m := re.match(r"/(?:[a-z]{2}[-_])?([a-z]{2})(?:[-_]([a-z]{2}))?(?:/|$)", parts.path.lower()):
        found += [g for g in (m.group(2), m.group(1)) if g]
    if len(host) > 2 and len(host[0]) == 2:
        found.append(host[0])
    locale = page.xpath("//meta[@property='og:locale']/@content").get() or ""
    found += [t.replace("_", "-").split("-")[-1].lower() for t in (_language(page), locale) if re.search("[-_]", t)]
    return found
