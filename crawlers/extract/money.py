"""Sums of money in visible text: where they stand, how much, and what sign or code they carry.

In: one short visible text. Out: `Sum`s in order. '1.299,00', '1,299', '29.-', '29:-', 'R$ 1.299,90', '1 299 kr' are
read; a bare number only where the caller says that it stands where a price stands. Never decides a currency.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

CODES = (
    "USD|EUR|GBP|JPY|CNY|AUD|CAD|NZD|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|INR|PKR|LKR|BDT|NPR|IDR|MYR|SGD|"
    "HKD|TWD|KRW|THB|VND|PHP|BRL|MXN|ARS|CLP|COP|PEN|UYU|ZAR|NGN|KES|EGP|MAD|AED|SAR|QAR|KWD|BHD|OMR|JOD|ILS|ISK|RSD|"
    "KZT|GEL|GTQ|CRC|DOP|RMB"
)
_SIGNS = (
    r"(?<![A-Za-z])(?:US ?\$|U\$S|AU ?\$|A\$|CA ?\$|C\$|NZ ?\$|HK ?\$|NT ?\$|SG ?\$|S\$|R\$|MX ?\$|RD\$|"
    r"CN¥|JP¥)|[$€£¥￥₹₽₩₺₫฿₴₪₦₱₸₾₲﷼]|"
    r"円|元|원|zł|Kč|лв\.?|руб\.?|грн\.?|тг|S/\.?|\b(?:SFr|Fr|Rs|RM|Rp|Ft|kr|lei|TL|Dhs?|KSh|R|din|euros?|Lt|₵)\b\.?|"
    r"\b(?:Rs|Rp|kr|KSh)(?=\d)|\b(?:RM|R|Fr|Dhs?)(?=\d{1,3}(?:[.,]\d\d(?!\d)|,\d{3}))"
)
SIGN = rf"(?:{_SIGNS}|\b(?:{CODES})\b)"
_SPACE = "[ \u00a0\u202f\u2009]"
_NUMBER = (
    rf"\d{{1,3}}(?:(?:[.,'’]|{_SPACE})\d{{3}})+(?!\d)(?:[.,]\d{{1,2}}(?!\d))?|"
    rf"\d{{1,3}}(?:,\d{{2}})+,\d{{3}}(?:\.\d{{1,2}})?(?!\d)|\d{{1,9}}(?:[.,]\d{{1,3}}(?!\d))?"
)
_TAIL = r"(?:[.,:][-–—]{1,2})?"
_GAP = rf"(?:{_SPACE}|\n){{0,3}}"
_SUM = re.compile(
    rf"(?:(?<![\d.,])|"
    rf"(?<=\d)(?=[$€£¥]))(?P<pre>{SIGN}){_GAP}:?(?P<n1>{_NUMBER}){_TAIL}(?:{_GAP}(?P<both>\b(?:{CODES})\b))?"
    rf"|(?<![\w.,/-])(?P<n2>{_NUMBER}){_TAIL}{_GAP}(?P<post>{SIGN})(?:(?P<cents>\d\d(?![\d.,]|\s?[€$£]))|(?!\d))"
    rf"|(?<![\w.,/-])(?P<n3>\d{{1,6}}(?:[.,' ]\d{{3}})*)(?P<dash>[.,:][-–—]{{1,2}})",
    re.I,
)
_BARE = re.compile(rf"^[^\d+%#/]{{0,20}}?(?P<n>{_NUMBER}){_TAIL}[^\d+%/]{{0,20}}$")
_ONLY_SIGN = re.compile(rf"^\s*{SIGN}\s*$", re.I)
HINT = re.compile(r"[\d]")
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Sum:
    """`amount` > 0; `sign` as written ('' for a bare number); `code` an ISO 4217 code written beside it."""

    amount: Decimal
    sign: str
    code: str | None
    start: int
    end: int


def find(text: str, *, bare: bool = False) -> list[Sum]:
    """Every sum with a sign or code; with `bare`, a text that is one number (and few other letters) too."""
    shortened = text[:_LONGEST]
    found = [s for m in _SUM.finditer(shortened) if (s := _sum(m))]
    if not found and bare and len(shortened) <= 40 and (m := _BARE.match(shortened)):
        amount = number(m["n"])
        return [Sum(amount, "", None, m.start("n"), m.end("n"))] if amount else []
    return found


def only_sign(text: str) -> bool:
    return len(text) < 8 and _ONLY_SIGN.match(text) is not None


def number(written: str, *, grouped: bool = True) -> Decimal | None:
    """'1.299' is thousands (three digits after the mark), '12,5' is twelve and a half; None for zero."""
    digits = re.sub(r"[ \u00a0\u202f\u2009'’]", "", written)
    mark = max(digits.rfind("."), digits.rfind(","))
    decimals = len(digits) - mark - 1
    if mark >= 0 and (decimals != 3 or digits.startswith("0")) and digits.count(digits[mark]) == 1:
        whole, rest = re.sub(r"[.,]", "", digits[:mark]), digits[mark + 1 :]
        digits = f"{whole or '0'}.{rest}"
    else:
        digits = re.sub(r"[.,]", "", digits)
    try:
        amount = Decimal(digits)
    except InvalidOperation:
        return None
    return amount if 0 < amount < 10**10 else None


def _sum(match: re.Match[str]) -> Sum | None:
    amount = number(match["n1"] or match["n2"] or match["n3"])
    if amount is None:
        return None
    if match["cents"] and amount == int(amount):
        amount += Decimal(match["cents"]) / 100  # '1 089€90'
    sign = (match["pre"] or match["post"] or "").strip()
    beside = match["both"] or (sign if re.fullmatch(CODES, sign, re.I) else None)
    return Sum(amount, sign, beside.upper().replace("RMB", "CNY") if beside else None, match.start(), match.end())
