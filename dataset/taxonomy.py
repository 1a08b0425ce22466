"""Taxonomies: which fields there are, which values each may have, and which words mean them, from versioned YAML.

In: the name of a shipped taxonomy (`clothing`, `footwear`), a YAML file, or a workspace (its taxonomy with the words
that its people mapped). Out: a `Taxonomy` that maps shop words and finds values in running text. A word that is not
known maps to None and is left for a person: nothing is ever guessed. 'Not asked' (a hat has no sleeve) is apart from
'no' (a value such as sleeveless): see `asked`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from dataset.errors import SettingsError, UsageError
from dataset.taxonomy_check import errors
from dataset.taxonomy_file import TaxonomyFile, Value, read_file
from dataset.taxonomy_overlay import overlaid, read_overlay
from dataset.taxonomy_words import Lexicon, key_of
from dataset.workspace import Workspace

SHIPPED = Path(__file__).with_name("taxonomies")
SHOP_CATEGORIES = "shop"
_TOLD = 8  # faults named in one error


class Taxonomy:
    """A checked taxonomy. `hash` is the sha256 of its canonical JSON, so a change of one synonym is another
    taxonomy."""

    def __init__(self, file: TaxonomyFile, where: str = "taxonomy") -> None:
        faults = errors(file)
        if faults:
            told = "; ".join(f"{fault.where}: {fault.what}" for fault in faults[:_TOLD])
            more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
            raise SettingsError(told + more, where=where, cure="`modiste taxonomy check` lists every fault")
        self.file, self.where = file, where
        self.name, self.version, self.fields = file.name, file.version, file.fields
        canonical = json.dumps(file.model_dump(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        self.hash = hashlib.sha256(canonical.encode()).hexdigest()
        self._values = {name: {value.id: value for value in field.values} for name, field in self.fields.items()}
        self.lexicon = Lexicon(file)

    @property
    def reference(self) -> str:
        """`name@version#hash`, as written into `labels.taxonomy`."""
        return f"{self.name}@{self.version}#{self.hash[:12]}"

    @property
    def first(self) -> str:
        """The field that says what a thing is: the file's first."""
        return next(iter(self.fields))

    def values(self, field: str) -> list[str]:
        """Value ids in the file's order."""
        return list(self._of(field))

    def map(self, field: str, word: str, language: str | None = None) -> str | None:
        """Value id of a word or short phrase; case, hyphens, accents and plural -s don't matter. None where it is
        not known, or where two languages mean different values by it and `language` does not say which."""
        self._of(field)
        return self.lexicon.map(field, word, language)

    def find(self, field: str, text: str, language: str | None = None) -> list[tuple[str, str]]:
        """(value id, words as in the text) of every mention in running text, in its order. Longer phrases win over
        those inside them ('dress shirt' is no dress); only whole words count, but in Chinese and Japanese any place."""
        self._of(field)
        return [(found.value, found.words) for found in self.lexicon.mentions(text, language, [field])]

    def ancestors(self, field: str, value: str) -> list[str]:
        """The value's parents, nearest first; empty for a root. Raises UsageError for an unknown value."""
        found: list[str] = []
        parent = self.value(field, value).parent
        while parent is not None:
            found.append(parent)
            parent = self._values[field][parent].parent
        return found

    def value(self, field: str, value: str) -> Value:
        """One value as it stands in the file. Raises UsageError for an unknown one."""
        values = self._of(field)
        if value not in values:
            raise UsageError(f"'{value}' is no value of {field}", where=self.where, expected=", ".join(values))
        return values[value]

    def agree(self, field: str, one: str, other: str) -> bool:
        """Whether both may be said of one thing: equal, or one is a kind of the other. Without regard to `multi`."""
        return one == other or one in self.ancestors(field, other) or other in self.ancestors(field, one)

    def implied(self, field: str, value: str) -> dict[str, str]:
        """What follows in other fields from an answer, its parents' included; the nearest says most."""
        found: dict[str, str] = {}
        for known in (value, *self.ancestors(field, value)):
            found = self._values[field][known].implies | found
        return found

    def asked(self, field: str, answers: Mapping[str, str | list[str] | None]) -> bool:
        """Whether `field` is a question at all, given the answers so far; a condition without an answer is not met, one
        of several answers meets it."""
        self._of(field)
        for other, wanted in self.fields[field].asked_when.items():
            answer = answers.get(other) or []
            given = [answer] if isinstance(answer, str) else answer
            if not any({value, *self.ancestors(other, value)} & set(wanted) for value in given):
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

    def from_category(self, word: str) -> tuple[bool, dict[str, str]]:
        """(whether the taxonomy knows this shop category as a whole, what it says: nothing for 'Sale')."""
        known = self._categories
        return key_of(word) in known, known.get(key_of(word)) or {}

    @cached_property
    def _categories(self) -> dict[str, dict[str, str] | None]:
        return {key_of(label): said for label, said in self.file.mappings.get(SHOP_CATEGORIES, {}).items()}

    def _of(self, field: str) -> dict[str, Value]:
        if field not in self._values:
            raise UsageError(f"there is no field '{field}'", where=self.where, expected=", ".join(self._values))
        return self._values[field]


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """A shipped taxonomy by name, or any YAML file by path. Raises SettingsError naming the line or key at fault."""
    path = path_of(name_or_path)
    return Taxonomy(read_file(path), path.name)


def taxonomy_of(ws: Workspace, name: str | None = None) -> Taxonomy:
    """The workspace's taxonomy (or the one named) with the words its people mapped, which change the hash."""
    path = path_of(name or ws.settings.taxonomy, ws.root)
    return Taxonomy(overlaid(read_file(path), read_overlay(ws.root)), path.name)


def path_of(name_or_path: str | Path, root: Path | None = None) -> Path:
    """The YAML file of a shipped name, or a path; a relative path that is not here is looked for below `root`."""
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = SHIPPED / f"{name_or_path}.yaml"
    elif root is not None and not path.is_file():
        path = root / path
    if not path.is_file():
        known = ", ".join(shipped())
        raise SettingsError(f"there is no taxonomy '{name_or_path}'", expected=f"a YAML file, or one of {known}")
    return path


def shipped() -> list[str]:
    """Names of the taxonomies that come with Modiste."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))
