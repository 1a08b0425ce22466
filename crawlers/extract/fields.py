"""One value at a time: from what a page wrote to what a row holds, or None where it says nothing usable.

In: strings, numbers, dicts and lists as found in markup. Out: plain text, decimal strings, ISO 4217 codes,
schema.org names. Never guesses: a price without digits, a currency sign shared by several countries, an unknown
availability give None.
"""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Any

from price_parser import Price
from w3lib.html import remove_tags

from crawlers.extract.iso4217 import CODES

AVAILABILITY = {
    "instock": "InStock", "instoreonly": "InStock", "onlineonly": "InStock", "limitedavailability": "InStock",
    "available": "InStock", "in_stock": "InStock", "outofstock": "OutOfStock", "oos": "OutOfStock",
    "soldout": "OutOfStock",
    "out_of_stock": "OutOfStock", "unavailable": "OutOfStock", "preorder": "PreOrder", "presale": "PreOrder",
    "backorder": "BackOrder", "madetoorder": "BackOrder", "discontinued": "Discontinued",
}  # fmt: skip
# Signs that mean one currency only; '$', '¥' and 'kr' are shared, so they say nothing alone.
SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "zł": "PLN", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₫": "VND", "Kč": "CZK",
         "US$": "USD", "A$": "AUD", "C$": "CAD", "NZ$": "NZD", "HK$": "HKD", "R$": "BRL",
         "฿": "THB", "₴": "UAH"}  # fmt: skip
# What shops write in the place of a code.
_SPOKEN = {
    "LEI": "RON",
    "RMB": "CNY",
    "NTD": "TWD",
    "NIS": "ILS",
    "YEN": "JPY",
    "WON": "KRW",
    "EURO": "EUR",
    "STG": "GBP",
}
NO_MINOR_UNIT = {"JPY", "KRW", "VND", "CLP", "ISK", "IDR", "COP"}


_SIGNS_LONGEST_FIRST = sorted(SIGNS.items(), key=lambda s: -len(s[0]))


def text(value: Any) -> str | None:
    """Tags and entities removed, white space folded; a dict gives its name or value, a list its first usable member."""
    if isinstance(value, dict):
        return next(
            (found for key in ("name", "@value", "value", "title", "url") if (found := text(value.get(key)))), None
        )
    if isinstance(value, list):
        return next((found for item in value if (found := text(item))), None)
    if value is None or isinstance(value, bool):
        return None
    folded = " ".join(html.unescape(remove_tags(html.unescape(str(value)))).split())
    return folded or None


def texts(value: Any) -> list[str]:
    """Every usable text of a value or list, each once, in order; a string with commas is one text."""
    items = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(found for item in items if (found := text(item))))


def price(value: Any, currency_code: str | None = None) -> str | None:
    """Decimal string of a price. '229.990' is thousands in a currency without a minor unit, '1.299,00' is 1299.00.

    A number in markup is taken as written; zero and negative prices are no price.
    """
    if isinstance(value, dict):
        return next(
            (
                p
                for key in ("@value", "value", "price", "amount", "minPrice")
                if (p := price(value.get(key), currency_code))
            ),
            None,
        )
    if isinstance(value, list):
        return next((found for item in value if (found := price(item, currency_code))), None)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _decimal(Decimal(repr(value)))
    written = str(value).strip()
    if currency_code in NO_MINOR_UNIT and re.fullmatch(r"\D*\d{1,3}([.,]\d{3})+\D*", written):
        return _decimal(Decimal(re.sub(r"\D", "", written)))
    if re.fullmatch(r"\d+(\.\d+)?", written):
        return _decimal(Decimal(written))
    if re.search(r"\d[a-zA-Z]{1,3}\d", written) and " " not in written:
        return None  # a code or base64, not an amount: 'MzI5Ljk5'
    amount = Price.fromstring(written).amount
    return _decimal(amount) if amount is not None else None


def _decimal(amount: Decimal) -> str | None:
    if not amount.is_finite() or amount <= 0:
        return None
    return f"{amount.quantize(Decimal('0.01')):f}" if amount.as_tuple().exponent not in (0, -2) else f"{amount:f}"


def currency(value: Any) -> str | None:
    """ISO 4217 code: one written out, or a word or sign that belongs to one currency; other letters are no currency."""
    written = (text(value) or "").strip()
    named = written.upper()
    if named in CODES:
        return named
    return _SPOKEN.get(named) or next((code for sign, code in _SIGNS_LONGEST_FIRST if sign in written), None)


def availability(value: Any) -> str | None:
    """schema.org name of an availability given as a URL, a name or a few words."""
    written = text(value)
    if not written:
        return None
    return AVAILABILITY.get(re.sub(r"[\s\-]+", "", written.rsplit("/", 1)[-1].rsplit("#", 1)[-1]).lower())


def gtin(value: Any) -> str | None:
    """8 to 14 digits with a right check digit; anything else is no GTIN."""
    digits = re.sub(r"[\s\-]", "", text(value) or "").removeprefix("gtin:")
    if not re.fullmatch(r"\d{8}|\d{12,14}", digits):
        return None
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits[:-1])))
    return digits if (10 - total % 10) % 10 == int(digits[-1]) else None
