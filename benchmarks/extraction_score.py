"""The arithmetic of the extraction benchmark: one page compared field by field, counts added up, intervals.

In: what a page's `expected.json` says and the product that an extractor made of it. Out: `Counts` per field, which add
up over pages, and precision, recall and F1 of the sums. TP: both there and equal. FP: something came out, and the truth
has nothing or something else. FN: the truth has something, and nothing or something else came out; a wrong value
is therefore both. `images` and `categories` are compared member by member. Never reads a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

FIELDS = (
    "name", "price", "list_price", "currency", "availability", "brand", "sku", "gtin", "images", "categories", "colour",
)  # fmt: skip
MUST_BE_ABSENT = ("price", "currency", "availability", "sku", "gtin")  # where a page's truth names no `check`
_SIZES = re.compile(
    r"[-_@/](\d{2,4}x\d{0,4}|x\d{2,4}|(thumb|thm|small|home|cart|medium|large|thickbox|grande|zoom)(_default)?|[1-3]x)"
    r"(?=[-_.@/]|$)"
)
Value = Any


@dataclass(frozen=True)
class Counts:
    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)


@dataclass(frozen=True)
class Judged:
    """One page: counts per scored field, and each error in words."""

    counts: dict[str, Counts]
    errors: list[str]


def judge(expected: dict[str, Any], found: dict[str, Value] | None) -> Judged:
    """`expected` is expected.json of a page with a product; `found` the fields that came out, None where none did.

    `check` names the fields that are scored; without it all that the truth gives, and `MUST_BE_ABSENT`.
    `also` names, by field, other answers that are right as well.
    """
    truth, also, found = expected["products"][0], expected.get("also", {}), found or {}
    scored = expected.get("check") or [f for f in FIELDS if truth.get(f) or f in MUST_BE_ABSENT]
    counts, errors = {}, []
    for name in (f for f in FIELDS if f in scored):
        counts[name] = compare(name, truth.get(name), found.get(name), also.get(name, ()))
        if counts[name].fp or counts[name].fn:
            errors.append(f"{name}: {found.get(name)!r} instead of {truth.get(name)!r}")
    return Judged(counts, errors)


def compare(name: str, truth: Value, found: Value, also: Iterable[Value] = ()) -> Counts:
    if name in ("images", "categories"):
        same = _same_picture if name == "images" else _same_text
        return _members(truth or [], found or [], list(also), same)
    right = bool(truth and found) and any(_EQUAL.get(name, _same_text)(each, found) for each in (truth, *also))
    return Counts(int(right), int(bool(found) and not right), int(bool(truth) and not right))


def _members(truth: list[str], found: list[str], also: list[str], same: Callable[[str, str], bool]) -> Counts:
    """Each member of the truth can be met once; a second rendition of a picture is wrong, one of `also` is neither."""
    left, wrong = list(truth), 0
    for each in found:
        met = max((t for t in truth if same(t, each)), key=len, default=None)
        if met in left:
            left.remove(met)
        elif met is not None or not any(same(other, each) for other in also):
            wrong += 1
    return Counts(len(truth) - len(left), wrong, len(left))


def _same_text(truth: str, found: str) -> bool:
    return _folded(truth) == _folded(found)


def _same_name(truth: str, found: str) -> bool:
    short, long = sorted((_folded(truth), _folded(found)), key=len)
    return short == long or (short in long and len(short) >= 0.6 * len(long))


def _same_price(truth: str, found: str) -> bool:
    try:
        return Decimal(truth) == Decimal(found)
    except InvalidOperation:
        return False


def _same_code(truth: str, found: str) -> bool:
    return "".join(truth.split()).casefold() == "".join(found.split()).casefold()


def _same_picture(truth: str, found: str) -> bool:
    """A truth with '://' is an URL and means its path without size words; any other is a part of the picture's URL."""
    if "://" in truth:
        return _picture(truth) == _picture(found)
    return truth.casefold() in unquote(found).casefold()


def _picture(url: str) -> str:
    parts = urlsplit(unquote(url).casefold())
    return _SIZES.sub("", parts.path)


def _folded(text: str) -> str:
    return " ".join(str(text).split()).casefold()


_EQUAL: dict[str, Callable[[str, str], bool]] = {
    "name": _same_name, "price": _same_price, "list_price": _same_price, "sku": _same_code, "gtin": _same_code,
    "currency": str.__eq__, "availability": str.__eq__,
}  # fmt: skip


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def figures(pages: Sequence[Counts]) -> dict[str, Any]:
    """n, precision, recall, F1 over `pages`, F1's 95 % interval (bootstrap over pages, 1,000 draws, seed 0).

    `given` of the n pages have the field; on the others it must stay absent.
    """
    total, given = sum(pages, Counts()), sum(bool(page.tp or page.fn) for page in pages)
    return {
        "n": len(pages), "given": given, "tp": total.tp, "fp": total.fp, "fn": total.fn,
        "precision": ratio(total.tp, total.tp + total.fp), "recall": ratio(total.tp, total.tp + total.fn),
        "f1": ratio(2 * total.tp, 2 * total.tp + total.fp + total.fn), "f1_95": _interval(pages),
    }  # fmt: skip


def _interval(pages: Sequence[Counts]) -> list[float] | None:
    each = np.array([(page.tp, page.fp, page.fn) for page in pages], dtype=float).reshape(-1, 3)
    if not each.any():
        return None
    drawn = each[np.random.default_rng(0).integers(0, len(each), (1000, len(each)))].sum(axis=1)
    whole = 2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2]
    f1 = 2 * drawn[whole > 0, 0] / whole[whole > 0]
    return [float(edge) for edge in np.percentile(f1, [2.5, 97.5])]
