"""What a shop says about a product, as values of a taxonomy with the place and the confidence of each.

In: a row of `products` and a `Taxonomy`. Out: `Said`s. The product's own words only: 'goes with black trousers',
'without hood' and 'white buttons' say nothing of it (see `shop_traps`). Sources that contradict each other are all
kept. A category or colour word that maps to nothing is a `Said` with value None, for a person to map; never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dataset.taxonomy import Taxonomy
from dataset.taxonomy_words import TOKEN, Mention, key_of, only
from labeling.shop_language import language_of
from labeling.shop_traps import about_itself, negated, of_a_part, without_brand

CONFIDENCE = {"categories": 0.95, "colour": 0.95, "name": 0.8, "description": 0.5, "sizes": 0.7}
HEAD = 0.96  # a title's head noun is more exact than the shelf it stands on
BESIDE = 0.6  # a type that a title names beside its head
STEP_UP = 0.02  # a breadcrumb's last word is the product's own; each one above it says less
IMPLIED = 0.9  # of the confidence of what it follows from
COLOUR, MATERIAL = "colour", "material"
_HEAD_ENDS = re.compile(r"\s(?:with|in|for|without|from|by|mit|aus|für|ohne|im|von)\s|[,(|–—]|\s-\s", re.I)
_FIRST_IS_HEAD = {"fr", "es", "it"}  # 'robe chemise' is a dress, as 'shirt dress' is
_CHILD_SIZE = re.compile(
    r"\d\s*(?:months?|mths?|years?|yrs?|y|m|monate|jahre|mois|ans|meses|años|mesi|anni|岁|个月)\b", re.I
)
_JOINTS = ("", "s", "n", "en", "e", "es")  # between the parts of a German compound
_LEAST_PART = 3


@dataclass(frozen=True)
class Said:
    """`place` is categories, colour, name, description or sizes; `value` None is a word nobody has mapped."""

    field: str
    value: str | None
    word: str
    confidence: float
    place: str


def read_shop(words: Taxonomy, product: Mapping[str, Any]) -> list[Said]:
    """All labels of one product; of the same field, value and word the most trusted place counts. Keys read: name,
    categories, colour, description, sizes, brand; all may be missing."""
    texts = [*(product.get("categories") or []), product.get("name"), product.get("colour"), product.get("description")]
    language = language_of(" . ".join(text for text in texts if text), words.lexicon)
    found = _categories(words, product.get("categories") or [], language)
    found += _colour(words, product.get("colour"), language)
    found += _name(words, without_brand(product.get("name") or "", product.get("brand")), language)
    found += _sizes(words, product.get("sizes") or [])
    said = {one.field for one in found if one.value is not None and one.place != "sizes"}
    text = without_brand(product.get("description") or "", product.get("brand"), everywhere=True)
    silent = {words.first, COLOUR} & said  # where the shop said it plainly, running text speaks of other things
    found += [one for one in _scan(words, text, "description", language) if one.field not in silent]
    return _asked(words, _best(_with_implied(words, found)))


def answers(words: Taxonomy, found: Iterable[Said]) -> dict[str, set[str]]:
    """field -> the shop's answer: the surest value, or all values of a `multi` field (of the colour, those of the
    surest place)."""
    chosen: dict[str, set[str]] = {}
    by_field: dict[str, list[Said]] = {}
    for one in found:
        if one.value is not None:
            by_field.setdefault(one.field, []).append(one)
    for field, said in by_field.items():
        surest = max(said, key=lambda one: one.confidence)
        multi = words.fields[field].kind == "multi"
        kept = [one for one in said if multi and (field != COLOUR or one.place == surest.place)] or [surest]
        chosen[field] = _leaves(words, field, {str(one.value) for one in kept})
    return chosen


def conflicts(words: Taxonomy, found: Iterable[Said]) -> dict[str, list[Said]]:
    """field -> what was said, where two places can't both be right: of an `exclusive` field two values of which none
    is a kind of the other, of a `multi` field two places without a value in common."""
    by_field: dict[str, list[Said]] = {}
    for one in found:
        if one.value is not None:
            by_field.setdefault(one.field, []).append(one)
    return {field: said for field, said in by_field.items() if _clash(words, field, said)}


def _clash(words: Taxonomy, field: str, said: list[Said]) -> bool:
    places = [[str(one.value) for one in said if one.place == place] for place in dict.fromkeys(s.place for s in said)]
    pairs = [(one, other) for n, one in enumerate(places) for other in places[:n]]
    if words.fields[field].kind == "multi":
        return any(not any(words.agree(field, a, b) for a in one for b in other) for one, other in pairs)
    return any(not words.agree(field, a, b) for one, other in pairs for a in one for b in other)


def _leaves(words: Taxonomy, field: str, values: set[str]) -> set[str]:
    return values - {up for value in values for up in words.ancestors(field, value)}


def _categories(words: Taxonomy, categories: list[str], language: str | None) -> list[Said]:
    """The deepest word that names a type says it; those above it are broader and say only the other fields."""
    found: list[Said] = []
    for above, word in enumerate(reversed(categories)):
        confidence = max(0.0, CONFIDENCE["categories"] - STEP_UP * above)
        told = [replace(one, confidence=confidence) for one in _category(words, word.strip(), language)]
        has_type = any(one.field == words.first and one.value for one in found)
        found += [one for one in told if not (has_type and one.field == words.first and one.value)]
    return found


def _category(words: Taxonomy, word: str, language: str | None) -> list[Said]:
    known, said = words.from_category(word)
    if known:
        return [Said(field, value, word.lower(), 0.0, "categories") for field, value in said.items()]
    found = _whole(words, word, "categories", language, list(words.fields))
    found = found or _scan(words, word, "categories", language)
    types = {str(one.value) for one in found if one.field == words.first}
    if len(_leaves(words, words.first, types)) > 1:  # 'Shirts & Shorts' is neither
        shared = set.intersection(*({value, *words.ancestors(words.first, value)} for value in types))
        found = [one for one in found if one.field != words.first]
        found += [
            Said(words.first, value, word.lower(), 0.0, "categories") for value in _leaves(words, words.first, shared)
        ]
    return found or [Said(words.first, None, word.lower(), 0.0, "categories")] if word else []


def _colour(words: Taxonomy, word: str | None, language: str | None) -> list[Said]:
    if not word or COLOUR not in words.fields:
        return []
    word = word.strip()
    found = _whole(words, word, "colour", language, [COLOUR, "pattern"])
    found = found or [one for one in _scan(words, word, "colour", language) if one.field in (COLOUR, "pattern")]
    known = words.from_category(word)[0]
    return found or (
        [] if known or not key_of(word) else [Said(COLOUR, None, word.lower(), CONFIDENCE["colour"], "colour")]
    )


def _whole(words: Taxonomy, word: str, place: str, language: str | None, fields: list[str]) -> list[Said]:
    mapped = [(name, words.map(name, word, language)) for name in fields if name in words.fields]
    return [Said(name, value, word.lower(), CONFIDENCE[place], place) for name, value in mapped if value]


def _name(words: Taxonomy, name: str, language: str | None) -> list[Said]:
    found = _scan(words, name, "name", language)
    types = [one for one in found if one.field == words.first]
    if not types:
        return found
    cut = _HEAD_ENDS.search(name.strip())
    head = name.strip()[: cut.start()].casefold() if cut else name.casefold()
    inside = [one for one in types if one.word in head] or types[:1]
    chosen = inside[0] if language in _FIRST_IS_HEAD else inside[-1]
    rest = [replace(one, confidence=BESIDE) for one in types if one is not chosen and one not in inside]
    return [one for one in found if one.field != words.first] + [replace(chosen, confidence=HEAD)] + rest


def _sizes(words: Taxonomy, sizes: list[str]) -> list[Said]:
    if "gender" not in words.fields or "kids" not in words.values("gender"):
        return []
    found = [size for size in sizes if _CHILD_SIZE.search(size)]
    return [Said("gender", "kids", f"size {size.strip().lower()}", CONFIDENCE["sizes"], "sizes") for size in found[:1]]


def _scan(words: Taxonomy, text: str, place: str, language: str | None) -> list[Said]:
    """Mentions in running text, without those that are not said of the product itself."""
    text = about_itself(text)
    mentions = words.lexicon.mentions(text, language)
    if language in ("de", None):
        mentions += _compounds(words, text, mentions)
    kept = [m for m in mentions if not _nested(words, m, mentions) and not negated(text, m, language)]
    kept = [m for m in kept if m.field not in (COLOUR, MATERIAL) or not of_a_part(text, m, language)]
    return [Said(m.field, m.value, m.words.lower(), CONFIDENCE[place], place) for m in sorted(kept)]


def _nested(words: Taxonomy, mention: Mention, others: list[Mention]) -> bool:
    """Whether it is only a part of another field's phrase: the 'long' of 'long sleeves', the 'shirt' of 'shirt
    collar'. A garment's name does say its parts: 'leather jacket' is of leather."""
    return any(
        other.field not in (mention.field, words.first)
        and other.start <= mention.start
        and mention.end <= other.end
        and other.end - other.start > mention.end - mention.start
        for other in others
    )


def _compounds(words: Taxonomy, text: str, known: list[Mention]) -> list[Mention]:
    """German compounds: the last part names the thing, the one before it may name material, sleeve or pattern."""
    found: list[Mention] = []
    for match in TOKEN.finditer(text):
        token = match.group()
        inside = [m for m in known if m.start < match.end() and m.end > match.start()]
        said = {m.field for m in inside}
        if len(token) > 2 * _LEAST_PART and all(m.words == token for m in inside):
            parts = [pair for pair in _parts(words, token.casefold()) if pair[0] not in said]
            found += [Mention(match.start(), match.end(), field, value, token) for field, value in parts]
    return found


def _parts(words: Taxonomy, token: str) -> list[tuple[str, str]]:
    for cut in range(_LEAST_PART, len(token) - _LEAST_PART):
        kind = only(words.lexicon.words[words.first].get(key_of(token[cut:]), {}), "de")
        if kind not in words.values(words.first):
            continue
        for joint in _JOINTS:
            before = token[:cut].removesuffix(joint) if joint else token[:cut]
            for field in words.fields:
                value = words.map(field, before, "de") or words.map(field, f"{token[:cut]}stoff", "de")
                if value and field != words.first:
                    return [(words.first, kind), (field, value)]
        return [(words.first, kind)]
    return []


def _with_implied(words: Taxonomy, found: list[Said]) -> list[Said]:
    said = {one.field for one in found if one.value is not None}
    implied = [
        Said(field, value, one.word, round(one.confidence * IMPLIED, 4), one.place)
        for one in found
        if one.value is not None
        for field, value in words.implied(one.field, one.value).items()
        if field not in said
    ]
    return found + implied


def _asked(words: Taxonomy, found: list[Said]) -> list[Said]:
    """Without fields that are no question of such a thing; a condition that nobody answered leaves them in."""
    best = {field: next(iter(values)) for field, values in answers(words, found).items() if len(values) == 1}

    def kept(one: Said) -> bool:
        conditions = words.fields[one.field].asked_when if one.value is not None else {}
        return any(other not in best for other in conditions) or words.asked(one.field, best)

    return [one for one in found if kept(one)]


def _best(found: list[Said]) -> list[Said]:
    """One of each (field, word): the key of a label."""
    best: dict[tuple[str, str], Said] = {}
    for one in found:
        key = (one.field, one.word)
        if key not in best or one.confidence > best[key].confidence:
            best[key] = one
    return list(best.values())
