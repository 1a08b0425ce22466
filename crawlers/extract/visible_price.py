"""The price a visitor would pay, and the struck one beside it, as the visible page shows them.

In: the page's lines and its product block. Out: `Shown`. Savings, instalments, shipping thresholds, cart totals, unit
prices and the prices of other products are told apart by the words and the markup around each sum.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

from crawlers.extract import lines, money, walk, words
from crawlers.extract.block import Block, in_tile
from crawlers.extract.lines import Line, Seen

_MOST_SUMS = 800
_LIKELY = 2.0
_CUT_AFTER = re.compile(
    r"zzgl|plus\b|excl|inkl|incl|exkl|hors\b|sans\b|[+&,(|•·]|\bund\b|\band\b|tax|mwst|ttc|iva", re.I
)
_CUT_BEFORE = re.compile(r"(?:(?<=\w{5})[.]|[;|!•·])(?=\s|$)")
_NET = re.compile(
    r"\b(?:ex|excl|exkl|w/o|zzgl|without|ohne|hors|sin|net)\b\.? ?(?:of )?(?:vat|tax|gst|mwst|ust|"
    r"taxes?|tva|iva|btw)|\bH\.?T\.?\b|\bnetto?\b|税抜|税別|本体価格|\bnet\b|"
    r"\bbez (?:dph|vat|pdv|ddv|ндс)|без ндс|(?:eks|ex|exkl|ekskl)\.? (?:mva|moms)|ilman alv|alv 0|nettó|"
    r"fără tva|kdv hariç|\+ ?kdv|χωρίς φπα|부가세 별도|未税",
    re.I,
)
_GROSS = re.compile(
    r"\binc|\binkl|\bttc\b|brutt[oó]|税込|\bgst\b|mit mwst|(?:s|vč\.?|včetně) dph|med moms|sis\.? ?alv|kdv dahil", re.I
)
_PRICE_LABEL = re.compile(
    r"(?:price|preis|prix|precio|preço|prezzo|prijs|cena|pris|now|nur|only|jetzt|sale|our price|价格|"
    r"価格|販売価格)\s*:?\s*$",
    re.I,
)
_EACH = re.compile(r"^\s*price (?:per (?:unit|item|piece)|each)\s*:?\s*$", re.I)
_SHARE = re.compile(
    r"\b\d+ ?(?:x|×|fois|mal|raten)(?: (?:de|of|à|sem|von))?\s*$|\b(?:dont|davon|zzgl\.?|darin|of which|plus)\s*$", re.I
)
_RANGE = re.compile(r"^\s*(?:[-–—~〜]|to|bis|à|a|до)\s*$", re.I)


@dataclass(slots=True)
class Candidate:
    amount: Decimal
    sign: str
    code: str | None
    line: Line
    score: float
    struck: bool = False
    other: bool = False
    taxed: bool = False


@dataclass(slots=True)
class Shown:
    """`price` is the best candidate, `listed` the struck one; `all` every other sum near the product, struck or not."""

    price: Candidate | None = None
    listed: Candidate | None = None
    candidates: list[Candidate] = field(default_factory=list)

    def amounts(self, *, struck: bool) -> set[Decimal]:
        return {c.amount for c in self.candidates if c.struck == struck and not c.other}


def priced(seen: Seen) -> list[tuple[Line, list[money.Sum]]]:
    """Lines that hold money, those whose sum is split over neighbours joined."""
    _join_split(seen.lines)
    found: list[tuple[Line, list[money.Sum]]] = []
    for line in seen.lines:
        if len(line.text) < 400 and money.HINT.search(line.text):
            bare = bool(line.flags & lines.PRICED) and not line.flags & lines.STOCK
            sums = money.find(line.text, bare=bare)
            if sums and len(found) < _MOST_SUMS:
                found.append((line, sums))
    return found


def choose(block: Block, found: list[tuple[Line, list[money.Sum]]]) -> Shown:
    shown = Shown()
    for line, sums in found:
        if not in_tile(line.element, block.tiles):
            shown.candidates += _candidates(block, line, sums)
    _settle_weak(shown.candidates)
    _settle_beside(shown.candidates)
    _settle_savings(shown.candidates)
    usable = [c for c in shown.candidates if not c.struck and not c.other]
    if max((c.score for c in usable), default=-9.0) < _LIKELY:
        usable = _least_struck(shown.candidates) or usable
    counted = Counter(c.amount for c in usable if c.line.order < block.related)
    for candidate in usable:
        candidate.score += min(1.0, 0.4 * (counted[candidate.amount] - 1))
    shown.price = max(usable, key=lambda c: (c.score, -c.line.order), default=None)
    if shown.price is not None:
        shown.listed = _listed(shown, shown.price, block.related)
    return shown


def _least_struck(candidates: list[Candidate]) -> list[Candidate]:
    """Where everything seems struck the lowest sum near the best one is the price: a wrapper's class struck it."""
    struck = [c for c in candidates if c.struck]
    best = max(struck, key=lambda c: c.score, default=None)
    if best is None or best.score < 3:
        return []
    near = [c for c in struck if abs(c.line.order - best.line.order) <= 12 and c.score > best.score - 2]
    lowest = min(near, key=lambda c: c.amount)
    lowest.struck = False
    return [lowest]


def _join_split(every: list[Line]) -> None:
    """'$' | '29' | '.99' in blocks of their own become one line; the emptied ones stay, as ''."""
    for here, following in pairwise(every):
        if len(here.text) > 24 or len(following.text) > 24 or not lines.kin(here, following):
            continue
        sign_first = money.only_sign(here.text) and following.text[:1].isdigit()
        sign_last = here.text[-1:].isdigit() and money.only_sign(following.text)
        cents = here.text[-1:].isdigit() and re.fullmatch(r"[.,]\d\d\D{0,4}", following.text)
        raised = here.text[-1:].isdigit() and following.flags & lines.CENTS and re.fullmatch(r"\d\d", following.text)
        if sign_first or sign_last or cents or raised:
            mark = "." if raised else ""
            following.text, here.text = f"{here.text}{mark}{following.text}", ""
            following.flags |= here.flags & (lines.PRICED | lines.STRUCK | lines.SALE)


def _candidates(block: Block, line: Line, sums: list[money.Sum]) -> list[Candidate]:
    found: list[Candidate] = []
    for n, found_sum in enumerate(sums):
        start = sums[n - 1].end if n else 0
        end = sums[n + 1].start if n + 1 < len(sums) else len(line.text)
        before, after = line.text[start : found_sum.start], line.text[found_sum.end : end]
        before = before[_tax_words(before) :] if n else before
        if n and _RANGE.match(before) and not (found and found[-1].struck):
            continue
        label = "" if n or before.strip() else _label(block.seen, line)
        last = n + 1 == len(sums)
        found.append(_judged(block, line, found_sum, f"{label} {before}", after if last else _own_words(after)))
        if before.rstrip().endswith(("-", "−", "+", "–")):
            found[-1].other = True
    _settle_pair(found, line.text[sums[0].end : sums[-1].start])
    return found


def _tax_words(after: str) -> int:
    """Length of what is said right after a sum of its tax."""
    found = _NET.match(after.lstrip(" (")) or _GROSS.match(after.lstrip(" ("))
    return len(after) - len(after.lstrip(" (")) + found.end() if found else 0


def _own_words(after: str) -> str:
    """Of the words between two sums, those that go with the first: '/kg', 'off', 'per', what stands in brackets."""
    if _tax_words(after):
        return after
    return after if re.match(r"\s*(?:/|off\b|per\b|each\b|\(|x\b|pro\b|\*)", after, re.I) else ""


def _settle_pair(found: list[Candidate], between: str) -> None:
    """Of two plain sums on one line the higher is the old price: said first, or said right beside the other."""
    plain = [c for c in found if not c.struck and not c.other]
    if len(plain) != 2 or len(found) != 2 or any(c.taxed for c in plain):
        return
    low, high = sorted(plain, key=lambda c: c.amount)
    if low.amount < high.amount < low.amount * 10 and (high is plain[0] or not between.strip()):
        high.struck = True


def _settle_beside(candidates: list[Candidate]) -> None:
    """Of two priced lines of one small part of the page, first the higher, then the lower, the first is the old one."""
    plain = [c for c in candidates if not c.struck and not c.other and not c.taxed and c.line.flags & lines.PRICED]
    for high, low in pairwise(plain):
        follows = low.line.order - high.line.order == 1 and low.amount < high.amount < low.amount * 10
        third = any(abs(c.line.order - o) == 1 for c in plain if c not in (high, low) for o in _orders(high, low))
        inline = {high.line.element.tag, low.line.element.tag} <= walk.INLINE
        if follows and inline and not third and lines.kin(high.line, low.line):
            high.struck = True


def _orders(*candidates: Candidate) -> list[int]:
    return [c.line.order for c in candidates]


def _settle_savings(candidates: list[Candidate]) -> None:
    """A sum that exceeds a neighbour by exactly what the page says is saved is the old price."""
    plain = [c for c in candidates if not c.struck and not c.other]
    for saved in (c for c in candidates if c.other and words.SAVINGS.search(c.line.text)):
        near = [c for c in plain if abs(c.line.order - saved.line.order) <= 8]
        for high in near:
            high.struck = high.struck or any(high.amount - low.amount == saved.amount for low in near)


def _label(seen: Seen, line: Line) -> str:
    """The short line before, where it belongs to the same small part of the page and holds no sum itself.

    Some shops make the word before the old price a button that explains it.
    """
    every = seen.lines
    said = next((c.text for c in seen.controls if c.order == line.order and words.STRUCK_WORDS.search(c.text)), "")
    if said and len(said) < 20:
        return said
    for previous in reversed(every[max(0, line.order - 2) : line.order]):
        if previous.text:
            fits = len(previous.text) < 40 and lines.kin(previous, line) and not money.find(previous.text)
            return previous.text if fits and not previous.flags & lines.HEADING else ""
    return ""


def _judged(block: Block, line: Line, found: money.Sum, before: str, after: str) -> Candidate:
    near_before = _CUT_BEFORE.split(before)[-1][-45:]
    near_after = _CUT_AFTER.split(after)[0][:18]
    labelled = _PRICE_LABEL.search(near_before) is not None and not _NET.search(near_before)
    struck = bool(line.flags & lines.STRUCK) or bool(words.STRUCK_WORDS.search(near_before.rstrip(" :") + " "))
    labelled = labelled or _EACH.search(near_before) is not None
    other = bool(words.TIER.search(near_before)) or (not labelled and bool(words.OTHER_MONEY.search(near_before)))
    other = other or _is_other_after(near_after, after) or bool(_SHARE.search(near_before))
    other = other or bool(words.NOT_A_SHOP_PRICE.search(after[:24]))
    score = _score(block, line, found, before)
    net = bool(_NET.search(after[:24]) or _NET.search(near_before))
    gross = bool(_GROSS.search(after[:24]))
    score += 1.0 * labelled - 1.0 * bool(words.FROM_WORDS.search(near_before)) - 2.0 * net + 0.3 * gross
    return Candidate(found.amount, found.sign, found.code, line, score, struck and not other, other, net or gross)


def _is_other_after(near: str, after: str) -> bool:
    """Words after a sum that make it something else; 'You save 20 %' after a price is said of the price itself."""
    found = words.OTHER_MONEY.search(near)
    if found is None:
        return False
    saved = words.SAVINGS.search(after)
    return saved is None or re.search(r"\d", after[saved.end() : saved.end() + 14]) is None


def _score(block: Block, line: Line, found: money.Sum, before: str) -> float:
    """Points for a sum's place and markup: price classes, the way from heading to buy control, a line of its own."""
    flags, order = line.flags, line.order
    anchors = [a for a in (block.heading, block.buy.order if block.buy else None) if a is not None]
    away = min((abs(order - a) for a in anchors), default=50)
    between = bool(block.heading is not None and block.buy and block.heading <= order <= block.buy.order)
    away = 0 if between and away < 40 else away
    score = 3.0 * bool(flags & lines.PRICED) + 1.0 * bool(flags & lines.SALE) - 0.05 * min(away, 60)
    score += 2.0 * between + 1.0 * (block.heading is not None and order >= block.heading)
    wordy = not flags & lines.PRICED and sum(map(str.isalpha, line.text)) > 24
    score -= 1.5 * (wordy and bool(before.strip()))
    score += 1.0 * (len(line.text) < 30) - 3.0 * (len(line.text) > 110) - 4.0 * (order >= block.related)
    score -= 1.5 * bool(flags & lines.LINK) + 1.0 * bool(flags & lines.OPTION) + 0.7 * bool(flags & lines.WEAK)
    dashed = line.text[: found.end].rstrip()[-1:] in "-–—"  # '1 199,-' is written of money only
    score -= 2.0 * (not found.sign and not flags & lines.PRICED and not dashed) + 0.5 * (not found.sign)
    score -= 4.0 * _goes_with_another(block.seen.lines, line)
    return score


def _goes_with_another(every: list[Line], line: Line) -> bool:
    """Whether a heading like 'Complete the look' opens the small part of the page that the sum stands in."""
    above = list(islice(line.element.iterancestors(), 5))
    titles = (x for x in every[max(0, line.order - 4) : line.order] if x.flags & lines.HEADING)
    return any(words.RELATED.search(x.text) and _holder(x.element) in above for x in titles)


def _holder(element: Any) -> Any:
    """The element that a heading stands in: what a heading's own inline parts stand in is no section."""
    found = element
    while found is not None and found.tag not in ("h1", "h2", "h3", "h4", "h5"):
        found = found.getparent()
    return found.getparent() if found is not None else None


def _settle_weak(candidates: list[Candidate]) -> None:
    """A 'regular' price is struck only where a lower one stands beside it."""
    plain = [c for c in candidates if not c.struck and not c.other and not c.line.flags & lines.WEAK]
    for weak in (c for c in candidates if c.line.flags & lines.WEAK and not c.struck):
        beside = [
            c
            for c in plain
            if abs(c.line.order - weak.line.order) <= 4 and c.amount < weak.amount and c.score > weak.score - 2
        ]
        weak.struck = bool(beside)


def _listed(shown: Shown, price: Candidate, related: int) -> Candidate | None:
    """The struck sum nearest to the price, above it, within a few lines and before other products begin."""
    struck = [c for c in shown.candidates if c.struck and c.amount > price.amount]
    near = [
        c
        for c in struck
        if abs(c.line.order - price.line.order) <= 12 and c.line.order <= max(related, price.line.order)
    ]
    return min(near, key=lambda c: abs(c.line.order - price.line.order), default=None)
