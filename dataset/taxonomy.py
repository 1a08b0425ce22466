"""Taxonomies: which fields there are, which values each may have, and which words mean them, from versioned YAML.

In: the name of a shipped taxonomy (`clothing`, `footwear`) or a YAML file. Out: a `Taxonomy` that maps shop words
and finds values in running text. A word that is not known maps to None and is left for a person: nothing is ever
guessed. 'Not asked' (a hat has no sleeve) is apart from 'no' (a value such as sleeveless): see `asked`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dataset.errors import SettingsError, UsageError
from dataset.settings import parse_settings, read_yaml

SHIPPED = Path(__file__).with_name("taxonomies")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_BREAKS = re.compile(r"[\s\-‐‑–—_/.,;:+&()|'’\"]+")
_TOKEN = re.compile(r"[^\s\-‐‑–—_/.,;:+&()|'’\"]+")
_OWN = "en"  # ids and labels count as words of this language


class Value(BaseModel):
    """One answer. `parent` is a more general value of the same field; `synonyms` are words by language."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    label: str = ""
    parent: str | None = None
    synonyms: dict[str, list[str]] = Field(default_factory=dict)


class TaxonomyField(BaseModel):
    """One question. `asked_when` names, per other field, the values (or their children) for which it is asked at
    all."""

    model_config = ConfigDict(extra="forbid")
    label: str = ""
    kind: Literal["exclusive", "multi"] = "exclusive"
    asked_when: dict[str, list[str]] = Field(default_factory=dict)
    values: list[Value] = Field(min_length=1)


class TaxonomyFile(BaseModel):
    """What stands in the YAML. `mappings` translates labels of other data sets: name -> label -> field -> value id."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: int = Field(ge=1)
    description: str = ""
    fields: dict[str, TaxonomyField] = Field(min_length=1)
    mappings: dict[str, dict[str, dict[str, str] | None]] = Field(default_factory=dict)


class Taxonomy:
    """A checked taxonomy. `hash` is the sha256 of its canonical JSON, so a change of one synonym is another
    taxonomy."""

    def __init__(self, file: TaxonomyFile, where: str = "taxonomy") -> None:
        self.file, self.where = file, where
        self.name, self.version, self.fields = file.name, file.version, file.fields
        canonical = json.dumps(file.model_dump(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        self.hash = hashlib.sha256(canonical.encode()).hexdigest()
        self._values = {field: self._by_id(field) for field in self.fields}
        self._check_references()
        self._words = {field: self._index(field) for field in self.fields}

    @property
    def reference(self) -> str:
        """`name@version#hash`, as written into `labels.taxonomy`."""
        return f"{self.name}@{self.version}#{self.hash[:12]}"

    def values(self, field: str) -> list[str]:
        """Value ids in the file's order."""
        return list(self._of(field))

    def map(self, field: str, word: str, language: str | None = None) -> str | None:
        """Value id of a word or short phrase; case, hyphens, accents and plural -s don't matter. None where it is
        not known, or where two languages mean different values by it and `language` does not say which."""
        self._of(field)
        return _only(self._words[field].get(_key(word), {}), language)

    def find(self, field: str, text: str, language: str | None = None) -> list[tuple[str, str]]:
        """(value id, words as in the text) of every mention in running text, in its order. Longer phrases win over
        those inside them ('dress shirt' is no dress); only whole words count, but in Chinese and Japanese any place."""
        self._of(field)
        tokens = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
        stems = [_key(token) for token, _, _ in tokens]
        taken: list[tuple[int, int, str]] = []
        for first, last in _windows(len(tokens), self._longest[field]):
            key = "".join(stems[first:last])
            value = _only(self._words[field].get(key, {}), language)
            if value:
                _take(taken, tokens[first][1], tokens[last - 1][2], value)
        for key, languages in self._cjk[field]:
            value = _only(languages, language)
            for match in re.finditer(re.escape(key), text) if value else ():
                _take(taken, match.start(), match.end(), str(value))
        return [(value, text[start:end]) for start, end, value in sorted(taken)]

    def ancestors(self, field: str, value: str) -> list[str]:
        """The value's parents, nearest first; empty for a root. Raises UsageError for an unknown value."""
        values = self._of(field)
        if value not in values:
            raise UsageError(f"'{value}' is no value of {field}", where=self.where, expected=", ".join(values))
        found: list[str] = []
        parent = values[value].parent
        while parent is not None:
            found.append(parent)
            parent = values[parent].parent
        return found

    def asked(self, field: str, answers: Mapping[str, str | None]) -> bool:
        """Whether `field` is a question at all, given the answers so far; a condition without an answer is not met."""
        self._of(field)
        for other, wanted in self.fields[field].asked_when.items():
            answer = answers.get(other)
            if answer is None or not {answer, *self.ancestors(other, answer)} & set(wanted):
                return False
        return True

    def from_label(self, mapping: str, label: str) -> dict[str, str] | None:
        """field -> value id for a label of another data set (`wardrobe`, `street`); None where it has no
        counterpart."""
        if mapping not in self.file.mappings:
            raise UsageError(
                f"no mapping '{mapping}'", where=self.where, expected=", ".join(self.file.mappings) or "none"
            )
        return self.file.mappings[mapping].get(label)

    def _of(self, field: str) -> dict[str, Value]:
        if field not in self._values:
            raise UsageError(f"there is no field '{field}'", where=self.where, expected=", ".join(self._values))
        return self._values[field]

    def _by_id(self, field: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for value in self.fields[field].values:
            if value.id in found:
                raise self._fault(f"fields.{field}: two values have the id '{value.id}'")
            found[value.id] = value
        return found

    def _check_references(self) -> None:
        for field, values in self._values.items():
            for value in values.values():
                self._check_parents(field, value)
            for other, wanted in self.fields[field].asked_when.items():
                for word in wanted:
                    self._check_known(f"fields.{field}.asked_when", {other: word})
        for mapping, labels in self.file.mappings.items():
            for label, answers in labels.items():
                self._check_known(f"mappings.{mapping}.{label}", answers or {})

    def _check_parents(self, field: str, value: Value) -> None:
        seen, parent = [value.id], value.parent
        while parent is not None:
            if parent in seen:
                raise self._fault(f"fields.{field}: parents go in a circle: {' -> '.join([*seen, parent])}")
            if parent not in self._values[field]:
                raise self._fault(f"fields.{field}.{seen[-1]}: parent '{parent}' is no value")
            seen.append(parent)
            parent = self._values[field][parent].parent

    def _check_known(self, key: str, answers: Mapping[str, str]) -> None:
        for field, value in answers.items():
            if field not in self._values or value not in self._values[field]:
                raise self._fault(f"{key}: there is no value '{value}' of field '{field}'")

    def _index(self, field: str) -> dict[str, dict[str, str]]:
        """word key -> language -> value id."""
        index: dict[str, dict[str, str]] = defaultdict(dict)
        for value in self._values[field].values():
            for language, word in _words_of(value):
                key = _key(word)
                if not key:
                    raise self._fault(f"fields.{field}.{value.id}: '{word}' holds no letters")
                other = index[key].setdefault(language, value.id)
                if other != value.id:
                    raise self._fault(f"fields.{field}: '{word}' ({language}) means both '{other}' and '{value.id}'")
        return dict(index)

    @cached_property
    def _longest(self) -> dict[str, int]:
        """Most tokens a phrase of each field may span."""
        return {
            field: max(len(_BREAKS.split(word)) for value in values.values() for _, word in _words_of(value)) + 1
            for field, values in self._values.items()
        }

    @cached_property
    def _cjk(self) -> dict[str, list[tuple[str, dict[str, str]]]]:
        return {
            field: sorted(
                ((k, v) for k, v in index.items() if _CJK.search(k)), key=lambda item: (-len(item[0]), item[0])
            )
            for field, index in self._words.items()
        }

    def _fault(self, what: str) -> SettingsError:
        return SettingsError(what, where=self.where)


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """A shipped taxonomy by name, or any YAML file by path. Raises SettingsError naming the line or key at fault."""
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = SHIPPED / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(shipped())
        raise SettingsError(f"there is no taxonomy '{name_or_path}'", expected=f"a YAML file, or one of {known}")
    return Taxonomy(parse_settings(TaxonomyFile, read_yaml(path), path.name), path.name)


def shipped() -> list[str]:
    """Names of the taxonomies that come with Modiste."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def _words_of(value: Value) -> Iterator[tuple[str, str]]:
    yield _OWN, value.id
    if value.label:
        yield _OWN, value.label
    for language, words in value.synonyms.items():
        for word in words:
            yield language, word


def _key(word: str) -> str:
    """What two spellings of one phrase share: no case, accents, hyphens, spaces or plural -s; CJK is left as it is."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "".join(_singular(token) for token in _BREAKS.split(plain) if token)


def _singular(token: str) -> str:
    if len(token) > 4 and token.endswith("ies"):
        return token[:-3] + "y"
    if token.endswith(("sses", "shes", "ches", "xes")):
        return token[:-2]
    return token[:-1] if len(token) > 3 and token.endswith("s") and not token.endswith("ss") else token


def _only(languages: Mapping[str, str], language: str | None) -> str | None:
    if language is not None:
        return languages.get(language)
    return next(iter(languages.values())) if len(set(languages.values())) == 1 else None


def _windows(tokens: int, longest: int) -> Iterator[tuple[int, int]]:
    for width in range(min(longest, tokens), 0, -1):
        for first in range(tokens - width + 1):
            yield first, first + width


def _take(taken: list[tuple[int, int, str]], start: int, end: int, value: str) -> None:
    if all(end <= other_start or start >= other_end for other_start, other_end, _ in taken):
        taken.append((start, end, value))
