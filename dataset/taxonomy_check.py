"""Is a taxonomy sound? Every fault at once, so that a file is mended in one go.

In: a `TaxonomyFile`. Out: `Fault`s: errors (cycles, ids that stand twice, parents, conditions or mappings that lead
nowhere, a word with two meanings) make it unusable; warnings (a language without words, a word that means different
values in two languages) are told by `modiste taxonomy check`. Never changes the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dataset.taxonomy_file import LANGUAGES, OWN, SHOP, TaxonomyField, TaxonomyFile
from dataset.taxonomy_words import key_of, words_of


@dataclass(frozen=True)
class Fault:
    """`code` is one of: duplicate-id, circle, parent, reference, ambiguous, empty-word, languages-differ, language."""

    level: Literal["error", "warning"]
    code: str
    where: str
    what: str

    def line(self) -> str:
        return f"{self.level}: {self.where}: {self.what}"


def errors(file: TaxonomyFile) -> list[Fault]:
    """What makes the taxonomy unusable."""
    found: list[Fault] = []
    for name, field in file.fields.items():
        found += _ids(name, field)
        found += _parents(name, field)
        found += _words(name, field)
    return [*found, *_references(file), *_conditions(file)]


def warnings(file: TaxonomyFile) -> list[Fault]:
    """What is worth mending: words whose meaning depends on the language, and values without words in one."""
    found: list[Fault] = []
    for name, field in file.fields.items():
        for key, languages in _index(field).items():
            if len({value for values in languages.values() for value in values}) > 1:
                told = ", ".join(f"{language}: {'/'.join(v)}" for language, v in sorted(languages.items()))
                found.append(Fault("warning", "languages-differ", f"fields.{name}", f"'{key}' means {told}"))
        for value in field.values:
            missing = [code for code in LANGUAGES if code != OWN and not value.synonyms.get(code)]
            if missing:
                what = f"no words in {', '.join(missing)}"
                found.append(Fault("warning", "language", f"fields.{name}.{value.id}", what))
    return found


def _ids(name: str, field: TaxonomyField) -> Iterator[Fault]:
    for known, times in Counter(value.id for value in field.values).items():
        if times > 1:
            told = "two values have" if times == 2 else f"{times} values have"
            yield Fault("error", "duplicate-id", f"fields.{name}", f"{told} the id '{known}'")


def _parents(name: str, field: TaxonomyField) -> Iterator[Fault]:
    parents = {value.id: value.parent for value in field.values}
    for value in field.values:
        seen, parent = [value.id], value.parent
        while parent is not None and parent in parents and parent not in seen:
            seen.append(parent)
            parent = parents[parent]
        if parent is not None and parent in seen:
            yield Fault("error", "circle", f"fields.{name}", f"parents go in a circle: {' -> '.join([*seen, parent])}")
        elif parent is not None and len(seen) == 1:
            yield Fault("error", "parent", f"fields.{name}.{value.id}", f"parent '{parent}' is no value")


def _words(name: str, field: TaxonomyField) -> Iterator[Fault]:
    for value in field.values:
        for _, word in words_of(value):
            if not key_of(word):
                yield Fault("error", "empty-word", f"fields.{name}.{value.id}", f"'{word}' holds no letters")
    for key, languages in _index(field).items():
        for language, values in languages.items():
            if len(values) > 1 and key:
                said = " and ".join(f"'{value}'" for value in values)
                yield Fault("error", "ambiguous", f"fields.{name}", f"'{key}' ({language}) means both {said}")


def _index(field: TaxonomyField) -> dict[str, dict[str, list[str]]]:
    """word key -> language -> the values it means, in the file's order."""
    index: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for value in field.values:
        for language, word in words_of(value):
            meant = index[key_of(word)][language]
            if value.id not in meant:
                meant.append(value.id)
    return {key: {code: v for code, v in found.items() if code != SHOP} for key, found in index.items()}


def _references(file: TaxonomyFile) -> Iterator[Fault]:
    for name, field in file.fields.items():
        for other, wanted in field.asked_when.items():
            for word in wanted:
                yield from _known(file, f"fields.{name}.asked_when", {other: word})
        for value in field.values:
            yield from _known(file, f"fields.{name}.{value.id}.implies", value.implies)
    for mapping, labels in file.mappings.items():
        for label, answers in labels.items():
            yield from _known(file, f"mappings.{mapping}.{label}", answers or {})


def _known(file: TaxonomyFile, where: str, answers: Mapping[str, str]) -> Iterator[Fault]:
    for field, value in answers.items():
        if field not in file.fields or all(known.id != value for known in file.fields[field].values):
            yield Fault("error", "reference", where, f"there is no value '{value}' of field '{field}'")


def _conditions(file: TaxonomyFile) -> Iterator[Fault]:
    """A field that is asked only when another is, which is asked only when the first is."""
    for name in file.fields:
        waiting, seen = [(other, [name, other]) for other in file.fields[name].asked_when], set[str]()
        while waiting:
            other, path = waiting.pop()
            if other == name:
                what = f"conditions go in a circle: {' -> '.join(path)}"
                yield Fault("error", "circle", f"fields.{name}.asked_when", what)
                break
            if other not in seen and other in file.fields:
                seen.add(other)
                waiting += [(further, [*path, further]) for further in file.fields[other].asked_when]
