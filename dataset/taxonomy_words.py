"""Words of a taxonomy in running text: which phrase stands where, for all fields at once.

In: a text and, if known, its language. Out: `Mention`s with their place. Case, accents, hyphens and plural -s don't
matter; of phrases of one field that overlap the longest counts; only whole words count, but in Chinese and Japanese
any place. Never decides whether a mention is meant: negations and companions are the reader's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from dataset.taxonomy_file import OWN, SHOP, TaxonomyFile, Value

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_BREAKS = re.compile(r"[\s\-‐‑–—_/.,;:+&()|'’\"!?]+")
TOKEN = re.compile(r"[^\s\-‐‑–—_/.,;:+&()|'’\"!?]+")
_ID = "id"  # a value's own id, which holds where no language is named
_IGNORED = "\0"  # a phrase that is no value takes its place all the same


@dataclass(frozen=True, order=True)
class Mention:
    """text[start:end] says `value` of `field`."""

    start: int
    end: int
    field: str
    value: str
    words: str


class Lexicon:
    """All words of a taxonomy, ready to be looked up."""

    def __init__(self, file: TaxonomyFile) -> None:
        self.words: dict[str, dict[str, dict[str, str]]] = {field: defaultdict(dict) for field in file.fields}
        self._by_key: dict[str, list[tuple[str, dict[str, str]]]] = defaultdict(list)
        self._ids: dict[str, set[str]] = {}
        self._longest = 1
        for name, field in file.fields.items():
            self._ids[name] = {value.id for value in field.values}
            self._add(name, ((lang, word, _IGNORED) for lang, words in field.ignore.items() for word in words))
            refused = set(self.words[name])
            self._add(name, ((language, word, v.id) for v in field.values for language, word in words_of(v)))
            self._add(name, ((_ID, v.id, v.id) for v in field.values if key_of(v.id) not in refused))
            for key, languages in self.words[name].items():
                self._by_key[key].append((name, languages))
        self._cjk = sorted((key for key in self._by_key if _CJK.search(key)), key=lambda key: (-len(key), key))

    def map(self, field: str, word: str, language: str | None = None) -> str | None:
        """Value id of a whole word or phrase, or None. An id as it stands is itself, also where running text may
        hold it without meaning it (the `short` of sleeves)."""
        if word.strip().casefold() in self._ids[field]:
            return self._named(field, word.strip().casefold(), language)
        value = only(self.words[field].get(key_of(word), {}), language)
        return None if value == _IGNORED else value

    def _named(self, field: str, word: str, language: str | None) -> str:
        value = only(self.words[field].get(key_of(word), {}), language)
        return word if value in (None, _IGNORED) else str(value)

    def mentions(self, text: str, language: str | None = None, fields: Iterable[str] | None = None) -> list[Mention]:
        """Every mention in the text's order; those of different fields may overlap."""
        wanted = set(self.words if fields is None else fields)
        taken: dict[str, list[Mention]] = {field: [] for field in wanted}
        for start, end, key in self._phrases(text):
            for field, languages in self._by_key.get(key, ()):
                value = only(languages, language) if field in wanted else None
                if value is not None:
                    _take(taken[field], Mention(start, end, field, value, text[start:end]))
        return sorted(m for found in taken.values() for m in found if m.value != _IGNORED)

    def _phrases(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, key), longer phrases first."""
        tokens = [(key_of(match.group()), match.start(), match.end()) for match in TOKEN.finditer(text)]
        for width in range(min(self._longest, len(tokens)), 0, -1):
            for first in range(len(tokens) - width + 1):
                part = tokens[first : first + width]
                yield part[0][1], part[-1][2], "".join(token for token, _, _ in part)
        if _CJK.search(text):
            plain = text.casefold()
            for key in self._cjk:
                for match in re.finditer(re.escape(key), plain):
                    yield match.start(), match.end(), key

    def _add(self, field: str, words: Iterable[tuple[str, str, str]]) -> None:
        for language, word, value in words:
            self.words[field][key_of(word)].setdefault(language, value)
            self._longest = max(self._longest, len(TOKEN.findall(word)) + 1)


def words_of(value: Value) -> Iterator[tuple[str, str]]:
    """(language, word) of a value: its id and label are words too."""
    yield OWN, value.id
    if value.label:
        yield OWN, value.label
    for language, words in value.synonyms.items():
        for word in words:
            yield language, word


@lru_cache(maxsize=100_000)
def key_of(word: str) -> str:
    """What two spellings of one phrase share: no case, accents, hyphens, spaces or plural -s; CJK is left as it is."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "".join(_singular(token) for token in _BREAKS.split(plain) if token)


def only(languages: Mapping[str, str], language: str | None) -> str | None:
    """The value by a shop's own mapping, else by `language`, else by English, which shops use everywhere; with no
    language named, the value of that very id, or what all languages agree on."""
    if SHOP in languages:
        return languages[SHOP]
    if language is not None:
        return languages.get(language, languages.get(OWN))
    if _ID in languages:
        return languages[_ID]
    return next(iter(languages.values())) if len(set(languages.values())) == 1 else None


def _singular(token: str) -> str:
    if len(token) > 4 and token.endswith("ies"):
        return token[:-3] + "y"
    if token.endswith(("sses", "shes", "ches", "xes")):
        return token[:-2]
    return token[:-1] if len(token) > 3 and token.endswith("s") and not token.endswith("ss") else token


def _take(taken: list[Mention], new: Mention) -> None:
    if all(new.end <= other.start or new.start >= other.end for other in taken):
        taken.append(new)
